"""``pastiche bench optimize``: time to a given loss, against a plain eager L-BFGS loop.

Every variant runs in a fresh process of its own, so that allocator settings and peak memory belong
to it alone. Its clock counts the features of the fixed images and every step, and stands still
while a picture is judged. All are judged alike: the objective of the picture clamped to 0..1, in
float32.
"""

from __future__ import annotations

import copy
import math
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from torch import Tensor

from pastiche_daemon.bench.peak_memory import PeakMemory
from pastiche_daemon.bench.plain_optimizer import PlainObjective, plain_lbfgs
from pastiche_daemon.bench.report import Bar, BenchError, BenchReport, Cell
from pastiche_daemon.encoders import load_encoder
from pastiche_daemon.nn.image_objective import ImageTerms
from pastiche_daemon.nn.pixel_optimizer import OptimizerName, PixelOptions, Variables
from pastiche_daemon.nn.runtime import (
    Precision,
    fast_precision,
    in_precision,
    keep_freed_memory,
)
from pastiche_daemon.optimize import OptimizeOptions, OptimizeStep, StyleImage, optimize
from pastiche_daemon.photographs import fit_long_side, load_picture, picture_tensor

# What the product claims: a share of the plain loop's time.
_SHARES: dict[Precision, float] = {"bfloat16": 0.25, "float32": 0.5}
_AGREEMENT = 0.02
# How much above the goal a loss may be that is worth judging.
_NEAR = 1.05


@dataclass(frozen=True)
class OptimizeBenchRequest:
    """An encoder with its weights, two pictures, and how far the plain loop goes.

    ``content_layers`` and ``style_layers`` instead of the product's; for weights that end early.
    """

    encoder: str
    weights: Path
    content: Path
    style: Path
    size: int = 512
    evaluations: int = 100
    precision: Precision | None = None
    content_layers: tuple[str, ...] = ()
    style_layers: tuple[str, ...] = ()

    @property
    def terms(self) -> ImageTerms:
        """The product's default objective, with the layers that were asked for."""
        terms = ImageTerms()
        if self.content_layers:
            terms = replace(terms, content_layers=dict.fromkeys(self.content_layers, 1.0))
        if self.style_layers:
            terms = replace(terms, style_layers=dict.fromkeys(self.style_layers, 1.0))
        return terms


@dataclass(frozen=True)
class Variant:
    """One way to optimize; ``optimizer`` None is the plain loop.

    ``steps``: None for as many as the plain loop makes.
    """

    name: str
    optimizer: OptimizerName | None
    scales: int = 1
    precision: Precision = "float32"
    variables: Variables | None = "pixels"
    steps: int | None = None


@dataclass(frozen=True)
class Run:
    """What one variant did. ``reached`` is the time in seconds to the goal, or infinite."""

    reached: float
    seconds: float
    evaluations: int
    loss: float
    peak_mib: float


def bench_optimize(request: OptimizeBenchRequest, report: Callable[[str], None]) -> BenchReport:
    """Time to the loss that the plain loop ends with, for ours in every way.

    Raises `BenchError`, `EncoderFileError` or `PictureError` where an input cannot be used.
    """
    _check(request)
    fast = request.precision or fast_precision(torch.device("cpu"))
    report("plain L-BFGS")
    plain = _apart(request, Variant("plain", None), None)
    default = OptimizeOptions()
    variants = [
        # For all of its steps: the agreement of precisions is that of finished pictures.
        Variant(
            "pastiche",
            default.pixels.optimizer,
            default.scales,
            fast,
            None,
            max(default.pixels.steps, request.evaluations),
        ),
        Variant("L-BFGS", "lbfgs", 1, fast),
        Variant("Adam", "adam", 1, fast),
        Variant("SGD", "sgd", 1, fast),
        Variant("L-BFGS, pyramid", "lbfgs", 1, fast, "pyramid"),
    ]
    exact = replace(variants[0], name="pastiche float32", precision="float32")
    if fast != "float32":
        variants.append(exact)
    runs: dict[str, Run] = {}
    for variant in variants:
        report(variant.name)
        runs[variant.name] = _apart(request, variant, plain.loss)
    rows: list[Sequence[Cell]] = [_row("plain L-BFGS", plain, plain)]
    rows += [_row(name, run, plain) for name, run in runs.items()]
    share = _SHARES[fast]
    ours = runs["pastiche"].reached / plain.seconds
    name = f"at most {share:g} of the plain loop's time ({fast})"
    bars = [Bar(name, ours <= share, f"{ours:.3f}")]
    if fast != "float32":
        found, wanted = runs["pastiche"].loss, runs[exact.name].loss
        detail = f"{found:.4f} against {wanted:.4f}"
        bars.append(
            Bar(
                f"the final loss in {fast} is at most {_AGREEMENT:.0%} above float32's",
                found <= (1 + _AGREEMENT) * wanted,
                detail,
            )
        )
    return BenchReport(
        name="optimize",
        columns=(
            "optimizer",
            "s to the goal",
            "share of plain",
            "s in all",
            "evaluations",
            "s / evaluation",
            "final loss",
            "peak MiB",
        ),
        rows=rows,
        bars=bars,
        notes=(
            (
                f"The goal is what the plain loop has after {request.evaluations} evaluations: "
                f"loss {plain.loss:.4f}, at {request.size} px with {request.encoder}."
            ),
            "Losses are of the picture clamped to 0..1, in float32; judging is not timed.",
            (
                "'pastiche' is the product's default, Adam over a Laplacian pyramid, for its "
                "default number of steps. Others: pixels."
            ),
            "Peak memory: most resident memory of the whole run, above the process before it.",
        ),
    )


