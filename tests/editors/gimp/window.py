"""A GIMP with windows, and the plug-in's dialogs in it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from subprocess import CalledProcessError
from typing import Any

from tests.editors.gimp.driving import LEARN, PAINT, PROCEDURE, RERUN, UPSCALE, tree
from tests.editors.support.display import Display
from tests.editors.support.gimp import Gimp
from tests.support.daemon_process import wait_until

# The plug-in's entries in the menu, from the keyboard.
MENU_KEY = "ctrl+shift+p"
PAINT_KEY = "ctrl+shift+k"
RERUN_KEY = "ctrl+shift+F9"
UPSCALE_KEY = "ctrl+shift+F10"
LEARN_KEY = "ctrl+shift+F11"
SHORTCUTS = f"""\
(file-version 1)
(action "{PROCEDURE}" "<Primary><Shift>p")
(action "{PAINT}" "<Primary><Shift>k")
(action "{RERUN}" "<Primary><Shift>F9")
(action "{UPSCALE}" "<Primary><Shift>F10")
(action "{LEARN}" "<Primary><Shift>F11")
"""
DIALOG = "^Pastiche$"
PAINT_DIALOG = "^Paint like another layer$"
UPSCALE_DIALOG = "^Upscale layer$"
LEARN_DIALOG = "^Learn this layer's style$"
FILE_DIALOG = "^Choose a picture with the style$"
_ANY_DIALOG = "|".join((FILE_DIALOG, DIALOG, PAINT_DIALOG, UPSCALE_DIALOG, LEARN_DIALOG))
# From the right lower corner of a dialog that paints.
_KEEP = (75, 88)


@dataclass
class Window:
    """A GIMP with windows, and one image in it."""

    gimp: Gimp
    display: Display
    image: int = 0
    main: str = ""

    def open(self, *, size: tuple[int, int] = (120, 90), **image: Any) -> int:
        """Show a new image with one layer; returns the layer."""
        self.image = self.gimp.call("create_image", size=size, **image)
        layer = self.gimp.call("add_layer", image=self.image, name="picture", alpha=False)
        self.gimp.call("show", image=self.image)
        self.main = self.display.wait_for_window(f"{size[0]}x{size[1]}.*GIMP$")
        return layer

    def state(self) -> Any:
        return self.gimp.call("describe", image=self.image)

    def press(self, *keys: str) -> None:
        """Press keys in the image's window."""
        self.display.key(*keys, window=self.main)

    def wait_for(self, state: Any, what: str) -> None:
        try:
            wait_until(lambda: self.state() == state, what)
        except AssertionError:
            assert self.state() == state  # says what differs

    def wait_for_layers(self, *names: Any) -> None:
        wait_until(lambda: tree(self.gimp, self.image) == [*names], f"the layers {names}")

    def dialog(self) -> str:
        """The plug-in's dialog, once its styles are there."""
        dialog = self.display.wait_for_window(DIALOG)
        x, y, *_ = self.display.geometry(dialog)

        def has_styles() -> bool:
            shown = self.display.screenshot()
            return shown.getpixel((x + 3, y + 3)) != shown.getpixel((x + 420, y + 276))

        wait_until(has_styles, "the styles")
        return dialog

    def height(self, dialog: str) -> int:
        return self.display.geometry(dialog)[3]

    def click(self, dialog: str, place: tuple[int, int]) -> None:
        """Click at a place, from the left and upper sides or, below 0, from the others."""
        x, y, width, height = self.display.geometry(dialog)
        across, down = place
        self.display.click(
            x + across + (width if across < 0 else 0), y + down + (height if down < 0 else 0)
        )

    def keep(self, dialog: str) -> None:
        """Stop a painting, and keep it as it stands."""
        self.click(dialog, (-_KEEP[0], -_KEEP[1]))

    def pick(self, dialog: str, place: tuple[int, int], *keys: str) -> None:
        """Choose from the list of a field at a place with these keys."""
        before = self.display.screenshot().tobytes()
        self.click(dialog, place)
        wait_until(lambda: self.display.screenshot().tobytes() != before, "the list")
        self.display.xdotool("sleep", "0.5")
        self.display.key(*keys)
        self.display.xdotool("sleep", "0.5")

    def preview(self, dialog: str) -> bytes:
        """What the dialog's preview shows."""
        x, y, *_ = self.display.geometry(dialog)
        shown = self.display.screenshot().crop((x + 20, y + 20, x + 390, y + 390))
        return shown.tobytes()


def close_dialogs(display: Display) -> None:
    """End what a test that failed has left open; the first key may close a menu only."""

    def closed() -> bool:
        for dialog in display.windows(_ANY_DIALOG):
            with suppress(CalledProcessError):  # it has gone by itself
                display.key("Escape", window=dialog)
        return not display.windows(_ANY_DIALOG)

    wait_until(closed, "the dialog's end")
