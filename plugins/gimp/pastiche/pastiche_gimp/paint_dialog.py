"""The dialog of “Paint like another layer”."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gimp, GimpUi, Gtk

from pastiche_client.editing import refusals
from pastiche_client.editing.paint_options import PaintOptions
from pastiche_client.editing.paint_recipe import PaintRecipe
from pastiche_client.editing.presets import PaintPresetStore, PresetError
from pastiche_gimp.dialog_run import NOT_NOW, RESET
from pastiche_gimp.dialog_window import dialog_window
from pastiche_gimp.masks import found_choice, masks_of
from pastiche_gimp.message_bar import MessageBar
from pastiche_gimp.paint_arguments import paint_options_of, set_paint_options
from pastiche_gimp.paint_fields import PaintFields
from pastiche_gimp.paint_work import PaintWork
from pastiche_gimp.painting_pane import PaintingPane
from pastiche_gimp.preset_bar import PresetBar
from pastiche_gimp.preview_source import PreviewSource
from pastiche_gimp.recipes import recipes_in
from pastiche_gimp.source import check_layers
from pastiche_gimp.style_choices import other_pictures
from pastiche_gimp.style_list import StyleList
from pastiche_gimp.windows import SPACING, column

if TYPE_CHECKING:
    from pastiche_client.client import Client
    from pastiche_client.editing.texts import Texts
    from pastiche_gimp.work import Done


def run_paint_dialog(
    config: Gimp.ProcedureConfig, client: Client, texts: Texts, layer: Gimp.Layer
) -> Done | None:
    """Let the user choose, and paint the layer; None if the user cancelled.

    Raises:
        RefusalError: the layer cannot be painted.
    """
    GimpUi.init("pastiche")
    with PreviewSource(layer) as source:
        dialog = PaintDialog(config, client, texts, layer, source)
        try:
            return dialog.run()
        finally:
            dialog.close()


class PaintDialog:
    """Styles, values and presets; while it is painted, a picture of how far it is."""

    def __init__(
        self,
        config: Gimp.ProcedureConfig,
        client: Client,
        texts: Texts,
        layer: Gimp.Layer,
        source: PreviewSource,
    ) -> None:
        self._config = config
        self._client = client
        self._texts = texts
        self._layer = layer
        self._image = layer.get_image()
        self._source = source
        self._store = PaintPresetStore(client.paths, "gimp")
        self._dialog = dialog_window(texts, texts.paint_title, texts.paint)
        self._message = MessageBar(texts, client.paths, lambda: None)
        masks = masks_of(self._image)
        self._styles = StyleList(texts, self._image, other_pictures(layer), masks)
        self._fields = PaintFields(config, client, texts, self._styles.widget, masks)
        self._presets = PresetBar[PaintOptions, PaintRecipe](
            texts,
            self._store,
            recipes_in(self._image, PaintRecipe.loads),
            options=self._options,
            use=self._use,
            use_recipe=self._use_recipe,
            tell=self._message.tell_error,
        )
        self._pane = PaintingPane(self._dialog, client, texts)
        self._content = self._lay_out()
        # Who comes back to the dialog may have saved a selection.
        self._dialog.connect("focus-in-event", lambda *_: self._offer_masks())
        self._show_layer()
        last = self._store.last()
        # The styles of the last time need not be in this image: nothing is wrong with that.
        self._take(last if last is not None else PaintOptions())

    def run(self) -> Done | None:
        """Until the layer is painted, or the user closes the dialog."""
        while True:
            response = self._dialog.run()
            if response == RESET:
                self._message.hide()
                set_paint_options(self._config, PaintOptions())
                self._fields.strength_mask.choose(None)
            elif response != Gtk.ResponseType.OK:
                return None
            else:
                done = self._work()
                if done is not None:
                    return done

    def close(self) -> None:
        self._fields.close()
        self._dialog.destroy()

    def _lay_out(self) -> Gtk.Box:
        values = column(self._presets.widget, self._fields.widget, spacing=2 * SPACING)
        content = Gtk.Box(orientation=Gtk.Orientation.HORIZONTAL, spacing=3 * SPACING)
        content.pack_start(self._pane.picture, False, False, 0)
        content.pack_start(values, True, True, 0)
        box = column(content, self._message.widget, self._pane.progress, spacing=2 * SPACING)
        box.set_border_width(2 * SPACING)
        box.show_all()
        self._dialog.get_content_area().pack_start(box, True, True, 0)
        return values

    # The values: -------------------------------------------------------------------------------

    def _options(self) -> PaintOptions:
        styles = tuple(picture.choice for picture in self._styles.pictures())
        return paint_options_of(self._config, styles, self._fields.strength_mask.choice)

    def _take(self, options: PaintOptions) -> list[str]:
        """Take over options; returns what of them could not be."""
        set_paint_options(self._config, options)
        notes = self._styles.use(options.styles)
        mask = options.strength_mask
        found = found_choice(mask, self._image)
        self._fields.strength_mask.choose(found)
        if mask is not None and found is None:
            notes.append(self._texts.strength_mask_missing(mask))
        return notes

    def _use(self, options: PaintOptions) -> None:
        self._tell(self._take(options))

    def _use_recipe(self, layer: str, recipe: PaintRecipe) -> None:
        notes = [*self._take(recipe.options), *self._texts.paint_recipe_notes(recipe)]
        self._tell(notes or [self._texts.recipe_loaded(layer)])

    def _tell(self, sentences: list[str]) -> None:
        if sentences:
            self._message.tell("\n".join(sentences))
        else:
            self._message.hide()

    def _offer_masks(self) -> None:
        if self._image.is_valid():
            masks = masks_of(self._image)
            self._styles.offer_masks(masks)
            self._fields.strength_mask.offer(masks)

    # The work: ---------------------------------------------------------------------------------

    def _work(self) -> Done | None:
        """What was done, or None for another try; why is told in the dialog."""
        self._message.hide()
        try:
            return self._painted()
        except Exception as error:  # noqa: BLE001 - the dialog's boundary: it is told in it
            self._message.tell_error(error)
            return None

    def _painted(self) -> Done | None:
        if not self._image.is_valid():
            raise refusals.image_closed()
        if not self._layer.is_valid():
            raise refusals.no_layer()
        layers = check_layers(self._image, [self._layer])
        options = self._options()
        pictures = self._styles.pictures()
        work = PaintWork.read(layers[0], pictures, options, of_this_image=True)
        self._content.set_sensitive(False)
        try:
            result = self._pane.run(work, NOT_NOW)
        finally:
            self._content.set_sensitive(True)
        if result.cancelled:
            self._show_layer()
            return None
        done = work.place(result, options.name, self._client, self._texts, partly=False)
        self._remember(options)
        return done

    def _show_layer(self) -> None:
        """The layer as it is, in the place of what is painted."""
        if self._source.is_there:
            self._pane.show(self._source.whole())

    def _remember(self, options: PaintOptions) -> None:
        try:
            self._store.remember_last(options)
        except PresetError as error:  # the layer is there
            Gimp.message(self._texts.sentence(error, self._client.paths))
