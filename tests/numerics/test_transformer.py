"""The transformer network and its instance norm."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from torch.autograd import gradcheck

from pastiche_daemon.bench.plain_network import PlainNetwork
from pastiche_daemon.nn.batch_norm import BatchNorm
from pastiche_daemon.nn.norms import ConditionalInstanceNorm, instance_statistics
from pastiche_daemon.nn.transformer import (
    TransformerNetwork,
    TransformerSpec,
    reflect_pad,
    upsample,
)
from tests.support.architectures import seeded_network

SMALL = TransformerSpec(styles=3, channels=(4, 6, 8), residual_blocks=2)


def network(spec: TransformerSpec = SMALL) -> TransformerNetwork:
    torch.manual_seed(0)
    net = TransformerNetwork(spec)
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, ConditionalInstanceNorm):
                module.scale.uniform_(0.5, 1.5)
                module.shift.uniform_(-0.5, 0.5)
    return net.eval()


def one_hot(index: int, styles: int = 3) -> torch.Tensor:
    return torch.eye(styles)[index : index + 1]


def test_norm_equals_dumoulins_equation():
    norm = ConditionalInstanceNorm(2, 3).double()
    with torch.no_grad():
        norm.scale.copy_(torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
        norm.shift.copy_(torch.tensor([[0.1, 0.2], [0.3, 0.4], [0.5, 0.6]]))
    x = torch.randn(2, 2, 5, 7, dtype=torch.float64)
    mix = torch.tensor([[0.0, 1.0, 0.0], [0.25, 0.0, 0.75]])
    got = norm(x, mix)
    for n, (scale, shift) in enumerate([((3, 4), (0.3, 0.4)), ((4, 5), (0.4, 0.5))]):
        for c in range(2):
            values = x[n, c].flatten().tolist()
            mean = sum(values) / 35
            variance = sum((v - mean) ** 2 for v in values) / 35
            expected = [scale[c] * (v - mean) / (variance + 1e-5) ** 0.5 + shift[c] for v in values]
            torch.testing.assert_close(got[n, c].flatten().tolist(), expected, rtol=1e-5, atol=1e-6)


def test_norm_of_one_style_is_pytorchs_instance_norm():
    norm = ConditionalInstanceNorm(4, 1)
    x = torch.randn(2, 4, 9, 9)
    torch.testing.assert_close(norm(x, torch.ones(2, 1)), F.instance_norm(x), rtol=1e-4, atol=1e-5)


def test_training_and_evaluation_norms_agree_and_pass_gradcheck():
    norm = ConditionalInstanceNorm(3, 2).double()
    with torch.no_grad():
        norm.scale.uniform_(0.5, 1.5)
        norm.shift.uniform_(-0.5, 0.5)
    x = torch.randn(2, 3, 4, 5, dtype=torch.float64)
    mix = torch.tensor([[1.0, 0.0], [0.3, 0.7]])
    torch.testing.assert_close(norm(x.clone().requires_grad_(), mix), norm(x, mix))
    assert gradcheck(lambda t: norm(t, mix), (x.clone().requires_grad_(),))

    def by_parameters(scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        values = {"scale": scale, "shift": shift}
        return torch.func.functional_call(norm, values, (x.clone().requires_grad_(), mix))

    assert gradcheck(by_parameters, (norm.scale, norm.shift))


def test_half_precision_statistics_are_accumulated_wide():
    x = (torch.randn(1, 2, 512, 512) + 40).bfloat16()
    mean, rstd = instance_statistics(x)
    wide = x.double()
    torch.testing.assert_close(mean.double(), wide.mean((2, 3), keepdim=True), rtol=1e-5, atol=0)
    expected = (wide.var((2, 3), correction=0, keepdim=True) + 1e-5).rsqrt()
    torch.testing.assert_close(rstd.double(), expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (5, 4), (16, 16), (33, 47)])
def test_any_size_comes_back_as_it_went(size):
    with torch.no_grad():
        out = network()(torch.rand(1, 3, *size), one_hot(0))
    assert out.shape == (1, 3, *size)
    assert out.isfinite().all()
    assert out.min() >= 0
    assert out.max() <= 1


def test_styles_differ_and_a_mix_of_one_is_that_style():
    net = network()
    x = torch.rand(1, 3, 24, 24)
    with torch.no_grad():
        first, second = net(x, one_hot(0)), net(x, one_hot(1))
        mixed = net(x, torch.tensor([[0.5, 0.5, 0.0]]))
    assert (first - second).abs().max() > 1e-3
    assert (mixed - first).abs().max() > 1e-4
    assert (mixed - second).abs().max() > 1e-4
    with torch.no_grad():
        both = net(torch.cat([x, x]), torch.cat([one_hot(0), one_hot(1)]))
    torch.testing.assert_close(both, torch.cat([first, second]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("upsampling", ["transposed", "nearest", "bilinear"])
@pytest.mark.parametrize("norm", ["batch", "instance", "conditional_instance"])
@pytest.mark.parametrize("padding", ["zero", "reflect"])
@pytest.mark.parametrize(
    ("output", "value_range"),
    [("tanh", "0..1"), ("sigmoid", "0..255"), ("linear", "0..1"), ("linear", "0..255")],
)
def test_every_switch_equals_torchs_own_layers(upsampling, norm, padding, output, value_range):
    spec = TransformerSpec(
        styles=1,
        channels=(4, 6, 8),
        residual_blocks=1,
        upsampling=upsampling,
        norm=norm,
        padding=padding,
        output=output,
        value_range=value_range,
    )
    net = seeded_network(spec)
    image = torch.rand(2, 3, 16, 24)
    with torch.no_grad():
        got = net(image, torch.ones(2, 1))
    assert got.std() > 0.05
    torch.testing.assert_close(got, PlainNetwork(net, 0)(image), rtol=1e-4, atol=1e-5)


def test_batch_norm_keeps_averages_of_what_training_saw():
    norm = BatchNorm(3, momentum=0.25)
    plain = torch.nn.BatchNorm2d(3, momentum=0.25)
    mix = torch.ones(4, 1)
    for seed in range(3):
        x = torch.randn(4, 3, 5, 7, generator=torch.Generator().manual_seed(seed)) * 3 + 2
        torch.testing.assert_close(norm(x, mix), plain(x))
    torch.testing.assert_close(norm.running_mean, plain.running_mean)
    torch.testing.assert_close(norm.running_variance, plain.running_var)
    x = torch.randn(2, 3, 5, 7)
    with torch.no_grad():
        for module in (norm, plain):
            module.eval()
        norm.scale.copy_(torch.tensor([[1.0, 2.0, 3.0]]))
        norm.shift.copy_(torch.tensor([[0.1, 0.2, 0.3]]))
        plain.weight.copy_(norm.scale[0])
        plain.bias.copy_(norm.shift[0])
        torch.testing.assert_close(norm(x, mix), plain(x))


def test_a_linear_output_is_cut_only_outside_of_training():
    net = network(TransformerSpec(channels=(4, 6, 8), residual_blocks=0, output="linear"))
    with torch.no_grad():
        net.get_parameter("last.conv.bias").copy_(torch.tensor([-9.0, 0.5, 9.0]))
        image = torch.rand(1, 3, 8, 8)
        assert net(image, torch.ones(1, 1)).aminmax() == (0, 1)
        free = net.train()(image, torch.ones(1, 1))
    assert free[:, 0].max() < -1
    assert free[:, 2].min() > 2


def test_network_equals_johnsons_table_written_plainly():
    """Johnson's supplement, table 1, with Odena's resizes, layer by layer."""
    net = network()
    state = net.state_dict()
    mix = one_hot(1)

    def conv(x: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        weight = state[f"{name}.conv.weight"]
        border = weight.shape[-1] // 2
        padded = F.pad(x, (border,) * 4, mode="reflect")
        return F.conv2d(padded, weight, state[f"{name}.conv.bias"], stride)

    def normed(x: torch.Tensor, name: str, stride: int = 1) -> torch.Tensor:
        x = F.instance_norm(conv(x, f"{name}.conv", stride))
        scale, shift = state[f"{name}.norm.scale"][1], state[f"{name}.norm.shift"][1]
        return x * scale[None, :, None, None] + shift[None, :, None, None]

    image = torch.rand(1, 3, 32, 40)
    x = F.relu(normed(image, "down.0"))
    x = F.relu(normed(x, "down.1", 2))
    x = F.relu(normed(x, "down.2", 2))
    assert x.shape == (1, 8, 8, 10)
    for i in range(2):
        x = x + normed(F.relu(normed(x, f"trunk.{i}.first")), f"trunk.{i}.second")
    for i in range(2):
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = F.relu(normed(x, f"up.{i}"))
    expected = torch.sigmoid(conv(x, "last"))
    with torch.no_grad():
        torch.testing.assert_close(net(image, mix), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "spec",
    [
        TransformerSpec(),
        TransformerSpec(styles=5, channels=(2, 3, 4), residual_blocks=0, end_kernel=3),
        TransformerSpec(styles=2, channels=(4, 4, 4), residual_blocks=1, upsampling="nearest"),
    ],
)
def test_declared_hyperparameters_are_built(spec):
    net = TransformerNetwork(spec)
    state = net.state_dict()
    full, _, quarter = spec.channels
    assert len(net.trunk) == spec.residual_blocks
    assert state["down.0.conv.conv.weight"].shape == (full, 3, spec.end_kernel, spec.end_kernel)
    assert state["down.2.norm.scale"].shape == (spec.styles, quarter)
    out = net(torch.rand(1, 3, 8, 8), torch.full((1, spec.styles), 1 / spec.styles))
    assert out.shape == (1, 3, 8, 8)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("styles", 0),
        ("channels", (4, 0, 4)),
        ("residual_blocks", -1),
        ("end_kernel", 4),
        ("upsampling", "cubic"),
        ("norm", "group"),
        ("padding", "circular"),
        ("output", "relu"),
        ("value_range", "0..1023"),
    ],
)
def test_impossible_hyperparameters_are_named(field, value):
    with pytest.raises(ValueError, match=field):
        TransformerSpec(**{field: value})


@pytest.mark.parametrize("norm", ["batch", "instance"])
def test_norms_of_one_style_refuse_several(norm):
    with pytest.raises(ValueError, match="use conditional_instance"):
        TransformerSpec(styles=2, norm=norm)


def test_mix_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"mix has shape \(1, 2\)"):
        network()(torch.rand(1, 3, 8, 8), torch.ones(1, 2))


def test_reflection_padding_of_tiny_images_repeats():
    row = torch.tensor([[[[0.0, 1.0, 2.0]]]])
    got = reflect_pad(row, 4)[0, 0, 0].tolist()
    assert got == [0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]
    wide = torch.rand(1, 1, 6, 6)
    assert torch.equal(reflect_pad(wide, 2), F.pad(wide, (2, 2, 2, 2), mode="reflect"))


def test_upsampling_a_constant_is_constant():
    for mode in ("nearest", "bilinear"):
        assert torch.equal(
            upsample(torch.full((1, 1, 3, 3), 0.7), mode), torch.full((1, 1, 6, 6), 0.7)
        )


def test_progress_is_reported_and_can_stop_the_pass():
    seen: list[float] = []
    net = network()
    with torch.no_grad():
        net(torch.rand(1, 3, 8, 8), one_hot(0), seen.append)
    assert seen == sorted(seen)
    assert len(seen) == 3 + 2 + 2 + 1
    assert seen[0] == 0

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        net(torch.rand(1, 3, 8, 8), one_hot(0), stop)


def test_image_is_not_changed():
    x = torch.rand(1, 3, 9, 9)
    before = x.clone()
    with torch.no_grad():
        network()(x, one_hot(0))
    assert torch.equal(x, before)
