"""A picture is seen in more than the eight bits of half precision."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by

from pastiche_daemon.learn_run import BUILT_IN_PHOTOGRAPHS
from pastiche_daemon.nn.runtime import prepare_for_inference, prepare_image
from pastiche_daemon.nn.split_precision import split
from pastiche_daemon.nn.streaming import stream
from pastiche_daemon.nn.width_folding import conv2d
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_network
from pastiche_daemon.packs.store import BUILT_IN_FOLDER
from pastiche_daemon.photographs import load_picture, picture_tensor


def test_the_halves_are_sixteen_bits_of_the_picture():
    x = torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(0))
    weight = torch.ones(4, 3, 3, 3, dtype=torch.bfloat16)
    parts, doubled = split(x, weight)
    assert parts.shape == (1, 6, 20, 24)
    assert parts.dtype == doubled.dtype == torch.bfloat16
    together = parts[:, :3].double() + parts[:, 3:].double()
    assert (together - x).abs().max() < 2**-17
    assert (parts[:, :3].double() - x).abs().max() > 2**-11
    torch.testing.assert_close(doubled, torch.cat([weight, weight], 1))


@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_rounds_its_result_and_not_its_picture(stride):
    generator = torch.Generator().manual_seed(1)
    # Detail below a step of bfloat16, as smooth pictures have it.
    x = 0.75 + 0.001 * torch.rand(1, 3, 28, 28, generator=generator)
    weight = torch.randn(16, 3, 5, 5, generator=generator)
    weight = (weight - weight.mean((1, 2, 3), keepdim=True)).bfloat16()
    wanted = F.conv2d(x.double(), weight.double(), stride=stride)
    found = conv2d(x, weight, None, stride)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.double(), wanted, rtol=0.01, atol=1e-4)
    lost = F.conv2d(x.bfloat16(), weight, None, stride).double()
    assert (lost - wanted).norm() > 20 * (found.double() - wanted).norm()


def test_a_trained_network_in_half_precision_sees_smooth_pictures_as_they_are():
    network = load_network(read_pack(BUILT_IN_FOLDER / "masters.pastiche"))
    half = prepare_for_inference(network, torch.device("cpu"), "bfloat16")
    photograph = load_picture(BUILT_IN_PHOTOGRAPHS / "coffee.jpg").resize((40, 32))
    smooth = F.interpolate(picture_tensor(photograph), size=(128, 160), mode="bicubic").clamp(0, 1)
    mix = torch.eye(network.spec.styles)[:1]

    def psnr(found: torch.Tensor) -> float:
        return -10 * torch.log10((found.float() - wanted).square().mean()).item()

    with torch.no_grad():
        wanted = network(smooth, mix)
        ready = prepare_image(half, smooth)
        rounded = psnr(half(ready.bfloat16(), mix))
        assert psnr(half(ready, mix)) > rounded + 1
        assert psnr(stream(half, ready, mix, strip_rows=32)) > rounded + 1
