"""Every architecture paints what it painted when its golden picture was made.

`tools/make_golden_pictures.py` makes them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pastiche_daemon.nn.runtime import prepare_for_inference, prepare_image
from pastiche_daemon.photographs import tensor_picture
from tests.support.architectures import ARCHITECTURES, picture, seeded_network, small

GOLDEN = Path(__file__).parent / "golden"


def painted(name: str, precision: str = "float32") -> np.ndarray:
    network = prepare_for_inference(
        seeded_network(small(name)),
        torch.device("cpu"),
        precision,  # pyright: ignore[reportArgumentType]
    )
    mix = torch.full((1, network.spec.styles), 1 / network.spec.styles)
    with torch.no_grad():
        pastiche = network(prepare_image(network, picture()), mix)
    return np.asarray(tensor_picture(pastiche[0].float())).astype(int)


def golden(name: str) -> np.ndarray:
    with Image.open(GOLDEN / f"{name}.png") as file:
        return np.asarray(file.convert("RGB")).astype(int)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_paints_its_golden_picture(name):
    # One level: sums may be rounded in another order on another processor.
    assert np.abs(painted(name) - golden(name)).max() <= 1


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_paints_it_in_half_precision(name):
    error = (painted(name, "bfloat16") - golden(name)) / 255
    assert -10 * np.log10(np.square(error).mean()) > 34


def test_there_is_a_golden_picture_of_every_architecture_and_all_differ():
    assert sorted(path.stem for path in GOLDEN.glob("*.png")) == sorted(ARCHITECTURES)
    # With one style, instance norm is conditional instance norm.
    names = [name for name in ARCHITECTURES if name != "ulyanov"]
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            assert np.abs(golden(first) - golden(second)).mean() > 2, (first, second)
