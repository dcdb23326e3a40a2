"""How large a picture may be optimized."""

from __future__ import annotations

import pytest

from pastiche_daemon.nn.encoder import encoder_specs
from pastiche_daemon.nn.image_objective import ImageTerms
from pastiche_daemon.nn.style_statistics import StyleStatistic
from pastiche_daemon.optimize_size import (
    OptimizeCost,
    fitting_shape,
    optimize_bytes,
    plan_size,
    working_shape,
)

MIB = 2**20
VGG19 = encoder_specs()["vgg19"]


@pytest.mark.parametrize(
    ("shape", "size", "expected"),
    [
        ((300, 400), None, (300, 400)),
        ((300, 400), 800, (300, 400)),
        ((300, 400), 200, (150, 200)),
        ((40, 400), 200, (32, 320)),  # not too narrow for the deepest layers
        ((32, 400), 200, (32, 400)),
    ],
)
def test_the_size_limits_the_longer_side(shape, size, expected):
    assert working_shape(shape, size) == expected


def test_the_largest_that_fits_is_taken():
    def needed(shape: tuple[int, int]) -> int:
        return shape[0] * shape[1]

    assert fitting_shape((300, 400), None, needed, 120_000) == (300, 400)
    h, w = fitting_shape((300, 400), None, needed, 30_000)
    assert 25_000 < h * w <= 30_000
    assert w / h == pytest.approx(4 / 3, rel=0.02)
    assert fitting_shape((300, 400), 100, needed, 30_000) == (75, 100)


def test_where_nothing_fits_the_smallest_is_returned():
    assert min(fitting_shape((300, 400), None, lambda _: 10**12, 5)) == 32
    assert fitting_shape((300, 400), None, lambda _: 10**12, -5)[0] == 32


def estimate(terms: ImageTerms | None = None, pixels: int = 512**2, **values: int) -> int:
    arguments = {"history": 0, "value_bytes": 4, **values}
    return optimize_bytes(VGG19, terms or ImageTerms(), pixels, [pixels], **arguments)


def test_memory_grows_with_what_is_asked_for():
    base = estimate()
    # VGG-19 at 512 px keeps about 290 channels at full resolution, each some three times.
    assert 500 * MIB < base < 1500 * MIB
    assert estimate(value_bytes=2) < base
    assert estimate(history=50) > base + 200 * MIB
    assert estimate(pixels=1024**2) > 3 * base
    shallow = ImageTerms(style_layers={"relu1_1": 1.0}, content=0)
    assert estimate(shallow) < base / 2
    gaussian = ImageTerms(statistic=StyleStatistic(kind="mmd-gaussian"))
    assert estimate(gaussian) > 2 * base


def test_terms_without_an_encoder_need_little():
    assert estimate(ImageTerms(content=0, style=0)) < 150 * MIB


def test_large_styles_count():
    terms = ImageTerms()
    small, large = (
        optimize_bytes(VGG19, terms, 64**2, [pixels], history=0, value_bytes=4)
        for pixels in (64**2, 2048**2)
    )
    assert large > small + 1000 * MIB


COMPACT = encoder_specs()["compact"]
LARGE = (2000, 3000)


def cost(terms: ImageTerms | None = None, **values: int) -> OptimizeCost:
    history, regions = values.get("history", 0), values.get("regions", 0)
    return OptimizeCost(
        COMPACT, terms or ImageTerms(), ((800, 1000),), 1.0, history, value_bytes=4, regions=regions
    )


def test_what_fits_is_optimized_at_once():
    chosen = cost()
    plan = plan_size(LARGE, None, chosen, chosen.whole(LARGE))
    assert (plan.shape, plan.tile) == (LARGE, None)
    assert plan.bytes_needed == chosen.whole(LARGE)
    assert plan_size(LARGE, 300, chosen, chosen.whole((200, 300))).shape == (200, 300)


def test_what_does_not_fit_at_once_is_optimized_in_tiles():
    chosen = cost()
    free = chosen.whole(LARGE) // 2
    plan = plan_size(LARGE, None, chosen, free)
    assert plan.shape == LARGE
    assert plan.tile == 1024
    assert plan.bytes_needed <= free
    assert plan.tile_at(LARGE) == 1024
    # The coarse scales fit at once.
    assert plan.tile_at((500, 750)) is None


def test_tiles_shrink_with_the_memory_and_then_the_picture_does():
    chosen = cost()
    least = chosen.least_tile
    enough = chosen.tiled(LARGE, least)
    tiles = [
        plan_size(LARGE, None, chosen, enough + more * MIB).tile or 0 for more in (0, 200, 400)
    ]
    assert tiles[0] == least < tiles[1] < tiles[2] < 1024
    plan = plan_size(LARGE, None, chosen, enough - 100 * MIB)
    assert plan.tile == least
    assert plan.bytes_needed <= enough - 100 * MIB
    assert 2500 < plan.shape[1] < 3000
    assert plan.shape[1] / plan.shape[0] == pytest.approx(1.5, rel=0.01)


def test_a_limit_makes_tiles_but_no_smaller_picture():
    chosen = cost()
    free = chosen.whole(LARGE)
    plan = plan_size(LARGE, None, chosen, free, chosen.tiled(LARGE, 640))
    assert (plan.shape, plan.tile) == (LARGE, 640)
    plan = plan_size(LARGE, None, chosen, free, 128 * MIB)
    assert (plan.shape, plan.tile) == (LARGE, chosen.least_tile)
    assert plan_size(LARGE, 32, chosen, free, MIB).tile is None  # tiles would take no less


def test_where_not_even_tiles_fit_the_plan_needs_more_than_there_is():
    assert plan_size(LARGE, None, cost(), 10 * MIB).bytes_needed > 10 * MIB


def test_tiles_take_the_memory_of_one_and_of_the_pictures():
    chosen = cost()
    pictures = 3 * 4 * LARGE[0] * LARGE[1]
    small, large = (chosen.tiled(shape, 512) for shape in (LARGE, (4000, 3000)))
    # 17 pictures, the kept content and twice the style.
    assert 15 * pictures < large - small < 25 * pictures
    assert chosen.tiled(LARGE, 1024) - chosen.tiled(LARGE, 512) == pytest.approx(
        (chosen.whole(LARGE) - 16 * pictures) * (1024**2 - 512**2) / (LARGE[0] * LARGE[1]), rel=0.1
    )
    assert cost(regions=3).tiled(LARGE, 512) > small
    assert cost(history=50).tiled(LARGE, 512) > small + 90 * pictures
    shallow = ImageTerms(content_layers={"conv1_1": 1.0})
    assert not cost(terms=shallow).tiled(LARGE, 512) > small  # computed again, not kept
