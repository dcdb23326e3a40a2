"""The weighted objective against its terms."""

from __future__ import annotations

import pytest
import torch

from pastiche_daemon.nn.encoder import Encoder, UnknownLayerError, encoder_specs
from pastiche_daemon.nn.losses import content_loss, gram_matrix, style_loss, total_variation
from pastiche_daemon.nn.objective import ObjectiveWeights, PerceptualObjective


def objective() -> PerceptualObjective:
    torch.manual_seed(0)
    weights = ObjectiveWeights(
        content=0.5,
        style=2.0,
        tv=3.0,
        content_layers={"relu2_1": 2.0},
        style_layers={"relu1_1": 1.0, "relu3_1": 4.0},
    )
    return PerceptualObjective(Encoder(encoder_specs()["vgg11"]), weights)


def test_terms_and_sum():
    goal = objective()
    image, photo, style = torch.rand(3, 2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    got = goal.losses(image, goal.content_targets(photo), goal.style_targets(style))
    f, p, s = (goal.encoder(x, ["relu1_1", "relu2_1", "relu3_1"]) for x in (image, photo, style))
    content = 0.5 * 2.0 * content_loss(f["relu2_1"], p["relu2_1"])
    grams = {
        layer: style_loss(gram_matrix(f[layer], "hw"), gram_matrix(s[layer], "hw"), "target")
        for layer in ("relu1_1", "relu3_1")
    }
    expected_style = 2.0 * (grams["relu1_1"] + 4.0 * grams["relu3_1"])
    tv = 3.0 * total_variation(image)
    torch.testing.assert_close(got.content, content)
    torch.testing.assert_close(got.style, expected_style)
    torch.testing.assert_close(got.tv, tv)
    torch.testing.assert_close(got.total, content + expected_style + tv)


def test_one_style_serves_a_whole_batch():
    goal = objective()
    images = torch.rand(3, 3, 32, 32)
    style = goal.style_targets(torch.rand(1, 3, 40, 40))
    together = goal.losses(images, goal.content_targets(images), style).style
    apart = [goal.losses(x[None], goal.content_targets(x[None]), style).style for x in images]
    torch.testing.assert_close(together, torch.stack(apart).mean())


def test_an_image_that_is_its_own_target_costs_only_its_variation():
    goal = objective()
    image = torch.rand(1, 3, 32, 32)
    losses = goal.losses(image, goal.content_targets(image), goal.style_targets(image))
    assert losses.content.item() == 0
    assert losses.style.item() == pytest.approx(0, abs=1e-9)


def test_unknown_layers_are_refused_at_once():
    with pytest.raises(UnknownLayerError, match="relu9_1"):
        PerceptualObjective(
            Encoder(encoder_specs()["vgg11"]), ObjectiveWeights(style_layers={"relu9_1": 1.0})
        )
