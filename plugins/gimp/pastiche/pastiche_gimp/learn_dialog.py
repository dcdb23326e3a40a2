"""The dialog of “Learn this layer's style”, and of the trainings that run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import GimpUi, Gtk

from pastiche_client.editing import refusals
from pastiche_client.editing.training_watch import TrainingWatch
from pastiche_gimp.dialog_window import closing_window
from pastiche_gimp.field_grid import FieldGrid
from pastiche_gimp.learn_arguments import LONGEST_NAME, one_layer
from pastiche_gimp.learn_source import read_learned
from pastiche_gimp.message_bar import MessageBar
from pastiche_gimp.training_row import TrainingRow
from pastiche_gimp.windows import SPACING, column, post, row

if TYPE_CHECKING:
    from pastiche_client.client import Client
    from pastiche_client.trainings import Training
    from pastiche_gimp.calls import Call

_MINUTES = (1.0, 240.0)
# Beyond, the list is scrolled.
_LIST_HEIGHT = 320


def run_learn_dialog(call: Call, client: Client) -> None:
    """Let the user start, watch and end trainings, until the dialog is closed; they go on."""
    GimpUi.init("pastiche")
    dialog = LearnDialog(call, client)
    try:
        dialog.run()
    finally:
        dialog.close()


class LearnDialog:
    """A name, the time, and what is being learned, which outlives the dialog."""

    def __init__(self, call: Call, client: Client) -> None:
        self._call = call
        self._client = client
        texts = self._texts = call.texts
        self._rows: dict[str, TrainingRow] = {}
        self._dialog = closing_window(texts, texts.learn_title, texts.learn)
        self._message = MessageBar(texts, client.paths, lambda: None)
        self._watch = TrainingWatch(
            client,
            post,
            on_changed=self._refresh,
            on_learned=self._learned,
            on_failed=self._message.tell_error,
        )
        self._name = Gtk.Entry(text=_name_of(call), max_length=LONGEST_NAME, hexpand=True)
        self._name.set_activates_default(True)
        self._minutes = Gtk.SpinButton.new_with_range(*_MINUTES, 1.0)
        self._minutes.set_value(call.config.get_property("minutes"))
        self._list = column(spacing=2 * SPACING)
        self._trainings = self._list_box()
        self._lay_out()
        self._watch.look()

    def run(self) -> None:
        """Until the user closes the dialog."""
        while self._dialog.run() == Gtk.ResponseType.OK:
            self._message.hide()
            try:
                self._learn()
            except Exception as error:  # noqa: BLE001 - the dialog's boundary: it is told in it
                self._message.tell_error(error)

    def close(self) -> None:
        self._watch.close()
        self._dialog.destroy()

    def _lay_out(self) -> None:
        texts = self._texts
        grid = FieldGrid(self._call.config)
        grid.attach(texts.learn_name, texts.learn_name_tip, self._name)
        minutes = row(self._minutes, Gtk.Label(label=texts.minutes_suffix.strip()))
        grid.attach(texts.learn_minutes, texts.learn_minutes_tip, minutes)
        box = column(grid.widget, self._message.widget, self._trainings, spacing=2 * SPACING)
        box.set_border_width(2 * SPACING)
        box.show_all()
        self._dialog.get_content_area().pack_start(box, True, True, 0)

    def _list_box(self) -> Gtk.Box:
        area = Gtk.ScrolledWindow(
            hscrollbar_policy=Gtk.PolicyType.NEVER,
            propagate_natural_height=True,
            max_content_height=_LIST_HEIGHT,
        )
        area.add(self._list)
        title = Gtk.Label(label=f"{self._texts.trainings}:", xalign=0.0)
        for widget in (title, area, self._list):
            widget.show()
        box = column(title, area, spacing=SPACING)
        box.set_no_show_all(True)
        return box

    def _learn(self) -> None:
        name = self._name.get_text().strip()
        if not name:
            raise refusals.no_learn_name()
        style = read_learned(one_layer(self._call))
        self._watch.start(style, name, self._minutes.get_value())

    def _refresh(self) -> None:
        trainings = {training.name: training for training in self._watch.trainings}
        for name in [name for name in self._rows if name not in trainings]:
            self._rows.pop(name).widget.destroy()
        for name, training in trainings.items():
            if name in self._rows:
                self._rows[name].show(training)
                continue
            shown = self._rows[name] = TrainingRow(self._watch, self._texts, training)
            self._list.pack_start(shown.widget, False, False, 0)
            self._list.reorder_child(shown.widget, 0)  # the newest first
        self._trainings.set_visible(bool(trainings))

    def _learned(self, training: Training) -> None:
        told = [self._texts.learned(training.display_name), *training.notes]
        self._message.tell("\n".join(told))


def _name_of(call: Call) -> str:
    """A name to begin with: that of the layer."""
    return call.drawables[0].get_name() if len(call.drawables) == 1 else ""
