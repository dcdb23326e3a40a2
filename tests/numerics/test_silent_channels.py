"""An encoder without its silent channels sees what it saw with them."""

from __future__ import annotations

import pytest
import torch

from pastiche_daemon.nn.encoder import Encoder, encoder_specs
from pastiche_daemon.nn.silent_channels import drop_silent_channels


def silenced(*channels: int) -> Encoder:
    torch.manual_seed(0)
    encoder = Encoder(encoder_specs()["compact"])
    bias = encoder.convolution("conv2_1").bias
    assert bias is not None
    with torch.no_grad():
        bias[list(channels)] = -1e4
    return encoder


def test_only_silent_channels_go_and_nothing_else_changes():
    encoder = silenced(3, 7)
    image = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    trimmed, kept = drop_silent_channels(encoder, [image[:1], image[1:]], least=1e-9)
    stays = kept["conv2_1"]
    assert not {3, 7} & set(stays.tolist())
    assert trimmed.spec.blocks[1][0] == len(stays)
    for layer in ("conv2_1", "relu2_1", "relu3_1", "relu4_1"):
        before, after = encoder(image, [layer])[layer], trimmed(image, [layer])[layer]
        torch.testing.assert_close(after, before[:, kept[f"conv{layer[4:]}"]], rtol=1e-4, atol=1e-5)
    for layer in ("relu2_1", "relu3_1", "relu4_1"):
        # What went was nothing.
        gone = torch.ones(encoder.convolution(f"conv{layer[4:]}").out_channels, dtype=torch.bool)
        gone[kept[f"conv{layer[4:]}"]] = False
        assert encoder(image, [layer])[layer][:, gone].sum() == 0


def test_channels_that_fire_less_than_the_least_share_go():
    encoder = silenced()
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    shares = (encoder(image, ["relu1_1"])["relu1_1"] > 0).float().mean(dim=(0, 2, 3))
    least = shares.sort().values[10].item()
    kept = drop_silent_channels(encoder, [image], least).kept["conv1_1"]
    assert kept.tolist() == torch.nonzero(shares >= least).flatten().tolist()
    assert 0 < len(kept) < len(shares)


def test_a_layer_keeps_at_least_one_channel():
    encoder = silenced(*range(48))
    trimmed, kept = drop_silent_channels(encoder, [torch.rand(1, 3, 64, 64)])
    assert len(kept["conv2_1"]) >= 1
    assert trimmed(torch.rand(1, 3, 64, 64), ["relu5_1"])["relu5_1"].shape[1] >= 1


def test_without_images_nothing_can_be_said():
    with pytest.raises(ValueError, match="no images"):
        drop_silent_channels(silenced(), [])
