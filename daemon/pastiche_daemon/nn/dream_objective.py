"""What a dream climbs: the activations of chosen layers, and their gradient.

Mordvintsev, Olah & Tyka, "Inceptionism: Going Deeper into Neural Networks", 2015, with the
"deepdream" notebook that came with it: L2 objective, jitter and guides. Tiles are as in
TensorFlow's DeepDream notebook (Mordvintsev, 2016), without its wrapping around.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor

from pastiche_daemon.nn.image_tiles import tiles
from pastiche_daemon.nn.inception import FeatureNetwork
from pastiche_daemon.nn.objective import wide

# Enough for every part of a guide, and few enough to compare everything with them.
_MOST_GUIDES = 4096
_MOST_SCORES = 2**24
_PROBE_SIDE = 128


class Ascent(NamedTuple):
    """The objective's value, and its gradient with respect to the image, 1 x 3 x H x W."""

    value: float
    gradient: Tensor


class DreamObjective:
    """How strongly layers respond to an image.

    Without a guide, the sum over layers of weight * mean(F^2), F being the feature maps: its
    gradient amplifies what the layers see already. With one, F^2 is replaced by the product of F
    with the guide's features that match it best, which are taken as constants:
    mean(F_x . G_m(x)), m(x) = argmax_y F_x . G_y over the guide's places y.
    """

    def __init__(
        self,
        network: FeatureNetwork,
        layers: Mapping[str, float],
        guide: Tensor | None = None,
        counted: Tensor | None = None,
    ) -> None:
        """``guide`` is 1 x 3 x H x W in 0..1, of which ``counted``, 1 x 1 x H x W, counts.

        Raises `encoder.UnknownLayerError`, and ValueError where the guide is too small to reach a
        layer.
        """
        self._network = network
        self._layers = dict(layers)
        network.check_layers(self._layers)
        self._guides: dict[str, Tensor] = {}
        if guide is not None:
            with torch.no_grad():
                features = network(guide.to(network.preprocess.weight), self._layers)
            self._guides = {
                layer: _places(wide(found)[0], counted) for layer, found in features.items()
            }

    def ascent(
        self,
        image: Tensor,
        *,
        jitter: int,
        tile: int,
        generator: torch.Generator,
        before_tile: Callable[[], None] = lambda: None,
    ) -> Ascent:
        """Value and gradient at an image, 1 x 3 x H x W in 0..1.

        The image is mirrored outwards by ``jitter`` pixels in all, parted at random between
        opposite sides, so that the network's pooling has no fixed place on it. It is looked at in
        tiles of at most ``tile`` pixels (at least `image_tiles.LEAST_TILE`), whose borders fall
        elsewhere every time: memory depends on the tile and not on the image, and no border can
        leave a trace. What ``before_tile`` raises ends it.
        """
        leaf = image.detach().requires_grad_()
        padded = F.pad(leaf, _random_padding(image, jitter, generator), mode="reflect")
        whole = padded.detach()
        gradient = torch.zeros_like(whole)
        value = 0.0
        height, width = whole.shape[-2:]
        for rows, columns in tiles(height, width, tile, generator):
            before_tile()
            window = whole[..., rows.start : rows.stop, columns.start : columns.stop].clone()
            window.requires_grad_()
            counted = (rows.last - rows.first) * (columns.last - columns.first) / (height * width)
            # The same weight for every feature, whatever the tile's size.
            share = window[0, 0].numel() / (height * width)
            found = self._value(window)
            value += found.item() * counted
            (part,) = torch.autograd.grad(found * share, window)
            inside = (
                ...,
                slice(rows.first - rows.start, rows.last - rows.start),
                slice(columns.first - columns.start, columns.last - columns.start),
            )
            gradient[..., rows.first : rows.last, columns.first : columns.last] = part[inside]
        (folded,) = torch.autograd.grad(padded, leaf, gradient)
        return Ascent(value, folded)

    def kept_bytes(self) -> float:
        """The memory that autograd keeps for one pixel of a tile, in bytes."""
        kept: dict[int, int] = {}

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        weight = self._network.preprocess.weight
        weights = {value.untyped_storage().data_ptr() for value in self._network.parameters()}
        probe = torch.zeros(1, 3, _PROBE_SIDE, _PROBE_SIDE, device=weight.device)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            self._value(probe.requires_grad_())
        features = sum(size for place, size in kept.items() if place not in weights)
        return features / _PROBE_SIDE**2

    def _value(self, image: Tensor) -> Tensor:
        features = self._network(image.to(self._network.preprocess.weight.dtype), self._layers)
        total = torch.zeros((), device=image.device)
        for layer, weight in self._layers.items():
            found = wide(features[layer])
            goal = _matches(found, self._guides[layer]) if self._guides else found
            total = total + weight * (found * goal).mean()
        return total


def _random_padding(
    image: Tensor, jitter: int, generator: torch.Generator
) -> tuple[int, int, int, int]:
    """Left, right, top and bottom; less than the image's sides."""
    sides: list[int] = []
    for length in (image.shape[-1], image.shape[-2]):
        most = min(jitter, length - 1)
        before = int(torch.randint(0, most + 1, (), generator=generator).item())
        sides += [before, most - before]
    return (sides[0], sides[1], sides[2], sides[3])


def _places(features: Tensor, counted: Tensor | None) -> Tensor:
    """The features, C x h x w, of at most 4096 places, spread evenly: C x places."""
    flat = features.flatten(1)
    if counted is not None:
        shape = (features.shape[-2], features.shape[-1])
        share = F.adaptive_avg_pool2d(counted.to(features), shape).flatten()
        flat = flat[:, share >= min(0.5, share.max().item())]
    step = -(-flat.shape[1] // _MOST_GUIDES)
    return flat[:, ::step].contiguous()


@torch.no_grad()
def _matches(features: Tensor, guide: Tensor) -> Tensor:
    """For every place of 1 x C x h x w the guide's features with the largest product."""
    flat = features[0].flatten(1)
    rows = max(1, _MOST_SCORES // guide.shape[1])
    best = [(part.T @ guide).argmax(dim=1) for part in flat.split(rows, dim=1)]
    return guide[:, torch.cat(best)].reshape(features.shape)
