"""Layers that would not fit are refused before they are there."""

from __future__ import annotations

import pytest

from pastiche_daemon.memory import (
    InsufficientMemoryError,
    MemoryBudget,
    release_freed_memory,
    stylize_bytes,
    upscale_bytes,
)

GIB = 2**30


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


def test_upscaling_costs_the_result_and_one_tile() -> None:
    base = upscale_bytes(120_000, 4, (64, 32, 32), 4, whole=False)
    # Measured for 300 x 400 pixels: 210 MiB in half precision, 560 MiB in single precision.
    assert 560 * 2**20 <= base < 900 * 2**20
    assert upscale_bytes(120_000, 4, (64, 128, 32), 4, whole=False) > 1.5 * base
    large, larger = (upscale_bytes(n * 10**6, 4, (64, 32, 32), 4, whole=False) for n in (4, 5))
    # Only the layer and the result grow: 16 pixels of 4 bytes, and the layer in float32.
    assert 64 * 10**6 < larger - large < 200 * 10**6
    held = upscale_bytes(4 * 10**6, 4, (64, 32, 32), 4, whole=True)
    assert held - large >= 64 * 4 * 10**6


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
    with pytest.raises(InsufficientMemoryError, match="in parts, scale it down"):
        memory.require(2 * GIB)


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
