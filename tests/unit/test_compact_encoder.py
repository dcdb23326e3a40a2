"""The encoder that is built in: its file says where it is from, and it sees."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from safetensors import safe_open
from torch import Tensor

from pastiche_daemon.encoder_store import BUILT_IN_ENCODERS, DEFAULT_ENCODER
from pastiche_daemon.encoders import load_encoder
from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.pixel_optimizer import PixelOptions
from pastiche_daemon.optimize import OptimizeOptions, OptimizeStep, StyleImage, optimize

STYLE_LAYERS = [f"relu{block}_1" for block in range(1, 6)]


@pytest.fixture(scope="module")
def file() -> Path:
    return BUILT_IN_ENCODERS / f"{DEFAULT_ENCODER}.safetensors"


@pytest.fixture(scope="module")
def encoder(file: Path) -> Encoder:
    return load_encoder(DEFAULT_ENCODER, file).encoder


def picture(name: str, size: int = 192) -> Tensor:
    """The middle of a photograph, 1 x 3 x size x size."""
    pixels = np.asarray(getattr(skimage.data, name)())
    top, left = ((side - size) // 2 for side in pixels.shape[:2])
    part = pixels[top : top + size, left : left + size]
    return torch.from_numpy(part.copy()).permute(2, 0, 1)[None] / 255


def test_the_file_is_small_and_says_how_it_was_made(file):
    assert file.stat().st_size <= 1_000_000
    with safe_open(file, framework="pt") as opened:
        metadata = opened.metadata()
        assert {opened.get_tensor(key).dtype for key in opened.keys()} == {torch.float16}  # noqa: SIM118
    assert "CC BY 4.0" in metadata["licence"]
    assert "MIT" in metadata["licence"]
    provenance = json.loads(metadata["provenance"])
    assert provenance["command"].startswith("pastiche distill-encoder ")
    assert len(provenance["commit"]) == 40
    taught = {layer for teacher in provenance["teachers"] for layer in teacher["layers"]}
    assert taught == {*STYLE_LAYERS, "relu4_2"}
    assert provenance["gram_cosines"].keys() == taught
    assert all(0.95 < cosine <= 1 for cosine in provenance["gram_cosines"].values())


@pytest.mark.parametrize("layer", STYLE_LAYERS)
def test_activations_are_one_in_the_mean(encoder, layer):
    images = torch.cat([picture(name) for name in ("astronaut", "chelsea", "coffee")])
    # These three are not the photographs that the scale was made with.
    assert 0.5 < encoder(images, [layer])[layer].mean().item() < 2


@pytest.mark.parametrize("layer", ["conv1_1", "conv2_1", "conv2_2", "conv4_2", "conv4_3"])
def test_before_their_relus_its_features_are_of_the_size_of_those_behind(encoder, layer):
    # Channels that never fire had hidden numbers in the thousands there.
    images = torch.cat([picture(name) for name in ("astronaut", "chelsea", "coffee")])
    assert encoder(images, [layer])[layer].square().mean().sqrt().item() < 40


def test_it_paints_one_photograph_in_the_manner_of_another(encoder):
    content, style = picture("chelsea", 128), picture("coffee", 128).flip(1)  # blue coffee
    losses: list[float] = []

    def seen(step: OptimizeStep) -> bool:
        losses.append(step.losses.total.item())
        return True

    options = OptimizeOptions(pixels=PixelOptions("adam", steps=60), scales=1)
    found = optimize(encoder, content[0], [StyleImage(style[0])], options, seen)
    assert found.total < 0.6 * losses[0]
    grey, before = found.color.mean(dim=0).flatten(), content[0].mean(dim=0).flatten()
    assert torch.corrcoef(torch.stack([grey, before]))[0, 1] > 0.3
