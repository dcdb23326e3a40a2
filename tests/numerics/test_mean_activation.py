"""Scaling an encoder to mean activation 1 changes nothing but the channels' scales."""

from __future__ import annotations

import pytest
import torch

from pastiche_daemon.nn.encoder import Encoder, encoder_specs
from pastiche_daemon.nn.mean_activation import scale_to_mean_activation


def test_channels_have_the_mean_1_and_the_same_shape():
    torch.manual_seed(0)
    encoder = Encoder(encoder_specs()["vgg11"])
    generator = torch.Generator().manual_seed(1)
    batches = [torch.rand(2, 3, 64, 64, generator=generator) for _ in range(2)]
    scaled, scales = scale_to_mean_activation(encoder, batches)
    layers = ["relu1_1", "relu2_1", "relu3_2"]
    for layer in layers:
        before = torch.cat([encoder(batch, [layer])[layer] for batch in batches])
        after = torch.cat([scaled(batch, [layer])[layer] for batch in batches])
        means = before.mean(dim=(0, 2, 3))
        fires = means > 0.011 * means.mean()
        assert fires.float().mean() > 0.5
        torch.testing.assert_close(
            after.mean(dim=(0, 2, 3))[fires], torch.ones(int(fires.sum())), atol=1e-3, rtol=0
        )
        scale = scales[f"conv{layer[4:]}"].float()[:, None, None]
        torch.testing.assert_close(after, before * scale, rtol=1e-3, atol=1e-3)


def test_channels_that_hardly_fire_are_not_blown_up():
    torch.manual_seed(0)
    encoder = Encoder(encoder_specs()["vgg11"])
    bias = encoder.convolution("conv1_1").bias
    assert bias is not None
    with torch.no_grad():
        bias[3] = -1e4
    image = torch.rand(1, 3, 64, 64)
    mean = encoder(image, ["relu1_1"])["relu1_1"].mean()
    _, scales = scale_to_mean_activation(encoder, [image])
    assert scales["conv1_1"][3].item() == pytest.approx(100 / mean.item(), rel=1e-4)


def test_a_layer_that_never_fires_keeps_its_weights():
    encoder = Encoder(encoder_specs()["vgg11"])
    bias = encoder.convolution("conv1_1").bias
    assert bias is not None
    with torch.no_grad():
        bias.fill_(-1e4)
    scaled, scales = scale_to_mean_activation(encoder, [torch.rand(1, 3, 64, 64)])
    assert scales["conv1_1"].eq(1).all()
    weights = (e.convolution("conv1_1").weight for e in (scaled, encoder))
    torch.testing.assert_close(*weights)


def test_no_images_are_refused():
    with pytest.raises(ValueError, match="no images"):
        scale_to_mean_activation(Encoder(encoder_specs()["vgg11"]), [])
