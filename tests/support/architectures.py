"""Small transformer networks of every architecture, with weights from a seed and a clear output."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from pastiche_daemon.nn.batch_norm import BatchNorm
from pastiche_daemon.nn.transformer import TransformerNetwork, TransformerSpec

# One column for every value of every switch, and what the literature combined.
ARCHITECTURES: dict[str, TransformerSpec] = {
    "default": TransformerSpec(styles=2),
    "transposed": TransformerSpec(upsampling="transposed"),
    "nearest": TransformerSpec(upsampling="nearest"),
    "batch": TransformerSpec(norm="batch"),
    "instance": TransformerSpec(norm="instance"),
    "zero": TransformerSpec(padding="zero"),
    "tanh": TransformerSpec(output="tanh"),
    "linear": TransformerSpec(output="linear"),
    "johnson": TransformerSpec(
        upsampling="transposed", norm="batch", padding="zero", output="tanh"
    ),
    "ulyanov": TransformerSpec(upsampling="nearest", norm="instance", padding="reflect"),
    "pytorch_examples": TransformerSpec(
        upsampling="nearest", norm="instance", output="linear", value_range="0..255"
    ),
}
_SMALL = (6, 8, 10)


def small(name: str) -> TransformerSpec:
    """An architecture in a size for tests."""
    return replace(ARCHITECTURES[name], channels=_SMALL, residual_blocks=2)


def seeded_network(spec: TransformerSpec, seed: int = 0) -> TransformerNetwork:
    """Weights that depend on ``seed`` and the shapes alone, in evaluation mode.

    They are made of sines, so that no generator's version decides them. Batch norms have seen one
    picture; the output is spread over the range of pixels.
    """
    network = TransformerNetwork(spec)
    state = network.state_dict()
    with torch.no_grad():
        for number, (name, value) in enumerate(state.items()):
            noise = waves(value.numel(), 1.7 * seed + number).reshape(value.shape)
            if name.endswith("conv.weight"):
                value.copy_(noise * (2 * value.shape[1] / value.numel()) ** 0.5)
            elif name.endswith("norm.scale"):
                value.copy_(1 + 0.4 * noise)
            elif name.endswith(("norm.shift", "conv.bias")):
                value.copy_(0.3 * noise)
        weight, bias = network.last.conv.weight, network.last.conv.bias
        assert bias is not None
        # Each channel of the output around the middle grey, whatever the architecture.
        weight.copy_(waves(weight.numel(), seed + 0.5).reshape(weight.shape))
        weight.mul_(1.2 / weight.flatten(1).norm(dim=1)[:, None, None, None])
        bias.zero_()
        _calibrate(network)
        if spec.output == "linear":
            top = 255.0 if spec.value_range == "0..255" else 1.0
            weight.mul_(top / 4)
            bias.fill_(top / 2)
    return network.eval()


def picture(height: int = 60, width: int = 52) -> Tensor:
    """1 x 3 x H x W in 0..1: slopes, rings and an edge, in colours."""
    y, x = torch.meshgrid(
        torch.linspace(0, 1, height, dtype=torch.float64),
        torch.linspace(0, 1, width, dtype=torch.float64),
        indexing="ij",
    )
    rings = 0.5 + 0.5 * torch.sin(40 * ((x - 0.4) ** 2 + (y - 0.6) ** 2))
    edge = (x + 0.5 * y > 0.8).double()
    return torch.stack([0.7 * x + 0.3 * edge, rings, 0.5 * y + 0.5 * rings * edge])[None].float()


def waves(count: int, phase: float) -> Tensor:
    """Deterministic noise with mean 0 and variance 1."""
    index = torch.arange(1, count + 1, dtype=torch.float64)
    fraction = (torch.sin(index * 12.9898 + phase * 78.233) * 43758.5453) % 1.0
    return ((fraction - 0.5) * 12**0.5).float()


def _calibrate(network: TransformerNetwork) -> None:
    norms = [module for module in network.modules() if isinstance(module, BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 1.0
    network.train()
    network(picture(), torch.eye(network.spec.styles)[:1])
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
