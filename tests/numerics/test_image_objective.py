"""The objective of one image: against that of training, regions, several styles, refusals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from pastiche_daemon.nn.encoder import Encoder, UnknownLayerError, encoder_specs
from pastiche_daemon.nn.image_objective import ImageObjective, ImageTerms, WeightedStyle
from pastiche_daemon.nn.objective import ObjectiveWeights, PerceptualObjective


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    torch.manual_seed(0)
    return Encoder(encoder_specs()["vgg11"])


def image(seed: int, h: int = 48, w: int = 64) -> Tensor:
    return torch.rand(1, 3, h, w, generator=torch.Generator().manual_seed(seed))


LAYERS: dict[str, Any] = {
    "content_layers": {"relu3_1": 2.0},
    "style_layers": {"relu1_1": 1.0, "conv2_1": 0.5},
}


def test_it_is_the_objective_of_training_but_for_the_contents_scale(encoder):
    content, style, candidate = image(0), image(1, 40, 40), image(2)
    trained = PerceptualObjective(encoder, ObjectiveWeights(content=0.3, tv=5.0, **LAYERS))
    expected = trained.losses(
        candidate, trained.content_targets(content), trained.style_targets(style)
    )
    terms = ImageTerms(content=0.3, tv=5.0, content_normalization="johnson", **LAYERS)
    got = ImageObjective(encoder, terms, content, [WeightedStyle(style)]).losses(candidate)
    for a, b in zip(got, expected, strict=True):
        torch.testing.assert_close(a, b)


def test_styles_count_by_their_weights(encoder):
    terms = ImageTerms(content=0, tv=0, **LAYERS)
    a, b, candidate = image(1), image(2), image(3)

    def style(*weighted: WeightedStyle) -> float:
        return ImageObjective(encoder, terms, None, weighted).losses(candidate).style.item()

    alone = style(WeightedStyle(a)), style(WeightedStyle(b))
    both = style(WeightedStyle(a, 3.0), WeightedStyle(b, 1.0))
    assert both == pytest.approx(0.75 * alone[0] + 0.25 * alone[1], rel=1e-5)


def test_a_region_has_no_influence_outside(encoder):
    terms = ImageTerms(content=0, tv=0, **LAYERS)
    region = torch.zeros(1, 1, 48, 64)
    region[..., :32] = 1
    objective = ImageObjective(encoder, terms, None, [WeightedStyle(image(1), region=region)])
    candidate = image(2).requires_grad_()
    objective.losses(candidate).total.backward()
    assert candidate.grad is not None
    assert candidate.grad[..., :28].abs().min() >= 0
    assert candidate.grad[..., :28].abs().sum() > 0
    # The receptive field of conv2_1 reaches a few pixels over the border.
    assert candidate.grad[..., 40:].abs().max() == 0


def test_terms_without_weight_cost_nothing_and_need_nothing(encoder):
    only_tv = ImageObjective(encoder, ImageTerms(content=0, style=0, tv=1), None, [])
    losses = only_tv.losses(image(0))
    assert losses.total == losses.tv > 0
    assert losses.content == losses.style == 0


def test_half_precision_comes_near(encoder):
    content, style, candidate = image(0), image(1), image(2)
    terms = ImageTerms(**LAYERS)
    exact = ImageObjective(encoder, terms, content, [WeightedStyle(style)]).losses(candidate)
    half = Encoder(encoder.spec)
    half.load_state_dict(encoder.state_dict())
    half = half.to(torch.bfloat16)
    near = ImageObjective(half, terms, content, [WeightedStyle(style)]).losses(candidate)
    assert near.total.dtype == torch.float32
    assert near.total.item() == pytest.approx(exact.total.item(), rel=0.02)


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"content": -1.0}, "content_weight"),
        ({"style": float("nan")}, "style_weight"),
        ({"style_layers": {"relu1_1": -2.0}}, "style_layers.relu1_1"),
        ({"content": 0, "style": 0, "tv": 0}, "content_weight"),
        ({"tv_exponent": 0}, "tv_exponent"),
        ({"content_layers": {}}, "content_layers"),
        ({"style_layers": {"relu1_1": 0.0}}, "style_layers"),
    ],
)
def test_impossible_terms_are_named(values, field):
    with pytest.raises(ValueError, match=field):
        ImageTerms(**values)


def test_what_is_missing_is_named(encoder):
    style = [WeightedStyle(image(1))]
    with pytest.raises(ValueError, match="no content image"):
        ImageObjective(encoder, ImageTerms(**LAYERS), None, style)
    with pytest.raises(ValueError, match="no style image"):
        ImageObjective(encoder, ImageTerms(**LAYERS), image(0), [])
    with pytest.raises(ValueError, match="all 0"):
        ImageObjective(encoder, ImageTerms(**LAYERS), image(0), [WeightedStyle(image(1), 0.0)])
    with pytest.raises(UnknownLayerError, match="relu1_1"):
        ImageObjective(encoder, ImageTerms(content_layers={"relu9": 1}), image(0), style)
