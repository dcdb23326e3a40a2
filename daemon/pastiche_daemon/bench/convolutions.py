"""The convolutions of a transformer network alone: the machine's limit for its forward pass."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor

from pastiche_daemon.bench.turns import Work
from pastiche_daemon.nn.runtime import dtype_of, keep_freed_memory
from pastiche_daemon.nn.runtime_switches import Precision
from pastiche_daemon.nn.transformer import TransformerSpec


@dataclass(frozen=True)
class Convolution:
    """One convolution of a forward pass: ``side`` is that of its square result, in pixels."""

    width: int
    out: int
    kernel: int
    stride: int
    side: int
    times: int = 1
    transposed: bool = False

    @property
    def flops(self) -> float:
        """Multiplications and additions of all its ``times``."""
        taps = self.kernel**2 / (4 if self.transposed else 1)
        return 2 * self.times * taps * self.width * self.out * self.side**2


def convolutions(spec: TransformerSpec, size: int) -> list[Convolution]:
    """Those of a pass over a square image of ``size`` px, a multiple of 4, as the paper has them:
    what a cleverer arrangement saves does not count."""
    full, half, quarter = spec.channels
    grown = spec.upsampling == "transposed"
    return [
        Convolution(3, full, spec.end_kernel, 1, size),
        Convolution(full, half, 3, 2, size // 2),
        Convolution(half, quarter, 3, 2, size // 4),
        Convolution(quarter, quarter, 3, 1, size // 4, 2 * spec.residual_blocks),
        Convolution(quarter, half, 3, 1, size // 2, transposed=grown),
        Convolution(half, full, 3, 1, size, transposed=grown),
        Convolution(full, 3, spec.end_kernel, 1, size),
    ]


def total_flops(spec: TransformerSpec, size: int) -> float:
    """Multiplications and additions of all convolutions of a pass over ``size`` x ``size`` px."""
    return sum(each.flops for each in convolutions(spec, size))


def convolutions_alone(spec: TransformerSpec, size: int, precision: Precision) -> Work:
    """Every convolution on maps that are there already, padded and channels-last."""
    keep_freed_memory()
    taken = 0.0

    @torch.inference_mode()
    def run() -> None:
        nonlocal taken
        taken = 0.0
        for convolution in convolutions(spec, size):
            # One layer's maps at a time: all of them together would not fit.
            x, weight = _maps(convolution, precision)
            for _ in range(convolution.times):
                started = time.perf_counter()
                _convolve(convolution, x, weight)
                taken += time.perf_counter() - started

    return Work(run, lambda: taken)


def _maps(convolution: Convolution, precision: Precision) -> Iterator[Tensor]:
    side = convolution.side // 2 if convolution.transposed else convolution.side
    if not convolution.transposed:
        side = (side - 1) * convolution.stride + convolution.kernel
    shape = (convolution.width, convolution.out)
    shape = shape if convolution.transposed else shape[::-1]
    for sizes in (
        (1, convolution.width, side, side),
        (*shape, convolution.kernel, convolution.kernel),
    ):
        made = torch.full(sizes, 0.1, dtype=dtype_of(precision))
        yield made.contiguous(memory_format=torch.channels_last)


def _convolve(convolution: Convolution, x: Tensor, weight: Tensor) -> Tensor:
    if convolution.transposed:
        return F.conv_transpose2d(x, weight, stride=2, padding=1, output_padding=1)
    return F.conv2d(x, weight, stride=convolution.stride)
