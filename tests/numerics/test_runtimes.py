"""Every runtime paints every built-in style as plain eager float32 does.

`pastiche bench forward --all-styles` holds larger pictures to the same bounds.
"""

from __future__ import annotations

import pytest
import torch

from pastiche_daemon.bench.plain_network import PlainNetwork
from pastiche_daemon.learn_run import BUILT_IN_PHOTOGRAPHS
from pastiche_daemon.nn.runtime import Runtime, prepare_for_inference
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_network
from pastiche_daemon.packs.store import BUILT_IN_FOLDER
from pastiche_daemon.photographs import load_picture, picture_tensor
from pastiche_daemon.stylize import LayerTensors, StylizeOptions, stylize

_SIDE = 192
_THERE = {
    "cpu": lambda: True,
    "cuda": torch.cuda.is_available,
    "mps": torch.backends.mps.is_available,
}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu), "mps"])
def test_every_built_in_style_is_the_picture_of_eager_float32(device, precision):
    if not _THERE[device]():
        pytest.skip(f"torch finds no {device} here")
    network = load_network(read_pack(BUILT_IN_FOLDER / "masters.pastiche"))
    runtime = Runtime(torch.device(device), precision, "")
    ready = prepare_for_inference(network, runtime.device, runtime.precision)
    picture = load_picture(BUILT_IN_PHOTOGRAPHS / "coffee.jpg").resize((_SIDE, _SIDE))
    image = picture_tensor(picture).contiguous()
    styles = torch.eye(network.spec.styles).tolist()
    for number, mix in enumerate(styles):
        wanted = PlainNetwork(network, number)(image)[0]
        options = StylizeOptions(tuple(mix))
        made = stylize(ready, LayerTensors(image[0]), options, lambda _: None).color
        difference = made - wanted
        psnr = -10 * torch.log10(difference.square().mean()).item()
        if precision == "float32":
            assert difference.abs().max() <= 1 / 255, number
        else:
            assert psnr >= 45, (number, psnr)
    assert len(styles) > 1
