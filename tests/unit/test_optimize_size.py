"""How large a picture may be optimized."""

from __future__ import annotations

import pytest

from pastiche_daemon.nn.encoder import encoder_specs
from pastiche_daemon.nn.image_objective import ImageTerms
from pastiche_daemon.nn.style_statistics import StyleStatistic
from pastiche_daemon.optimize_size import fitting_shape, optimize_bytes, working_shape

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
