"""A dialog while the daemon works: progress, and a Cancel that cancels just that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GLib, Gtk, Pango

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gi.repository import GimpUi

    from pastiche_client.editing.item_run import ItemRun
    from pastiche_client.editing.run_states import Outcomes, ResultT, RunState
    from pastiche_client.editing.texts import Texts

RESET = 1  # the response of the button to reset values
NOT_NOW = (Gtk.ResponseType.OK, RESET)


class DialogRun:
    """Runs work while the dialog stays open and alive. `widget` is its progress bar."""

    def __init__(self, dialog: GimpUi.Dialog, texts: Texts) -> None:
        self._dialog = dialog
        self._texts = texts
        self._told = ""
        self.widget = Gtk.ProgressBar(
            show_text=True, ellipsize=Pango.EllipsizeMode.MIDDLE, no_show_all=True
        )

    def run(
        self,
        start: Callable[
            [Callable[[RunState], None], Callable[[Outcomes[ResultT]], None]], ItemRun[ResultT]
        ],
        not_now: Sequence[int] = NOT_NOW,
    ) -> Outcomes[ResultT]:
        """Start a run and wait for it in a loop of the thread of windows.

        Args:
            start: starts it, with its `on_update` and `on_done`.
            not_now: responses of the dialog that cannot be given meanwhile.
        """
        loop = GLib.MainLoop()
        results: list[Outcomes[ResultT]] = []

        def done(result: Outcomes[ResultT]) -> None:
            results.append(result)
            loop.quit()

        self.widget.set_fraction(0.0)
        self._told = ""
        self.widget.set_text("")
        self.widget.show()
        for response in not_now:
            self._dialog.set_response_sensitive(response, False)
        run = start(self._update, done)
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
            for response in not_now:
                self._dialog.set_response_sensitive(response, True)
            self.widget.hide()
        return results[0]

    def tell(self, sentence: str) -> None:
        """Say this until the run ends, in the place of what it does."""
        self._told = sentence
        self.widget.set_text(sentence)

    def _update(self, state: RunState) -> None:
        self.widget.set_fraction(state.fraction)
        self.widget.set_text(self._told or self._texts.progress(state))
