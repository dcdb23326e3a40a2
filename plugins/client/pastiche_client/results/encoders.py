"""The daemon's encoders."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pastiche.v1 import encoders_pb2


class EncoderState(IntEnum):
    """Whether and whence an encoder is there. The values are those of the API."""

    UNSPECIFIED = 0
    BUILT_IN = 1
    ADDED = 2
    FETCHED = 3
    MISSING = 4
    DAMAGED = 5


@dataclass(frozen=True)
class Encoder:
    """A network that the daemon knows. `name` is `encoders/{encoder}`.

    `layers` are those of its weights, from the input on; where these are missing or damaged, those
    that it would have, and `trouble` is a sentence for the user. `only_dreams`: `Client.dream` can
    use it, `Client.optimize` cannot.
    """

    name: str
    display_name: str
    state: EncoderState
    layers: tuple[str, ...] = field(repr=False)
    size_bytes: int
    trouble: str
    only_dreams: bool = False

    @property
    def id(self) -> str:
        """How requests choose it, such as `vgg19`."""
        return self.name.removeprefix("encoders/")

    @property
    def usable(self) -> bool:
        """Whether it is on the daemon's computer and whole."""
        return self.state in {EncoderState.BUILT_IN, EncoderState.ADDED, EncoderState.FETCHED}

    @staticmethod
    def of(message: encoders_pb2.Encoder) -> Encoder:
        known = message.state in set(EncoderState)
        return Encoder(
            name=message.name,
            display_name=message.display_name,
            state=EncoderState(message.state) if known else EncoderState.UNSPECIFIED,
            layers=tuple(message.layers),
            size_bytes=message.size_bytes,
            trouble=message.trouble,
            only_dreams=message.only_dreams,
        )
