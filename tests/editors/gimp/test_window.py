"""GIMP with its windows: the dialog, undo, and what the user does meanwhile."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psutil
import pytest

from pastiche_client import Client
from tests.editors.gimp.conftest import INSIDE
from tests.editors.gimp.driving import (
    PROCEDURE,
    SLOW_SIZE,
    daemon_of,
    held,
    is_busy,
    stylize,
    tree,
)
from tests.editors.gimp.window import DIALOG, MENU_KEY, Window, close_dialogs
from tests.editors.support.gimp import running_gimp
from tests.support.daemon_process import wait_until

pytestmark = pytest.mark.gimp

# Places in the dialog, from its left or, below 0, from its right side. The button to load recipes
# is there only if there are any, and then to the right of the others.
_SAVE = (-72, 28)
_DELETE = (-30, 28)
_LOAD = (-55, 28)
_PREVIEW = (24, 418)
_PRESERVE_COLORS = (528, 384)


@pytest.fixture
def interactive(window: Window) -> Iterator[Callable[..., Future[Any]]]:
    """Runs the procedure with its dialog, beside the test."""
    with ThreadPoolExecutor(1) as pool:

        def run(*layers: int) -> Future[Any]:
            return pool.submit(
                window.gimp.first.call,
                "run",
                procedure=PROCEDURE,
                image=window.image,
                layers=layers,
                run_mode="interactive",
            )

        yield run
        close_dialogs(window.display)


_KINDS = [
    ("rgb", "u8-non-linear", "none", "above"),
    ("rgb", "u8-non-linear", "feathered", "in-place"),
    ("rgb", "float-linear", "feathered", "above"),
    ("rgb", "u16-linear", "rectangle", "in-place"),
    ("grey", "u8-perceptual", "rectangle", "above"),
    ("grey", "half-non-linear", "none", "in-place"),
    ("indexed", "u8-non-linear", "feathered", "above"),
    ("indexed", "u8-non-linear", "none", "in-place"),
]


@pytest.mark.parametrize(("base", "precision", "selection", "placement"), _KINDS)
def test_one_step_undoes_and_redoes_all(
    window: Window, base: str, precision: str, selection: str, placement: str
) -> None:
    first = window.open(base=base, precision=precision)
    second = window.gimp.call("add_layer", image=window.image, name="second", offset=(9, 7))
    if base == "indexed":
        window.gimp.call("make_indexed", image=window.image)
    window.gimp.call("select", image=window.image, kind=selection, box=[20, 15, 60, 50])
    before = window.state()
    stylize(window.gimp, window.image, first, second, placement=placement)
    after = window.state()
    assert after != before
    assert len(after["layers"]) == (4 if placement == "above" else 2)
    window.press("ctrl+z")
    window.wait_for(before, "undo")
    window.press("ctrl+y")
    window.wait_for(after, "redo")
    window.press("ctrl+z")
    window.wait_for(before, "undo")


def test_ok_stylizes_and_one_undo_brings_all_back(window: Window) -> None:
    window.open()
    before = window.state()
    window.press(MENU_KEY)
    dialog = window.dialog()
    x, y, width, height = window.display.geometry(dialog)
    assert x >= 0
    assert y >= 0
    # It must fit onto a small screen, with a title bar and a panel.
    assert width <= 1366
    assert height <= 768 - 80
    window.display.key("Return", window=dialog)
    window.display.wait_for_no_window(DIALOG)
    wait_until(lambda: len(window.state()["layers"]) == 2, "the new layer")
    after = window.state()
    assert after["layers"][1] == before["layers"][0]
    assert "pastiche-recipe" in after["layers"][0]["parasites"]
    window.press("ctrl+z")
    window.wait_for(before, "undo")
    window.press("ctrl+y")
    window.wait_for(after, "redo")


def test_cancel_changes_nothing(window: Window, interactive: Callable[..., Future[Any]]) -> None:
    layer = window.open()
    before = window.state()
    call = interactive(layer)
    window.display.key("Escape", window=window.dialog())
    assert call.result()["status"] == "cancel"
    assert window.state() == before


def test_the_last_values_come_back_and_are_repeated(window: Window) -> None:
    source = window.open()
    recipe = window.gimp.call("add_layer", image=window.image, name="model", size=(8, 8))
    # The dialog takes the values of a layer's recipe.
    made = stylize(window.gimp, window.image, recipe, style="tiny/two", strength=0.5)
    window.gimp.call("choose", image=window.image, layers=[source])
    window.press(MENU_KEY)
    dialog = window.dialog()
    load_recipe(window, dialog)
    window.display.key("Return", window=dialog)
    window.display.wait_for_no_window(DIALOG)
    wait_until(lambda: len(window.state()["layers"]) == 4, "the new layer")
    (first,) = set(window.gimp.call("layers", image=window.image)) - {source, recipe, *made}
    assert options(window, first) == ("tiny/two", 0.5)
    # Again, without the dialog, on another layer.
    window.gimp.call("choose", image=window.image, layers=[recipe])
    window.press("ctrl+f")
    wait_until(lambda: len(window.state()["layers"]) == 5, "the repeated layer")
    known = {source, recipe, *made, first}
    (second,) = set(window.gimp.call("layers", image=window.image)) - known
    assert options(window, second) == ("tiny/two", 0.5)
    # And the dialog opens with them.
    window.press(MENU_KEY)
    dialog = window.dialog()
    window.display.key("Return", window=dialog)
    window.display.wait_for_no_window(DIALOG)
    wait_until(lambda: len(window.state()["layers"]) == 6, "the third layer")
    (third,) = set(window.gimp.call("layers", image=window.image)) - {*known, second}
    assert options(window, third) == ("tiny/two", 0.5)


def test_the_last_values_outlive_gimp(window: Window) -> None:
    source = window.open()
    model = window.gimp.call("add_layer", image=window.image, name="model", size=(8, 8))
    stylize(window.gimp, window.image, model, style="tiny/one", strength=0.25)
    window.gimp.call("choose", image=window.image, layers=[source])
    window.press(MENU_KEY)
    dialog = window.dialog()
    load_recipe(window, dialog)
    window.display.key("Return", window=dialog)
    window.display.wait_for_no_window(DIALOG)
    wait_until(lambda: len(window.state()["layers"]) == 4, "the new layer")
    with running_gimp(window.gimp.workspace, INSIDE) as other:
        image = other.call("create_image")
        layer = other.call("add_layer", image=image)
        answer = other.call(
            "run", procedure=PROCEDURE, image=image, layers=[layer], run_mode="last"
        )
        assert answer["status"] == "success", answer
        made, _ = other.call("layers", image=image)
        found = json.loads(other.call("recipe", layer=made))["options"]
        assert (found["style"], found["strength"]) == ("tiny/one", 0.25)


def test_the_preview_follows_the_values(window: Window) -> None:
    window.open()
    window.press(MENU_KEY)
    dialog = window.dialog()
    window.click(dialog, _PREVIEW)  # off: the layer itself
    window.display.xdotool("sleep", "0.5")
    layer = window.preview(dialog)
    window.click(dialog, _PREVIEW)
    wait_until(lambda: window.preview(dialog) != layer, "the preview")
    in_style = window.preview(dialog)
    window.click(dialog, _PRESERVE_COLORS)
    wait_until(lambda: window.preview(dialog) not in {layer, in_style}, "another preview")
    window.click(dialog, _PREVIEW)
    wait_until(lambda: window.preview(dialog) == layer, "the layer")


def test_return_on_a_style_takes_it(window: Window) -> None:
    window.open()
    window.press(MENU_KEY)
    dialog = window.dialog()
    x, y, *_ = window.display.geometry(dialog)
    window.display.click(x + 597, y + 95)
    window.display.key("Return", window=dialog)
    window.display.wait_for_no_window(DIALOG)
    wait_until(lambda: len(window.state()["layers"]) == 2, "the new layer")


def test_a_preset_is_kept(window: Window) -> None:
    window.open()
    window.press(MENU_KEY)
    dialog = window.dialog()
    window.click(dialog, _SAVE)
    name = window.display.wait_for_window("Save preset")
    window.display.type("Evening", window=name)
    window.display.key("Return", window=name)
    window.display.wait_for_no_window("Save preset")
    folder = window.gimp.workspace.data.root / "editors" / "presets"
    wait_until(lambda: any(folder.glob("*.json")), "the preset's file")
    (file,) = folder.glob("*.json")
    kept = json.loads(file.read_text("utf-8"))
    assert kept["name"] == "Evening"
    assert kept["options"]["style"].startswith(("tiny/", "other/", "masters/", "slow/"))
    window.click(dialog, _DELETE)
    wait_until(lambda: not file.exists(), "the preset's end")


def test_a_refusal_is_told_without_a_dialog(
    window: Window, interactive: Callable[..., Future[Any]]
) -> None:
    layer = window.open()
    window.gimp.call("set_state", item=layer, visible=False)
    answer = interactive(layer).result()
    assert answer["status"] == "execution-error"
    assert "“picture” is invisible" in answer["error"]
    assert window.display.windows(DIALOG) == []


def test_without_an_image_the_menu_says_so(window: Window) -> None:
    main = window.display.wait_for_window("GNU Image Manipulation Program")
    window.display.key(MENU_KEY, window=main)
    window.display.wait_for_window("GIMP Message")
    assert window.display.windows(DIALOG) == []
    window.display.dismiss("GIMP Message")


@dataclass(frozen=True)
class Working:
    """A dialog whose daemon works for a layer named picture, and does not get on.

    `busy` is the dialog's height with its progress bar; with a sentence it is taller.
    """

    dialog: str
    busy: int
    daemon: psutil.Process


@pytest.fixture
def working(window: Window, client: Client) -> Iterator[Working]:
    layer = window.open(size=(110, 80))
    gimp, image = window.gimp, window.image
    small = gimp.call("add_layer", image=image, name="model", size=(8, 8), alpha=False)
    stylize(gimp, image, small, style="slow/slow")
    gimp.call("choose", image=image, layers=[layer])
    gimp.call("enlarge", layer=layer, size=SLOW_SIZE)
    window.press(MENU_KEY)
    dialog = window.dialog()
    window.click(dialog, _PREVIEW)  # off: it would be as slow
    wait_until(lambda: not is_busy(client), "the end of the preview")
    load_recipe(window, dialog)
    window.display.key("Return", window=dialog)
    wait_until(lambda: is_busy(client), "the work")
    with held(gimp) as daemon:
        yield Working(dialog, window.height(dialog), daemon)


def test_the_work_can_be_cancelled(window: Window, client: Client, working: Working) -> None:
    before = window.state()
    window.display.key("Escape", window=working.dialog)
    wait_until(lambda: window.height(working.dialog) < working.busy, "the end of the progress bar")
    working.daemon.resume()
    wait_until(lambda: not is_busy(client), "the end of the work")
    assert window.display.windows(DIALOG) == [working.dialog]  # for another try
    window.display.dismiss(DIALOG)
    assert window.state() == before


def test_the_image_can_be_edited_meanwhile(window: Window, working: Working) -> None:
    window.gimp.second.call("add_layer", image=window.image, name="new", size=(5, 5))
    working.daemon.resume()
    window.display.wait_for_no_window(DIALOG)
    wait_until(lambda: "picture - Slow" in tree(window.gimp, window.image), "the new layer")
    names = tree(window.gimp, window.image)
    assert "new" in names
    assert names.index("picture - Slow") == names.index("picture") - 1


def test_the_image_can_be_closed_meanwhile(window: Window, working: Working) -> None:
    window.gimp.second.call("close_all")
    working.daemon.resume()
    wait_until(lambda: window.height(working.dialog) > working.busy, "the sentence")
    window.display.dismiss(DIALOG)
    assert window.gimp.process.running


def test_a_killed_daemon_is_told_in_the_dialog(window: Window, working: Working) -> None:
    before = window.state()
    working.daemon.kill()
    wait_until(lambda: window.height(working.dialog) > working.busy, "the sentence")
    assert window.state() == before
    # It goes on with a new daemon.
    window.display.key("Return", window=working.dialog)
    window.display.wait_for_no_window(DIALOG, seconds=240)
    wait_until(lambda: "picture - Slow" in tree(window.gimp, window.image), "the new layer")
    assert daemon_of(window.gimp).pid != working.daemon.pid


def load_recipe(window: Window, dialog: str) -> None:
    """Choose the only entry of the dialog's button for recipes of layers."""
    x, y, width, _ = window.display.geometry(dialog)
    below = (x + width - 120, y + 50, x + width - 4, y + 66)  # where its menu comes
    before = window.display.screenshot().crop(below).tobytes()
    height = window.height(dialog)
    window.click(dialog, _LOAD)
    wait_until(lambda: window.display.screenshot().crop(below).tobytes() != before, "the menu")
    window.display.key("Down", "Return")
    wait_until(lambda: window.height(dialog) > height, "the sentence that it was loaded")


def options(window: Window, layer: int) -> tuple[str, float]:
    found = json.loads(window.gimp.call("recipe", layer=layer))["options"]
    return found["style"], found["strength"]
