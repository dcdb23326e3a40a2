"""The optimizer as re-implementations write it: the peer that ours is measured against.

In the manner of neural-style-pt: torch's L-BFGS without a line search over free pixels, in plain
eager float32 torch with the default memory layout and allocator; the features of the fixed images
are taken once. The encoder's weights and the objective are those of `nn.image_objective`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor, nn

from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.image_objective import ImageTerms

_HISTORY = 100


class PlainObjective:
    """The default terms of `ImageTerms` for one content and one style image, 1 x 3 x H x W."""

    def __init__(self, encoder: Encoder, terms: ImageTerms, content: Tensor, style: Tensor) -> None:
        self._spec = encoder.spec
        self._terms = terms
        self._weights = {n: _copied(encoder.convolution(n)) for n in encoder.spec.convolutions}
        self._preprocess = _copied(encoder.preprocess)
        self._metrics = {
            layer: metric.weight.detach().float().clone()
            for layer, metric in encoder.metrics.items()
            if isinstance(metric, nn.Conv2d)
        }
        wanted = {*terms.content_layers, *terms.style_layers}
        with torch.no_grad():
            found = self._features(content, wanted)
            self._content = {layer: found[layer] for layer in terms.content_layers}
            found = self._features(style, wanted)
            self._grams = {layer: _gram(found[layer]) for layer in terms.style_layers}

    def loss(self, image: Tensor) -> Tensor:
        """The objective of one image, a scalar."""
        terms = self._terms
        features = self._features(image, {*self._content, *self._grams})
        total = torch.zeros(())
        for layer, weight in terms.content_layers.items():
            target = self._content[layer]
            error = (features[layer] - target).pow(2).sum() / target.pow(2).sum()
            total = total + terms.content * weight * error
        for layer, weight in terms.style_layers.items():
            target = self._grams[layer]
            error = (_gram(features[layer]) - target).pow(2).sum() / target.pow(2).sum()
            total = total + terms.style * weight * error
        dx = image[:, :, :-1, 1:] - image[:, :, :-1, :-1]
        dy = image[:, :, 1:, :-1] - image[:, :, :-1, :-1]
        return total + terms.tv * (dx.pow(2) + dy.pow(2)).sum() / image.numel()

    def _features(self, image: Tensor, wanted: set[str]) -> dict[str, Tensor]:
        found: dict[str, Tensor] = {}
        x = F.conv2d(image, *self._preprocess)
        for b, block in enumerate(self._spec.blocks, 1):
            for i in range(1, len(block) + 1):
                weight, bias = self._weights[f"conv{b}_{i}"]
                if self._spec.padding == "reflect":
                    x = F.conv2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), weight, bias)
                else:
                    x = F.conv2d(x, weight, bias, padding=1)
                x = F.relu(x)
                layer = f"relu{b}_{i}"
                if layer in wanted:
                    metric = self._metrics.get(layer)
                    found[layer] = x if metric is None else F.conv2d(x, metric)
                if len(found) == len(wanted):
                    return found
            x = F.max_pool2d(x, 2) if self._spec.pooling == "max" else F.avg_pool2d(x, 2)
        return found


def plain_lbfgs(
    objective: PlainObjective, start: Tensor, evaluations: int, on_step: Callable[[Tensor], None]
) -> None:
    """Minimize from ``start`` with this many evaluations; ``on_step`` sees every image."""
    image = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [image],
        max_iter=evaluations,
        max_eval=evaluations,
        history_size=_HISTORY,
        tolerance_grad=-1,
        tolerance_change=-1,
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = objective.loss(image)
        loss.backward()  # pyright: ignore[reportUnknownMemberType]
        on_step(image.detach())
        return loss

    optimizer.step(closure)  # pyright: ignore[reportArgumentType]


def _copied(conv: nn.Conv2d) -> tuple[Tensor, Tensor]:
    assert conv.bias is not None
    return conv.weight.detach().float().contiguous().clone(), conv.bias.detach().float().clone()


def _gram(features: Tensor) -> Tensor:
    flat = features.view(features.shape[1], -1)
    return torch.mm(flat, flat.t()) / flat.shape[1]
