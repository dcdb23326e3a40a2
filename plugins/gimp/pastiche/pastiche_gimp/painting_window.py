"""A window for a painting that is made again: its picture, its progress and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GimpUi, Gtk

from pastiche_gimp.dialog_window import progress_window
from pastiche_gimp.painting_pane import PaintingPane
from pastiche_gimp.preview_source import PreviewSource
from pastiche_gimp.windows import SPACING, column

if TYPE_CHECKING:
    from pastiche_client.client import Client
    from pastiche_client.editing.texts import Texts
    from pastiche_gimp.paint_work import PaintWork
    from pastiche_gimp.work import Done


def paint_in_window(client: Client, work: PaintWork, texts: Texts) -> Done | None:
    """Paint while a window shows how far it is; None if the user cancelled.

    Raises:
        DaemonError, RefusalError: nothing was placed.
    """
    GimpUi.init("pastiche")
    dialog = progress_window(texts, texts.paint_title)
    try:
        pane = PaintingPane(dialog, client, texts)
        with PreviewSource(work.sources[0].drawable) as source:
            pane.show(source.whole())
        pane.picture.set_halign(Gtk.Align.CENTER)
        box = column(pane.picture, pane.progress, spacing=2 * SPACING)
        box.set_border_width(2 * SPACING)
        dialog.get_content_area().pack_start(box, True, True, 0)
        dialog.show_all()
        result = pane.run(work, not_now=())
    finally:
        dialog.destroy()
    if result.cancelled:
        return None
    return work.place(result, work.options.name, client, texts, partly=False)
