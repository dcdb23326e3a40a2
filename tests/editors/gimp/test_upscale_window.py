"""The dialog of “Upscale layer”."""

from __future__ import annotations

import pytest

from pastiche_client import Client
from tests.editors.gimp.driving import held, is_busy
from tests.editors.gimp.window import UPSCALE_DIALOG, UPSCALE_KEY, Window
from tests.support.daemon_process import wait_until

pytestmark = pytest.mark.gimp

_FACTOR = (-120, 28)


def open_dialog(window: Window) -> str:
    """The dialog, once the factors are there and it can be used."""
    window.press(UPSCALE_KEY)
    dialog = window.display.wait_for_window(UPSCALE_DIALOG)
    x, y, width, _ = window.display.geometry(dialog)
    size = (x + 80, y + 50, x + width - 20, y + 72)

    def has_size() -> bool:
        return len(set(window.display.screenshot(area=size).convert("L").tobytes())) > 4

    wait_until(has_size, "the new size")
    return dialog


def test_a_larger_layer_comes_and_goes_in_one_step(window: Window) -> None:
    window.open(size=(60, 40))
    before = window.state()
    dialog = open_dialog(window)
    window.display.key("Return", window=dialog)
    window.display.wait_for_no_window(UPSCALE_DIALOG)
    window.wait_for_layers("picture, 2 times as large", "picture")
    after = window.state()
    assert after["layers"][0]["size"] == [120, 80]
    assert after["layers"][1] == before["layers"][0]
    window.press("ctrl+z")
    window.wait_for(before, "undo")
    window.press("ctrl+y")
    window.wait_for(after, "redo")
    # The same again, without the dialog.
    window.press("ctrl+z")
    window.wait_for(before, "undo")
    window.press("ctrl+f")
    window.wait_for_layers("picture, 2 times as large", "picture")


def test_it_can_be_cancelled(window: Window, client: Client) -> None:
    window.open(size=(200, 160))
    before = window.state()
    dialog = open_dialog(window)
    window.pick(dialog, _FACTOR, "Down", "Return")
    height = window.height(dialog)
    window.click(dialog, (-56, -30))
    wait_until(lambda: is_busy(client), "the work")
    with held(window.gimp) as daemon:
        assert window.height(dialog) > height
        window.display.key("Escape", window=dialog)
        wait_until(lambda: window.height(dialog) == height, "the end of the progress")
        daemon.resume()
    wait_until(lambda: not is_busy(client), "the end of the work")
    window.display.dismiss(UPSCALE_DIALOG)
    assert window.state() == before


def test_a_layer_that_went_is_told_in_the_dialog(window: Window) -> None:
    layer = window.open(size=(60, 40))
    dialog = open_dialog(window)
    height = window.height(dialog)
    window.gimp.second.call("set_state", item=layer, visible=False)
    window.display.key("Return", window=dialog)
    wait_until(lambda: window.height(dialog) > height, "the sentence")
    window.gimp.second.call("set_state", item=layer, visible=True)
    window.display.key("Return", window=dialog)
    window.display.wait_for_no_window(UPSCALE_DIALOG)
    window.wait_for_layers("picture, 2 times as large", "picture")
