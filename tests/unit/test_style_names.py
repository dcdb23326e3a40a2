from __future__ import annotations

import click
import pytest

from pastiche_client.results import Style
from pastiche_client.style_names import Styles, style_name, style_shares
from pastiche_daemon.cli.style_arguments import resolve_styles

WAVE = "packs/masters/styles/great_wave"
NIGHT = "packs/masters/styles/starry_night"


@pytest.mark.parametrize("text", [WAVE, "masters/great_wave"])
def test_a_style_has_a_full_and_a_short_name(text: str) -> None:
    assert style_name(text) == WAVE


@pytest.mark.parametrize(
    "text", ["", "wave", "/", "masters/", "/wave", "packs/masters", "packs/a/styles/", "a/b/c"]
)
def test_other_names_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="style must be named pack/style"):
        style_name(text)


@pytest.mark.parametrize(
    ("styles", "shares"),
    [
        (WAVE, ((WAVE, 1.0),)),
        (["masters/great_wave", NIGHT], ((WAVE, 1.0), (NIGHT, 1.0))),
        ([("masters/great_wave", 3), (NIGHT, 0.5)], ((WAVE, 3.0), (NIGHT, 0.5))),
        ({"masters/great_wave": 0.25}, ((WAVE, 0.25),)),
    ],
)
def test_styles_come_in_several_shapes(
    styles: Styles, shares: tuple[tuple[str, float], ...]
) -> None:
    assert style_shares(styles) == shares


@pytest.mark.parametrize("styles", [[], {}])
def test_no_style_is_an_error(styles: Styles) -> None:
    with pytest.raises(ValueError, match="at least one style"):
        style_shares(styles)


def style(name: str) -> Style:
    return Style(name, name, "Somebody", "CC0-1.0", b"", "")


KNOWN = [style(WAVE), style(NIGHT), style("packs/mine/styles/starry_night")]


@pytest.mark.parametrize(
    ("arguments", "shares"),
    [
        (["great_wave"], {WAVE: 1.0}),
        (["masters/starry_night"], {NIGHT: 1.0}),
        ([f"{NIGHT}:2"], {NIGHT: 2.0}),
        (["great_wave:0.7", "masters/starry_night:.3"], {WAVE: 0.7, NIGHT: 0.3}),
        (["great_wave", "masters/starry_night:0"], {WAVE: 1.0, NIGHT: 0.0}),
    ],
)
def test_what_people_type_is_resolved(arguments: list[str], shares: dict[str, float]) -> None:
    assert resolve_styles(arguments, KNOWN) == shares


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["great_wafe"], "no style 'great_wafe'. Did you mean great_wave?"),
        (["xyz"], "There are: great_wave, starry_night."),
        (["starry_night"], "in several packs; name one of masters/starry_night, mine/starry_night"),
        (["mine/great_wave"], "no style 'mine/great_wave'. Did you mean great_wave?"),
        (["a/b/c"], "style must be named pack/style"),
        (["great_wave:x"], "the share after the colon must be a number"),
        (["great_wave:-1"], "the share after the colon must be a number"),
        (["great_wave:nan"], "the share after the colon must be a number"),
        (["great_wave:inf"], "the share after the colon must be a number"),
        (["great_wave:"], "the share after the colon must be a number"),
        (["great_wave", "great_wave:2"], "given twice"),
        (["great_wave:0"], "must not all be 0"),
        (["great_wave", "mine/starry_night"], "only styles of one pack"),
    ],
)
def test_what_cannot_be_resolved_says_why(arguments: list[str], message: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        resolve_styles(arguments, KNOWN)
    assert message in str(caught.value)
