"""The actions under Tools > Scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from krita import Extension, Krita

from .docker import PasticheDocker
from .guard import guard_with
from .qt import QIcon

if TYPE_CHECKING:
    from collections.abc import Callable

    from krita import Window

    from .qt import QObject
    from .studio import Studio

_MENU = "tools/scripts"
_MESSAGE_MILLISECONDS = 8000
_HIGH_PRIORITY = 0


class PasticheExtension(Extension):
    """Puts the actions into every window."""

    def __init__(self, studio: Studio, parent: QObject) -> None:
        super().__init__(parent)
        self._studio = studio
        studio.told.connect(self._tell)

    def setup(self) -> None:
        """Krita calls this once; there is nothing to do before a window is there."""

    def createActions(self, window: Window) -> None:  # noqa: N802 - Krita's name
        studio, texts = self._studio, self._studio.texts
        guard = guard_with(studio.tell_error)
        actions: list[tuple[str, str, str, Callable[[], object]]] = [
            (
                "pastiche_show",
                texts.menu_entry,
                texts.blurb,
                lambda: _show(PasticheDocker.show_stylizing),
            ),
            (
                "pastiche_stylize",
                f"{texts.title}: {texts.stylize}",
                texts.stylize_tip,
                studio.stylize,
            ),
            ("pastiche_again", texts.again, texts.again_tip, studio.stylize_again),
            (
                "pastiche_paint_show",
                texts.paint_menu_entry,
                texts.paint_blurb,
                lambda: _show(PasticheDocker.show_painting),
            ),
            (
                "pastiche_paint",
                f"{texts.title}: {texts.paint}",
                texts.paint_tip,
                studio.painting.paint,
            ),
            (
                "pastiche_upscale_show",
                texts.upscale_menu_entry,
                texts.upscale_blurb,
                lambda: _show(PasticheDocker.show_upscaling),
            ),
            (
                "pastiche_upscale",
                f"{texts.title}: {texts.upscale}",
                texts.upscale_tip,
                studio.upscaling.upscale,
            ),
            (
                "pastiche_learn_show",
                texts.learn_menu_entry,
                texts.learn_blurb,
                lambda: _show(PasticheDocker.show_learning),
            ),
        ]
        for name, text, tip, act in actions:
            action = window.createAction(name, text, _MENU)
            action.setText(text)  # the file of actions has it in English
            action.setToolTip(tip)
            action.triggered.connect(guard(act))

    def _tell(self, text: str) -> None:
        """Tell over the canvas where no docker tells it, after an action by its shortcut."""
        window = Krita.instance().activeWindow()
        if not text or window is None or any(_is_seen(docker) for docker in _dockers()):
            return
        view = window.activeView()
        if view is not None and view.document() is not None:
            view.showFloatingMessage(text, QIcon(), _MESSAGE_MILLISECONDS, _HIGH_PRIORITY)
        else:
            # Without an image there is no canvas.
            _show_docker()


def _show_docker() -> None:
    for docker in _dockers():
        docker.setVisible(True)
        docker.raise_()


def _show(turn: Callable[[PasticheDocker], None]) -> None:
    """Show the docker, turned to a page."""
    _show_docker()
    for docker in _dockers():
        turn(docker)


def _dockers() -> list[PasticheDocker]:
    """Those of the active window; the window that actions were made for is gone by then."""
    window = Krita.instance().activeWindow()
    dockers = window.dockers() if window else []
    return [docker for docker in dockers if isinstance(docker, PasticheDocker)]


def _is_seen(docker: PasticheDocker) -> bool:
    return not docker.visibleRegion().isEmpty()
