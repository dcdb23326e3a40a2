"""The dialog of “Upscale layer”."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GimpUi, Gtk

from pastiche_client.editing import refusals
from pastiche_client.editing.background import load_in_background
from pastiche_client.editing.upscale_run import UpscaleRun
from pastiche_gimp.dialog_run import DialogRun
from pastiche_gimp.dialog_window import ok_window
from pastiche_gimp.field_grid import FieldGrid
from pastiche_gimp.message_bar import MessageBar
from pastiche_gimp.source import check_layers
from pastiche_gimp.upscale_work import UpscaleWork, factors_of
from pastiche_gimp.windows import SPACING, column, post

if TYPE_CHECKING:
    from gi.repository import Gimp

    from pastiche_client.client import Client
    from pastiche_client.editing.texts import Texts
    from pastiche_gimp.work import Done

_FACTOR = "factor"


def run_upscale_dialog(
    config: Gimp.ProcedureConfig, client: Client, texts: Texts, layer: Gimp.Layer
) -> Done | None:
    """Let the user choose the factor, and upscale the layer; None if the user cancelled."""
    GimpUi.init("pastiche")
    dialog = UpscaleDialog(config, client, texts, layer)
    try:
        return dialog.run()
    finally:
        dialog.close()


class UpscaleDialog:
    """The factor, and how large the layer is going to be."""

    def __init__(
        self, config: Gimp.ProcedureConfig, client: Client, texts: Texts, layer: Gimp.Layer
    ) -> None:
        self._config = config
        self._client = client
        self._texts = texts
        self._layer = layer
        self._image = layer.get_image()
        self._closed = False
        self._dialog = ok_window(texts, texts.upscale_title, texts.upscale)
        self._message = MessageBar(texts, client.paths, self._load)
        self._run = DialogRun(self._dialog, texts)
        self._factor = Gtk.ComboBoxText(hexpand=True)
        self._factor.connect("changed", lambda _: self._chosen())
        self._size = Gtk.Label(xalign=0.0)
        self._fields = self._lay_out()
        self._load()

    def run(self) -> Done | None:
        """Until the layer is upscaled, or the user closes the dialog."""
        while self._dialog.run() == Gtk.ResponseType.OK:
            done = self._work()
            if done is not None:
                return done
        return None

    def close(self) -> None:
        self._closed = True
        self._dialog.destroy()

    def _lay_out(self) -> Gtk.Grid:
        grid = FieldGrid(self._config)
        grid.attach(self._texts.factor, self._texts.factor_tip, self._factor)
        grid.attach(self._texts.new_size, "", self._size)
        box = column(grid.widget, self._message.widget, self._run.widget, spacing=2 * SPACING)
        box.set_border_width(2 * SPACING)
        box.show_all()
        self._dialog.get_content_area().pack_start(box, True, True, 0)
        return grid.widget

    def _load(self) -> None:
        self._message.hide()
        self._ready(ready=False)
        load_in_background(lambda: factors_of(self._client), post, self._loaded, self._not_loaded)

    def _loaded(self, factors: list[int]) -> None:
        if self._closed:
            return
        for factor in factors:
            self._factor.append(str(factor), self._texts.times(factor))
        last = str(self._config.get_property(_FACTOR))
        if not self._factor.set_active_id(last):
            self._factor.set_active(0)
        self._ready(ready=True)
        # Insensitive, it has lost the focus to Cancel.
        self._dialog.get_widget_for_response(Gtk.ResponseType.OK).grab_focus()

    def _not_loaded(self, error: Exception) -> None:
        if not self._closed:
            self._message.tell_error(error, again=True)

    def _ready(self, *, ready: bool) -> None:
        self._fields.set_sensitive(ready)
        self._dialog.set_response_sensitive(Gtk.ResponseType.OK, ready)

    def _chosen(self) -> None:
        factor = int(self._factor.get_active_id())
        self._config.set_property(_FACTOR, factor)
        if self._layer.is_valid():
            width, height = self._layer.get_width(), self._layer.get_height()
            self._size.set_text(self._texts.size(width * factor, height * factor))

    def _work(self) -> Done | None:
        """What was done, or None for another try; why is told in the dialog."""
        self._message.hide()
        try:
            return self._upscaled()
        except Exception as error:  # noqa: BLE001 - the dialog's boundary: it is told in it
            self._message.tell_error(error)
            return None

    def _upscaled(self) -> Done | None:
        if not self._image.is_valid():
            raise refusals.image_closed()
        if not self._layer.is_valid():
            raise refusals.no_layer()
        (layer,) = check_layers(self._image, [self._layer])
        work = UpscaleWork.read(layer, self._config.get_property(_FACTOR))
        self._fields.set_sensitive(False)
        try:
            result = self._run.run(
                lambda on_update, on_done: UpscaleRun(
                    self._client,
                    [work.item],
                    work.factor,
                    post=post,
                    on_update=on_update,
                    on_done=on_done,
                ).begin(),
                not_now=(Gtk.ResponseType.OK,),
            )
        finally:
            self._fields.set_sensitive(True)
        return None if result.cancelled else work.place(result, self._texts)