def _row(name: str, run: Run, plain: Run) -> tuple[Cell, ...]:
    reached = run.reached if math.isfinite(run.reached) else "not reached"
    share = run.reached / plain.seconds if math.isfinite(run.reached) else "-"
    each = run.seconds / run.evaluations
    return name, reached, share, run.seconds, run.evaluations, each, run.loss, run.peak_mib


def _check(request: OptimizeBenchRequest) -> None:
    """Here, because a process of its own could only die of it."""
    encoder = load_encoder(request.encoder, request.weights).encoder
    try:
        encoder.check_layers([*request.terms.content_layers, *request.terms.style_layers])
    except ValueError as error:
        raise BenchError(f"encoder weights: {error}") from error
    layers = (*request.terms.content_layers, *request.terms.style_layers)
    if any(not layer.startswith("relu") for layer in layers):
        raise BenchError("layers: the plain loop taps relu layers only")
    for path in (request.content, request.style):
        load_picture(path)


def _apart(request: OptimizeBenchRequest, variant: Variant, goal: float | None) -> Run:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_send_run, args=(there, request, variant, goal), daemon=True)
    process.start()
    there.close()
    try:
        return here.recv()
    except EOFError as error:
        raise BenchError(f"{variant.name}: the process died; is there enough memory?") from error
    finally:
        here.close()
        process.join(10)
        process.kill()


def _send_run(
    connection: Connection, request: OptimizeBenchRequest, variant: Variant, goal: float | None
) -> None:
    connection.send(measure(request, variant, goal))


def measure(request: OptimizeBenchRequest, variant: Variant, goal: float | None) -> Run:
    """Run one variant in this process; ``goal`` is the loss whose time is asked for."""
    if variant.optimizer is not None:
        keep_freed_memory()
    encoder = load_encoder(request.encoder, request.weights).encoder
    content = _picture(request.content, request.size)
    # As the product does: the style in the content's size.
    style = _picture(request.style, request.size)
    judge = PlainObjective(encoder, request.terms, content, style)
    with PeakMemory() as peak:
        clock = _Clock(judge, content.shape, goal)
        if variant.optimizer is None:
            objective = PlainObjective(encoder, request.terms, content, style)
            plain_lbfgs(objective, content, request.evaluations, clock.see_plain)
        else:
            exact = None
            if variant.precision != "float32":
                # As the product does.
                exact = in_precision(copy.deepcopy(encoder), "float32")
            in_precision(encoder, variant.precision)
            options = OptimizeOptions(
                terms=request.terms,
                pixels=PixelOptions(
                    optimizer=variant.optimizer,
                    steps=variant.steps or request.evaluations,
                    variables=variant.variables,
                ),
                scales=variant.scales,
            )
            styles = [StyleImage(style[0])]
            optimize(encoder, content[0], styles, options, clock.see, exact=exact)
        clock.stop()
    reached = clock.seconds if goal is None else clock.reached
    return Run(reached, clock.seconds, clock.evaluations, clock.loss(), peak.bytes / 2**20)


class _Clock:
    """Counts the time of steps, not that of judging them; keeps the best picture in full size."""

    def __init__(self, judge: PlainObjective, shape: torch.Size, goal: float | None) -> None:
        self._judge = judge
        self._shape = shape
        self._goal = goal
        self._least = math.inf
        self._image = torch.empty(0)
        self.seconds = 0.0
        self.reached = math.inf
        self.evaluations = 0
        self._since = time.perf_counter()

    def see_plain(self, image: Tensor) -> None:
        self.stop()
        self.evaluations += 1
        self._image = image.clamp(0, 1)
        self._since = time.perf_counter()

    def see(self, step: OptimizeStep) -> bool:
        self.stop()
        self.evaluations += 1
        total, picture = float(step.losses.total.item()), step.picture()[None]
        if picture.shape == self._shape and total < self._least:
            self._least, self._image = total, picture.clone()
            if self._goal is not None and math.isinf(self.reached) and total <= _NEAR * self._goal:
                self.reached = self.seconds if self.loss() <= self._goal else math.inf
        self._since = time.perf_counter()
        return True

    def stop(self) -> None:
        self.seconds += time.perf_counter() - self._since

    def loss(self) -> float:
        with torch.no_grad():
            return self._judge.loss(self._image).item()


def _picture(path: Path, size: int) -> Tensor:
    return picture_tensor(fit_long_side(load_picture(path), size)).contiguous()
