"""What a dialog tells its user, above its other parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk

from pastiche_gimp.windows import wrapping_label

if TYPE_CHECKING:
    from collections.abc import Callable

    from pastiche_client.editing.texts import Texts
    from pastiche_client.paths import DataPaths


class MessageBar:
    """Sentences. `widget` is the bar, which is there only when there is something to tell."""

    def __init__(self, texts: Texts, paths: DataPaths, retry: Callable[[], None]) -> None:
        """`retry` is called when the user wants to try again what was told `again` of."""
        self._texts = texts
        self._paths = paths
        self._told = wrapping_label(100)
        self.widget = Gtk.InfoBar(message_type=Gtk.MessageType.WARNING, no_show_all=True)
        self._again = self.widget.add_button(texts.retry, Gtk.ResponseType.APPLY)
        self.widget.connect("response", lambda *_: retry())
        self.widget.get_content_area().add(self._told)
        self._told.show()

    def tell(self, sentence: str, *, again: bool = False) -> None:
        """Show a sentence; `again` offers to try it once more."""
        self._told.set_text(sentence)
        self._again.set_visible(again)
        self.widget.show()

    def tell_error(self, error: Exception, *, again: bool = False) -> None:
        """Show what to do about anything that was raised."""
        self.tell(self._texts.sentence(error, self._paths), again=again)

    def hide(self) -> None:
        self.widget.hide()
