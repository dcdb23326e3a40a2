"""``pastiche bench forward``: our forward pass against what others run the same network with.

Every variant runs in a process of its own; the timed rounds take turns.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import psutil

from pastiche_daemon.bench.forward_results import COLUMNS, Measured, SizeResult, precision_bar
from pastiche_daemon.bench.forward_variants import (
    ALONE,
    EAGER,
    PASTICHE,
    ForwardCase,
    Variant,
    limits,
    variants,
)
from pastiche_daemon.bench.report import Bar, BenchError, BenchReport, Cell
from pastiche_daemon.bench.turns import Turns, UnavailableError
from pastiche_daemon.nn.transformer import TransformerSpec
from pastiche_daemon.packs.store import BUILT_IN_FOLDER


@dataclass(frozen=True)
class ForwardRequest:
    """What is measured: ``rounds`` of every variant after one pass to warm up.

    With ``all_styles`` the precision of every style of the built-in pack is measured, too.
    ``runtimes`` are names of variants, all where there are none; another name is a `BenchError`.
    """

    case: ForwardCase
    sizes: Sequence[int]
    rounds: int
    all_styles: bool = False
    runtimes: Sequence[str] = ()

    def __post_init__(self) -> None:
        known = dict.fromkeys(variant.name for variant in (*variants(), *limits()))
        for name in self.runtimes:
            if name not in known:
                raise BenchError(f"there is no runtime {name!r}; there are {', '.join(known)}")

    def variants(self) -> list[Variant]:
        """Those that are measured."""
        every = [*variants(), *limits()]
        return [each for each in every if not self.runtimes or each.name in self.runtimes]


def bench_forward(request: ForwardRequest, report: Callable[[str], None]) -> BenchReport:
    """Time square images. Raises `PackError` or `PictureError` where an input cannot be read."""
    case = request.case
    network = case.network()  # here, because the other processes could only die of it
    case.image()
    trained = case.pack is not None and case.pack.parent == BUILT_IN_FOLDER
    rows: list[Sequence[Cell]] = []
    bars: list[Bar] = []
    skipped: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for size in request.sizes:
            at_size = replace(case, size=size)
            measured = _measure(at_size, network.spec, request, Path(folder), report, skipped)
            found = SizeResult(network.spec, size, measured)
            rows.extend(found.rows())
            bars.extend(found.bars(trained=trained))
            if request.all_styles and trained:
                bars.extend(_style_bars(at_size, network.spec.styles, Path(folder), report))
    spec = network.spec
    return BenchReport(
        name="forward",
        columns=COLUMNS,
        rows=rows,
        bars=bars,
        notes=(
            (
                f"The network: {'random weights' if case.pack is None else case.pack.name}, "
                f"{', '.join(map(str, spec.channels))} channels."
            ),
            (
                "pastiche: the product's own path, from a layer's colours to the pastiche's. "
                "Eager: the same weights in float32, written with torch's own layers, as "
                "everybody runs it."
            ),
            (
                "Seconds and ratios are medians over the rounds, which take turns; compiling and "
                "one pass to warm up are not counted."
            ),
            "Peak memory: most resident memory during a pass, above the process before it.",
            "PSNR and the largest error are against eager's picture.",
            (
                "GFLOP/s: of the convolutions as the paper has them. Convolutions alone: the same "
                "on maps that are there already, which is the machine's limit."
            ),
            *skipped,
        ),
    )


def _measure(
    case: ForwardCase,
    spec: TransformerSpec,
    request: ForwardRequest,
    folder: Path,
    report: Callable[[str], None],
    skipped: list[str],
) -> list[Measured]:
    """Every variant that can run; why the others cannot is added to ``skipped``."""
    needed = _eager_bytes(spec, case.size)
    every = request.variants()
    measured = {variant: Measured(variant) for variant in every}
    pictures = {variant: folder / f"{number}.npy" for number, variant in enumerate(every)}
    # Where there is no room for all of them side by side, each turn has a process of its own.
    together = needed * len(every) < psutil.virtual_memory().available
    with ExitStack() as stack:
        waiting: dict[Variant, Turns] = {}
        for number in range(request.rounds):
            for variant, each in list(measured.items()):
                report(f"{case.size} px, {variant.title}, {number + 1} of {request.rounds}")
                try:
                    turns = waiting.get(variant)
                    if turns is None:
                        turns = _start(case, variant, needed, pictures[variant])
                        stack.enter_context(closing(turns))
                    each.seconds.append(turns.run())
                    each.peak_bytes = max(each.peak_bytes, turns.peak_bytes())
                except UnavailableError as error:
                    del measured[variant]
                    skipped.append(f"{case.size} px without {variant.title}: {error}.")
                    continue
                if together:
                    waiting[variant] = turns
                else:
                    turns.close()
    eager = next((variant for variant in measured if variant.name == EAGER), None)
    for variant, each in measured.items():
        if eager is not None and variant.name not in (EAGER, ALONE):
            _compare(each, pictures[variant], pictures[eager])
    return list(measured.values())


def _style_bars(
    case: ForwardCase, styles: int, folder: Path, report: Callable[[str], None]
) -> Iterator[Bar]:
    """The worst of all styles, for each of our precisions."""
    eager = next(variant for variant in variants() if variant.name == EAGER)
    ours = [variant for variant in variants() if variant.name == PASTICHE]
    found: dict[Variant, list[Measured]] = {variant: [] for variant in ours}
    for style in range(styles):
        report(f"{case.size} px, style {style + 1} of {styles}")
        in_style = replace(case, style=style)
        for variant in (eager, *ours):
            _start(in_style, variant, 0, folder / f"{variant.title}.npy").close()
        for variant in ours:
            measured = Measured(variant)
            _compare(measured, folder / f"{variant.title}.npy", folder / f"{eager.title}.npy")
            found[variant].append(measured)
    for every in found.values():
        worst = max(every, key=lambda each: each.error or 0.0)
        worst.largest = max(each.largest or 0.0 for each in every)
        yield precision_bar(f"{case.size} px, the worst of {styles} styles", worst)


def _start(case: ForwardCase, variant: Variant, needed: int, picture: Path) -> Turns:
    """Raises `UnavailableError`, also where there is no memory for it."""
    free = psutil.virtual_memory().available
    if variant.name != PASTICHE and needed > free:
        raise UnavailableError(
            f"it needs about {needed / 2**30:.1f} GiB of memory, and {free / 2**30:.1f} are free"
        )
    return Turns(variant.make, case, variant.precision, picture=picture)


def _eager_bytes(spec: TransformerSpec, size: int) -> int:
    """About what an eager pass in float32 holds at once, and others that see the whole image: an
    upsampling's result, its padded copy, and what the convolution and the norm make of them."""
    full, half, _ = spec.channels
    return 4 * size**2 * (3 * half + full)


def _compare(measured: Measured, picture: Path, wanted: Path) -> None:
    made, right = np.load(picture, mmap_mode="r"), np.load(wanted, mmap_mode="r")
    squares, largest = 0.0, 0.0
    for row in range(made.shape[-2]):
        difference = made[..., row, :].astype(np.float64) - right[..., row, :]
        squares += float(np.square(difference).sum())
        largest = max(largest, float(np.abs(difference).max()))
    measured.error, measured.largest = squares / made.size, largest
