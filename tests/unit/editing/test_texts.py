"""The words of dialog and docker."""

from __future__ import annotations

import inspect
from dataclasses import replace
from pathlib import Path

import pytest

from pastiche_client.editing import refusals
from pastiche_client.editing.catalogue import Catalogue, load_catalogue
from pastiche_client.editing.labels import Labels
from pastiche_client.editing.options import Options
from pastiche_client.editing.paint_labels import PaintLabels
from pastiche_client.editing.paint_options import (
    PaintColors,
    PaintOptions,
    PaintStart,
    Quality,
    RegionChoice,
    StyleChoice,
    StyleKind,
)
from pastiche_client.editing.paint_recipe import PaintRecipe
from pastiche_client.editing.recipe import Recipe
from pastiche_client.editing.run import ItemOutcome, RunResult, RunStage, RunState
from pastiche_client.editing.texts import Texts
from pastiche_client.editing.translations import translator
from pastiche_client.errors import DaemonLostError
from pastiche_client.paths import DataPaths
from tests.unit.editing.scripted import result_of, small_layer
from tests.unit.editing.styles import Source

PATHS = DataPaths(Path("data"))
LABELS = [
    name
    for labels in (Labels, PaintLabels)
    for name, kind in inspect.getmembers(labels)
    if isinstance(kind, property)
]
# Words that are the same in German.
_INTERNATIONAL = {"title", "ok", "encoder"}


@pytest.fixture
def texts() -> Texts:
    return Texts(translator(["en"]))


def done(label: str) -> ItemOutcome:
    return ItemOutcome(label, label, result=result_of(small_layer()))


def failed(label: str, error: BaseException) -> ItemOutcome:
    return ItemOutcome(label, label, error=error)


@pytest.mark.parametrize("name", LABELS)
def test_labels_have_no_end_of_a_sentence_and_a_translation(name: str, texts: Texts) -> None:
    label = getattr(texts, name)
    assert label
    assert name in {"help", "paint_help"} or not label.endswith(".")
    if name not in _INTERNATIONAL:
        assert getattr(Texts(translator(["de"])), name) != label


def test_progress_of_one_layer(texts: Texts) -> None:
    state = RunState(0, 1, "Sky", 0.5, RunStage.STYLIZING)
    assert texts.progress(state) == "Stylizing “Sky”…"


@pytest.mark.parametrize("stage", RunStage)
def test_progress_of_several_layers(stage: RunStage, texts: Texts) -> None:
    state = RunState(1, 3, "{odd}", 0.5, stage, queue_position=2)
    assert texts.progress(state).startswith("Layer 2 of 3: ")
    assert ("number 2 in the queue" in texts.progress(state)) == (stage is RunStage.QUEUED)
    german = Texts(translator(["de"])).progress(state)
    assert german.startswith("Ebene 2 von 3: ")


def test_the_next_in_the_queue_is_told_so(texts: Texts) -> None:
    assert texts.queue_position(1) != texts.queue_position(2)


def test_a_run_without_trouble_needs_no_words(texts: Texts) -> None:
    assert texts.summary(RunResult((done("Sky"), done("Sea")), cancelled=False), PATHS) == ""


def test_one_failure_is_its_sentence(texts: Texts) -> None:
    result = RunResult((failed("Sky", refusals.layer_locked("Sky")),), cancelled=False)
    assert texts.summary(result, PATHS) == str(refusals.layer_locked("Sky"))


def test_several_failures_say_of_which_layers(texts: Texts) -> None:
    lost = DaemonLostError("x", reason="DAEMON_LOST")
    outcomes = (
        done("Sky"),
        failed("Sea", lost),
        failed("Sand", lost),
        failed("Sun", refusals.layer_locked("Sun")),
    )
    lines = texts.summary(RunResult(outcomes, cancelled=False), PATHS).splitlines()
    assert lines[0] == "Layers that were stylized: 1 of 4."
    assert lines[1].startswith("Sea, Sand: Pastiche's daemon ended")
    assert lines[2] == str(refusals.layer_locked("Sun"))
    assert len(lines) == 3


def test_many_failures_of_a_kind_fit_into_a_line(texts: Texts) -> None:
    lost = DaemonLostError("x", reason="DAEMON_LOST")
    outcomes = tuple(failed(f"frame {number}", lost) for number in range(300))
    lines = texts.summary(RunResult(outcomes, cancelled=False), PATHS).splitlines()
    assert lines[1].startswith("frame 0, frame 1, frame 2, frame 3, frame 4 and 295 more: ")
    assert len(lines) == 2


