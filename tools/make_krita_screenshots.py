"""Make the picture of Krita's docker: `python tools/make_krita_screenshots.py [LANGUAGE]`.

Runs the real Krita of `tools/prepare_editors.py` with the built-in pack, on a photograph of
scikit-image, and writes `docs/screenshots/krita-docker.png`; with a language, such as `de`, its
name ends with it.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.editors.krita.session import KritaSession
from tests.editors.support.display import Display, virtual_display
from tests.editors.support.editor_root import find_editors
from tests.editors.support.krita import install_plugins, running_krita
from tests.editors.support.outside_daemon import write_daemon_command
from tests.editors.support.workspace import make_workspace

_INSIDE = ROOT / "tests" / "editors" / "krita" / "inside.py"
_PICTURES = ROOT / "docs" / "screenshots"
_STILL_SECONDS = 8.0  # also on a busy computer
_VALUES: dict[str, Any] = {
    "style": "masters/starry_night",
    "second_style": "masters/great_wave",
    "second_share": 0.3,
    "strength": 0.9,
}
# As an illustrator may have them at 1366x768: layers above, the docker below.
_ARRANGE = """
from PyQt5.QtCore import Qt
window = app.activeWindow().qwindow()
found = {docker.objectName(): docker for docker in app.dockers()}
for name in ("PresetDocker", "ColorSelectorNg", "sharedtooldocker"):
    found[name].setVisible(False)
layers, pastiche = found["KisLayerBox"], found["pastiche"]
window.resizeDocks([pastiche], [310], Qt.Horizontal)
window.resizeDocks([layers, pastiche], [120, 580], Qt.Vertical)
"""


def main(arguments: list[str]) -> None:
    editors = find_editors()
    if editors.krita is None:
        sys.exit(f"no Krita: {editors.reason}")
    language = arguments[0] if arguments else ""
    environ = {"LANGUAGE": language} if language else {}
    file = _PICTURES / f"krita-docker{'-' if language else ''}{language}.png"
    with make_workspace(editors.krita) as workspace, virtual_display() as display:
        write_daemon_command(workspace, "--idle-exit", "0")
        install_plugins(workspace)
        _write_photograph(workspace.folder / "Cat.png")
        with running_krita(workspace, _INSIDE, display=display, environ=environ) as krita:
            session = KritaSession(krita, display)
            _show(session, workspace.inside("Cat.png"))
            display.screenshot(file)


def _write_photograph(file: Path) -> None:
    import skimage.data
    from PIL import Image

    Image.fromarray(skimage.data.chelsea()).save(file)


def _show(krita: KritaSession, photograph: str) -> None:
    krita.call("prepare")
    krita.call("open_file", path=photograph)
    krita.krita.run("document().topLevelNodes()[0].setName('Cat')")
    krita.krita.run(_ARRANGE)
    krita.wait_until(lambda: krita.call("ready"), "the styles")
    krita.wait_until(
        lambda: all(style["pictured"] for style in krita.call("shown_styles")), "the pictures"
    )
    krita.call("trigger", action="zoom_to_fit")
    krita.call("set_options", **_VALUES)
    krita.stylize()
    name = krita.call("names")[-1]
    krita.krita.run(f"node({name!r}).setName('Starry Night')")
    krita.call("activate", name="Cat")
    krita.display.xdotool("mousemove", 700, 740)
    _wait_until_still(krita.display)


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
