"""Small pictures and a random-weight encoder, enough to train for a few steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

from pastiche_daemon.nn.encoder import Encoder, encoder_specs


def write_photographs(folder: Path, count: int = 3) -> Path:
    """Smooth pictures of 64 x 48 px."""
    folder.mkdir(parents=True, exist_ok=True)
    for index in range(count):
        rng = np.random.default_rng(index)
        coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8))
        coarse.resize((64, 48), Image.Resampling.BICUBIC).save(folder / f"photo{index}.png")
    return folder


def write_encoder(path: Path) -> Path:
    """Random weights of the quarter-width VGG-19 up to conv5_1, and the unused rest left out."""
    torch.manual_seed(0)
    encoder = Encoder(encoder_specs()["vgg19-quarter"])
    state = {"preprocess.weight": torch.eye(3)[:, :, None, None], "preprocess.bias": torch.zeros(3)}
    for name in encoder.spec.convolutions[:13]:
        conv = encoder.convolution(name)
        # Kaiming's gain keeps the activations' size through the depth.
        weight = torch.nn.init.kaiming_normal_(torch.empty_like(conv.weight))
        state |= {f"{name}.weight": weight, f"{name}.bias": torch.zeros(conv.out_channels)}
    save_file(state, path, metadata={"origin": "random weights for tests"})
    return path


def write_vgg16(path: Path) -> Path:
    """Random weights of VGG-16 up to conv4_3, the last that the literature's losses look at."""
    torch.manual_seed(0)
    encoder = Encoder(encoder_specs()["vgg16"])
    state: dict[str, torch.Tensor] = {}
    for name in encoder.spec.convolutions[:10]:
        conv = encoder.convolution(name)
        weight = torch.nn.init.kaiming_normal_(torch.empty_like(conv.weight))
        state |= {f"{name}.weight": weight, f"{name}.bias": torch.zeros(conv.out_channels)}
    save_file(state, path, metadata={"origin": "random weights for tests"})
    return path


def training_arguments(folder: Path, output: str, *extra: str) -> list[str]:
    """Arguments of ``pastiche train`` for a tiny run in ``folder``, after writing what it needs."""
    if not (folder / "photos").exists():
        write_photographs(folder / "photos")
        write_photographs(folder / "styles", 2)
        write_encoder(folder / "encoder.safetensors")
    return [
        "train",
        *("--photos", str(folder / "photos")),
        *("--style", str(folder / "styles")),
        *("--encoder", "vgg19-quarter"),
        *("--encoder-weights", str(folder / "encoder.safetensors")),
        *("--output", str(folder / output)),
        *("--channels", "4,6,8"),
        *("--blocks", "1"),
        *("--crop", "32"),
        *("--batch-size", "2"),
        *("--style-size", "48"),
        *("--device", "cpu"),
        *extra,
    ]
