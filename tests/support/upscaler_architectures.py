"""Small upscaling networks of every architecture, with weights from a seed and a clear output."""

from __future__ import annotations

import torch

from pastiche_daemon.nn.upscaler import UpscalerNetwork, UpscalerSpec
from tests.support.architectures import waves

UPSCALERS: dict[str, UpscalerSpec] = {
    "residual_x4": UpscalerSpec(4, (8, 6, 6), 2, 5),
    "johnson_x2": UpscalerSpec(
        2, (8, 6), 2, 9, upsampling="transposed", norm="batch", padding="zero", output="direct"
    ),
    "nearest_x8": UpscalerSpec(8, (8, 6, 6, 4), 1, 3, upsampling="nearest"),
}


def seeded_upscaler(spec: UpscalerSpec) -> UpscalerNetwork:
    """Weights made of sines, so that no generator's version decides them; evaluation mode."""
    network = UpscalerNetwork(spec)
    with torch.no_grad():
        for number, (name, value) in enumerate(network.state_dict().items()):
            noise = waves(value.numel(), float(number)).reshape(value.shape)
            if name.endswith("conv.weight"):
                value.copy_(noise * (2 * value.shape[1] / value.numel()) ** 0.5)
            elif name.endswith(("norm.scale", "running_variance")):
                value.copy_(1 + 0.2 * noise)
            else:
                value.copy_(0.2 * noise)
        network.last.conv.weight.mul_(2.0 if spec.output == "direct" else 0.1)
    return network.eval()
