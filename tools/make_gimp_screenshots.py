"""Make the pictures of GIMP's dialogs: `python tools/make_gimp_screenshots.py [LANGUAGE]`.

Runs the real GIMP of `tools/prepare_editors.py` with the built-in packs, on photographs of
scikit-image, and writes `docs/screenshots/gimp-dialog.png`, `gimp-result.png`, `gimp-painting.png`,
`gimp-upscaling.png` and `gimp-learning.png`; with a language, such as `de`, their names end with
it. The paintings to paint like are given as files: `--paintings NIGHT.jpg WAVE.jpg`. `--only
painting` makes that picture alone.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import CalledProcessError

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from pastiche_client import Client
from pastiche_client.editing.paint_options import (
    PaintOptions,
    Quality,
    RegionChoice,
    StyleChoice,
    StyleKind,
)
from pastiche_client.editing.presets import PaintPresetStore
from pastiche_client.paths import DataPaths
from tests.editors.support.display import Display, virtual_display
from tests.editors.support.editor_root import find_editors
from tests.editors.support.gimp import Gimp, install_plugins, running_gimp
from tests.editors.support.outside_daemon import write_daemon_command
from tests.editors.support.workspace import Workspace, make_workspace

_INSIDE = ROOT / "tests" / "editors" / "gimp" / "inside.py"
_PICTURES = ROOT / "docs" / "screenshots"
_SHORTCUTS = """\
(file-version 1)
(action "plug-in-pastiche" "<Primary><Shift>p")
(action "plug-in-pastiche-paint-like" "<Primary><Shift>k")
(action "plug-in-pastiche-upscale" "<Primary><Shift>u")
(action "plug-in-pastiche-learn" "<Primary><Shift>l")
"""
_STARRY_NIGHT = (837, 95)  # its place in the dialog
_STILL_SECONDS = 10.0  # also on a busy computer
_SAMPLE_SECONDS = 300.0


@dataclass(frozen=True)
class _Pictures:
    """A GIMP with the photograph in its window, and where the pictures go."""

    gimp: Gimp
    display: Display
    image: int
    main: str
    ending: str
    data: DataPaths

    def stylizing(self) -> None:
        dialog = self._opened("ctrl+shift+p", "^Pastiche$")
        x, y, *_ = self.display.geometry(dialog)
        self.display.click(x + _STARRY_NIGHT[0], y + _STARRY_NIGHT[1])
        self._away(dialog)
        self._save(dialog, "dialog")
        self.display.key("Return", window=dialog)
        self.display.wait_for_no_window("^Pastiche$")
        _wait_until_still(self.display)
        self.display.screenshot(_PICTURES / f"gimp-result{self.ending}.png")
        self.display.key("ctrl+z", window=self.main)

    def painting(self) -> None:
        """A painting under way: two styles, one of them in the cat's place."""
        self.gimp.call("select", image=self.image, kind="feathered", box=[110, 10, 230, 280])
        self.gimp.call("save_selection", image=self.image, name="Cat")
        cat = RegionChoice("Cat")
        styles = [
            StyleChoice(StyleKind.LAYER, layer["name"], layer=str(layer["tattoo"]), where=where)
            for layer, where in zip(
                self.gimp.call("tattoos", image=self.image)[-2:],
                (cat, RegionChoice("Cat", outside=True)),
                strict=True,
            )
        ]
        PaintPresetStore(self.data, "gimp").remember_last(
            PaintOptions(tuple(styles), quality=Quality.QUICK, amount=0.6)
        )
        dialog = self._opened("ctrl+shift+k", "^Paint like another layer$")
        before = self._preview(dialog)
        self.display.key("Return", window=dialog)
        self._away(dialog)
        seen = {before}
        # Some pictures on, the style can be seen.
        deadline = time.monotonic() + _SAMPLE_SECONDS
        while len(seen) < 40 and time.monotonic() < deadline:
            seen.add(self._preview(dialog))
        self._save(dialog, "painting", still=False)
        self._close(dialog, "^Paint like another layer$")

    def upscaling(self) -> None:
        dialog = self._opened("ctrl+shift+u", "^Upscale layer$")
        x, y, width, _ = self.display.geometry(dialog)
        size = (x + 80, y + 50, x + width - 20, y + 72)
        # The factors come from the daemon, which may have to be started.
        while len(set(self.display.screenshot(area=size).convert("L").tobytes())) < 4:
            time.sleep(0.5)
        self._away(dialog)
        self._save(dialog, "upscaling")
        self._close(dialog, "^Upscale layer$")

    def learning(self) -> None:
        """A training with its first sample."""
        style = self.gimp.call("layers", image=self.image)[-2]
        self.gimp.call("choose", image=self.image, layers=[style])
        dialog = self._opened("ctrl+shift+l", "^Learn this layer's style$")
        self.display.key("Return", window=dialog)
        self._away(dialog)
        with Client(self.data, start=False) as client:
            deadline = time.monotonic() + _SAMPLE_SECONDS
            while time.monotonic() < deadline:
                if any(t.steps and t.sample_step > 0 for t in client.trainings()):
                    break
                time.sleep(1.0)
            time.sleep(3.0)  # the dialog looks once a second
            self._save(dialog, "learning", still=False)
            for training in client.trainings():
                client.cancel_training(training.name)
        self._close(dialog, "^Learn this layer's style$")

    def _opened(self, key: str, title: str) -> str:
        self.display.key(key, window=self.main)
        dialog = self.display.wait_for_window(title)
        _wait_until_still(self.display)
        return dialog

    def _away(self, dialog: str) -> None:
        """Move the mouse away from what has a tooltip."""
        x, y, _, height = self.display.geometry(dialog)
        self.display.xdotool("mousemove", x + 5, y + height - 20)

    def _preview(self, dialog: str) -> bytes:
        x, y, *_ = self.display.geometry(dialog)
        return self.display.screenshot(area=(x + 20, y + 20, x + 390, y + 390)).tobytes()

    def _save(self, dialog: str, name: str, *, still: bool = True) -> None:
        if still:
            _wait_until_still(self.display)
        x, y, width, height = self.display.geometry(dialog)
        shown = self.display.screenshot(area=(x, y, x + width, y + height))
        shown.save(_PICTURES / f"gimp-{name}{self.ending}.png")

    def _close(self, dialog: str, title: str) -> None:
        while self.display.windows(title):
            with suppress(CalledProcessError):  # it has just gone
                self.display.key("Escape", window=dialog)
            time.sleep(1.0)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("language", nargs="?", default="")
    parser.add_argument("--only", action="append", choices=_WORKS)
    parser.add_argument(
        "--paintings", type=Path, nargs=2, help="to paint like; needed but for other --only"
    )
    options = parser.parse_args(arguments)
    if not options.paintings and {"painting", "learning"} & set(options.only or _WORKS):
        parser.error("--paintings: give two files")
    editors = find_editors()
    if editors.gimp is None:
        sys.exit(f"no GIMP: {editors.reason}")
    with make_workspace(editors.gimp) as workspace, virtual_display() as display:
        write_daemon_command(workspace, "--idle-exit", "0")
        settings = install_plugins(workspace).parents[1]
        (settings / "shortcutsrc").write_text(_SHORTCUTS, "utf-8")
        _write_photograph(workspace.folder / "Chelsea.png")
        paintings = [Path(shutil.copy2(file, workspace.folder)) for file in options.paintings or []]
        environ = {"LANGUAGE": options.language} if options.language else {}
        with running_gimp(workspace, _INSIDE, display=display, environ=environ) as gimp:
            image, window = _open(gimp, display, workspace, paintings)
            ending = f"-{options.language}" if options.language else ""
            pictures = _Pictures(gimp, display, image, window, ending, workspace.data)
            for name in options.only or _WORKS:
                getattr(pictures, name)()


