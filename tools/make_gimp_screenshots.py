"""Make the pictures of GIMP's dialog: `python tools/make_gimp_screenshots.py [LANGUAGE]`.

Runs the real GIMP of `tools/prepare_editors.py` with the built-in pack, on a photograph of
scikit-image, and writes `docs/screenshots/gimp-dialog.png` and `gimp-result.png`; with a language,
such as `de`, their names end with it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.editors.support.display import Display, virtual_display
from tests.editors.support.editor_root import find_editors
from tests.editors.support.gimp import Gimp, install_plugins, running_gimp
from tests.editors.support.outside_daemon import write_daemon_command
from tests.editors.support.workspace import make_workspace

_INSIDE = ROOT / "tests" / "editors" / "gimp" / "inside.py"
_PICTURES = ROOT / "docs" / "screenshots"
_SHORTCUTS = '(file-version 1)\n(action "plug-in-pastiche" "<Primary><Shift>p")\n'
_STARRY_NIGHT = (837, 95)  # its place in the dialog
_STILL_SECONDS = 10.0  # also on a busy computer


def main(arguments: list[str]) -> None:
    editors = find_editors()
    if editors.gimp is None:
        sys.exit(f"no GIMP: {editors.reason}")
    language = arguments[0] if arguments else ""
    ending = f"-{language}" if language else ""
    with make_workspace(editors.gimp) as workspace, virtual_display() as display:
        write_daemon_command(workspace, "--idle-exit", "0")
        settings = install_plugins(workspace).parents[1]
        (settings / "shortcutsrc").write_text(_SHORTCUTS, "utf-8")
        _write_photograph(workspace.folder / "Chelsea.png")
        environ = {"LANGUAGE": language} if language else {}
        with running_gimp(workspace, _INSIDE, display=display, environ=environ) as gimp:
            _make(gimp, display, workspace.inside("Chelsea.png"), ending)


def _write_photograph(file: Path) -> None:
    import skimage.data
    from PIL import Image

    Image.fromarray(skimage.data.chelsea()).save(file)


def _make(gimp: Gimp, display: Display, photograph: str, ending: str) -> None:
    image = gimp.call("open_image", path=photograph)
    gimp.call("rename", item=gimp.call("layers", image=image)[0], name="Cat")
    gimp.call("show", image=image)
    window = display.wait_for_window("451x300.*GIMP$")
    display.xdotool("windowsize", "--sync", window, 1366, 768)
    display.key("ctrl+shift+j", window=window)  # fits the image into the window
    display.key("ctrl+shift+p", window=window)
    dialog = display.wait_for_window("^Pastiche$")
    _wait_until_still(display)
    x, y, width, height = display.geometry(dialog)
    display.click(x + _STARRY_NIGHT[0], y + _STARRY_NIGHT[1])
    display.xdotool("mousemove", x + 5, y + height - 20)  # away from what has a tooltip
    _wait_until_still(display)
    area = (x, y, x + width, y + height)
    display.screenshot().crop(area).save(_PICTURES / f"gimp-dialog{ending}.png")
    display.key("Return", window=dialog)
    display.wait_for_no_window("^Pastiche$")
    _wait_until_still(display)
    display.screenshot(_PICTURES / f"gimp-result{ending}.png")


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
