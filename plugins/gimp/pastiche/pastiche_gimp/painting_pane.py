"""What a window shows of a painting while it is made, and its button to stop and keep it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk

from pastiche_client.editing.paint_options import PREVIEW_SIDE
from pastiche_client.editing.paint_run import PaintRun
from pastiche_gimp.dialog_run import DialogRun
from pastiche_gimp.pictures import pixbuf_of
from pastiche_gimp.windows import SPACING, post, row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gi.repository import GimpUi

    from pastiche_client.client import Client
    from pastiche_client.editing.paint_run import PaintResult
    from pastiche_client.editing.run_states import RunState
    from pastiche_client.editing.texts import Texts
    from pastiche_client.layer import Layer
    from pastiche_gimp.paint_work import PaintWork


class PaintingPane:
    """`picture` shows how far a painting is; `progress` is there while it is made."""

    def __init__(self, dialog: GimpUi.Dialog, client: Client, texts: Texts) -> None:
        self._client = client
        self._texts = texts
        self._painting: PaintRun | None = None
        self._run = DialogRun(dialog, texts)
        self._image = Gtk.Image()
        self._image.set_size_request(PREVIEW_SIDE, PREVIEW_SIDE)
        self._image.set_tooltip_text(texts.paint_preview_tip)
        self.picture = Gtk.Frame(shadow_type=Gtk.ShadowType.IN)
        self.picture.add(self._image)
        self.picture.set_valign(Gtk.Align.START)
        self._keep = Gtk.Button.new_with_label(texts.stop_and_keep)
        self._keep.set_tooltip_text(texts.stop_and_keep_tip)
        self._keep.set_no_show_all(True)
        self._keep.connect("clicked", lambda _: self._stop())
        self.progress = row(spacing=2 * SPACING)
        self._run.widget.set_valign(Gtk.Align.CENTER)
        self.progress.pack_start(self._run.widget, True, True, 0)
        self.progress.pack_start(self._keep, False, False, 0)

    def run(self, work: PaintWork, not_now: Sequence[int]) -> PaintResult:
        """Paint, and wait in a loop of the thread of windows; see `DialogRun.run`."""
        self._keep.set_sensitive(True)
        self._keep.show()
        try:
            return self._run.run(
                lambda on_update, on_done: self._start(work, on_update, on_done), not_now
            )
        finally:
            self._keep.hide()
            self._painting = None

    def show(self, picture: Layer) -> None:
        self._image.set_from_pixbuf(pixbuf_of(picture))

    def _start(
        self,
        work: PaintWork,
        on_update: Callable[[RunState], None],
        on_done: Callable[[PaintResult], None],
    ) -> PaintRun:
        self._painting = PaintRun(
            self._client,
            work.item,
            work.styles,
            work.options,
            regions=work.regions,
            strength_mask=work.strength_mask,
            post=post,
            on_update=on_update,
            on_preview=self.show,
            on_done=on_done,
        ).begin()
        return self._painting

    def _stop(self) -> None:
        if self._painting is not None:
            self._painting.stop_and_keep()
            self._keep.set_sensitive(False)
            self._run.tell(self._texts.stopping)
