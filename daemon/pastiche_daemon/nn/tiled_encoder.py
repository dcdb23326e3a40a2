"""Feature maps of an image tile by tile, and the statistics of all of them.

Every style statistic is made of means over positions (`StyleStatistic.means`), and means over an
image are sums over its tiles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.feature_tiles import (
    FeatureGrid,
    counted_of,
    feature_grid,
    part_of,
    pixels_of,
)
from pastiche_daemon.nn.image_objective import WeightedStyle, encoder_input, fit_region
from pastiche_daemon.nn.image_tiles import Tile
from pastiche_daemon.nn.objective import wide
from pastiche_daemon.nn.pixel_optimizer import Stopped
from pastiche_daemon.nn.style_statistics import (
    StyleStatistic,
    StyleTarget,
    Summary,
    positions_of,
    shares_of,
)

K = TypeVar("K")


@dataclass(frozen=True)
class TakenStatistic:
    """How the statistic of one ``layer`` is taken.

    ``shares``, 1 x 1 x h x w, are those of all positions of the whole image, summing to 1; None
    for equal ones. ``frequencies`` and ``center`` as in `StyleStatistic.means`.
    """

    statistic: StyleStatistic
    layer: str
    shares: Tensor | None = None
    frequencies: Tensor | None = None
    center: Tensor | None = None

    def means(self, features: Mapping[str, Tensor], tile: Tile, grid: FeatureGrid) -> Summary:
        """What a tile adds to the means over the image; nothing where none of them is in it."""
        found = wide(counted_of(features[self.layer], tile, self.layer))
        if not found.numel():
            return {}
        shares, part = None, 1.0
        if self.shares is None:
            height, width = grid.shape(self.layer)
            part = found.shape[-2] * found.shape[-1] / (height * width)
        else:
            shares = part_of(self.shares, tile, self.layer).flatten(1)[..., None]
        means = self.statistic.means(positions_of(found), shares, self.frequencies, self.center)
        return {name: part * value for name, value in means.items()}


class TiledEncoder:
    """An encoder that looks at images in tiles of at most ``side`` x ``side`` pixels.

    ``before_tile`` is called before every tile. Where it returns False, what runs raises
    `pixel_optimizer.Stopped`; what it raises is passed on.
    """

    def __init__(self, encoder: Encoder, side: int, before_tile: Callable[[], bool]) -> None:
        self.encoder = encoder
        self._side = side
        self._before_tile = before_tile

    @property
    def device(self) -> torch.device:
        return self.encoder.preprocess.weight.device

    @property
    def wide_dtype(self) -> torch.dtype:
        """What losses are taken in."""
        return wide(torch.empty(0, dtype=self.encoder.value_dtype)).dtype

    def grid(self, image: Tensor, layers: Iterable[str]) -> FeatureGrid:
        """The tiles of an image. Raises ValueError where ``side`` is too small for the layers."""
        height, width = image.shape[-2:]
        return feature_grid(height, width, self._side, self.encoder.spec, layers)

    def each(self, grid: FeatureGrid) -> Iterator[Tile]:
        """The tiles, for as long as it shall go on."""
        for tile in grid.tiles:
            if not self._before_tile():
                raise Stopped("asked")
            yield tile

    def pixels(self, image: Tensor, tile: Tile) -> Tensor:
        """A tile of an image as the encoder takes it."""
        return encoder_input(self.encoder, pixels_of(image, tile))

    @torch.no_grad()
    def features(self, image: Tensor, tile: Tile, layers: Iterable[str]) -> dict[str, Tensor]:
        """The whole feature maps of a tile, without gradients."""
        return self.encoder(self.pixels(image, tile), layers)

    def shares(self, weights: Tensor | None, layer: str, grid: FeatureGrid) -> Tensor | None:
        """The shares of a layer's positions, of weights 1 x 1 x H x W of any size."""
        if weights is None:
            return None
        like = torch.empty(0, dtype=self.wide_dtype, device=self.device)
        return shares_of(fit_region(weights, like, grid.shape(layer)))

    def gathered(
        self, image: Tensor, grid: FeatureGrid, wanted: Mapping[K, TakenStatistic]
    ) -> dict[K, Summary]:
        """The means over a whole image, summed in float64."""
        layers = {taken.layer for taken in wanted.values()}
        sums: dict[K, Summary] = {key: {} for key in wanted}
        for tile in self.each(grid) if wanted else ():
            features = self.features(image, tile, layers)
            for key, taken in wanted.items():
                for name, value in taken.means(features, tile, grid).items():
                    # On the CPU: not every device has float64.
                    value = value.cpu().double()
                    before = sums[key].get(name)
                    sums[key][name] = value if before is None else before + value
            del features  # before the next tile, and whoever else runs between tiles
        return {
            key: {name: value.to(self.device, self.wide_dtype) for name, value in means.items()}
            for key, means in sums.items()
        }

    def style_targets(
        self, style: WeightedStyle, layers: Iterable[str], statistic: StyleStatistic
    ) -> dict[str, StyleTarget]:
        """What an image has to come near: as `StyleStatistic.of_style` of the whole style image."""
        layers = set(layers)
        grid = self.grid(style.image, layers)
        shares = {layer: self.shares(style.counted, layer, grid) for layer in layers}

        def gathered(
            chosen: StyleStatistic, centers: Mapping[str, Tensor], drawn: Mapping[str, Tensor]
        ) -> dict[str, Summary]:
            wanted = {
                layer: TakenStatistic(
                    chosen, layer, shares[layer], drawn.get(layer), centers.get(layer)
                )
                for layer in layers
            }
            return self.gathered(style.image, grid, wanted)

        centers: dict[str, Tensor] = {}
        drawn: dict[str, Tensor] = {}
        if statistic.kind in {"moments", "mmd-gaussian"}:
            of_layers = gathered(StyleStatistic("mmd-linear"), {}, {})
            centers = {layer: means["mean"] for layer, means in of_layers.items()}
        if statistic.kind == "mmd-gaussian":
            for layer, means in gathered(StyleStatistic("moments"), centers, {}).items():
                drawn[layer] = statistic.frequencies_for(means["square"])
        return {
            layer: StyleTarget(
                statistic, statistic.finished(means, centers.get(layer)), drawn.get(layer)
            )
            for layer, means in gathered(statistic, centers, drawn).items()
        }
