"""Training of transformer networks: styles in, a folder of checkpoints and at last weights out.

Johnson et al., ECCV 2016, section 3, with several styles in one network as Dumoulin et al.,
ICLR 2017. Every step's batch is a function of the seed and the step alone, so that a run resumed
from a checkpoint sees what an uninterrupted one would have seen.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import EllipsisType
from typing import Any

import torch
from torch import Tensor
from torch.func import functional_call

from pastiche_daemon.checkpoints import (
    CHECKPOINT,
    Change,
    description_of,
    read_checkpoint,
    write_checkpoint,
)
from pastiche_daemon.nn.batch_norm import BatchNorm
from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.losses import grid_pattern
from pastiche_daemon.nn.objective import ObjectiveWeights, PerceptualObjective
from pastiche_daemon.nn.runtime import Precision, channels_last, dtype_of
from pastiche_daemon.nn.style_statistics import StyleTarget
from pastiche_daemon.nn.transformer import TransformerNetwork, TransformerSpec
from pastiche_daemon.photographs import RandomCrops
from pastiche_daemon.training_losses import LOSSES, LossLog, StepReport, keep_losses_up_to
from pastiche_daemon.training_schedule import (
    TrainingError,
    check_loss,
    check_schedule,
    falling_rate,
    update_average,
)
from pastiche_daemon.workers import Workers

_CALIBRATION_BATCHES = 8


@dataclass(frozen=True)
class TrainConfig:
    """What decides a training's result, besides the pictures and the encoder.

    The learning rate is constant and falls to zero as a half cosine over the last ``decay`` of
    the steps. The finished weights are an exponential moving average of the iterates.

    Before the losses are taken, pastiche and photograph are cut by up to ``shift`` pixels at a
    random side: the encoder's pooling then has no fixed place on the network's own grid of 4 px,
    which otherwise learns to please it with a pattern of that period. ``grid`` is the weight of
    `losses.grid_pattern`, against the same pattern. Neither is in the papers.

    ``emphasis`` says how often each style is trained, relative to the others; empty: equally
    often. A style that lags behind gets its share of the network by a larger number.
    """

    spec: TransformerSpec
    weights: ObjectiveWeights
    steps: int = 10_000
    batch_size: int = 4
    crop_size: int = 256
    learning_rate: float = 1e-3
    decay: float = 0.3
    average: float = 0.998
    shift: int = 8
    grid: float = 100.0
    emphasis: tuple[float, ...] = ()
    seed: int = 0
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        check_schedule(self, 32)
        if not 0 <= self.shift <= self.crop_size // 2:
            raise TrainingError(f"shift must be in 0..{self.crop_size // 2}, not {self.shift}")
        if not (math.isfinite(self.grid) and self.grid >= 0):
            raise TrainingError(f"grid must be a number of at least 0, not {self.grid}")
        if self.emphasis and len(self.emphasis) != self.spec.styles:
            raise TrainingError(
                f"emphasis: {len(self.emphasis)} numbers for {self.spec.styles} styles"
            )
        if not all(math.isfinite(share) and share > 0 for share in self.emphasis):
            raise TrainingError(f"emphasis must be positive numbers, not {list(self.emphasis)}")

    def learning_rate_at(self, step: int) -> float:
        """The learning rate of ``step``, counted from 0."""
        return falling_rate(self.learning_rate, step, self.steps, self.decay)


@dataclass
class _State:
    network: TransformerNetwork
    optimizer: torch.optim.Adam
    average: dict[str, Tensor]
    step: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list[str])


class Training:
    """One run in its folder: new, or continued from its checkpoint.

    ``fingerprint`` is JSON-like data that must be the same when a run is continued: what it was
    trained on. The planned steps and the weights of the loss terms may change, which is noted.
    ``start`` has the first weights, else they are random. ``norms_only`` trains the norms' scales
    and shifts alone and keeps the convolutions (Dumoulin et al., section 3.3). Of several
    ``workers``, each has a share of every batch, and the first writes the files. Raises
    `TrainingError` where a checkpoint belongs to another training, or the batch cannot be shared.
    """

    def __init__(
        self,
        config: TrainConfig,
        encoder: Encoder,
        crops: RandomCrops,
        styles: list[Tensor],
        folder: Path,
        *,
        fingerprint: Mapping[str, Any],
        device: torch.device,
        start: TransformerNetwork | None = None,
        norms_only: bool = False,
        workers: Workers | None = None,
    ) -> None:
        self._workers = workers or Workers()
        try:
            self._rows = self._workers.share(config.batch_size)
        except ValueError as error:
            raise TrainingError(str(error)) from error
        if self._workers.count > 1 and config.spec.norm == "batch":
            raise TrainingError(
                "norm: batch norm would see a part of each batch only; train it in one process"
            )
        if len(styles) != config.spec.styles:
            raise TrainingError(f"{len(styles)} style images for {config.spec.styles} styles")
        self.config = config
        self.folder = folder
        self._crops = crops
        self._device = device
        self._dtype = dtype_of(config.precision)
        self._fingerprint = json.loads(json.dumps(fingerprint))
        encoder = channels_last(encoder.to(device))
        objective = PerceptualObjective(encoder, config.weights)
        per_style = [objective.style_targets(style.to(device)) for style in styles]
        self._styles = {
            layer: StyleTarget.stacked([targets[layer] for targets in per_style])
            for layer in per_style[0]
        }
        self._objective = PerceptualObjective(encoder.to(self._dtype), config.weights)
        self._state = self._new_state(start, norms_only=norms_only)
        if (folder / CHECKPOINT).exists():
            self._restore()

    @property
    def step(self) -> int:
        """Finished steps."""
        return self._state.step

    @property
    def seconds(self) -> float:
        """Time spent in finished steps, over all continuations."""
        return self._state.seconds

    @property
    def notes(self) -> list[str]:
        """What changed between continuations of this run."""
        return list(self._state.notes)

    def seconds_per_step(self, count: int = 3) -> float:
        """How long a step takes, of ``count`` that are tried and forgotten after one to warm up."""
        kept, self._state = self._state, copy.deepcopy(self._state)
        try:
            batches = [
                self._crops.batch(kept.step + number, self.config.batch_size, self._rows)
                for number in range(count + 1)
            ]
            self._run_step(batches[0])
            warm = self._state.seconds
            for batch in batches[1:]:
                self._run_step(batch)
            return (self._state.seconds - warm) / count
        finally:
            self._state = kept

    def plan(self, steps: int) -> None:
        """Change how many steps are planned, on which the fall of the learning rate depends."""
        self.config = replace(self.config, steps=steps)

    def averaged_network(self) -> TransformerNetwork:
        """A copy of the network with the averaged weights, in evaluation mode."""
        network = TransformerNetwork(self.config.spec)
        network.load_state_dict(self._state.average)
        if self.config.spec.norm == "batch":
            self._recalibrate(network)
        return network.eval()

    def steps(self, *, checkpoint_seconds: float = 180.0) -> Iterator[StepReport]:
        """Run the remaining steps, yielding after each; saves now and then and at the end."""
        if not self._workers.leads:
            yield from self._steps_of_a_follower()
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        keep_losses_up_to(self.folder / LOSSES, self._state.step)
        saved = time.monotonic()
        with self._prefetched() as next_batch, LossLog(self.folder / LOSSES) as log:
            while self._state.step < self.config.steps:
                report = self._run_step(next_batch(self._state.step))
                log.write(report)
                if time.monotonic() - saved >= checkpoint_seconds:
                    log.flush()
                    self.save()
                    saved = time.monotonic()
                yield report
            log.flush()
        self.save()

    def _steps_of_a_follower(self) -> Iterator[StepReport]:
        with self._prefetched() as next_batch:
            while self._state.step < self.config.steps:
                yield self._run_step(next_batch(self._state.step))

    def _recalibrate(self, network: TransformerNetwork) -> None:
        """Give batch norms the statistics of the averaged weights instead of averaged statistics.

        As Izmailov et al., "Averaging Weights Leads to Wider Optima", 2018, section 3.2: the mean
        over a few batches, always the same ones.
        """
        norms = [module for module in network.modules() if isinstance(module, BatchNorm)]
        network.train()
        mix = torch.ones(self.config.batch_size, 1)
        for seen in range(_CALIBRATION_BATCHES):
            for norm in norms:
                norm.momentum = 1 / (seen + 1)
            with torch.no_grad():
                network(self._crops.batch(seen, self.config.batch_size), mix)

    def save(self) -> None:
        """Write the checkpoint."""
        state = self._state
        write_checkpoint(
            self.folder,
            {
                "step": state.step,
                "seconds": state.seconds,
                "notes": state.notes,
                "network": state.network.state_dict(),
                "optimizer": state.optimizer.state_dict(),
                "average": state.average,
                "description": self._description(),
            },
        )

    def _description(self) -> str:
        return description_of(asdict(self.config), self._fingerprint)

    def _new_state(self, start: TransformerNetwork | None, *, norms_only: bool) -> _State:
        with torch.random.fork_rng():
            torch.manual_seed(self.config.seed)
            network = TransformerNetwork(self.config.spec)
        if start is not None:
            network.load_state_dict(start.state_dict())
        if norms_only:
            for name, parameter in network.named_parameters():
                parameter.requires_grad = ".conv." not in name
        network = channels_last(network.to(self._device))
        trained = [value for value in network.parameters() if value.requires_grad]
        optimizer = torch.optim.Adam(trained, lr=self.config.learning_rate, fused=True)
        average = {name: value.detach().clone() for name, value in network.state_dict().items()}
        return _State(network, optimizer, average)

    def _restore(self) -> None:
        saved, changes = read_checkpoint(
            self.folder, self._description(), self._device, _take_changeable
        )
        state = self._state
        state.step, state.seconds = saved["step"], saved["seconds"]
        state.notes = [*saved["notes"], *changes]
        state.network.load_state_dict(saved["network"])
        state.optimizer.load_state_dict(saved["optimizer"])
        state.average = saved["average"]

    def _run_step(self, batch: Tensor) -> StepReport:
        started = time.monotonic()
        config, state = self.config, self._state
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + state.step + 500_009)
        chosen = choose_styles(config, generator)[self._rows].to(self._device)
        mix = torch.nn.functional.one_hot(chosen, config.spec.styles).float()
        images = batch.to(device=self._device, dtype=self._dtype)
        window = _shifted_window(config, generator)
        targets = self._objective.content_targets(images[window])
        styles = {layer: target.chosen(chosen) for layer, target in self._styles.items()}
        for group in state.optimizer.param_groups:
            group["lr"] = config.learning_rate_at(state.step)
        state.optimizer.zero_grad(set_to_none=True)
        # Full-precision weights are cast for the pass alone; scales and shifts stay wide.
        parameters = {
            name: value.to(self._dtype) if ".conv." in name else value
            for name, value in state.network.named_parameters()
        }
        pastiches = functional_call(state.network, parameters, (images, mix))
        losses = self._objective.losses(pastiches[window], targets, styles)
        grid = config.grid * grid_pattern(pastiches.float())
        total = losses.total + grid
        total.backward()  # pyright: ignore[reportUnknownMemberType]
        terms = torch.stack([total, losses.content, losses.style, losses.tv, grid]).detach()
        gradients = [value.grad for value in state.network.parameters() if value.grad is not None]
        self._workers.average([terms, *gradients])
        check_loss(terms[0], state.step)
        state.optimizer.step()
        state.step += 1
        update_average(state.average, state.network, config.average, state.step)
        seconds = time.monotonic() - started
        state.seconds += seconds
        loss, content, style, tv, pattern = terms.tolist()
        return StepReport(state.step, loss, content, style, tv, pattern, state.seconds)

    @contextmanager
    def _prefetched(self) -> Iterator[Callable[[int], Tensor]]:
        with ThreadPoolExecutor(1) as pool:
            size = self.config.batch_size
            ahead = pool.submit(self._crops.batch, self._state.step, size, self._rows)

            def next_batch(step: int) -> Tensor:
                nonlocal ahead
                batch = ahead.result()
                ahead = pool.submit(self._crops.batch, step + 1, size, self._rows)
                return batch

            yield next_batch


def choose_styles(config: TrainConfig, generator: torch.Generator) -> Tensor:
    """The style of every crop of a batch."""
    if not config.emphasis:
        return torch.randint(config.spec.styles, (config.batch_size,), generator=generator)
    shares = torch.tensor(config.emphasis, dtype=torch.float32)
    return torch.multinomial(shares, config.batch_size, replacement=True, generator=generator)


def _shifted_window(
    config: TrainConfig, generator: torch.Generator
) -> tuple[EllipsisType, slice, slice]:
    """An index that cuts a batch of crops by ``shift`` px in all, at random sides."""
    size = config.crop_size - config.shift
    top, left = torch.randint(config.shift + 1, (2,), generator=generator).tolist()
    return (..., slice(top, top + size), slice(left, left + size))


def _complete(config: dict[str, Any]) -> None:
    """Give the description of an older training the switches that there were not then."""
    default = asdict(TrainConfig(TransformerSpec(), ObjectiveWeights()))
    for section in ("spec", "weights"):
        described = json.loads(json.dumps(default[section]))
        config[section] = {**described, **config[section]}


def _take_changeable(before: dict[str, Any], now: dict[str, Any]) -> Iterator[Change]:
    """See `checkpoints.read_checkpoint`."""
    _complete(before)
    yield "steps", f"{before.pop('steps')}", f"{now.pop('steps')}"
    yield "grid weight", f"{before.pop('grid', 0.0):g}", f"{now.pop('grid'):g}"
    yield "shift", f"{before.pop('shift', 0)}", f"{now.pop('shift')}"
    yield "emphasis", _listed(before.pop("emphasis", [])), _listed(now.pop("emphasis"))
    for term in ("content", "style", "tv"):
        was, wanted = before["weights"].pop(term), now["weights"].pop(term)
        yield f"{term} weight", f"{was:g}", f"{wanted:g}"


def _listed(shares: list[float]) -> str:
    return " ".join(f"{share:g}" for share in shares) or "none"
