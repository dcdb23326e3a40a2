"""The lists of the dialog of painting: styles, files and places, with mouse and keyboard."""

from __future__ import annotations

from typing import Any

import pytest

from pastiche_client.editing.paint_options import PaintOptions, Quality, RegionChoice
from pastiche_client.editing.presets import PaintPresetStore
from tests.editors.gimp.driving import ENCODER
from tests.editors.gimp.test_paint import exported
from tests.editors.gimp.test_paint_window import open_dialog, open_layers, options
from tests.editors.gimp.window import FILE_DIALOG, PAINT_DIALOG, Window
from tests.support.daemon_process import wait_until

pytestmark = pytest.mark.gimp

_QUICK = PaintOptions(quality=Quality.QUICK, encoder=ENCODER)
# Of one style; a second one is 40 pixels below it.
_STYLE, _WHERE, _ADD = (640, 75), (-120, 75), (598, 115)
# Of two styles, whose rows have more fields.
_MORE_OF_SECOND, _REMOVE_FIRST = (-72, 115), (-30, 75)
_STRENGTH, _PAINT = (-120, -140), (-56, -30)


def painted(window: Window, dialog: str, *names: str) -> dict[str, Any]:
    """Press the button; returns the options of the new layer, the second of these."""
    window.click(dialog, _PAINT)
    window.display.wait_for_no_window(PAINT_DIALOG)
    window.wait_for_layers(*names)
    return options(window, window.state()["layers"][1]["id"])


def save_selection(window: Window, name: str) -> None:
    window.gimp.call("select", image=window.image, kind="rectangle", box=[10, 10, 60, 50])
    window.gimp.call("save_selection", image=window.image, name=name)


def test_a_style_is_given_a_place_and_the_strength_a_mask(window: Window) -> None:
    layer = open_layers(window, (120, 90), _QUICK)
    save_selection(window, "sky")
    window.gimp.call("choose", image=window.image, layers=[layer])
    dialog = open_dialog(window)
    window.pick(dialog, _WHERE, "Down", "Return")
    window.pick(dialog, _STRENGTH, "Down", "Down", "Return")
    found = painted(window, dialog, "waves", "picture like waves", "picture")
    (style,) = found["styles"]
    assert (style["where"]["name"], style["where"]["outside"]) == ("sky", False)
    assert (found["strength_mask"]["name"], found["strength_mask"]["outside"]) == ("sky", True)


def test_a_selection_that_is_saved_meanwhile_can_be_chosen(window: Window) -> None:
    open_layers(window, (120, 90), _QUICK)
    dialog = open_dialog(window)
    save_selection(window, "late")
    window.display.focus(window.main)
    window.display.focus(dialog)
    window.pick(dialog, _WHERE, "End", "Return")
    found = painted(window, dialog, "waves", "picture like waves", "picture")
    (style,) = found["styles"]
    assert (style["where"]["name"], style["where"]["outside"]) == ("late", True)


def test_places_of_the_last_time_that_are_not_there_are_everywhere(window: Window) -> None:
    layer = open_layers(window, (120, 90), _QUICK)
    last = PaintOptions(
        quality=Quality.QUICK, encoder=ENCODER, strength_mask=RegionChoice("far", "channel:9")
    )
    PaintPresetStore(window.gimp.workspace.data, "gimp").remember_last(last)
    window.gimp.call("choose", image=window.image, layers=[layer])
    dialog = open_dialog(window)
    found = painted(window, dialog, "waves", "picture like waves", "picture")
    assert found["strength_mask"] is None


def test_styles_are_added_weighted_and_removed(window: Window) -> None:
    layer = open_layers(window, (120, 90), _QUICK)
    window.gimp.call("add_layer", image=window.image, name="night", size=(64, 64), alpha=False)
    window.gimp.call("choose", image=window.image, layers=[layer])
    dialog = open_dialog(window)
    width = window.display.geometry(dialog)[2]
    window.click(dialog, _ADD)
    wait_until(lambda: window.display.geometry(dialog)[2] > width, "the second style")
    window.click(dialog, _MORE_OF_SECOND)
    window.click(dialog, _MORE_OF_SECOND)
    window.click(dialog, _PAINT)
    window.display.wait_for_no_window(PAINT_DIALOG)
    window.wait_for_layers("night", "waves", "picture like night + waves", "picture")
    made = window.state()["layers"][2]["id"]
    styles = options(window, made)["styles"]
    assert [(style["name"], style["weight"]) for style in styles] == [("night", 1), ("waves", 2)]
    # The dialog begins with both; without the first the other has no share.
    window.gimp.call("choose", image=window.image, layers=[layer])
    dialog = open_dialog(window)
    width = window.display.geometry(dialog)[2]
    window.click(dialog, _REMOVE_FIRST)
    wait_until(lambda: window.display.geometry(dialog)[2] < width, "the end of the first style")
    window.click(dialog, _PAINT)
    window.display.wait_for_no_window(PAINT_DIALOG)
    window.wait_for_layers(
        "night", "waves", "picture like night + waves", "picture like waves", "picture"
    )
    (style,) = options(window, window.state()["layers"][3]["id"])["styles"]
    assert (style["name"], style["weight"]) == ("waves", 1)


def test_a_file_is_chosen_as_a_style(window: Window) -> None:
    file = exported(window.gimp, "chosen.png")
    open_layers(window, (120, 90), _QUICK)
    dialog = open_dialog(window)
    window.pick(dialog, _STYLE, "End", "Return")
    chooser = window.display.wait_for_window(FILE_DIALOG)
    window.display.type(file, window=chooser)
    window.display.key("Return")
    window.display.wait_for_no_window(FILE_DIALOG)
    found = painted(window, dialog, "waves", "picture like chosen", "picture")
    (style,) = found["styles"]
    assert (style["kind"], style["file"]) == ("file", file)


def test_choosing_no_file_leaves_the_style(window: Window) -> None:
    open_layers(window, (120, 90), _QUICK)
    dialog = open_dialog(window)
    window.pick(dialog, _STYLE, "End", "Return")
    window.display.wait_for_window(FILE_DIALOG)
    window.display.dismiss(FILE_DIALOG)
    found = painted(window, dialog, "waves", "picture like waves", "picture")
    assert found["styles"][0]["name"] == "waves"
