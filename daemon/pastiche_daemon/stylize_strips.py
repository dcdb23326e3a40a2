"""Stylizing a layer of any size in bounded memory, with the result of stylizing it as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from pastiche_daemon.nn.feature_store import FeatureStore
from pastiche_daemon.nn.runtime import prepare_image
from pastiche_daemon.nn.streaming import stream_rows
from pastiche_daemon.nn.transformer import TransformerNetwork
from pastiche_daemon.strip_layer import LayerRows, PlaneRows, strips, survey, visible_rows
from pastiche_daemon.strip_resizing import (
    PictureRows,
    ResizedRows,
    ResizingSink,
    resized_at_once,
)
from pastiche_daemon.stylize import (
    LayerTensors,
    Report,
    Stylized,
    StylizeOptions,
    faded,
    finite_colors,
    keep_colors,
    network_shape,
    shrunk_shape,
)

Put = Callable[[int, Stylized], None]
"""Takes the result: the number of the first row, and what became of some rows. They come in order,
and the layer is not read above them any more."""


class StripStylizer:
    """One layer on its way to its pastiche. For one thread; close ``store`` behind it."""

    def __init__(
        self,
        network: TransformerNetwork,
        layer: LayerRows,
        store: FeatureStore,
        check: Callable[[], None],
        *,
        strip_rows: int | None = None,
    ) -> None:
        """Looks at all of the layer.

        ``store`` keeps what does not fit into strips, ``check`` is called between strips and what
        it raises stops the work, and ``strip_rows`` is the height of the network's strips.
        """
        self._network = network
        self._layer = layer
        self._store = store
        self._check = check
        self._strip_rows = strip_rows
        with torch.inference_mode():
            self._survey = survey(layer, check)
            self._visible = visible_rows(layer, self._survey, store, check)

    @torch.inference_mode()
    def shrunk(self, size: int) -> LayerTensors:
        """As `stylize.shrunk`."""
        shape = shrunk_shape((self._layer.height, self._layer.width), size)
        part = self._layer.rows(0, 1)
        alpha = PlaneRows(self._layer, lambda layer: layer.alpha)
        mask = PlaneRows(self._layer, lambda layer: layer.mask)
        return LayerTensors(
            color=self._small(self._visible, shape),
            alpha=None if part.alpha is None else self._small(alpha, shape)[0],
            mask=None if part.mask is None else self._small(mask, shape)[0],
        )

    @torch.inference_mode()
    def stylize(self, options: StylizeOptions, report: Report, put: Put) -> tuple[str, ...]:
        """As `stylize.stylize`, row by row. Returns the notes for the user."""
        report(0.0)
        if options.strength == 0 or not self._survey.has_target:
            report(1.0)
            return ()
        network, layer = self._network, self._layer
        shape = (layer.height, layer.width)
        scaled = network_shape(shape, options.stroke_size)
        image = _Prepared(network, ResizedRows.of(self._visible, scaled))

        def blended(start: int, pastiche: Tensor) -> None:
            rows = layer.rows(start, start + pastiche.shape[-2])
            color = pastiche[0]
            if options.preserve_colors:
                color = keep_colors(finite_colors(rows)[0], color)
            put(start, faded(rows, options.strength, color))

        resized = ResizingSink(scaled, shape, blended)
        mix = torch.tensor([options.mix], dtype=torch.float32)
        stream_rows(
            network,
            image,
            mix.to(network.last.conv.weight.device),
            lambda start, rows: resized(start, rows.to("cpu").float()),
            report,
            store=self._store,
            strip_rows=self._strip_rows,
        )
        report(1.0)
        return self._survey.notes

    def _small(self, source: PictureRows, shape: tuple[int, int]) -> Tensor:
        def cuts() -> Iterator[tuple[int, int]]:
            for cut in strips(source.height, source.width):
                self._check()
                yield cut

        return resized_at_once(source, shape, cuts())[0]


@dataclass(frozen=True)
class _Prepared:
    """A picture on the network's device and in its precision."""

    network: TransformerNetwork
    source: PictureRows

    @property
    def height(self) -> int:
        return self.source.height

    def rows(self, start: int, stop: int) -> Tensor:
        return prepare_image(self.network, self.source.rows(start, stop))
