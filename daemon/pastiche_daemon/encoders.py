"""Encoders from weights files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Generic, TypeVar

import torch
from pydantic import Field, TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pastiche_daemon.nn.encoder import (
    Encoder,
    Pooling,
    Preprocessing,
    encoder_from_state,
    encoder_specs,
)
from pastiche_daemon.nn.inception import (
    FeatureNetwork,
    InceptionEncoder,
    inception_from_state,
    inception_specs,
)

N = TypeVar("N", bound=FeatureNetwork, covariant=True)

CHANNELS_KEY = "channels"
"""In a file's metadata: the width of every convolution, a list per block, as JSON."""
# No more than VGG-19 has.
_Width = Annotated[int, Field(ge=1, le=512)]
_Block = Annotated[tuple[_Width, ...], Field(min_length=1, max_length=4)]
_BLOCKS: TypeAdapter[tuple[tuple[int, ...], ...]] = TypeAdapter(
    Annotated[tuple[_Block, ...], Field(min_length=1, max_length=5)]
)


class EncoderFileError(ValueError):
    """A weights file that is missing, unreadable or of another network."""


class UnknownEncoderError(EncoderFileError):
    """There is no encoder of that name; the message lists those that there are."""


class MissingEncoderError(EncoderFileError):
    """The encoder's weights are not on this computer; the message says how to get them."""


def unknown_encoder(name: str) -> UnknownEncoderError:
    """What to raise for a name that is no VGG network's."""
    known = ", ".join(encoder_specs())
    if name in inception_specs():
        return UnknownEncoderError(f"encoder: {name} is only for dreams; choose one of {known}")
    return UnknownEncoderError(f"encoder: there is no {name!r}; choose one of {known}")


def unknown_network(name: str) -> UnknownEncoderError:
    """What to raise for a name that is no network's."""
    known = ", ".join([*encoder_specs(), *inception_specs()])
    return UnknownEncoderError(f"encoder: there is no {name!r}; choose one of {known}")


@dataclass(frozen=True)
class LoadedEncoder(Generic[N]):
    """An encoder and where its weights come from."""

    encoder: N
    name: str
    sha256: str
    origin: str


def load_encoder(
    name: str,
    path: Path,
    *,
    preprocessing: Preprocessing | None = None,
    pooling: Pooling | None = None,
) -> LoadedEncoder[Encoder]:
    """Load the VGG network ``name`` from ``path``, a safetensors file or a torch state dict.

    State dicts are read with torch's allow-list of types; no code in them runs. ``preprocessing``
    defaults to what the file's metadata says (an ``input`` entry that mentions 0..255 means
    Caffe's), else to the encoder's own; so do the widths (``channels``, a list per block). Raises
    `EncoderFileError`, naming the file.
    """
    specs = encoder_specs()
    if name not in specs:
        raise unknown_encoder(name)
    spec = specs[name]
    state, metadata = _read(path)
    if preprocessing is None and spec.preprocessing != "learned":
        preprocessing = "caffe" if "0..255" in metadata.get("input", "") else spec.preprocessing
    spec = replace(
        spec,
        blocks=_declared_blocks(metadata, path) or spec.blocks,
        preprocessing=preprocessing or spec.preprocessing,
        pooling=pooling or spec.pooling,
    )
    try:
        encoder = encoder_from_state(spec, state)
    except ValueError as error:
        raise EncoderFileError(f"encoder weights: {path}: {error}") from error
    return LoadedEncoder(encoder, name, _digest(path), metadata.get("origin", ""))


def _declared_blocks(metadata: Mapping[str, str], path: Path) -> tuple[tuple[int, ...], ...] | None:
    """The widths that a file says it has, of a network of ours whose channels were trimmed."""
    told = metadata.get(CHANNELS_KEY)
    if told is None:
        return None
    try:
        return _BLOCKS.validate_json(told)
    except ValidationError as error:
        raise EncoderFileError(
            f"encoder weights: {path}: {CHANNELS_KEY} is no list of channels per block"
        ) from error


def load_network(
    name: str, path: Path, *, pooling: Pooling | None = None
) -> LoadedEncoder[FeatureNetwork]:
    """As `load_encoder`, the Inception networks included. These have their own ``pooling``."""
    specs = inception_specs()
    if name not in specs:
        if name not in encoder_specs():
            raise unknown_network(name)
        return load_encoder(name, path, pooling=pooling)
    state, metadata = _read(path)
    try:
        network: InceptionEncoder = inception_from_state(specs[name], state)
    except ValueError as error:
        raise EncoderFileError(f"encoder weights: {path}: {error}") from error
    return LoadedEncoder(network, name, _digest(path), metadata.get("origin", ""))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if not path.is_file():
        raise EncoderFileError(f"encoder weights: {path} does not exist")
    if path.suffix == ".safetensors":
        try:
            with safe_open(path, framework="pt") as file:
                state = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
                return state, dict(file.metadata() or {})
        except (SafetensorError, OSError) as error:
            raise EncoderFileError(f"encoder weights: {path} cannot be read: {error}") from error
    try:
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise EncoderFileError(f"encoder weights: {path} cannot be read: {error}") from error
    if not isinstance(loaded, dict) or not all(isinstance(v, Tensor) for v in loaded.values()):
        raise EncoderFileError(f"encoder weights: {path} is not a state dict of tensors")
    return {str(key): value for key, value in loaded.items()}, {}