_WORKS = ("stylizing", "painting", "upscaling", "learning")


def _write_photograph(file: Path) -> None:
    import skimage.data
    from PIL import Image

    Image.fromarray(skimage.data.chelsea()).save(file)


def _open(
    gimp: Gimp, display: Display, workspace: Workspace, paintings: Sequence[Path]
) -> tuple[int, str]:
    """An image of a cat, which is selected, with the paintings as layers below it."""
    image = gimp.call("open_image", path=workspace.inside("Chelsea.png"))
    cat = gimp.call("layers", image=image)[0]
    gimp.call("rename", item=cat, name="Cat")
    for file in reversed(paintings):
        name = file.stem.replace("_", " ").title()
        gimp.call("add_file", image=image, path=workspace.inside(file), name=name)
    gimp.call("choose", image=image, layers=[cat])
    gimp.call("show", image=image)
    window = display.wait_for_window("451x300.*GIMP$")
    display.xdotool("windowsize", "--sync", window, 1366, 768)
    display.key("ctrl+shift+j", window=window)  # fits the image into the window
    return image, window


def _wait_until_still(display: Display) -> None:
    """Wait until the screen has not changed for some seconds."""
    shown, since = display.screenshot().tobytes(), time.monotonic()
    while time.monotonic() < since + _STILL_SECONDS:
        time.sleep(0.5)
        now = display.screenshot().tobytes()
        if now != shown:
            shown, since = now, time.monotonic()


if __name__ == "__main__":
    main(sys.argv[1:])
