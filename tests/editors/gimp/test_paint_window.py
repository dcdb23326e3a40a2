"""The dialog of painting like another layer, and what the user does while it paints."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import psutil
import pytest

from pastiche_client import Client
from pastiche_client.editing.paint_options import (
    PaintOptions,
    PaintStart,
    Quality,
    StyleChoice,
    StyleKind,
)
from pastiche_client.editing.paint_recipe import PaintRecipe
from pastiche_client.editing.presets import PaintPresetStore
from pastiche_client.editing.recipe import RECIPE_NAME
from tests.editors.gimp.driving import ENCODER, daemon_of, held, is_busy, pixels, tree
from tests.editors.gimp.window import PAINT_DIALOG, PAINT_KEY, RERUN_KEY, Window
from tests.support.daemon_process import wait_until

pytestmark = pytest.mark.gimp

_QUICK = PaintOptions(quality=Quality.QUICK, encoder=ENCODER)
# Minutes of work, which nobody waits for.
_LONG = PaintOptions(quality=Quality.FULL, start=PaintStart.NOISE, encoder=ENCODER)


def open_layers(window: Window, size: tuple[int, int], options: PaintOptions) -> int:
    """An image with a layer named picture, which is selected, and one named waves above it.

    The dialog will begin with these options. Returns the layer.
    """
    PaintPresetStore(window.gimp.workspace.data, "gimp").remember_last(options)
    layer = window.open(size=size)
    window.gimp.call("add_layer", image=window.image, name="waves", size=(64, 64), alpha=False)
    window.gimp.call("choose", image=window.image, layers=[layer])
    return layer


def open_dialog(window: Window) -> str:
    window.press(PAINT_KEY)
    return window.display.wait_for_window(PAINT_DIALOG)


def test_paint_makes_a_layer_and_one_undo_brings_all_back(window: Window) -> None:
    layer = open_layers(window, (120, 90), _QUICK)
    before = window.state()
    dialog = open_dialog(window)
    x, y, width, height = window.display.geometry(dialog)
    assert x >= 0
    assert y >= 0
    # It must fit onto a small screen, with a title bar and a panel.
    assert width <= 1366
    assert height <= 768 - 80
    window.display.key("Return", window=dialog)
    window.display.wait_for_no_window(PAINT_DIALOG)
    window.wait_for_layers("waves", "picture like waves", "picture")
    after = window.state()
    assert [after["layers"][0], after["layers"][2]] == before["layers"]
    made = after["layers"][1]["id"]
    assert (pixels(window.gimp, made) != pixels(window.gimp, layer)).any()
    window.press("ctrl+z")
    window.wait_for(before, "undo")
    window.press("ctrl+y")
    window.wait_for(after, "redo")


def test_the_last_values_come_back_and_are_repeated(window: Window) -> None:
    layer = open_layers(window, (60, 50), PaintOptions(amount=0.25, encoder=ENCODER))
    dialog = open_dialog(window)
    window.display.key("Return", window=dialog)
    window.display.wait_for_no_window(PAINT_DIALOG)
    window.wait_for_layers("waves", "picture like waves", "picture")
    window.gimp.call("choose", image=window.image, layers=[layer])
    window.press("ctrl+f")
    window.wait_for_layers("waves", "picture like waves", "picture like waves #1", "picture")
    first, second = window.gimp.call("layers", image=window.image)[1:3]
    assert options(window, first) == options(window, second)
    assert options(window, first)["amount"] == 0.25


def test_cancel_changes_nothing(window: Window) -> None:
    open_layers(window, (60, 50), _QUICK)
    before = window.state()
    open_dialog(window)
    window.display.dismiss(PAINT_DIALOG)
    assert window.state() == before


def test_the_picture_is_shown_while_it_is_painted(window: Window, client: Client) -> None:
    open_layers(window, (256, 256), _LONG)
    before = window.state()
    dialog = open_dialog(window)
    seen = {window.preview(dialog)}
    window.display.key("Return", window=dialog)

    def is_new() -> bool:
        count = len(seen)
        seen.add(window.preview(dialog))
        return len(seen) > count

    for _ in range(3):
        wait_until(is_new, "another picture")
    assert is_busy(client)
    window.display.key("Escape", window=dialog)
    wait_until(lambda: not is_busy(client), "the end of the work")
    assert window.state() == before


@dataclass(frozen=True)
class Painting:
    """A dialog whose daemon paints, and does not get on; `busy` is the dialog's height then."""

    dialog: str
    busy: int
    daemon: psutil.Process


@pytest.fixture
def painting(window: Window, client: Client) -> Iterator[Painting]:
    open_layers(window, (256, 240), _LONG)
    dialog = open_dialog(window)
    window.display.key("Return", window=dialog)
    shown = window.preview(dialog)
    wait_until(lambda: is_busy(client), "the work")
    wait_until(lambda: window.preview(dialog) != shown, "the first picture")
    with held(window.gimp) as daemon:
        yield Painting(dialog, window.height(dialog), daemon)


