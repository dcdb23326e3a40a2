"""What all windows share of upscaling layers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche_client.editing import refusals
from pastiche_client.editing.background import load_in_background

from .color_space import ColorSpace
from .qt import QObject, QSize, pyqtSignal
from .reading import active_document, check_layer, read_source, selected_layers
from .upscale_job import UpscaleJob
from .work import UpscaleWork

if TYPE_CHECKING:
    from krita import Document, Node

    from pastiche_client.results import Pack

    from .studio import Studio

# Qt's arrays of bytes hold no more.
_MOST_BYTES = 2**31 - 1


class UpscaleStudio(QObject):
    """The factor, and the way to start it.

    Attributes:
        factors: those that there is a network for; empty until they are loaded.
        factor: the chosen one; 0 while there is none.
    """

    changed = pyqtSignal()
    wanted = pyqtSignal()  # the page is to be shown

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._studio = studio
        self.factors: tuple[int, ...] = ()
        self.factor = 0
        self._loaded_once = False

    def load_factors(self) -> None:
        """Ask the daemon, which must run, for the factors."""
        client = self._studio.client
        load_in_background(
            client.upscaling_packs, self._studio.poster.post, self._loaded, self._studio.tell_error
        )

    def set_factor(self, factor: int) -> None:
        """Choose a factor, and show it in every docker."""
        if factor != self.factor:
            self.factor = factor
            self.changed.emit()

    def new_size(self) -> QSize:
        """The size that the active layer would have; empty where there is no such layer."""
        try:
            _, node = _selected()
        except refusals.RefusalError:
            return QSize()
        return node.bounds().size() * self.factor

    def upscale(self) -> UpscaleJob:
        """Put a larger copy of the selected layer above it.

        Raises:
            RefusalError: it cannot be done as things are.
        """
        document, node = _selected()
        studio, texts = self._studio, self._studio.texts
        if not self.factor:
            studio.load_catalogue()
            raise refusals.no_upscalers() if self._loaded_once else refusals.busy()
        check_layer(node)
        _check_size(node, self.factor)
        source = read_source(document, node, selected=False)
        name = texts.upscale_layer_name(source.name, self.factor)
        work = UpscaleWork(document, source, self.factor, name, texts)
        job = UpscaleJob(studio.services, document, work, self.factor, name, studio)
        studio.start_job(job)
        return job

    def _loaded(self, packs: list[Pack]) -> None:
        self._loaded_once = True
        self.factors = tuple(dict.fromkeys(pack.factor for pack in packs))
        if self.factor not in self.factors:
            self.factor = self.factors[0] if self.factors else 0
        self.changed.emit()


def _selected() -> tuple[Document, Node]:
    document = active_document()
    layers = selected_layers(document)
    if len(layers) > 1:
        raise refusals.one_layer_to_upscale()
    return document, layers[0]


def _check_size(node: Node, factor: int) -> None:
    size, space = node.bounds().size() * factor, ColorSpace.of(node)
    pixel_bytes = max(space.pixel_bytes, space.sent.pixel_bytes)
    if size.width() * size.height() * pixel_bytes > _MOST_BYTES:
        raise refusals.upscaled_too_large(node.name(), size.width(), size.height())
