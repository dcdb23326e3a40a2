"""Style packs of a few kilobytes, whole and valid, with random weights from a seed."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from pastiche_daemon.nn.transformer import TransformerNetwork
from pastiche_daemon.packs.archive import write_pack
from pastiche_daemon.packs.manifest import (
    WEIGHTS_NAME,
    Manifest,
    SliderRange,
    StyleEntry,
    TrainingProvenance,
    TransformerArchitecture,
)
from pastiche_daemon.packs.network import network_tensors, spec_of


def write_tiny_pack(
    path: Path,
    *,
    pack_id: str = "tiny",
    styles: Sequence[str] = ("one", "two"),
    seed: int = 0,
    **overrides: Any,
) -> Path:
    """Write a pack with one residual block, 4, 8 and 8 channels wide; ``overrides`` are of fields
    of the manifest. The same arguments give the same file.
    """
    manifest = tiny_manifest(pack_id=pack_id, styles=styles, seed=seed, **overrides)
    write_pack(path, manifest, tiny_files(manifest, seed))
    return path


def tiny_manifest(
    *,
    pack_id: str = "tiny",
    styles: Sequence[str] = ("one", "two"),
    seed: int = 0,
    **overrides: Any,
) -> Manifest:
    """The manifest of a tiny pack, without the hashes of its files."""
    fields: dict[str, Any] = {
        "id": pack_id,
        "version": "1.0.0",
        "display_name": pack_id.title(),
        "description": "Random weights for tests.",
        "least_daemon_version": "0.1.0",
        "architecture": TransformerArchitecture(
            channels=(4, 8, 8),
            residual_blocks=1,
            end_kernel=9,
            upsampling="bilinear",
            norm="conditional_instance",
            padding="reflect",
            output="sigmoid",
        ),
        "value_range": "0..1",
        "gram_normalization": "hw",
        "styles": [
            StyleEntry(
                id=name,
                display_name=name.replace("_", " ").title(),
                artist="Nobody",
                preview=f"previews/{name}.png",
            )
            for name in styles
        ],
        "native_stroke_size": 64,
        "strength": SliderRange(minimum=0.0, maximum=1.0, default=1.0),
        "stroke_size": SliderRange(minimum=0.25, maximum=4.0, default=1.0),
        "license": "CC0-1.0",
        "attribution": "Made by Pastiche's tests.",
        "training": TrainingProvenance(
            command="none: the weights are random",
            photographs=0,
            encoder="none",
            encoder_sha256="0" * 64,
            seed=seed,
            steps=0,
            batch_size=0,
            crop_size=0,
            learning_rate=0.0,
            content_layers={"relu4_2": 1.0},
            style_layers={"relu1_1": 1.0, "relu2_1": 0.5},
            weights={"content": 0.01, "style": 1.0},
            style_sha256={name: hashlib.sha256(name.encode()).hexdigest() for name in styles},
            commit="unknown",
            pastiche_version="0.1.0",
            torch_version="unknown",
            torchvision_version="unknown",
            seconds=0.0,
            date="2026-01-01",
            precision="float32",
        ),
    }
    return Manifest(**{**fields, **overrides})


def tiny_files(manifest: Manifest, seed: int = 0) -> dict[str, bytes]:
    """Random weights and previews for a manifest, by path."""
    files = {WEIGHTS_NAME: network_tensors(tiny_network(manifest, seed))}
    for index, style in enumerate(manifest.styles):
        if style.preview is not None:
            files[style.preview] = tiny_preview(seed + index)
    return files


def tiny_network(manifest: Manifest, seed: int = 0) -> TransformerNetwork:
    """A network as declared, its styles different from each other, in float32."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = TransformerNetwork(spec_of(manifest))
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                if name.endswith("norm.scale"):
                    parameter.uniform_(0.5, 1.5)
                elif name.endswith("norm.shift"):
                    parameter.uniform_(-0.5, 0.5)
    return network.eval()


def tiny_preview(seed: int, side: int = 8) -> bytes:
    """A PNG of one colour."""
    buffer = io.BytesIO()
    color = tuple(hashlib.sha256(str(seed).encode()).digest()[:3])
    Image.new("RGB", (side, side), color).save(buffer, "PNG")
    return buffer.getvalue()
