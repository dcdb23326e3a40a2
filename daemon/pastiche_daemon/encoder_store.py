"""The encoders that are on this computer: the built-in one, and those that the user has added.

The VGG networks are what losses are taken of; with the Inception networks one can only dream.

Knowing the store does not load torch; looking an encoder up does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pastiche_client.paths import DataPaths

if TYPE_CHECKING:
    from pastiche_daemon.nn.encoder import EncoderSpec
    from pastiche_daemon.nn.inception import InceptionSpec

DEFAULT_ENCODER = "compact"
BUILT_IN_ENCODERS = Path(__file__).with_name("encoders_builtin")
# In the metadata of a weights file: where it was fetched from.
FETCHED_KEY = "fetched_from"
_FETCHABLE = frozenset({"vgg11", "vgg13", "vgg16", "vgg19", "googlenet", "inception_v3"})
_LABELS = {
    "compact": "Compact",
    "vgg11": "VGG-11",
    "vgg13": "VGG-13",
    "vgg16": "VGG-16",
    "vgg19": "VGG-19",
    "vgg19-quarter": "VGG-19, quarter width",
    "googlenet": "GoogLeNet",
    "inception_v3": "Inception v3",
}

Source = Literal["built-in", "added", "fetched"]


def added_encoders(paths: DataPaths) -> Path:
    """The folder of the encoders that the user has added; it need not exist."""
    return paths.root / "encoders"


@dataclass(frozen=True)
class NetworkFile:
    """A network that is there. ``layers`` are those that the weights file has."""

    name: str
    path: Path
    layers: tuple[str, ...]
    source: Source


@dataclass(frozen=True)
class EncoderFile(NetworkFile):
    """A VGG network that is there. ``spec`` is the part of it that the weights file has."""

    spec: EncoderSpec


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
        self.layers(name)
        return self.added / f"{name}.safetensors"

    def find(self, name: str) -> EncoderFile:
        """The VGG network of that name; the user's own weights go before built-in ones.

        Reads no more than the file's table of contents. Raises `UnknownEncoderError`,
        `MissingEncoderError`, and `EncoderFileError` for a damaged file.
        """
        from pastiche_daemon.encoders import unknown_encoder
        from pastiche_daemon.nn.encoder import encoder_specs

        if name not in encoder_specs():
            raise unknown_encoder(name)
        found = self.find_network(name)
        assert isinstance(found, EncoderFile)
        return found

    def find_network(self, name: str) -> NetworkFile:
        """As `find`, the Inception networks included."""
        from pastiche_daemon.encoders import MissingEncoderError

        spec = _spec(name)
        for folder in (self.added, self._built_in):
            path = folder / f"{name}.safetensors"
            if path.is_file():
                return _read_contents(spec, path, built_in=folder == self._built_in)
        raise MissingEncoderError(_how_to_get(name))

    def names(self) -> Sequence[str]:
        """All networks that Pastiche knows, there or not, the default one first."""
        from pastiche_daemon.nn.encoder import encoder_specs
        from pastiche_daemon.nn.inception import inception_specs

        encoders = sorted(encoder_specs(), key=lambda name: (name != DEFAULT_ENCODER, name))
        return [*encoders, *inception_specs()]

    def only_dreams(self, name: str) -> bool:
        """Whether no loss can be taken of that network."""
        from pastiche_daemon.nn.inception import inception_specs

        return name in inception_specs()

    def layers(self, name: str) -> tuple[str, ...]:
        """All layers of the network of that name, there or not. Raises `UnknownEncoderError`."""
        return _spec(name).layers

    def label(self, name: str) -> str:
        """What people call a network."""
        return _LABELS.get(name, name)


def _spec(name: str) -> EncoderSpec | InceptionSpec:
    from pastiche_daemon.encoders import unknown_network
    from pastiche_daemon.nn.encoder import encoder_specs
    from pastiche_daemon.nn.inception import inception_specs

    spec = encoder_specs().get(name) or inception_specs().get(name)
    if spec is None:
        raise unknown_network(name)
    return spec


def _read_contents(spec: EncoderSpec | InceptionSpec, path: Path, *, built_in: bool) -> NetworkFile:
    from safetensors import SafetensorError, safe_open

    from pastiche_daemon.encoders import EncoderFileError
    from pastiche_daemon.nn.encoder import EncoderSpec, spec_within
    from pastiche_daemon.nn.inception import check_inception_keys

    try:
        with safe_open(path, framework="np") as file:
            keys = frozenset(file.keys())
            fetched = FETCHED_KEY in (file.metadata() or {})
        source: Source = "built-in" if built_in else "fetched" if fetched else "added"
        if isinstance(spec, EncoderSpec):
            part = spec_within(spec, keys)
            return EncoderFile(spec.name, path, part.layers, source, part)
        check_inception_keys(spec, keys)
        return NetworkFile(spec.name, path, spec.layers, source)
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
