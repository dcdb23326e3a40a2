"""The dialog while layers are stylized: progress, and a Cancel that cancels just that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GLib, Gtk

from pastiche_client.editing.run import LayerRun
from pastiche_gimp.windows import post

if TYPE_CHECKING:
    from gi.repository import GimpUi

    from pastiche_client.client import Client
    from pastiche_client.editing.run import RunResult, RunState
    from pastiche_client.editing.texts import Texts
    from pastiche_gimp.work import Work

RESET = 1  # the response of the button to reset values
_NOT_NOW = (Gtk.ResponseType.OK, RESET)


class DialogRun:
    """Runs work while the dialog stays open and alive. `widget` is its progress bar."""

    def __init__(self, dialog: GimpUi.Dialog, client: Client, texts: Texts) -> None:
        self._dialog = dialog
        self._client = client
        self._texts = texts
        self.widget = Gtk.ProgressBar(show_text=True, no_show_all=True)

    def run(self, work: Work) -> RunResult:
        """Stylize and wait for it in a loop of the thread of windows."""
        loop = GLib.MainLoop()
        results: list[RunResult] = []

        def done(result: RunResult) -> None:
            results.append(result)
            loop.quit()

        self.widget.set_fraction(0.0)
        self.widget.set_text("")
        self.widget.show()
        for response in _NOT_NOW:
            self._dialog.set_response_sensitive(response, False)
        run = LayerRun.start(
            self._client,
            work.items(),
            work.options,
            post=post,
            on_update=self._update,
            on_done=done,
        )
        # Whatever button still can be pressed, and closing the window, ends the run.
        handlers = [
            self._dialog.connect("response", lambda *_: run.cancel()),
            self._dialog.connect("delete-event", lambda *_: True),
        ]
        try:
            loop.run()
        finally:
            for handler in handlers:
                self._dialog.disconnect(handler)
            for response in _NOT_NOW:
                self._dialog.set_response_sensitive(response, True)
            self.widget.hide()
        return results[0]

    def _update(self, state: RunState) -> None:
        self.widget.set_fraction(state.fraction)
        self.widget.set_text(self._texts.progress(state))