def test_a_cancelled_run_says_what_is_there(texts: Texts) -> None:
    result = RunResult((done("Sky"), ItemOutcome("Sea", "Sea")), cancelled=True)
    assert texts.summary(result, PATHS) == "Cancelled; layers that were stylized: 1 of 2."


def test_names_of_the_users_are_not_taken_for_fields(texts: Texts) -> None:
    assert texts.layer_name("{style}", "Night") == "{style} - Night"
    assert "{x}" in texts.undo_name("{x}")
    assert texts.style_by("Night", "") == "Night"
    assert texts.style_by("Night", "Vincent") == "Night (Vincent)"
    assert "{0}" in texts.edited_meanwhile("{0}")
    recipe = Recipe(Options("tiny/one"), "tiny", "1.0.0")
    told = texts.other_pack_version(recipe, "2.0.0")
    assert "1.0.0" in told
    assert "2.0.0" in told


def test_a_recipe_that_may_give_something_else_is_told(texts: Texts) -> None:
    catalogue = load_catalogue(Source())
    assert texts.recipe_notes(Recipe(Options("tiny/one"), "tiny", "1.0.0"), catalogue) == ()
    (note,) = texts.recipe_notes(Recipe(Options("tiny/one"), "tiny", "0.9"), catalogue)
    assert "0.9" in note
    both = Catalogue(tuple(replace(i, pack_versions=("1.0.0", "0.9")) for i in catalogue.items))
    assert texts.recipe_notes(Recipe(Options("tiny/one"), "tiny", "0.9"), both) == ()
    odd = Recipe(Options("gone/four"), "gone", "1.0.0", ignored=("glitter",))
    missing, ignored = texts.recipe_notes(odd, catalogue)
    assert "gone/four" in missing
    assert "glitter" in ignored


def test_the_steps_of_a_painting_are_told(texts: Texts) -> None:
    state = RunState(0, 1, "Sky", 0.5, RunStage.PAINTING, step=12, steps=300)
    assert texts.progress(state) == "Painting “Sky”: step 12 of 300…"


def test_every_choice_of_a_painting_has_a_name_of_its_own(texts: Texts) -> None:
    for names, kind in (
        (texts.color_names(), PaintColors),
        (texts.start_names(), PaintStart),
        (texts.quality_names(), Quality),
    ):
        assert set(names) == set(kind)
        assert len(set(names.values())) == len(kind)


def test_styles_of_several_kinds_are_told_apart(texts: Texts) -> None:
    told = {
        texts.paint_source(StyleChoice(StyleKind.LAYER, "{x}")),
        texts.paint_source(StyleChoice(StyleKind.IMAGE, "{x}")),
        texts.paint_source(StyleChoice(StyleKind.FILE, "{x}", file="/y")),
    }
    assert told == {"Layer: {x}", "Image: {x}", "File: {x}"}
    assert texts.paint_source(StyleChoice(StyleKind.FILE, "", file="/y")) == "File: /y"


def test_a_painting_that_may_become_something_else_is_told(texts: Texts) -> None:
    assert texts.paint_recipe_notes(PaintRecipe(PaintOptions())) == ()
    recipe = PaintRecipe(PaintOptions(), steps=12, stopped=True, ignored=("glitter",))
    stopped, ignored = texts.paint_recipe_notes(recipe)
    assert "after step 12" in stopped
    assert "glitter" in ignored
    assert texts.paint_layer_name("Sky", "{style}") == "Sky like {style}"
    assert texts.paint_undo_name("{x}") == "Paint like {x}"


def test_masks_and_their_opposites_are_told_apart(texts: Texts) -> None:
    mask = RegionChoice("{x}", "channel:1")
    told = [
        name(choice)
        for name in (texts.region, texts.strength_by)
        for choice in (mask, replace(mask, outside=True))
    ]
    assert told == ["In “{x}”", "Outside “{x}”", "By “{x}”", "Opposite of “{x}”"]
    style = StyleChoice(StyleKind.FILE, "", file="/y", where=mask)
    assert "“{x}”" in texts.region_missing(mask, style)
    assert "“/y” goes everywhere" in texts.region_missing(mask, style)
    assert "“{x}”" in texts.strength_mask_missing(mask)


def test_every_refusal_says_what_to_do() -> None:
    made = [
        function(*(["Name"] * len(inspect.signature(function).parameters)))
        for _, function in inspect.getmembers(refusals, inspect.isfunction)
        if function.__module__ == refusals.__name__
    ]
    assert len(made) > 20
    for error in made:
        assert str(error).endswith(".")
        assert "{" not in str(error)
