"""Every upscaling architecture gives what it gave when its golden picture was made.

So does the built-in pack. `tools/make_golden_pictures.py` makes the pictures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pastiche_daemon.nn.runtime import prepare_for_inference
from pastiche_daemon.nn.upscaler import UpscalerNetwork
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_upscaler
from pastiche_daemon.packs.store import BUILT_IN_FOLDER
from pastiche_daemon.photographs import tensor_picture
from tests.support.architectures import picture
from tests.support.upscaler_architectures import UPSCALERS, seeded_upscaler

GOLDEN = Path(__file__).parent / "golden_upscaled"
NAMES = [*UPSCALERS, "fourfold"]


def network_of(name: str) -> UpscalerNetwork:
    if name == "fourfold":
        return load_upscaler(read_pack(BUILT_IN_FOLDER / "fourfold.pastiche"))
    return seeded_upscaler(UPSCALERS[name])


def upscaled(name: str, precision: str = "float32") -> np.ndarray:
    network = prepare_for_inference(
        network_of(name),
        torch.device("cpu"),
        precision,  # pyright: ignore[reportArgumentType]
    )
    with torch.no_grad():
        result = network(picture(15, 13))
    return np.asarray(tensor_picture(result[0])).astype(int)


def golden(name: str) -> np.ndarray:
    with Image.open(GOLDEN / f"{name}.png") as file:
        return np.asarray(file.convert("RGB")).astype(int)


@pytest.mark.parametrize("name", NAMES)
def test_it_gives_its_golden_picture(name):
    # One level: sums may be rounded in another order on another processor.
    assert np.abs(upscaled(name) - golden(name)).max() <= 1


@pytest.mark.parametrize("name", NAMES)
def test_it_gives_it_in_half_precision(name):
    error = (upscaled(name, "bfloat16") - golden(name)) / 255
    assert -10 * np.log10(np.square(error).mean()) > 34


def test_no_golden_picture_is_bicubic_interpolation():
    image = picture(15, 13)
    for name in NAMES:
        factor = golden(name).shape[0] // 15
        plain = torch.nn.functional.interpolate(image, scale_factor=factor, mode="bicubic")
        difference = golden(name) - np.asarray(tensor_picture(plain[0])).astype(int)
        assert np.abs(difference).mean() > 1, name
