"""Layers that are stylized strip by strip, from memory or from files, equal those at once."""

from __future__ import annotations

import math
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from pastiche_daemon.nn.feature_store import FeatureStore
from pastiche_daemon.nn.norms import ConditionalInstanceNorm
from pastiche_daemon.nn.transformer import TransformerNetwork, TransformerSpec
from pastiche_daemon.spool import Spool, SpoolFullError
from pastiche_daemon.strip_layer import TensorRows, survey, visible_rows
from pastiche_daemon.strip_resizing import ResizedRows, ResizingSink, resized_at_once
from pastiche_daemon.stylize import (
    LayerTensors,
    Stylized,
    StylizeOptions,
    fill_transparent,
    preview,
    preview_of,
    resize,
    stylize,
)
from pastiche_daemon.stylize_strips import StripStylizer

SMALL_STRIPS = 64


def make_network(**values: Any) -> TransformerNetwork:
    torch.manual_seed(0)
    small: dict[str, Any] = {"styles": 2, "channels": (4, 6, 8), "residual_blocks": 2}
    made = TransformerNetwork(TransformerSpec(**{**small, **values}))
    for module in made.modules():
        if isinstance(module, ConditionalInstanceNorm):
            # Of few visible pixels become flat pictures, which would be divided by what they were
            # rounded by.
            module.eps = 0.05
    return made.eval().requires_grad_(requires_grad=False)


NETWORK = make_network()


def ignore(*_: object) -> None:
    pass


