"""What the user may choose."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pastiche_client.editing.options import OptionError, Options, Placement

ONE, TWO = "tiny/one", "tiny/two"


def test_a_style_is_enough() -> None:
    options = Options(ONE)
    assert options.styles() == {ONE: 1.0}
    assert options.pack == "tiny"
    assert (options.strength, options.stroke_size, options.preserve_colors) == (1.0, 1.0, False)
    assert options.placement is Placement.ABOVE
    assert not options.mixes


def test_full_names_are_shortened() -> None:
    options = Options("packs/tiny/styles/one", second_style="packs/tiny/styles/two")
    assert (options.style, options.second_style) == (ONE, TWO)
    assert options == Options(ONE, second_style=TWO)


@pytest.mark.parametrize(
    ("second", "share", "expected"),
    [
        (TWO, 0.25, {ONE: 0.75, TWO: 0.25}),
        (TWO, 0.0, {ONE: 1.0}),
        (TWO, 1.0, {TWO: 1.0}),
        (ONE, 0.5, {ONE: 1.0}),
        ("", 0.5, {ONE: 1.0}),
    ],
)
def test_shares_sum_to_one(second: str, share: float, expected: dict[str, float]) -> None:
    assert Options(ONE, second_style=second, second_share=share).styles() == expected


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("style", ""),
        ("style", "one"),
        ("style", "a/b/c"),
        ("style", "x" * 400 + "/y"),
        ("style", None),
        ("style", "tiny/\ud800"),
        ("style", "tiny/a\nb"),
        ("second_style", "two"),
        ("second_style", "other/two"),
        ("second_style", 3),
        ("second_share", -0.01),
        ("second_share", 1.01),
        ("strength", math.nan),
        ("strength", 1.5),
        ("strength", "1"),
        ("strength", True),
        ("stroke_size", 0.2),
        ("stroke_size", math.inf),
        ("stroke_size", 10**400),
        pytest.param("stroke_size", 10**9000, id="many digits"),
        ("preserve_colors", 1),
        ("placement", "below"),
        ("placement", []),
    ],
)
def test_what_cannot_be_used_is_named(field: str, value: Any) -> None:
    with pytest.raises(OptionError) as caught:
        Options.from_dict({"style": ONE, field: value})
    assert caught.value.field == field
    assert str(caught.value).endswith((".", "none."))


def test_styles_of_two_packs_are_refused_with_what_to_do() -> None:
    with pytest.raises(OptionError, match=r"Only styles of one pack.*“tiny”"):
        Options(ONE, second_style="other/three")


options = st.builds(
    Options,
    st.sampled_from([ONE, TWO]),
    second_style=st.sampled_from(["", ONE, TWO]),
    second_share=st.floats(0, 1),
    strength=st.floats(0, 1),
    stroke_size=st.floats(0.25, 4),
    preserve_colors=st.booleans(),
    placement=st.sampled_from(Placement),
)


@given(options)
def test_options_survive_json(chosen: Options) -> None:
    assert Options.from_dict(json.loads(json.dumps(chosen.to_dict()))) == chosen
    assert sum(chosen.styles().values()) == pytest.approx(1.0)


def test_what_is_missing_has_its_default_and_what_is_unknown_is_told() -> None:
    values = {"style": ONE, "glitter": 3}
    assert Options.from_dict(values) == Options(ONE)
    assert Options.unknown_names(values) == ("glitter",)
    with pytest.raises(OptionError, match="Choose a style"):
        Options.from_dict({})
