"""Layers that would not fit are refused before they are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from pastiche_daemon.memory import (
    InsufficientMemoryError,
    MemoryBudget,
    release_freed_memory,
    stylize_bytes,
    upscale_bytes,
)
from pastiche_daemon.spool import Spool
from pastiche_daemon.stylize_memory import plan_stylizing

MIB, GIB = 2**20, 2**30


def budget(available: int, total: int = 16 * GIB) -> MemoryBudget:
    return MemoryBudget(lambda: available, lambda: total)


def test_the_estimate_grows_with_pixels_widths_and_fine_strokes() -> None:
    base = stylize_bytes(10**6, (16, 32, 64), 1.0)
    assert stylize_bytes(2 * 10**6, (16, 32, 64), 1.0) > 1.8 * base
    assert stylize_bytes(10**6, (32, 64, 128), 1.0) > 1.5 * base
    assert stylize_bytes(10**6, (16, 32, 64), 0.5) > 3 * base
    assert stylize_bytes(10**6, (16, 32, 64), 2.0) < base
    # Measured: 523 bytes a pixel, for 1024 x 1024 pixels.
    assert 523 <= base / 10**6 < 700


@pytest.mark.parametrize("channels", [(512, 1, 1), (1, 512, 1), (1, 1, 512)])
def test_the_estimate_counts_every_width(channels: tuple[int, int, int]) -> None:
    assert stylize_bytes(10**6, channels, 1.0) > 1.3 * stylize_bytes(10**6, (1, 1, 1), 1.0)


def test_upscaling_costs_one_tile_and_a_band_of_the_layer() -> None:
    single = upscale_bytes(300, 400, (64, 32, 32), 4, 4)
    half = upscale_bytes(300, 400, (64, 32, 32), 4, 2)
    # Measured: 210 MiB in half precision, 560 MiB in single precision.
    assert 560 * MIB <= single < 700 * MIB
    assert 210 * MIB <= half < 350 * MIB
    assert upscale_bytes(300, 400, (64, 128, 32), 4, 4) > 1.5 * single
    wide, wider, taller = (
        upscale_bytes(w * 1000, h * 1000, (64, 32, 32), 4, 2) for w, h in ((4, 4), (5, 4), (4, 5))
    )
    assert taller == wide
    # 1000 columns of 256 rows: the layer in float32, and 16 pixels of the result for each of its.
    assert 256_000 * (20 + 16 * 4) < wider - wide < 256_000 * 500


SMALL, LARGE = (16, 32, 64), (32, 64, 128)


def test_small_layers_run_as_a_whole_and_large_ones_in_strips() -> None:
    small = plan_stylizing((1000, 1500), SMALL, 1.0, 2 * GIB)
    assert small.whole
    assert small.work_bytes == stylize_bytes(1_500_000, SMALL, 1.0)
    assert not plan_stylizing((2000, 1500), SMALL, 1.0, 2 * GIB).whole
    assert plan_stylizing((2000, 1500), SMALL, 2.0, 2 * GIB).whole
    assert not plan_stylizing((1000, 1500), SMALL, 0.5, 2 * GIB).whole
    assert not plan_stylizing((1000, 1500), SMALL, 1.0, GIB // 2).whole


@pytest.mark.parametrize("shape", [(10_000, 10_000), (65_535, 4096), (4096, 65_535), (2000, 1500)])
@pytest.mark.parametrize("channels", [SMALL, LARGE])
@pytest.mark.parametrize("limit", [2 * GIB, GIB])
@pytest.mark.parametrize("stroke_size", [0.25, 1.0, 4.0])
def test_strips_fit_into_the_limit_whatever_the_layer(
    shape: tuple[int, int], channels: tuple[int, int, int], limit: int, stroke_size: float
) -> None:
    plan = plan_stylizing(shape, channels, stroke_size, limit)
    assert plan.strip_rows >= 8
    if plan.strip_rows > 8:
        assert plan.work_bytes <= limit
        assert plan.map_bytes <= limit
    assert plan.whole or plan.strip_rows % 4 == 0


def test_the_limit_is_what_was_given_or_a_quarter_of_what_is_free() -> None:
    assert budget(16 * GIB).layer_limit == 2 * GIB
    assert budget(2 * GIB).layer_limit == (2 * GIB - 256 * MIB) // 4
    assert budget(0).layer_limit == 0
    given = MemoryBudget(lambda: 16 * GIB, lambda: 16 * GIB, limit=5 * GIB)
    assert given.layer_limit == 5 * GIB


def test_large_planes_are_spooled(tmp_path: Path) -> None:
    memory = MemoryBudget(lambda: 16 * GIB, lambda: 16 * GIB, limit=8 * MIB, spool=Spool(tmp_path))
    for size, in_memory in ((MIB, True), (MIB + 1, False)):
        plane = memory.new_plane(size)
        assert plane.in_memory == memory.keeps_in_memory(size) == in_memory
        plane.close()
    assert budget(GIB).new_plane(GIB).in_memory, "without a spool"


def test_what_fits_is_let_through_and_given_back() -> None:
    memory = budget(2 * GIB)
    for _ in range(3):
        with memory.upload(GIB, GIB // 2, device_busy=False):
            pass
    memory.require(GIB)


def test_what_does_not_fit_is_refused_with_advice() -> None:
    memory = budget(2 * GIB)
    with (
        pytest.raises(InsufficientMemoryError, match=r"about 2\.5 GiB .* 1\.8 GiB are free"),
        memory.upload(GIB // 2, 2 * GIB, device_busy=False),
    ):
        pass
    with pytest.raises(InsufficientMemoryError, match="a part of it, scale it down"):
        memory.require(2 * GIB)
    with pytest.raises(InsufficientMemoryError, match="GiB are free; do less"):
        memory.require(2 * GIB, "do less")
    with (
        pytest.raises(InsufficientMemoryError, match="GiB are free; do less"),
        memory.upload(GIB // 2, 2 * GIB, device_busy=False, advice="do less"),
    ):
        pass


def test_uploads_that_are_on_their_way_count() -> None:
    memory = budget(2 * GIB)
    with (
        memory.upload(GIB, 0, device_busy=True),
        pytest.raises(InsufficientMemoryError),
        memory.upload(GIB, 0, device_busy=True),
    ):
        pass
    with memory.upload(GIB, 0, device_busy=True):
        pass


def test_what_runs_now_gives_its_memory_back_first() -> None:
    memory = budget(GIB)
    with memory.upload(GIB // 4, 8 * GIB, device_busy=True):
        pass
    with (
        pytest.raises(InsufficientMemoryError, match="this computer has"),
        memory.upload(GIB // 4, 16 * GIB, device_busy=True),
    ):
        pass


def test_freed_memory_is_released_before_a_layer_is_refused() -> None:
    free = iter([0, 4 * GIB])
    MemoryBudget(lambda: next(free), lambda: 8 * GIB).require(GIB)


def test_this_computers_memory_is_asked_for() -> None:
    memory = MemoryBudget()
    with memory.upload(1, 1, device_busy=False):
        memory.require(1)
    with (
        pytest.raises(InsufficientMemoryError),
        memory.upload(2**60, 1, device_busy=True),
    ):
        pass
    release_freed_memory()
