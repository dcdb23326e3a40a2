"""A network run strip by strip gives what it gives for the whole image."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pastiche_daemon.nn import streaming
from pastiche_daemon.nn.runtime import prepare_for_inference, prepare_image
from pastiche_daemon.nn.streaming import stream
from pastiche_daemon.nn.transformer import TransformerNetwork, TransformerSpec

MIX = torch.tensor([[0.3, 0.7]])


def network(**values: Any) -> TransformerNetwork:
    small: dict[str, Any] = {"styles": 2, "channels": (4, 6, 8), "residual_blocks": 2}
    spec = TransformerSpec(**{**small, **values})
    torch.manual_seed(0)
    made = TransformerNetwork(spec)
    with torch.no_grad():
        for name, value in made.state_dict().items():
            drawn = 0.3 * torch.randn(value.shape)
            value.add_(drawn.abs() if name.endswith("variance") else drawn)
    return made.eval()


def image(h: int, w: int, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, h, w, generator=torch.Generator().manual_seed(seed))


EXACT = network().double()
AS_JOHNSON = network(
    styles=1, upsampling="transposed", norm="batch", padding="zero", output="tanh"
).double()


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 70), st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_strips_of_any_height_equal_the_whole(h, w, strip_rows, seed):
    x, mix = image(h, w, seed).double(), MIX.double()
    with torch.no_grad():
        whole = EXACT(x, mix)
    streamed = stream(EXACT, x, mix, strip_rows=strip_rows)
    torch.testing.assert_close(streamed, whole, rtol=0, atol=1e-8)


@pytest.mark.parametrize("upsampling", ["transposed", "nearest", "bilinear"])
@pytest.mark.parametrize("values", [{"residual_blocks": 0}, {"end_kernel": 3}, {"end_kernel": 1}])
def test_every_architecture_can_be_streamed(values, upsampling):
    made = network(upsampling=upsampling, **values).double()
    x, mix = image(37, 22).double(), MIX.double()
    with torch.no_grad():
        whole = made(x, mix)
    torch.testing.assert_close(stream(made, x, mix, strip_rows=8), whole, rtol=0, atol=1e-8)


@pytest.mark.parametrize("upsampling", ["transposed", "nearest", "bilinear"])
@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("padding", ["zero", "reflect"])
@pytest.mark.parametrize("output", ["tanh", "sigmoid", "linear"])
@pytest.mark.parametrize("shape", [(37, 22), (2, 3), (64, 5)])
def test_every_switch_can_be_streamed(upsampling, norm, padding, output, shape):
    made = network(
        styles=1, upsampling=upsampling, norm=norm, padding=padding, output=output
    ).double()
    x, mix = image(*shape).double(), torch.ones(1, 1, dtype=torch.float64)
    with torch.no_grad():
        whole = made(x, mix)
    for rows in (4, 12, 20):
        got = stream(made, x, mix, strip_rows=rows)
        torch.testing.assert_close(got, whole, rtol=0, atol=1e-8)


def test_another_range_of_values_can_be_streamed():
    made = network(output="linear", value_range="0..255").double()
    x, mix = image(37, 22).double(), MIX.double()
    with torch.no_grad():
        made.last.conv.weight.mul_(100)
        whole = made(x, mix)
    assert whole.std() > 0
    torch.testing.assert_close(stream(made, x, mix, strip_rows=8), whole, rtol=0, atol=1e-8)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 70), st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_strips_of_a_network_as_johnsons_equal_the_whole(h, w, strip_rows, seed):
    x, mix = image(h, w, seed).double(), torch.ones(1, 1, dtype=torch.float64)
    with torch.no_grad():
        whole = AS_JOHNSON(x, mix)
    streamed = stream(AS_JOHNSON, x, mix, strip_rows=strip_rows)
    torch.testing.assert_close(streamed, whole, rtol=0, atol=1e-8)


def test_in_float32_strips_differ_by_less_than_a_hundredth_of_a_level():
    made = prepare_for_inference(network(), torch.device("cpu"), "float32")
    x = prepare_image(made, image(150, 90))
    with torch.no_grad():
        whole = made(x, MIX)
    assert (stream(made, x, MIX, strip_rows=16) - whole).abs().max() * 255 < 0.01


@pytest.mark.parametrize("upsampling", ["transposed", "nearest", "bilinear"])
@pytest.mark.parametrize("kept", [0, 1 << 40])
def test_full_resolution_maps_may_be_kept_or_computed_twice(upsampling, kept, monkeypatch):
    monkeypatch.setattr(streaming, "_KEPT_BYTES", kept)
    made = network(upsampling=upsampling).double()
    x, mix = image(45, 30).double(), MIX.double()
    with torch.no_grad():
        whole = made(x, mix)
    for rows in (4, 16, 48):
        got = stream(made, x, mix, strip_rows=rows)
        torch.testing.assert_close(got, whole, rtol=0, atol=1e-8)


@pytest.mark.parametrize("norm", ["batch", "instance"])
@pytest.mark.parametrize("upsampling", ["transposed", "nearest", "bilinear"])
def test_half_precision_strips_are_as_near_to_the_truth_as_the_whole(norm, upsampling):
    made = network(styles=1, norm=norm, upsampling=upsampling, padding="zero", output="tanh")
    with torch.no_grad():
        made.last.conv.weight.mul_(0.05)  # as drawn they saturate, and a rounding is many levels
    x, mix = image(150, 90), torch.ones(1, 1)
    half = prepare_for_inference(made, torch.device("cpu"), "bfloat16")
    ready = prepare_image(half, x)
    with torch.no_grad():
        truth, whole = made(x, mix), half(ready, mix).float()
    streamed = stream(half, ready, mix, strip_rows=16).float()
    of_whole, of_strips = ((got - truth).square().mean().sqrt() for got in (whole, streamed))
    assert of_whole < 3 / 255
    assert of_strips < 1.1 * of_whole


def test_the_image_is_not_changed_and_nothing_keeps_a_graph():
    made = network()
    x = image(40, 30)
    before = x.clone()
    state = copy.deepcopy(made.state_dict())
    result = stream(made, x, MIX, strip_rows=8)
    assert torch.equal(x, before)
    assert not result.requires_grad
    assert all(torch.equal(value, state[name]) for name, value in made.state_dict().items())


def test_progress_rises_from_strip_to_strip_and_may_stop_it():
    shares: list[float] = []
    stream(network(), image(64, 32), MIX, shares.append, strip_rows=8)
    assert shares == sorted(shares)
    assert shares[0] == 0
    assert 0.9 < shares[-1] <= 1
    assert len(shares) == 8 * (3 + 3 * 2 + 2 + 1)
    shares.clear()
    batch = network(styles=1, norm="batch")
    stream(batch, image(64, 32), torch.ones(1, 1), shares.append, strip_rows=8)
    assert len(shares) == 8 * (2 + 3 * 2 + 1 + 1)
    assert 0.9 < shares[-1] <= 1

    class StopError(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0.5:
            raise StopError

    with pytest.raises(StopError):
        stream(network(), image(64, 32), MIX, stop, strip_rows=8)


def test_several_images_and_wrong_mixes_are_refused():
    with pytest.raises(ValueError, match="one image"):
        stream(network(), image(8, 8).expand(2, -1, -1, -1), MIX)
    with pytest.raises(ValueError, match="mix"):
        stream(network(), image(8, 8), torch.ones(1, 3))
