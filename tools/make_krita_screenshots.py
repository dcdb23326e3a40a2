"""Make the pictures of Krita's docker.

    python tools/make_krita_screenshots.py [--language de]
    python tools/make_krita_screenshots.py [--language de] --paint-like PAINTING.jpg
    python tools/make_krita_screenshots.py [--language de] --learn PAINTING.jpg

Runs the real Krita of `tools/prepare_editors.py` with the built-in pack, on a photograph of
scikit-image, and writes `docs/screenshots/krita-docker.png`, `krita-painting.png` or
`krita-learning.png`; with a language, their names end with it.
"""

from __future__ import annotations

import argparse
import shutil
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
_PAINTING_SECONDS = 1800.0
_MINUTES = 4
_FAR = 0.7  # of the learning
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


def main() -> None:
    options = _options()
    editors = find_editors()
    if editors.krita is None:
        sys.exit(f"no Krita: {editors.reason}")
    language: str = options.language
    painting: Path | None = options.paint_like or options.learn
    page = "learning" if options.learn else "painting" if painting else "docker"
    environ = {"LANGUAGE": language} if language else {}
    name = f"krita-{page}{'-' if language else ''}{language}.png"
    with make_workspace(editors.krita) as workspace, virtual_display() as display:
        write_daemon_command(workspace, "--idle-exit", "0")
        install_plugins(workspace)
        _write_photograph(workspace.folder / "Cat.png")
        with running_krita(workspace, _INSIDE, display=display, environ=environ) as krita:
            session = KritaSession(krita, display)
            if painting is None:
                _open(session, workspace.inside("Cat.png"), "Cat")
                _stylize(session)
                _wait_until_still(display)
            else:
                style = workspace.folder / painting.name
                shutil.copyfile(painting, style)
                title = painting.stem.replace("_", " ").title()
                if options.learn:
                    _open(session, workspace.inside(style), title)
                    _learn(session, title)
                else:
                    _open(session, workspace.inside("Cat.png"), "Cat")
                    _paint(session, workspace.inside(style), title)
                    _wait_until_still(display)
            display.screenshot(_PICTURES / name)


def _write_photograph(file: Path) -> None:
    import skimage.data
    from PIL import Image

    Image.fromarray(skimage.data.chelsea()).save(file)


def _open(krita: KritaSession, picture: str, name: str) -> None:
    krita.call("prepare")
    krita.call("open_file", path=picture)
    krita.krita.run(f"document().topLevelNodes()[0].setName({name!r})")
    krita.krita.run(_ARRANGE)
    krita.wait_until(lambda: krita.call("ready"), "the styles")
    krita.wait_until(
        lambda: all(style["pictured"] for style in krita.call("shown_styles")), "the pictures"
    )
    krita.call("trigger", action="zoom_to_fit")
    krita.display.xdotool("mousemove", 700, 740)  # away from the canvas, where it is a brush


def _stylize(krita: KritaSession) -> None:
    krita.call("set_options", **_VALUES)
    krita.stylize()
    name = krita.call("names")[-1]
    krita.krita.run(f"node({name!r}).setName('Starry Night')")
    krita.call("activate", name="Cat")


def _paint(krita: KritaSession, painting: str, title: str) -> None:
    style = {"kind": "file", "name": title, "file": painting}
    krita.call("set_paint", styles=[style], amount=0.7)
    krita.krita.run("docker().show_painting()")
    index = krita.start("pastiche_paint")
    # It may take minutes.
    krita.wait_until(
        lambda: krita.call("job", index=index)["final"], "the painting", seconds=_PAINTING_SECONDS
    )
    krita.done(index)
    krita.call("activate", name="Cat")


def _learn(krita: KritaSession, name: str) -> None:
    krita.krita.run("docker().show_learning()")
    krita.call("learn", name=name, minutes=_MINUTES)

    def is_far() -> bool:
        return any(
            training["steps"] and training["step"] > _FAR * training["steps"]
            for training in krita.call("trainings")
        )

    krita.wait_until(is_far, "the learning", seconds=_PAINTING_SECONDS)
    krita.wait_until(lambda: krita.call("learn_picture") is not None, "its picture")
    time.sleep(_STILL_SECONDS)


def _wait_until_still(display: Display) -> None:
    """Wait until the screen has not changed for some seconds."""
    shown, since = display.screenshot().tobytes(), time.monotonic()
    while time.monotonic() < since + _STILL_SECONDS:
        time.sleep(0.5)
        now = display.screenshot().tobytes()
        if now != shown:
            shown, since = now, time.monotonic()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--language", default="", help="such as de")
    pictures = parser.add_mutually_exclusive_group()
    pictures.add_argument("--paint-like", type=Path, metavar="PAINTING")
    pictures.add_argument("--learn", type=Path, metavar="PAINTING")
    return parser.parse_args()


if __name__ == "__main__":
    main()
