"""One more style for a network that knows many: its scales and shifts are trained, no more.

Dumoulin et al., ICLR 2017, section 3.3: the convolutions of a network of many styles serve a new
one, too. They are frozen, which spares their gradients, and there are so few weights left that a
handful of photographs is enough.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from pastiche_daemon.nn.objective import PerceptualObjective
from pastiche_daemon.nn.runtime import prepare_for_inference, prepare_image
from pastiche_daemon.nn.transformer import TransformerNetwork
from pastiche_daemon.train import Training
from pastiche_daemon.training_losses import StepReport
from pastiche_daemon.training_schedule import TrainingError

LEAST_STEPS = 40
"""Fewer than these do not make a style, whatever the time."""
MOST_STEPS = 3000
"""More than these are of no use, however much time there is."""
_TIMED_STEPS = 6
_RECENT_STEPS = 50


@dataclass(frozen=True)
class Start:
    """The weights that a training starts from, and the losses of each candidate.

    ``style`` is the row of the base network's style, or None for the mean of all.
    """

    network: TransformerNetwork
    style: int | None
    losses: Mapping[int | None, float]


def one_style(network: TransformerNetwork, style: int | None) -> TransformerNetwork:
    """A copy with one of the network's styles, or with the mean of all their scales and shifts."""
    state = {
        name: _row(value, style) if _is_per_style(name) else value
        for name, value in network.state_dict().items()
    }
    single = TransformerNetwork(replace(network.spec, styles=1))
    single.load_state_dict(state)
    return single.eval()


def closest_start(
    base: TransformerNetwork, objective: PerceptualObjective, style: Tensor, crops: Tensor
) -> Start:
    """The style of ``base`` whose pastiches have the least loss for a new one, or their mean.

    ``style`` is the new style image, 1 x 3 x H x W, ``crops`` are of photographs, N x 3 x h x w,
    both in 0..1 and on the objective's device. Dumoulin et al. start from random scales and
    shifts; the closest of the known ones are many steps ahead of them.
    """
    if base.spec.norm != "conditional_instance":
        raise TrainingError(
            f"base_pack: its norm is {base.spec.norm}; only a network with conditional instance "
            "norm can learn another style"
        )
    encoder = objective.encoder
    weight = encoder.preprocess.weight
    inputs = crops.to(weight.dtype)
    targets = objective.content_targets(inputs)
    grams = objective.style_targets(style.to(weight.dtype))
    losses: dict[int | None, float] = {}
    candidates: list[int | None] = [None, *range(base.spec.styles)]
    for candidate in candidates:
        network = prepare_for_inference(one_style(base, candidate), crops.device)
        with torch.inference_mode():
            mix = torch.ones(len(crops), 1, device=crops.device)
            pastiches = network(prepare_image(network, crops), mix)
            losses[candidate] = float(
                objective.losses(pastiches.to(weight.dtype), targets, grams).total
            )
    best = min(losses, key=losses.__getitem__)
    return Start(one_style(base, best), best, losses)


@dataclass(frozen=True)
class LearnStep:
    """A finished step of ``steps``; ``seconds_left`` is None until the time of a step is known."""

    report: StepReport
    steps: int
    seconds_left: float | None


def timed_steps(
    training: Training, seconds: float | None, *, checkpoint_seconds: float = 10.0
) -> Generator[LearnStep]:
    """The remaining steps of a training, as many as fit into ``seconds`` in all.

    The time of a step is measured on the first few. As long as the learning rate has not begun to
    fall, the plan follows it; a computer that gets busy makes fewer steps, not a longer training.
    With ``seconds`` None, the planned steps are made.
    """
    recent: deque[tuple[int, float]] = deque(maxlen=_RECENT_STEPS)
    for report in training.steps(checkpoint_seconds=checkpoint_seconds):
        recent.append((report.step, report.seconds))
        counted = report.step - recent[0][0]  # the first step of all warms up
        if counted < _TIMED_STEPS:
            yield LearnStep(report, 0 if seconds else training.config.steps, None)
            continue
        pace = (report.seconds - recent[0][1]) / counted
        falls_at = (1 - training.config.decay) * training.config.steps
        planned = counted == _TIMED_STEPS or report.step % _RECENT_STEPS == 0
        if seconds is not None and planned and report.step < falls_at:
            fitting = report.step + int((seconds - report.seconds) / pace)
            training.plan(max(report.step + 1, min(MOST_STEPS, max(LEAST_STEPS, fitting))))
        left = max(0, training.config.steps - report.step) * pace
        yield LearnStep(report, training.config.steps, left)


def _is_per_style(name: str) -> bool:
    return name.endswith((".norm.scale", ".norm.shift"))


def _row(value: Tensor, style: int | None) -> Tensor:
    return value.mean(0, keepdim=True) if style is None else value[style : style + 1].clone()
