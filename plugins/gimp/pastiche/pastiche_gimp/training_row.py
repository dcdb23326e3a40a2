"""A training in a list: a picture of how far it is, and buttons to end it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gtk, Pango

from pastiche_client.trainings import TrainingState
from pastiche_gimp.pictures import decoded
from pastiche_gimp.windows import SPACING, column, row

if TYPE_CHECKING:
    from collections.abc import Callable

    from pastiche_client.editing.texts import Texts
    from pastiche_client.editing.training_watch import TrainingWatch
    from pastiche_client.trainings import Training

_SIDE = 128


class TrainingRow:
    """One training. `widget` is the row."""

    def __init__(self, watch: TrainingWatch, texts: Texts, training: Training) -> None:
        self._texts = texts
        self._training = training
        self._sample = b""
        self._picture = Gtk.Image()
        self._picture.set_size_request(_SIDE, _SIDE)
        self._picture.set_tooltip_text(texts.learn_sample_tip)
        self._name = _line()
        self._bar = Gtk.ProgressBar(no_show_all=True)
        self._status = _line()
        self._finish = self._button(texts.finish_training, texts.finish_training_tip, watch.finish)
        self._cancel = self._button(texts.cancel, texts.cancel_training_tip, watch.cancel)
        self._resume = self._button(texts.retry, texts.resume_training_tip, watch.resume)
        self._forget = self._button(texts.forget_training, texts.forget_training_tip, watch.forget)
        buttons = row(self._finish, self._cancel, self._resume, self._forget)
        text = column(self._name, self._bar, self._status, buttons, spacing=SPACING)
        text.set_valign(Gtk.Align.CENTER)
        self.widget = row(self._picture, spacing=2 * SPACING)
        self.widget.pack_start(text, True, True, 0)
        self.show(training)
        self.widget.show_all()

    def show(self, training: Training) -> None:
        """Show how far it is."""
        self._training = training
        self._name.set_text(training.display_name)
        self._status.set_text(self._texts.training_status(training))
        self._status.set_tooltip_text("" if training.error is None else str(training.error))
        self._bar.set_fraction(training.fraction or 0.0)
        self._bar.set_visible(training.active)
        learning = training.state is TrainingState.RUNNING
        self._finish.set_visible(learning and training.step > 0)
        self._cancel.set_visible(training.active)
        self._resume.set_visible(training.state is TrainingState.FAILED)
        self._forget.set_visible(training.done)
        if training.sample != self._sample:
            self._sample = training.sample
            self._picture.set_from_pixbuf(decoded(training.sample, _SIDE))

    def _button(self, label: str, tip: str, act: Callable[[Training], None]) -> Gtk.Button:
        button = Gtk.Button.new_with_label(label)
        button.set_tooltip_text(tip)
        button.set_no_show_all(True)
        button.connect("clicked", lambda _: act(self._training))
        return button


def _line() -> Gtk.Label:
    return Gtk.Label(xalign=0.0, ellipsize=Pango.EllipsizeMode.END)
