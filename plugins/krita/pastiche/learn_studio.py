"""What all windows share of learning the styles of layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche_client.editing import refusals
from pastiche_client.editing.paint_run import LEAST_STYLE_SIDE
from pastiche_client.editing.training_watch import TrainingWatch

from .color_space import SCREEN
from .pictures import layer_of
from .pixels import converted, masked
from .qt import QImage, QObject, pyqtSignal
from .reading import active_document, read_source, selected_layers

if TYPE_CHECKING:
    from collections.abc import Generator

    from pastiche_client.trainings import Training

    from .reading import Source
    from .studio import Studio

# Twice what is looked at in a training.
_MOST_SIDE = 1024


class LearnStudio(QObject):
    """The trainings of styles, and the way to start one."""

    changed = pyqtSignal()
    wanted = pyqtSignal()  # the page is to be shown

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._studio = studio
        self._watch = TrainingWatch(
            studio.client,
            studio.poster.post,
            on_changed=self.changed.emit,
            on_learned=self._learned,
            on_failed=studio.tell_error,
        )
        studio.closing.connect(self._watch.close)

    @property
    def trainings(self) -> tuple[Training, ...]:
        """Those that run or wait, that failed, and that ended since Krita's start."""
        return self._watch.trainings

    @property
    def watch(self) -> TrainingWatch:
        """To look at the trainings, and to end them."""
        return self._watch

    def learn(self, name: str, minutes: float) -> None:
        """Learn the style of the selected layer, within the selection.

        Raises:
            RefusalError: it cannot be done as things are.
        """
        document = active_document()
        layers = selected_layers(document)
        if len(layers) > 1:
            raise refusals.one_layer_to_learn()
        if not name.strip():
            raise refusals.no_learn_name()
        source = read_source(document, layers[0])
        if min(source.rect.width(), source.rect.height()) < LEAST_STYLE_SIDE:
            raise refusals.style_too_small(source.name, LEAST_STYLE_SIDE)
        self._studio.told.emit("")
        self._studio.poster.do(self._start(source, name.strip(), minutes), self._studio.tell_error)

    def _start(self, source: Source, name: str, minutes: float) -> Generator[None, None, None]:
        seen = yield from converted(source.pixels, SCREEN)
        seen = yield from masked(seen, source.mask)
        kind = QImage.Format.Format_ARGB32
        picture = QImage(seen.data, seen.width, seen.height, seen.width * 4, kind)
        self._watch.start(layer_of(picture, _MOST_SIDE), name, minutes)
        yield

    def _learned(self, training: Training) -> None:
        notes = [self._studio.texts.learned(training.display_name), *training.notes]
        self._studio.reload_catalogue("\n".join(notes))
