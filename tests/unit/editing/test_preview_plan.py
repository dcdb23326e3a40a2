"""What a live preview shows, and what it costs."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pastiche_client.editing.options import Options
from pastiche_client.editing.preview_plan import (
    PREVIEW_SIDE,
    PreviewMode,
    PreviewPlan,
    plan_preview,
)
from pastiche_client.layer import Layer, PixelFormat, SampleType

sides = st.integers(1, 100_000)
strokes = st.floats(0.25, 4.0)
FIT, DETAIL = PreviewMode.FIT, PreviewMode.DETAIL


@given(st.sampled_from(PreviewMode), sides, sides, strokes, st.floats(0, 1), st.floats(0, 1))
def test_every_preview_is_small_and_lies_within_the_layer(
    mode: PreviewMode, width: int, height: int, stroke: float, x: float, y: float
) -> None:
    options = Options("tiny/one", stroke_size=stroke, strength=0.5)
    plan = plan_preview(mode, width, height, options, (x, y))
    assert 0 <= plan.x <= plan.x + plan.width <= width
    assert 0 <= plan.y <= plan.y + plan.height <= height
    assert 1 <= plan.out_width <= PREVIEW_SIDE
    assert 1 <= plan.out_height <= PREVIEW_SIDE
    assert 0 < plan.scale <= 1
    assert plan.options.strength == 0.5
    # What the network sees is what its time grows with.
    assert max(plan.out_width, plan.out_height) / plan.options.stroke_size < 512.001


@given(sides, sides, strokes)
def test_a_detail_is_as_in_the_result(width: int, height: int, stroke: float) -> None:
    options = Options("tiny/one", stroke_size=stroke)
    plan = plan_preview(DETAIL, width, height, options)
    assert (plan.out_width, plan.out_height) == (plan.width, plan.height)
    assert plan.options == options
    assert plan.true_strokes


@pytest.mark.parametrize(
    ("center", "corner"),
    [
        ((0.5, 0.5), (840, 340)),
        ((0.0, 0.0), (0, 0)),
        ((1.0, 1.0), (1680, 680)),
        ((-3.0, 9.0), (0, 680)),
    ],
)
def test_a_detail_is_around_its_center(
    center: tuple[float, float], corner: tuple[int, int]
) -> None:
    plan = plan_preview(DETAIL, 2000, 1000, Options("tiny/one"), center)
    assert (plan.x, plan.y, plan.width, plan.height) == (*corner, 320, 320)


def test_fine_strokes_make_a_smaller_detail() -> None:
    plan = plan_preview(DETAIL, 2000, 1000, Options("tiny/one", stroke_size=0.25))
    assert (plan.width, plan.height) == (80, 80)


@given(sides, sides, strokes, st.floats(0, 1), st.floats(0, 1))
def test_a_detail_of_a_larger_layer_is_put_amid_the_layer(
    width: int, height: int, stroke: float, x: float, y: float
) -> None:
    options = Options("tiny/one", stroke_size=stroke)
    plan = plan_preview(DETAIL, width, height, options, (x, y))
    whole = plan.surroundings
    if whole is None:
        assert (plan.x, plan.y, plan.width, plan.height) == (0, 0, width, height)
        assert plan.surround(read) is None
        return
    assert (whole.x, whole.y, whole.width, whole.height) == (0, 0, width, height)
    assert max(whole.out_width, whole.out_height) / stroke < 512.001
    around = plan.surround(read)
    assert around is not None
    assert (around.layer.width, around.layer.height) == (whole.out_width, whole.out_height)
    assert 0 <= around.x <= whole.out_width - plan.out_width
    assert 0 <= around.y <= whole.out_height - plan.out_height
    if (whole.out_width, whole.out_height) == (width, height):
        assert (around.x, around.y) == (plan.x, plan.y)


def read(plan: PreviewPlan) -> Layer:
    size = plan.out_width * plan.out_height
    return Layer(plan.out_width, plan.out_height, PixelFormat.GREY, SampleType.U8, bytes(size))


def test_a_fitting_preview_has_no_surroundings() -> None:
    assert plan_preview(FIT, 4000, 3000, Options("tiny/one")).surround(read) is None


@given(sides, sides, strokes)
def test_a_fitting_preview_shows_the_whole_layer(width: int, height: int, stroke: float) -> None:
    options = Options("tiny/one", stroke_size=stroke)
    plan = plan_preview(FIT, width, height, options)
    assert (plan.x, plan.y, plan.width, plan.height) == (0, 0, width, height)
    assert max(plan.out_width, plan.out_height) == min(PREVIEW_SIDE, max(width, height))
    if plan.true_strokes:
        assert plan.options.stroke_size / stroke == pytest.approx(plan.scale)
    else:
        assert plan.options.stroke_size > stroke * plan.scale


def test_strokes_that_are_too_fine_for_a_quick_preview_are_admitted() -> None:
    assert plan_preview(FIT, 1024, 768, Options("tiny/one", stroke_size=2.0)).true_strokes
    large = plan_preview(FIT, 4000, 3000, Options("tiny/one"))
    assert not large.true_strokes
    assert large.options.stroke_size == pytest.approx(0.75)
    assert (large.out_width, large.out_height) == (384, 288)


@pytest.mark.parametrize("mode", PreviewMode)
def test_a_layer_without_pixels_has_no_preview(mode: PreviewMode) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        plan_preview(mode, 0, 10, Options("tiny/one"))
