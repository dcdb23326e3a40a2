"""The encoders that are on this computer: the built-in one, and those that the user has added.

Knowing the store does not load torch; looking an encoder up does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pastiche_client.paths import DataPaths

if TYPE_CHECKING:
    from pastiche_daemon.nn.encoder import EncoderSpec

DEFAULT_ENCODER = "compact"
BUILT_IN_ENCODERS = Path(__file__).with_name("encoders_builtin")
_FETCHABLE = frozenset({"vgg11", "vgg13", "vgg16", "vgg19"})


def added_encoders(paths: DataPaths) -> Path:
    """The folder of the encoders that the user has added; it need not exist."""
    return paths.root / "encoders"


@dataclass(frozen=True)
class EncoderFile:
    """An encoder that is there. ``spec`` is the part of it that the weights file has."""

    name: str
    path: Path
    spec: EncoderSpec
    built_in: bool


class EncoderStore:
    """Finds weights files ``NAME.safetensors`` in a built-in folder and in the user's."""

    def __init__(self, built_in: Path, added: Path) -> None:
        self._built_in = built_in
        self.added = added

    @classmethod
    def of(cls, paths: DataPaths) -> EncoderStore:
        """The store of a data folder."""
        return cls(BUILT_IN_ENCODERS, added_encoders(paths))

    def path_for(self, name: str) -> Path:
        """Where weights of that name are to be added. Raises `UnknownEncoderError`."""
        _spec(name)
        return self.added / f"{name}.safetensors"

    def find(self, name: str) -> EncoderFile:
        """The encoder of that name; the user's own weights go before built-in ones.

        Reads no more than the file's table of contents. Raises `UnknownEncoderError`,
        `MissingEncoderError`, and `EncoderFileError` for a damaged file.
        """
        spec = _spec(name)
        for folder in (self.added, self._built_in):
            path = folder / f"{name}.safetensors"
            if path.is_file():
                return EncoderFile(name, path, _part_of(spec, path), folder == self._built_in)
        from pastiche_daemon.encoders import MissingEncoderError

        raise MissingEncoderError(_how_to_get(name))

    def names(self) -> Sequence[str]:
        """All encoders that Pastiche knows, there or not, the default one first."""
        from pastiche_daemon.nn.encoder import encoder_specs

        return sorted(encoder_specs(), key=lambda name: (name != DEFAULT_ENCODER, name))


def _spec(name: str) -> EncoderSpec:
    from pastiche_daemon.encoders import unknown_encoder
    from pastiche_daemon.nn.encoder import encoder_specs

    specs = encoder_specs()
    if name not in specs:
        raise unknown_encoder(name)
    return specs[name]


def _part_of(spec: EncoderSpec, path: Path) -> EncoderSpec:
    from safetensors import SafetensorError, safe_open

    from pastiche_daemon.encoders import EncoderFileError
    from pastiche_daemon.nn.encoder import spec_within

    try:
        with safe_open(path, framework="np") as file:
            return spec_within(spec, frozenset(file.keys()))
    except (SafetensorError, OSError, ValueError) as error:
        raise EncoderFileError(f"encoder weights: {path} cannot be used: {error}") from error


def _how_to_get(name: str) -> str:
    if name == DEFAULT_ENCODER:
        return (
            f"the built-in encoder {name!r} is missing from this installation; install Pastiche "
            f"again, or choose an encoder that you have added"
        )
    missing = f"the weights of the encoder {name!r} are not on this computer"
    if name in _FETCHABLE:
        return f"{missing}; get them with `pastiche encoders fetch {name}`"
    return f"{missing}; add them with `pastiche encoders add {name} FILE`"
