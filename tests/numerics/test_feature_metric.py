"""A small network's features, as far apart as those of the network that it predicts."""

from __future__ import annotations

import pytest
import torch

from pastiche_daemon.nn.encoder import (
    METRIC_KEY,
    Encoder,
    UnknownLayerError,
    encoder_from_state,
    encoder_specs,
)
from pastiche_daemon.nn.feature_metric import feature_metric

COMPACT = encoder_specs()["compact"]


def drawn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_distances_and_gram_matrices_are_those_of_what_is_predicted():
    head, features = drawn(12, 5), drawn(5, 40, seed=1)
    metric = feature_metric(head, 2.0)
    predicted, measured = head @ features / 2, metric @ features
    torch.testing.assert_close(measured.square().mean(), predicted.square().mean())
    grams = [maps @ maps.T / len(maps) for maps in (measured, predicted)]
    torch.testing.assert_close(grams[0].norm(), grams[1].norm())


def test_it_is_symmetric_and_scales_with_the_unit():
    metric = feature_metric(drawn(3, 6), 1.0)
    torch.testing.assert_close(metric, metric.T)
    torch.testing.assert_close(feature_metric(drawn(3, 6), 4.0), metric / 4)


@pytest.mark.parametrize("mean", [0.0, -1.0, float("nan")])
def test_features_that_never_fire_are_no_unit(mean):
    with pytest.raises(ValueError, match="mean_activation"):
        feature_metric(drawn(3, 6), mean)


@pytest.mark.parametrize("layer", ["conv1_2", "relu2_1", "pool1"])
def test_an_encoder_gives_a_layer_out_by_its_metric(layer):
    encoder, image = Encoder(COMPACT), torch.rand(1, 3, 16, 16)
    plain = encoder(image, [layer, "relu1_1"])
    metric = drawn(COMPACT.channels(layer), COMPACT.channels(layer))
    encoder.measure(layer, metric)
    measured = encoder(image, [layer, "relu1_1"])
    expected = torch.einsum("oc,nchw->nohw", metric, plain[layer])
    torch.testing.assert_close(measured[layer], expected, rtol=1e-4, atol=1e-4)
    assert torch.equal(measured["relu1_1"], plain["relu1_1"])


def test_what_lies_behind_does_not_see_it():
    encoder, image = Encoder(COMPACT), torch.rand(1, 3, 16, 16)
    before = encoder(image, ["relu2_1"])["relu2_1"]
    encoder.measure("relu1_2", 3 * torch.eye(COMPACT.channels("relu1_2")))
    assert torch.equal(encoder(image, ["relu2_1", "relu1_2"])["relu2_1"], before)


def test_metrics_of_layers_that_are_not_there_are_refused():
    encoder = Encoder(COMPACT)
    with pytest.raises(UnknownLayerError):
        encoder.measure("relu6_1", torch.eye(3))
    with pytest.raises(ValueError, match="expected"):
        encoder.measure("relu1_1", torch.eye(3))


def test_metrics_are_read_from_the_weights():
    encoder = Encoder(COMPACT)
    state = {
        f"{name}.{part}": value
        for name in COMPACT.convolutions
        for part, value in encoder.convolution(name).state_dict().items()
    }
    metric = drawn(24, 24)
    read = encoder_from_state(COMPACT, {**state, f"{METRIC_KEY}relu1_1": metric})
    image = torch.rand(1, 3, 8, 8)
    expected = torch.einsum("oc,nchw->nohw", metric, encoder(image, ["relu1_1"])["relu1_1"])
    torch.testing.assert_close(read(image, ["relu1_1"])["relu1_1"], expected, rtol=1e-4, atol=1e-4)
    with pytest.raises(ValueError, match=r"metric\.relu1_1: has shape"):
        encoder_from_state(COMPACT, {**state, f"{METRIC_KEY}relu1_1": torch.eye(3)})