def test_stop_and_keep_gives_the_picture_as_it_stands(window: Window, painting: Painting) -> None:
    before = window.state()
    window.keep(painting.dialog)
    painting.daemon.resume()
    window.display.wait_for_no_window(PAINT_DIALOG)
    window.wait_for_layers("waves", "picture like waves", "picture")
    after = window.state()
    assert [after["layers"][0], after["layers"][2]] == before["layers"]
    recipe = json.loads(window.gimp.call("recipe", layer=after["layers"][1]["id"]))
    assert recipe["stopped"]
    assert 0 < recipe["steps"] < Quality.FULL.steps
    window.press("ctrl+z")
    window.wait_for(before, "undo")


def test_the_painting_can_be_cancelled(window: Window, client: Client, painting: Painting) -> None:
    before = window.state()
    window.display.key("Escape", window=painting.dialog)
    wait_until(lambda: window.height(painting.dialog) < painting.busy, "the end of the progress")
    painting.daemon.resume()
    wait_until(lambda: not is_busy(client), "the end of the work")
    assert window.display.windows(PAINT_DIALOG) == [painting.dialog]  # for another try
    window.display.dismiss(PAINT_DIALOG)
    assert window.state() == before


def test_the_image_can_be_edited_meanwhile(window: Window, painting: Painting) -> None:
    window.gimp.second.call("add_layer", image=window.image, name="new", size=(5, 5))
    window.keep(painting.dialog)
    painting.daemon.resume()
    window.display.wait_for_no_window(PAINT_DIALOG)
    wait_until(lambda: "picture like waves" in tree(window.gimp, window.image), "the new layer")
    names = tree(window.gimp, window.image)
    assert "new" in names
    assert names.index("picture like waves") == names.index("picture") - 1


def test_the_image_can_be_closed_meanwhile(window: Window, painting: Painting) -> None:
    window.gimp.second.call("close_all")
    window.keep(painting.dialog)
    painting.daemon.resume()
    wait_until(lambda: window.height(painting.dialog) > painting.busy, "the sentence")
    window.display.dismiss(PAINT_DIALOG)
    assert window.gimp.process.running


def test_a_killed_daemon_is_told_in_the_dialog(
    window: Window, client: Client, painting: Painting
) -> None:
    before = window.state()
    painting.daemon.kill()
    wait_until(lambda: window.height(painting.dialog) > painting.busy, "the sentence")
    assert window.state() == before
    # It goes on with a new daemon.
    window.display.key("Return", window=painting.dialog)
    wait_until(lambda: is_busy(client), "the work of a new daemon")
    assert daemon_of(window.gimp).pid != painting.daemon.pid
    window.display.key("Escape", window=painting.dialog)
    wait_until(lambda: not is_busy(client), "the end of the work")


@pytest.fixture
def painted_again(window: Window, client: Client) -> Iterator[Painting]:
    """The window of a recipe that is repeated, whose daemon does not get on."""
    layer = open_layers(window, (256, 240), _LONG)
    (style, _) = window.gimp.call("tattoos", image=window.image)
    waves = StyleChoice(StyleKind.LAYER, "waves", layer=str(style["tattoo"]))
    recipe = PaintRecipe(replace(_LONG, styles=(waves,)))
    window.gimp.call("attach", layer=layer, name=RECIPE_NAME, text=recipe.dumps())
    window.press(RERUN_KEY)
    dialog = window.display.wait_for_window(PAINT_DIALOG)
    wait_until(lambda: is_busy(client), "the work")
    shown = window.preview(dialog)
    wait_until(lambda: window.preview(dialog) != shown, "a picture")
    with held(window.gimp) as daemon:
        yield Painting(dialog, window.height(dialog), daemon)


def test_a_repeated_painting_can_be_stopped_and_kept(
    window: Window, painted_again: Painting
) -> None:
    before = window.state()
    window.keep(painted_again.dialog)
    painted_again.daemon.resume()
    window.display.wait_for_no_window(PAINT_DIALOG)
    window.wait_for_layers("waves", "picture like waves", "picture")
    after = window.state()
    assert [after["layers"][0], after["layers"][2]] == before["layers"]
    recipe = json.loads(window.gimp.call("recipe", layer=after["layers"][1]["id"]))
    assert recipe["stopped"]
    assert 0 < recipe["steps"] < Quality.FULL.steps
    window.press("ctrl+z")
    window.wait_for(before, "undo")


def test_a_repeated_painting_can_be_cancelled(
    window: Window, client: Client, painted_again: Painting
) -> None:
    before = window.state()
    window.display.dismiss(PAINT_DIALOG)
    painted_again.daemon.resume()
    wait_until(lambda: not is_busy(client), "the end of the work")
    assert window.state() == before


def options(window: Window, layer: int) -> dict[str, Any]:
    return json.loads(window.gimp.call("recipe", layer=layer))["options"]
