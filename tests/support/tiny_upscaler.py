"""Packs that upscale, of a few kilobytes, whole and valid, with random weights from a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from pastiche_daemon.nn.upscaler import UpscalerNetwork
from pastiche_daemon.packs.archive import write_pack
from pastiche_daemon.packs.manifest import (
    WEIGHTS_NAME,
    TrainingProvenance,
    UpscalerArchitecture,
    UpscalerManifest,
)
from pastiche_daemon.packs.network import network_tensors, upscaler_spec_of


def tiny_architecture(factor: Any = 2, **switches: Any) -> UpscalerArchitecture:
    """One residual block, 4 channels wide."""
    values: dict[str, Any] = {
        "channels": (4,) * int(factor).bit_length(),
        "residual_blocks": 1,
        "end_kernel": 3,
        "upsampling": "bilinear",
        "norm": "none",
        "padding": "reflect",
        "output": "residual",
    }
    return UpscalerArchitecture(factor=factor, **{**values, **switches})


def tiny_upscaler_manifest(
    *, pack_id: str = "tiny2", architecture: UpscalerArchitecture | None = None, **overrides: Any
) -> UpscalerManifest:
    """The manifest of a tiny pack that doubles, without the hashes of its files."""
    fields: dict[str, Any] = {
        "id": pack_id,
        "version": "1.0.0",
        "display_name": pack_id.title(),
        "least_daemon_version": "0.1.0",
        "architecture": architecture or tiny_architecture(),
        "license": "CC0-1.0",
        "training": TrainingProvenance(
            command="none: the weights are random",
            photographs=0,
            encoder="none",
            encoder_sha256="0" * 64,
            seed=0,
            steps=0,
            batch_size=0,
            crop_size=0,
            learning_rate=0.0,
            content_layers={"relu2_2": 1.0},
            style_layers={},
            weights={"feature": 1.0},
            commit="unknown",
            pastiche_version="0.1.0",
            torch_version="unknown",
            torchvision_version="unknown",
            seconds=0.0,
            date="2026-01-01",
            precision="float32",
        ),
    }
    return UpscalerManifest(**{**fields, **overrides})


def random_upscaler(manifest: UpscalerManifest, seed: int = 0) -> UpscalerNetwork:
    """A network as declared, in float32, that visibly changes what bicubic interpolation gives."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = UpscalerNetwork(upscaler_spec_of(manifest))
        with torch.no_grad():
            network.last.conv.weight.normal_(0, 0.1)
    return network.eval().requires_grad_(requires_grad=False)


def write_tiny_upscaler(path: Path, *, seed: int = 0, **overrides: Any) -> Path:
    """Write such a pack; the same arguments give the same file."""
    manifest = tiny_upscaler_manifest(**overrides)
    weights = network_tensors(random_upscaler(manifest, seed))
    write_pack(path, manifest, {WEIGHTS_NAME: weights})
    return path
