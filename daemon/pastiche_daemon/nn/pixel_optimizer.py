"""Minimizing a loss over the pixels of one image: L-BFGS, Adam or SGD.

Gatys et al., CVPR 2016, use L-BFGS; Adam is common where memory is short. One step is one
evaluation of the loss and its gradient, whatever the optimizer, so that steps compare in time.

What is optimized may be the pixels, or the levels of their Laplacian pyramid (Kolkin et al., "Style
Transfer by Relaxed Optimal Transport and Self-Similarity", CVPR 2019, section 2.5), where large
shapes and colours move as fast as details, in decorrelated colours.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import torch
from torch import Tensor

from pastiche_daemon.nn.decorrelated_color import correlate, decorrelate
from pastiche_daemon.nn.pyramid import merge, split

OptimizerName = Literal["lbfgs", "adam", "sgd"]
PixelRange = Literal["free", "projected"]
Variables = Literal["pixels", "pyramid"]
StopReason = Literal["steps", "time", "converged", "asked"]
L = TypeVar("L")

_WINDOW = 50


@dataclass(frozen=True)
class PixelOptions:
    """How to minimize.

    ``learning_rate`` is per step in units of the pixels' 0..1; by default 1 for L-BFGS (with a
    strong Wolfe line search), 0.02 for Adam, and for SGD with ``momentum`` a step of at most 0.02
    for the variable with the largest first gradient. ``pixels``: ``free`` lets them leave 0..1 on
    the way, as in Gatys' method, and clamps the result; ``projected`` clamps before every
    evaluation. ``variables``: the ``pixels``, or the levels of their ``pyramid`` in decorrelated
    colours, by default for Adam, whose rate is then that of the coarsest level's lightness, by
    default 0.035, and half of it for every finer one.

    It ends after ``steps``, after ``max_seconds``, or when the least loss fell by less than
    ``tolerance`` of itself within 50 steps (0: never). Raises ValueError, naming the field.
    """

    optimizer: OptimizerName = "lbfgs"
    steps: int = 300
    learning_rate: float | None = None
    momentum: float = 0.9
    history: int = 50
    pixels: PixelRange = "projected"
    variables: Variables | None = None
    max_seconds: float | None = None
    tolerance: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps: must be at least 1, not {self.steps}")
        if self.history < 1:
            raise ValueError(f"history: must be at least 1, not {self.history}")
        if self.learning_rate is not None and not 0 < self.learning_rate < math.inf:
            raise ValueError(f"learning_rate: must be positive, not {self.learning_rate}")
        if not 0 <= self.momentum < 1:
            raise ValueError(f"momentum: must be in 0..1, below 1, not {self.momentum}")
        if self.max_seconds is not None and not self.max_seconds > 0:
            raise ValueError(f"max_seconds: must be positive, not {self.max_seconds}")
        if not 0 <= self.tolerance < 1:
            raise ValueError(f"tolerance: must be in 0..1, below 1, not {self.tolerance}")

    @property
    def by_level(self) -> bool:
        """Whether the levels of a pyramid are optimized."""
        if self.variables is None:
            return self.optimizer == "adam"
        return self.variables == "pyramid"


class PixelStep(NamedTuple, Generic[L]):
    """One finished evaluation. ``image`` is the evaluated one; do not change or keep it."""

    step: int
    total: float
    losses: L
    image: Tensor


@dataclass(frozen=True)
class Minimized:
    """``image``, detached and in 0..1, had the least loss, ``total``, of all ``steps``."""

    image: Tensor
    total: float
    steps: int
    reason: StopReason


class Stopped(Exception):  # noqa: N818 - not an error
    """Ends `minimize` with the best image so far; a loss may raise it within an evaluation."""

    def __init__(self, reason: StopReason) -> None:
        super().__init__(reason)
        self.reason: StopReason = reason


def minimize(
    loss: Callable[[Tensor], tuple[Tensor, L]],
    start: Tensor,
    options: PixelOptions,
    on_step: Callable[[PixelStep[L]], bool],
) -> Minimized:
    """Minimize ``loss`` over an image that starts as ``start``, which is not changed.

    ``loss`` returns a scalar to minimize and anything to pass on. ``on_step`` is called after
    every evaluation; when it returns False the work ends and the best image so far is returned,
    and what it raises ends the work without a result. Where ``loss`` raises `Stopped` before the
    first evaluation is done, the start is returned. Raises FloatingPointError where the loss is
    no number at the very start.
    """
    # torch's L-BFGS takes no other layout.
    best = start.detach().clone(memory_format=torch.contiguous_format)
    by_level, projected = options.by_level, options.pixels == "projected"
    parts = split(decorrelate(best)) if by_level else [best]
    variables = [part.clone().requires_grad_() for part in parts]
    least, done = math.inf, 0
    history: list[float] = []
    began = time.monotonic()

    def evaluate() -> Tensor:
        nonlocal best, least, done
        if by_level:
            image = correlate(merge(variables))
            image = image.clamp(0, 1) if projected else image
        else:
            (image,) = variables
            if projected:
                with torch.no_grad():
                    image.clamp_(0, 1)
        for variable in variables:
            variable.grad = None
        total, losses = loss(image)
        total.backward()  # pyright: ignore[reportUnknownMemberType]
        value = total.item()
        done += 1
        if not math.isfinite(value) and done == 1:
            raise FloatingPointError("the loss of the first image is no number")
        if value < least:
            least = value
            best = image.detach().clone()
        history.append(least)
        go_on = on_step(PixelStep(done, value, losses, image.detach()))
        if not go_on:
            raise Stopped("asked")
        if done >= options.steps:
            raise Stopped("steps")
        if options.max_seconds is not None and time.monotonic() - began >= options.max_seconds:
            raise Stopped("time")
        if options.tolerance and done > _WINDOW:
            before = history[-1 - _WINDOW]
            if before - least < options.tolerance * abs(before):
                raise Stopped("converged")
        return total

    reason: StopReason = "converged"
    try:
        _run(variables, options, evaluate)
    except Stopped as stop:
        reason = stop.reason
    return Minimized(best.clamp(0, 1), least, done, reason)


def _run(variables: list[Tensor], options: PixelOptions, evaluate: Callable[[], Tensor]) -> None:
    """Step until ``evaluate`` raises, or until L-BFGS finds no way down."""
    rate = options.learning_rate
    if options.optimizer == "lbfgs":
        lbfgs = torch.optim.LBFGS(
            variables,
            lr=rate or 1.0,
            max_iter=options.steps,
            max_eval=2 * options.steps + 25,
            history_size=options.history,
            tolerance_grad=0,
            tolerance_change=0,
            line_search_fn="strong_wolfe",
        )
        lbfgs.step(evaluate)  # pyright: ignore[reportArgumentType]
        return
    optimizer: torch.optim.Optimizer | None = None
    while True:
        evaluate()
        if optimizer is None:
            optimizer = _first_order(variables, options)
        optimizer.step()


def _first_order(variables: list[Tensor], options: PixelOptions) -> torch.optim.Optimizer:
    rate = options.learning_rate
    if options.optimizer == "adam":
        coarsest = rate or (0.035 if options.by_level else 0.02)
        # Finer levels with the same steps would fill the picture with noise.
        groups: list[dict[str, Any]] = [
            {"params": [variable], "lr": coarsest / 2**finer}
            for finer, variable in enumerate(reversed(variables))
        ]
        # Gradients shrink fast here: with the usual 0.999 their old size would hold steps back.
        return torch.optim.Adam(groups, betas=(0.9, 0.99 if options.by_level else 0.999))
    if rate is None:
        gradients = [variable.grad for variable in variables if variable.grad is not None]
        largest = max(gradient.abs().max().item() for gradient in gradients)
        rate = 0.02 / largest if largest > 0 else 1.0
    return torch.optim.SGD(variables, lr=rate, momentum=options.momentum)
