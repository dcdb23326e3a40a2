"""The plug-in's dialog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gimp, GimpUi, Gtk

from pastiche_client.editing import refusals
from pastiche_client.editing.catalogue import load_in_background
from pastiche_client.editing.options import OptionError
from pastiche_client.editing.presets import PresetError, PresetStore
from pastiche_client.editing.recipe import Recipe
from pastiche_client.editing.run import LayerRun
from pastiche_gimp import arguments
from pastiche_gimp.dialog_run import RESET, DialogRun
from pastiche_gimp.dialog_window import dialog_window
from pastiche_gimp.message_bar import MessageBar
from pastiche_gimp.option_fields import OptionFields
from pastiche_gimp.preset_bar import PresetBar
from pastiche_gimp.preview_pane import PreviewPane
from pastiche_gimp.preview_source import PreviewSource
from pastiche_gimp.recipes import recipes_in
from pastiche_gimp.source import check_layers
from pastiche_gimp.style_chooser import StyleChooser
from pastiche_gimp.windows import SPACING, column, post, row
from pastiche_gimp.work import Work

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pastiche_client.client import Client
    from pastiche_client.editing.catalogue import Catalogue
    from pastiche_client.editing.options import Options
    from pastiche_client.editing.texts import Texts
    from pastiche_gimp.work import Done


def run_dialog(
    config: Gimp.ProcedureConfig,
    client: Client,
    texts: Texts,
    layers: Sequence[Gimp.Layer],
) -> Done | None:
    """Let the user choose, and stylize the layers; None if the user cancelled.

    Raises:
        RefusalError: the layers cannot be stylized.
    """
    GimpUi.init("pastiche")
    with PreviewSource(layers[0]) as source:
        dialog = PasticheDialog(config, client, texts, layers, source)
        try:
            return dialog.run()
        finally:
            dialog.close()


class PasticheDialog:
    """Style, values, presets and a live preview.

    The values are those of the procedure's configuration, which GIMP keeps for the next time.
    GIMP's own dialog for a procedure would add a second kind of presets to them.
    """

    def __init__(
        self,
        config: Gimp.ProcedureConfig,
        client: Client,
        texts: Texts,
        layers: Sequence[Gimp.Layer],
        source: PreviewSource,
    ) -> None:
        self._config = config
        self._client = client
        self._texts = texts
        self._layers = list(layers)
        self._image = layers[0].get_image()
        self._store = PresetStore(client.paths, "gimp")
        self._catalogue: Catalogue | None = None
        self._closed = False
        self._dialog = dialog_window(texts, texts.title, texts.ok)
        self._message = MessageBar(texts, client.paths, self._load)
        self._preview = PreviewPane(client, source, texts)
        self._styles = StyleChooser(
            texts, self._choose_style, lambda: self._dialog.response(Gtk.ResponseType.OK)
        )
        self._fields = OptionFields(config, texts, self._styles.picture, self._choose_second)
        self._presets = PresetBar(
            texts,
            self._store,
            recipes_in(self._image, Recipe.loads),
            options=lambda: arguments.options_of(config),
            use=self._use,
            use_recipe=self._use_recipe,
            tell=self._message.tell_error,
        )
        self._run = DialogRun(self._dialog, texts)
        self._content = self._lay_out()
        self._watch = config.connect("notify", self._changed)
        self._ready(ready=False)
        self._load()

    def run(self) -> Done | None:
        """Until the layers are stylized, or the user closes the dialog."""
        while True:
            response = self._dialog.run()
            if response == RESET:
                self._reset()
            elif response != Gtk.ResponseType.OK:
                return None
            else:
                done = self._work()
                if done is not None:
                    return done

    def close(self) -> None:
        self._closed = True
        self._config.disconnect(self._watch)
        self._preview.close()
        self._dialog.destroy()

    def _lay_out(self) -> Gtk.Box:
        self._waiting = self._waiting_box()
        self._stack = Gtk.Stack()
        self._stack.add_named(self._waiting, "waiting")
        self._stack.add_named(self._styles.widget, "styles")
        right = column(self._presets.widget, spacing=2 * SPACING)
        right.pack_start(self._stack, True, True, 0)
        right.pack_start(self._fields.widget, False, False, 0)
        content = Gtk.Box(orientation=Gtk.Orientation.HORIZONTAL, spacing=3 * SPACING)
        content.pack_start(self._preview.widget, False, False, 0)
        content.pack_start(right, True, True, 0)
        box = column(content, self._message.widget, self._run.widget, spacing=2 * SPACING)
        box.set_border_width(2 * SPACING)
        box.show_all()
        self._dialog.get_content_area().pack_start(box, True, True, 0)
        return content

    def _waiting_box(self) -> Gtk.Box:
        spinner = Gtk.Spinner(active=True)
        box = row(spinner, Gtk.Label(label=self._texts.styles_loading))
        box.set_halign(Gtk.Align.CENTER)
        box.set_valign(Gtk.Align.CENTER)
        return box

    # The styles: -------------------------------------------------------------------------------

    def _load(self) -> None:
        self._message.hide()
        self._waiting.show()
        self._stack.set_visible_child_name("waiting")
        load_in_background(self._client, post, self._loaded, self._not_loaded)

    def _loaded(self, catalogue: Catalogue) -> None:
        if self._closed:
            return
        if not catalogue.items:
            self._not_loaded(refusals.no_packs())
            return
        self._catalogue = catalogue
        self._styles.fill(catalogue, self._fields.refresh_pictures)
        self._stack.set_visible_child_name("styles")
        self._ready(ready=True)
        self._use(self._first_options(catalogue))

    def _not_loaded(self, error: Exception) -> None:
        if self._closed:
            return
        self._waiting.hide()
        self._message.tell_error(error, again=True)

    def _first_options(self, catalogue: Catalogue) -> Options:
        """GIMP's values of the last time, or else ours, or else the first style's own."""
        try:
            last: Options | None = arguments.options_of(self._config)
        except OptionError:  # there was no last time
            last = self._store.last()
        return last or catalogue.defaults(catalogue.items[0].name)

    # The values: -------------------------------------------------------------------------------

    def _use(self, options: Options) -> None:
        """Take over options; a style that is not installed is replaced, and told of."""
        if self._catalogue is None:
            return
        catalogue = self._catalogue.with_version_of(options)
        if catalogue is not self._catalogue:
            self._catalogue = catalogue
            self._styles.fill(catalogue, self._fields.refresh_pictures)
        usable = catalogue.usable(options)
        if usable is None:
            return
        self._message.hide()
        if catalogue.is_missing(options):
            self._message.tell(self._texts.style_missing(options.style))
        arguments.set_options(self._config, usable)
        self._show_options()

    def _reset(self) -> None:
        style = self._config.get_property("style")
        if self._catalogue is not None and style:
            self._use(self._catalogue.defaults(style))

    def _use_recipe(self, layer: str, recipe: Recipe) -> None:
        if self._catalogue is not None:
            self._use(recipe.usable_options(self._catalogue))
            notes = self._texts.recipe_notes(recipe, self._catalogue)
            self._message.tell("\n".join(notes) or self._texts.recipe_loaded(layer))

    def _choose_style(self, name: str) -> None:
        if self._config.get_property("style") == name:
            return
        second = self._config.get_property("second-style")
        if self._catalogue is not None and second:
            mixable = [item.name for item in self._catalogue.mixable(name)]
            if second not in mixable:
                self._config.set_property("second-style", "")
        self._config.set_property("style", name)

    def _choose_second(self, name: str) -> None:
        self._config.set_property("second-style", name)

    def _changed(self, _config: Gimp.ProcedureConfig, _property: object) -> None:
        self._show_options()

    def _show_options(self) -> None:
        if self._catalogue is None:
            return
        try:
            options = arguments.options_of(self._config)
        except OptionError:  # between two changes that belong together
            return
        self._styles.select(options.style)
        self._fields.show(self._catalogue, options)
        self._preview.show(options)

    # The work: ---------------------------------------------------------------------------------

    def _work(self) -> Done | None:
        """What was done, or None for another try; why is told in the dialog."""
        self._message.hide()
        self._preview.pause()
        try:
            return self._stylized()
        except Exception as error:  # noqa: BLE001 - the dialog's boundary: it is told in it
            self._message.tell_error(error)
            return None

    def _stylized(self) -> Done | None:
        options = arguments.options_of(self._config)
        image = self._image if self._image.is_valid() else None
        if image is None:
            raise refusals.image_closed()
        gone = [layer for layer in self._layers if not layer.is_valid()]
        if gone:
            raise refusals.no_layer()
        work = Work.read(check_layers(image, self._layers), options)
        self._content.set_sensitive(False)
        try:
            result = self._run.run(
                lambda on_update, on_done: LayerRun(
                    self._client,
                    work.items(),
                    work.options,
                    post=post,
                    on_update=on_update,
                    on_done=on_done,
                ).begin()
            )
        finally:
            self._content.set_sensitive(True)
        if result.cancelled:
            self._show_options()
            return None
        label = self._catalogue.label(options) if self._catalogue is not None else options.style
        done = work.place(result, label, self._client, self._texts, partly=True)
        self._remember(options)
        return done

    def _remember(self, options: Options) -> None:
        try:
            self._store.remember_last(options)
        except PresetError as error:  # the layer is there; GIMP keeps the values, too
            Gimp.message(self._texts.sentence(error, self._client.paths))

    # What is told: -----------------------------------------------------------------------------

    def _ready(self, *, ready: bool) -> None:
        self._fields.widget.set_sensitive(ready)
        self._presets.widget.set_sensitive(ready)
        for response in (Gtk.ResponseType.OK, RESET):
            self._dialog.set_response_sensitive(response, ready)
