"""Networks of feature maps in narrow precision."""

from __future__ import annotations

import copy

import pytest
import torch

from pastiche_daemon.nn.encoder import Encoder, encoder_specs
from pastiche_daemon.nn.inception import InceptionEncoder, inception_specs
from pastiche_daemon.nn.runtime import in_precision


def network(name: str) -> Encoder | InceptionEncoder:
    torch.manual_seed(0)
    if name == "googlenet":
        return InceptionEncoder(inception_specs()[name])
    made = Encoder(encoder_specs()[name])
    bias = made.convolution("conv1_1").bias
    assert bias is not None
    torch.nn.init.zeros_(bias)
    return made


# Each network's own zero.
@pytest.mark.parametrize(
    ("name", "mean"), [("compact", (0.485, 0.456, 0.406)), ("googlenet", (0.5, 0.5, 0.5))]
)
def test_detail_below_a_step_of_bfloat16_is_seen(name, mean):
    exact = network(name)
    narrow = in_precision(copy.deepcopy(exact), "bfloat16")
    rounded = copy.deepcopy(exact).to(torch.bfloat16)
    first = exact.spec.layers[0]
    # Near these values bfloat16 goes in steps of 1/512: what is smaller by far is rounded away.
    flat = torch.tensor(mean).bfloat16().float()[None, :, None, None].expand(1, 3, 32, 32)
    faint = flat + 0.0004 * torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    assert torch.equal(faint.bfloat16(), flat.bfloat16())

    def detail(chosen: Encoder | InceptionEncoder, picture: torch.Tensor) -> torch.Tensor:
        maps = chosen(picture, [first])[first].float()
        return maps - maps.mean(dim=(-2, -1), keepdim=True)

    inside = (..., slice(4, -4), slice(4, -4))
    wanted = detail(exact, faint)[inside]
    found = detail(narrow, faint)[inside]
    lost = detail(rounded, faint.bfloat16())[inside]
    assert narrow.value_dtype == torch.bfloat16
    assert (found - wanted).norm() < 0.1 * wanted.norm()
    assert (lost - wanted).norm() > 0.9 * wanted.norm()


def test_float32_stays_as_it_is():
    exact = network("compact")
    same = in_precision(copy.deepcopy(exact), "float32")
    picture = torch.rand(1, 3, 32, 32)
    for layer in ("relu1_1", "relu3_1"):
        torch.testing.assert_close(same(picture, [layer]), exact(picture, [layer]))
