"""Trainings of the literature: their networks, losses, encoders and schedules by name.

Sources: Johnson et al., ECCV 2016, and jcjohnson/fast-neural-style; Ulyanov et al., "Instance
Normalization", 2016, and DmitryUlyanov/texture_nets; Dumoulin et al., ICLR 2017;
pytorch/examples, fast_neural_style.

What is published is taken as it is where it is a number here: total variation of pixels in 0..255,
summed, becomes a mean of pixels in 0..1. Weights are for the named encoder's features; with
another one they have to be found anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pastiche_daemon.nn.objective import ObjectiveWeights
from pastiche_daemon.nn.style_statistics import StyleStatistic
from pastiche_daemon.nn.transformer import TransformerSpec
from pastiche_daemon.train import TrainConfig

OURS = "pastiche"
"""The name of this project's own, which is the default."""

_CROP = 256


@dataclass(frozen=True)
class TrainingPreset:
    """``encoder`` is the loss network, ``style_size`` the longer side of the style in pixels."""

    about: str
    encoder: str
    style_size: int
    config: TrainConfig


def training_presets() -> Mapping[str, TrainingPreset]:
    """By name."""
    return {
        OURS: TrainingPreset(
            "this project's own",
            "vgg19",
            512,
            TrainConfig(TransformerSpec(channels=(16, 32, 64)), ObjectiveWeights()),
        ),
        "johnson": TrainingPreset(
            "Johnson et al. 2016; weights of their code, for Caffe's VGG-16",
            "vgg16",
            256,
            _plain(
                TransformerSpec(
                    upsampling="transposed", norm="batch", padding="zero", output="tanh"
                ),
                _as_johnson(content=1.0, style=5.0, tv=_mean_of_pixels(1e-6)),
                steps=40_000,
            ),
        ),
        "ulyanov": TrainingPreset(
            "Ulyanov et al. 2016 (instance norm); weights of their code, for Caffe's VGG-19",
            "vgg19",
            256,
            _plain(
                TransformerSpec(upsampling="nearest", norm="instance", output="linear"),
                ObjectiveWeights(
                    content=1.0,
                    style=1.0,
                    tv=0.0,
                    content_layers={"relu4_2": 1.0},
                    style_layers={f"relu{block}_1": 1.0 for block in range(1, 5)},
                    statistic=StyleStatistic(normalization="johnson"),
                ),
                steps=50_000,
                batch_size=1,
            ),
        ),
        "dumoulin": TrainingPreset(
            "Dumoulin et al. 2017; Johnson's weights, for Caffe's VGG-16",
            "vgg16",
            256,
            _plain(
                TransformerSpec(upsampling="nearest"),
                _as_johnson(content=1.0, style=5.0, tv=0.0),
                steps=40_000,
                batch_size=16,
            ),
        ),
        "pytorch-examples": TrainingPreset(
            "pytorch/examples' fast_neural_style, for torchvision's VGG-16",
            "vgg16",
            256,
            _plain(
                TransformerSpec(
                    upsampling="nearest", norm="instance", output="linear", value_range="0..255"
                ),
                replace(
                    _as_johnson(content=1e5, style=1e10, tv=0.0), content_layers={"relu2_2": 1.0}
                ),
                # Two epochs of COCO's 82,783 photographs.
                steps=41_392,
            ),
        ),
    }


def _as_johnson(*, content: float, style: float, tv: float) -> ObjectiveWeights:
    """Johnson et al., section 4.1: content at relu3_3, style at the last layer of each block."""
    return ObjectiveWeights(
        content=content,
        style=style,
        tv=tv,
        content_layers={"relu3_3": 1.0},
        style_layers=dict.fromkeys(("relu1_2", "relu2_2", "relu3_3", "relu4_3"), 1.0),
        statistic=StyleStatistic(normalization="johnson"),
    )


def _mean_of_pixels(weight: float) -> float:
    """The weight of `losses.total_variation` for one of its sum over a crop in 0..255."""
    return weight * 255**2 * 3 * _CROP**2


def _plain(
    spec: TransformerSpec, weights: ObjectiveWeights, *, steps: int, batch_size: int = 4
) -> TrainConfig:
    """Adam at a constant rate, and none of what is this project's own."""
    return TrainConfig(
        spec,
        weights,
        steps=steps,
        batch_size=batch_size,
        crop_size=_CROP,
        learning_rate=1e-3,
        decay=0.0,
        average=0.0,
        shift=0,
        grid=0.0,
    )
