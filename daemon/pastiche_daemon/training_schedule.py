"""What the trainings of all networks have in common: how many steps, on what, and how fast."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor


class TrainingError(ValueError):
    """A training that cannot start, go on or end; the message says what to do."""


class Schedule(Protocol):
    """What every training has: how many steps, on what, and how fast."""

    @property
    def steps(self) -> int: ...
    @property
    def batch_size(self) -> int: ...
    @property
    def crop_size(self) -> int: ...
    @property
    def learning_rate(self) -> float: ...
    @property
    def decay(self) -> float: ...
    @property
    def average(self) -> float: ...


def check_schedule(config: Schedule, smallest_crop: int) -> None:
    """Raise `TrainingError`, naming the field that is out of range."""
    for name in ("steps", "batch_size"):
        if getattr(config, name) < 1:
            raise TrainingError(f"{name} must be at least 1, not {getattr(config, name)}")
    if config.crop_size < smallest_crop:
        raise TrainingError(f"crop_size must be at least {smallest_crop}, not {config.crop_size}")
    if not config.learning_rate > 0:
        raise TrainingError(f"learning_rate must be positive, not {config.learning_rate}")
    if not 0 <= config.decay <= 1 or not 0 <= config.average < 1:
        raise TrainingError("decay must be in 0..1 and average in 0..1, below 1")


def falling_rate(rate: float, step: int, steps: int, decay: float) -> float:
    """``rate``, falling to zero as a half cosine over the last ``decay`` of ``steps``."""
    remaining = (steps - step) / max(1.0, decay * steps)
    if remaining >= 1:
        return rate
    return rate * 0.5 * (1 + math.cos((1 - remaining) * math.pi))


def check_loss(loss: Tensor, step: int) -> None:
    """Raise `TrainingError` where a loss is no number."""
    if not torch.isfinite(loss):
        raise TrainingError(
            f"the loss is no longer a number at step {step}; "
            "lower the learning rate and start again"
        )


def update_average(
    average: Mapping[str, Tensor], module: torch.nn.Module, most: float, step: int
) -> None:
    """Move an exponential average of weights, in place, by one of ``step`` finished steps."""
    # A young average must not remember the random start.
    share = min(most, step / (step + 10))
    with torch.no_grad():
        for name, value in module.state_dict().items():
            average[name].lerp_(value, 1 - share)
