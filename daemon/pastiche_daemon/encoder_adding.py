"""Adding encoders to the user's data folder, from files and from torchvision's servers."""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import ssl
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor
from torchvision.models import get_model_weights

from pastiche_daemon.encoder_store import FETCHED_KEY, EncoderStore
from pastiche_daemon.encoders import (
    CHANNELS_KEY,
    EncoderFileError,
    load_encoder,
    load_network,
)
from pastiche_daemon.nn.encoder import Encoder, Preprocessing, encoder_specs
from pastiche_daemon.nn.inception import InceptionEncoder
from pastiche_daemon.nn.mean_activation import scale_to_mean_activation
from pastiche_daemon.packs.files import part_file
from pastiche_daemon.photographs import RandomCrops, find_photographs

_BLOCK = 2**20
_TIMEOUT_SECONDS = 30.0
# Enough crops for means that hardly change any more.
_SCALING_CROP, _SCALING_BATCH, _SCALING_STEPS = 224, 4, 25
_NETWORK_ERRORS = (
    urllib.error.URLError,
    http.client.HTTPException,
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
)
_SCHEMES = {"http", "https"}
# torch's convention: the name of a file ends in the beginning of its SHA-256.
_DIGEST = re.compile(r"-([0-9a-f]{8,64})\.pth$")


class FetchError(Exception):
    """Weights could not be fetched; the message says why and what to do."""


@dataclass(frozen=True)
class EncoderSource:
    """Where weights are. ``sha256`` is the beginning of the file's digest in hexadecimal."""

    url: str
    sha256: str


def source_of(name: str) -> EncoderSource:
    """torchvision's ImageNet weights of an encoder. Raises `FetchError`."""
    try:
        url = str(get_model_weights(name)["IMAGENET1K_V1"].url)
    except (ValueError, KeyError) as error:
        raise FetchError(
            f"torchvision has no weights of {name!r}; add a file with "
            f"`pastiche encoders add {name} FILE`"
        ) from error
    found = _DIGEST.search(url)
    if found is None:
        raise FetchError(f"{url} says nothing of its digest; it was not fetched")
    return EncoderSource(url, found.group(1))


def fetch_encoder(
    store: EncoderStore,
    name: str,
    source: EncoderSource,
    on_progress: Callable[[int, int | None], None],
) -> Path:
    """Fetch weights, check their digest, and add them to the store; returns the new file.

    ``on_progress`` gets the bytes so far and, where it is known, in all. Nothing is left behind
    where it fails. Raises `FetchError`, `EncoderFileError` and `packs.errors.StorageError`.
    """
    if urllib.parse.urlsplit(source.url).scheme not in _SCHEMES:
        raise FetchError(f"{source.url} is no address of a web server")
    store.added.mkdir(parents=True, exist_ok=True)
    with part_file(store.added / f"{name}.pth") as part:
        digest = hashlib.sha256()
        try:
            with urllib.request.urlopen(source.url, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - checked above
                length = answer.headers.get("Content-Length")
                total = int(length) if length else None
                done = 0
                while block := answer.read(_BLOCK):
                    digest.update(block)
                    part.file.write(block)
                    done += len(block)
                    on_progress(done, total)
        except _NETWORK_ERRORS as error:
            raise FetchError(
                f"{source.url} cannot be fetched ({_reason(error)}); check the connection and try "
                f"again, or fetch it yourself and use `pastiche encoders add {name} FILE`"
            ) from error
        part.finish()
        if total is not None and done < total:
            raise FetchError(f"{source.url}: only {done} of {total} bytes came; try again")
        if not digest.hexdigest().startswith(source.sha256):
            raise FetchError(
                f"{source.url}: its checksum is wrong: SHA-256 begins with "
                f"{digest.hexdigest()[: len(source.sha256)]}, not {source.sha256}. It was thrown "
                "away; try again"
            )
        return add_encoder(store, name, part.path, fetched_from=source.url)


def add_encoder(
    store: EncoderStore,
    name: str,
    file: Path,
    *,
    preprocessing: Preprocessing | None = None,
    bgr: bool = False,
    fetched_from: str = "",
    photographs: Path | None = None,
) -> Path:
    """Check a weights file and put its convolutions into the store; returns the new file.

    ``fetched_from`` is the address of a file that was fetched. ``file`` and ``preprocessing`` are
    as in `encoders.load_encoder`. ``bgr`` says that the first convolution takes blue first, as
    Caffe's do, and as they stay in files that were converted plainly. ``photographs`` is a folder
    over whose pictures the weights are scaled to a mean activation of 1 (see
    `nn.mean_activation`). What was there of that name is replaced. Raises `EncoderFileError`,
    `photographs.PictureError` and `packs.errors.StorageError`.
    """
    target = store.path_for(name)
    if store.only_dreams(name):
        if preprocessing is not None or photographs is not None or bgr:
            raise EncoderFileError(f"encoder weights: {name} has an input and a scale of its own")
        loaded = load_network(name, file)
    else:
        loaded = load_encoder(name, file, preprocessing=preprocessing)
    encoder = loaded.encoder
    if bgr and isinstance(encoder, Encoder):
        first = encoder.convolution("conv1_1").weight
        with torch.no_grad():
            first.copy_(first.flip(1))
    if photographs is not None and isinstance(encoder, Encoder):
        encoder = _scaled(encoder, photographs)
    state = _inception_state(encoder) if isinstance(encoder, InceptionEncoder) else _state(encoder)
    metadata = {
        "encoder": name,
        "origin": fetched_from or loaded.origin or file.name,
        "source_sha256": loaded.sha256,
    }
    if fetched_from:
        metadata[FETCHED_KEY] = fetched_from
    if photographs is not None:
        metadata["scaled"] = "to a mean activation of 1 in every channel"
    if isinstance(encoder, Encoder) and encoder.spec.blocks != encoder_specs()[name].blocks:
        metadata[CHANNELS_KEY] = json.dumps(encoder.spec.blocks)
    if isinstance(encoder, Encoder) and encoder.spec.preprocessing == "caffe":
        metadata["input"] = "RGB 0..255 minus the mean"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EncoderFileError(f"{target.parent}: {error.strerror or error}") from error
    with part_file(target) as part:
        part.file.write(save(state, metadata=metadata))
        part.finish()
        part.move_to(target)
    return target


def _state(encoder: Encoder) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {
        f"{conv}.{suffix}": getattr(encoder.convolution(conv), suffix).contiguous()
        for conv in encoder.spec.convolutions
        for suffix in ("weight", "bias")
    }
    if encoder.spec.preprocessing == "learned":
        state |= {
            f"preprocess.{key}": value for key, value in encoder.preprocess.named_parameters()
        }
    return state


def _inception_state(network: InceptionEncoder) -> dict[str, Tensor]:
    return {key: value.contiguous() for key, value in network.stages.state_dict().items()}


def _scaled(encoder: Encoder, folder: Path) -> Encoder:
    crops = RandomCrops(find_photographs(folder).paths, _SCALING_CROP, seed=0)
    batches = (crops.batch(step, _SCALING_BATCH) for step in range(_SCALING_STEPS))
    return scale_to_mean_activation(encoder, batches).encoder


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", "") or error or type(error).__name__)
