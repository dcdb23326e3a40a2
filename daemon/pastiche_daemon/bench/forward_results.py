"""What ``pastiche bench forward`` has to say about its measurements: rows and bars."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pastiche_daemon.bench.convolutions import total_flops
from pastiche_daemon.bench.forward_variants import ALONE, EAGER, OPENVINO, PASTICHE, Variant
from pastiche_daemon.bench.report import Bar, Cell
from pastiche_daemon.nn.transformer import TransformerSpec

COLUMNS = (
    "size",
    "runtime",
    "precision",
    "seconds",
    "times faster than eager",
    "peak MiB",
    "PSNR dB",
    "largest error, levels",
    "GFLOP/s",
    "share of the convolutions alone",
)
_LAPTOP, _LARGE = 1024, 4096
_TIMES_EAGER = 12.0
_SHARE_OF_LIMIT = 0.5
_LARGE_PEAK = 1.5 * 2**30
_LEAST_PSNR = 45.0
_NONE = "-"


@dataclass
class Measured:
    """``error`` and ``largest`` are the mean square and the largest difference from eager's."""

    variant: Variant
    seconds: list[float] = field(default_factory=list[float])
    peak_bytes: int = 0
    error: float | None = None
    largest: float | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def times_faster(self, than: Measured) -> float:
        """The median over the rounds."""
        ratios = [b / a for a, b in zip(self.seconds, than.seconds, strict=True)]
        return statistics.median(ratios)

    @property
    def psnr(self) -> float | None:
        if self.error is None:
            return None
        return math.inf if self.error == 0 else -10 * math.log10(self.error)


class SizeResult:
    """All that was measured at one size."""

    def __init__(self, spec: TransformerSpec, size: int, measured: Sequence[Measured]) -> None:
        self.size = size
        self.flops = total_flops(spec, size)
        self.pictures = [each for each in measured if each.variant.name != ALONE]
        self._measured = measured

    def find(self, name: str, precision: str) -> Measured | None:
        named = (m for m in self._measured if m.variant.name == name)
        return next((m for m in named if m.variant.precision == precision), None)

    def rows(self) -> Iterator[Sequence[Cell]]:
        eager = self.find(EAGER, "float32")
        for each in self._measured:
            limit = self.find(ALONE, each.variant.precision)
            psnr, largest = each.psnr, each.largest
            yield (
                f"{self.size} px",
                each.variant.name,
                each.variant.precision,
                each.median,
                each.times_faster(eager) if eager else _NONE,
                each.peak_bytes / 2**20 if each.variant.name != ALONE else _NONE,
                _NONE if psnr is None else psnr,
                _NONE if largest is None else largest * 255,
                self.flops / each.median / 1e9,
                each.times_faster(limit) if limit else _NONE,
            )

    def bars(self, *, trained: bool) -> Iterator[Bar]:
        """Those for which everything was measured; pictures count of ``trained`` networks only."""
        ours = [each for each in self.pictures if each.variant.name == PASTICHE]
        if not ours:
            return
        best = ours[0]
        if self.size == _LAPTOP:
            yield from self._laptop_bars(best)
        if self.size == _LARGE:
            others = [each for each in self.pictures if each.variant.name != PASTICHE]
            if others:
                fastest = min(others, key=lambda each: each.median)
                yield self._no_slower(best, fastest, "the fastest other, ")
            yield Bar(
                f"{self.size} px in 1.5 GiB over the weights",
                best.peak_bytes <= _LARGE_PEAK,
                f"{best.peak_bytes / 2**30:.2f} GiB",
            )
        for each in ours:
            other = self.find(OPENVINO, each.variant.precision)
            if other is not None and self.size >= _LAPTOP:
                yield self._no_slower(each, other, "")
            if trained and each.psnr is not None and each.largest is not None:
                yield precision_bar(f"{self.size} px", each)

    def _laptop_bars(self, best: Measured) -> Iterator[Bar]:
        eager = self.find(EAGER, "float32")
        limit = self.find(ALONE, best.variant.precision)
        if eager is not None:
            times = best.times_faster(eager)
            detail = f"{times:.1f} times"
            if limit is not None:
                detail += f"; the convolutions alone {limit.times_faster(eager):.1f} times"
            name = f"{self.size} px {_TIMES_EAGER:.0f} times faster than eager"
            yield Bar(name, times >= _TIMES_EAGER, detail)
        if limit is not None:
            share = best.times_faster(limit)
            yield Bar(
                f"{self.size} px at half of the convolutions' own throughput",
                share >= _SHARE_OF_LIMIT,
                f"{share:.0%}",
            )

    def _no_slower(self, ours: Measured, other: Measured, what: str) -> Bar:
        times = ours.times_faster(other)
        return Bar(
            f"{self.size} px in {ours.variant.precision} no slower than {what}"
            f"{other.variant.title}",
            times >= 1,
            f"{times:.2f} times as fast",
        )


def precision_bar(what: str, measured: Measured) -> Bar:
    """Whether a picture is eager's: within one level in float32, by its PSNR in half precision."""
    psnr, largest = measured.psnr, measured.largest
    assert psnr is not None
    assert largest is not None
    if measured.variant.precision == "float32":
        name = f"{what} in float32 within one level of eager"
        return Bar(name, largest <= 1 / 255, f"{largest * 255:.3f} levels")
    name = f"{what} in {measured.variant.precision} within {_LEAST_PSNR:.0f} dB of eager"
    return Bar(name, psnr >= _LEAST_PSNR, f"{psnr:.1f} dB")