def draw_layer(
    height: int, width: int, *, alpha: str = "none", mask: bool = False, seed: int = 0
) -> LayerTensors:
    generator = torch.Generator().manual_seed(seed)
    color = torch.rand(3, height, width, generator=generator)
    planes = torch.rand(3, height, width, generator=generator)
    opacity = {
        "none": None,
        "soft": planes[0].clamp_min(0.01),
        "holes": (planes[0] - 0.4).clamp_min(0),
        "island": torch.zeros(height, width),
    }[alpha]
    if alpha == "island" and opacity is not None:
        opacity[height // 2, width // 3] = 0.5
    return LayerTensors(color, opacity, (planes[1] - 0.5).clamp_min(0) if mask else None)


def in_strips(
    layer: LayerTensors,
    options: StylizeOptions,
    store: FeatureStore,
    *,
    strip_rows: int = 8,
    network: TransformerNetwork = NETWORK,
) -> tuple[Stylized, list[float]]:
    """The result, put over the very layer that is read, as the daemon does it."""
    color, changed = layer.color.clone(), torch.zeros(layer.color.shape[-2:], dtype=torch.bool)
    shares: list[float] = []
    rows = TensorRows(LayerTensors(color, layer.alpha, layer.mask))

    def put(start: int, part: Stylized) -> None:
        stop = start + part.changed.shape[0]
        color[:, start:stop] = torch.where(part.changed, part.color, color[:, start:stop])
        changed[start:stop] = part.changed

    with closing(store):
        strips = StripStylizer(network, rows, store, ignore, strip_rows=strip_rows)
        notes = strips.stylize(options, shares.append, put)
        assert store.used_bytes >= 0
    assert store.used_bytes == 0
    return Stylized(color, changed, notes), shares


@settings(deadline=None, max_examples=50)
@given(
    size=st.tuples(st.integers(1, 60), st.integers(1, 40)),
    strip_rows=st.integers(1, 40),
    alpha=st.sampled_from(["none", "soft", "holes", "island"]),
    mask=st.booleans(),
    stroke_size=st.sampled_from([1.0, 0.5, 0.7, 1.3, 4.0]),
    preserve_colors=st.booleans(),
    limit=st.sampled_from([None, 0, 3000, 30000]),
    seed=st.integers(0, 99),
)
def test_strips_equal_the_whole(
    tmp_path_factory: pytest.TempPathFactory,
    size: tuple[int, int],
    strip_rows: int,
    alpha: str,
    mask: bool,
    stroke_size: float,
    preserve_colors: bool,
    limit: int | None,
    seed: int,
) -> None:
    layer = draw_layer(*size, alpha=alpha, mask=mask, seed=seed)
    options = StylizeOptions(
        (0.3, 0.7), 0.8, preserve_colors=preserve_colors, stroke_size=stroke_size
    )
    whole = stylize(NETWORK, layer, options, ignore)
    spool = Spool(tmp_path_factory.getbasetemp() / "spool")
    strips, shares = in_strips(
        layer, options, FeatureStore(limit, spool.file), strip_rows=strip_rows
    )
    assert torch.equal(strips.changed, whole.changed)
    torch.testing.assert_close(
        strips.color[:, whole.changed], whole.color[:, whole.changed], rtol=0, atol=3e-5
    )
    unchanged = ~whole.changed
    assert torch.equal(strips.color[:, unchanged], layer.color[:, unchanged])
    assert strips.notes == whole.notes
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (0.0, 1.0)


@pytest.mark.parametrize("stroke_size", [0.6, 1.0])
def test_many_strips_of_the_layer_itself_equal_the_whole(
    monkeypatch: pytest.MonkeyPatch, stroke_size: float
) -> None:
    """The passes without the network, too, go over a small layer in many strips."""
    monkeypatch.setattr("pastiche_daemon.strip_layer._PIXELS", SMALL_STRIPS)
    layer = draw_layer(61, 23, alpha="island", mask=True, seed=3)
    options = StylizeOptions((1.0, 0.0), stroke_size=stroke_size)
    whole = stylize(NETWORK, layer, options, ignore)
    strips, _ = in_strips(layer, options, FeatureStore())
    torch.testing.assert_close(
        strips.color[:, whole.changed], whole.color[:, whole.changed], rtol=0, atol=3e-5
    )


@settings(deadline=None, max_examples=60)
@given(
    before=st.tuples(st.integers(1, 50), st.integers(1, 20)),
    after=st.tuples(st.integers(1, 90), st.integers(1, 30)),
    step=st.integers(1, 30),
    seed=st.integers(0, 99),
)
def test_resizing_by_rows_equals_resizing_at_once(
    before: tuple[int, int], after: tuple[int, int], step: int, seed: int
) -> None:
    picture = torch.rand(1, 3, *before, generator=torch.Generator().manual_seed(seed))
    whole = resize(picture[0], after)[None]
    resized = ResizedRows.of(_Picture(picture), after)
    cuts = [(start, min(after[0], start + step)) for start in range(0, after[0], step)]
    by_rows = torch.cat([resized.rows(*cut) for cut in cuts], dim=-2)
    torch.testing.assert_close(by_rows, whole, rtol=0, atol=2e-6)

    taken: list[Tensor] = []

    def take(start: int, rows: Tensor) -> None:
        assert start == sum(part.shape[-2] for part in taken)
        taken.append(rows)

    sink = ResizingSink(before, after, take)
    for start in range(0, before[0], step):
        sink(start, picture[..., start : start + step, :])
    torch.testing.assert_close(torch.cat(taken, dim=-2), whole, rtol=0, atol=2e-6)


@settings(deadline=None, max_examples=40)
@given(
    before=st.tuples(st.integers(1, 90), st.integers(1, 20)),
    after=st.tuples(st.integers(1, 90), st.integers(1, 20)),
    step=st.integers(1, 60),
    seed=st.integers(0, 99),
)
def test_small_pictures_are_put_together_from_strips_of_large_ones(
    before: tuple[int, int], after: tuple[int, int], step: int, seed: int
) -> None:
    picture = torch.rand(1, 3, *before, generator=torch.Generator().manual_seed(seed))
    cuts = [(start, min(before[0], start + step)) for start in range(0, before[0], step)]
    small = resized_at_once(_Picture(picture), after, cuts)
    torch.testing.assert_close(small[0], resize(picture[0], after), rtol=0, atol=5e-6)


@pytest.mark.parametrize(("before", "after"), [(5000, 3), (4000, 150), (997, 1)])
def test_large_reductions_are_those_of_resizing_at_once(before: int, after: int) -> None:
    picture = torch.rand(1, 3, before, 3, generator=torch.Generator().manual_seed(0))
    cuts = [(start, min(before, start + 400)) for start in range(0, before, 400)]
    small = resized_at_once(_Picture(picture), (after, 2), cuts)
    torch.testing.assert_close(small[0], resize(picture[0], (after, 2)), rtol=0, atol=2e-5)
    by_rows = ResizedRows.of(_Picture(picture), (after, 2)).rows(0, after)
    torch.testing.assert_close(by_rows, small, rtol=0, atol=1e-5)


class _Picture:
    def __init__(self, picture: Tensor) -> None:
        self._picture = picture
        self.height, self.width = picture.shape[-2:]

    def rows(self, start: int, stop: int) -> Tensor:
        assert 0 <= start < stop <= self.height
        return self._picture[..., start:stop, :]


def test_far_down_a_large_picture_the_weights_are_still_those_of_resizing_at_once() -> None:
    picture = torch.rand(1, 1, 20_011, 2, generator=torch.Generator().manual_seed(0))
    whole = resize(picture[0], (15_003, 2))[None]
    resized = ResizedRows.of(_Picture(picture), (15_003, 2))
    for start in (0, 7_000, 15_000):
        torch.testing.assert_close(
            resized.rows(start, start + 3), whole[..., start : start + 3, :], rtol=0, atol=1e-6
        )


@pytest.mark.parametrize("alpha", ["none", "soft", "holes", "island"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (33, 1), (37, 22)])
@pytest.mark.parametrize("limit", [0, None])
def test_filling_by_rows_equals_filling_at_once(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    alpha: str,
    shape: tuple[int, int],
    limit: int | None,
) -> None:
    monkeypatch.setattr("pastiche_daemon.strip_layer._PIXELS", SMALL_STRIPS)
    layer = draw_layer(*shape, alpha=alpha)
    rows = TensorRows(layer)
    with closing(FeatureStore(limit, Spool(tmp_path).file)) as store:
        visible = visible_rows(rows, survey(rows, ignore), store, ignore)
        filled = torch.cat(
            [visible.rows(row, min(row + 5, shape[0])) for row in range(0, shape[0], 5)], dim=-2
        )
    expected = fill_transparent(layer.color, layer.alpha)
    torch.testing.assert_close(filled[0], expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("alpha", ["none", "holes"])
def test_the_preview_is_that_of_the_whole(alpha: str) -> None:
    layer = draw_layer(70, 50, alpha=alpha, mask=True)
    options = StylizeOptions((1.0, 0.0))
    color, small_alpha = preview(NETWORK, layer, options, 24, ignore)
    with closing(FeatureStore()) as store:
        small = StripStylizer(NETWORK, TensorRows(layer), store, ignore).shrunk(24)
    got, got_alpha = preview_of(NETWORK, small, options, ignore)
    torch.testing.assert_close(got, color, rtol=0, atol=3e-5)
    assert (got_alpha is None) == (small_alpha is None)
    if got_alpha is not None and small_alpha is not None:
        torch.testing.assert_close(got_alpha, small_alpha, rtol=0, atol=1e-5)


def test_values_out_of_range_are_clamped_and_told() -> None:
    layer = draw_layer(40, 12)
    layer.color[0, 0, 0], layer.color[1, 30, 1], layer.color[2, 2, 2] = math.nan, 7.0, -math.inf
    options = StylizeOptions((1.0, 0.0), preserve_colors=True)
    whole = stylize(NETWORK, layer, options, ignore)
    strips, _ = in_strips(layer, options, FeatureStore())
    torch.testing.assert_close(strips.color, whole.color, rtol=0, atol=3e-5)
    assert strips.notes == whole.notes
    assert len(strips.notes) == 1


def test_nothing_selected_and_no_strength_need_no_network() -> None:
    unusable = TransformerNetwork(TransformerSpec(styles=2, channels=(1, 1, 1)))
    layer = draw_layer(12, 9)
    empty = LayerTensors(layer.color, mask=torch.zeros(12, 9))
    for given_layer, strength in ((layer, 0.0), (empty, 1.0)):
        options = StylizeOptions((0.5, 0.5), strength)
        strips, shares = in_strips(given_layer, options, FeatureStore(), network=unusable)
        assert not strips.changed.any()
        assert shares == [0.0, 1.0]


def test_what_is_kept_stays_within_the_limit_and_is_given_back(tmp_path: Path) -> None:
    layer = draw_layer(120, 80, alpha="holes")
    half, quarter = 60 * 40 * 6 * 4, 30 * 20 * 8 * 4
    most = 0

    def watch(_: float) -> None:
        nonlocal most
        most = max(most, store.used_bytes)

    spool = Spool(tmp_path)
    for limit in (0, quarter, 2 * quarter + 400, half + quarter):
        most, files = 0, []

        def file(size: int, files: list[int] = files) -> Any:
            files.append(size)
            return spool.file(size)

        with closing(FeatureStore(limit, file)) as store:
            strips = StripStylizer(NETWORK, TensorRows(layer), store, ignore, strip_rows=8)
            strips.stylize(StylizeOptions((1.0, 0.0)), watch, ignore)
        assert most <= limit
        assert sum(files) > 0
    assert store.used_bytes == 0
    assert list(tmp_path.iterdir()) == []


def test_stopping_and_a_full_disk_leave_nothing(tmp_path: Path) -> None:
    class StopError(Exception):
        pass

    def stop(share: float) -> None:
        if share > 0.5:
            raise StopError

    def refuse(size: int) -> Any:
        raise SpoolFullError(str(size))

    layer = draw_layer(64, 32, alpha="holes")
    before = layer.color.clone()
    options = StylizeOptions((1.0, 0.0))
    store = FeatureStore(0, Spool(tmp_path).file)
    with closing(store):
        strips = StripStylizer(NETWORK, TensorRows(layer), store, ignore, strip_rows=8)
        with pytest.raises(StopError):
            strips.stylize(options, stop, ignore)
    assert store.used_bytes == 0
    assert list(tmp_path.iterdir()) == []
    with closing(FeatureStore(0, refuse)) as full, pytest.raises(SpoolFullError):
        StripStylizer(NETWORK, TensorRows(layer), full, ignore)
    assert torch.equal(layer.color, before)


def test_no_border_of_a_strip_can_be_found_in_the_picture(tmp_path: Path) -> None:
    """Across the borders of strips a smooth picture is as smooth as near them."""
    y, x = torch.meshgrid(torch.linspace(0, 3, 256), torch.linspace(0, 2, 128), indexing="ij")
    layer = LayerTensors(torch.stack([y.sin(), x.cos(), (x * y).sin()]) / 2 + 0.5)
    strips, _ = in_strips(
        layer, StylizeOptions((1.0, 0.0)), FeatureStore(0, Spool(tmp_path).file), strip_rows=32
    )
    assert seam(strips.color, 32) < 2
    # The detector does find a step of one level of 255.
    stepped = strips.color.clone()
    stepped[:, 96:128] += 1 / 255
    assert seam(stepped, 32) > 3


def seam(picture: Tensor, step: int) -> float:
    """The largest third difference across a step's border, by the median of those near it."""
    kernel = torch.tensor([-1.0, 3.0, -3.0, 1.0])[None, None, :, None]
    jumps = F.conv2d(picture[:, None], kernel).abs().mean(dim=(0, 1, 3))
    # Entry i is across the border between rows i + 1 and i + 2.
    ratios: list[Tensor] = []
    for border in range(step, picture.shape[-2] - step, step):
        nearby = jumps[border - 2 - 8 : border - 2 + 9]
        ratios.append(nearby[8] / nearby.median())
    assert len(ratios) > 2
    return float(torch.stack(ratios).max())
