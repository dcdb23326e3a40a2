"""Dreams as a use case: octaves, ways up, and what makes no sense."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest
import torch

from pastiche_daemon.dream import (
    DreamOptions,
    DreamStep,
    Guide,
    NoGradientError,
    default_layers,
    dream,
    octave_shapes,
)
from pastiche_daemon.nn.encoder import Encoder, EncoderSpec, UnknownLayerError, encoder_specs
from pastiche_daemon.nn.inception import InceptionEncoder, inception_specs
from pastiche_daemon.stylize import resize

OPTIONS = DreamOptions(layers={"relu3_1": 1.0}, octaves=3, steps=4, jitter=8)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    torch.manual_seed(0)
    encoder = Encoder(EncoderSpec("tiny", ((4,), (6,), (8,))))
    for name in encoder.spec.convolutions:
        conv = encoder.convolution(name)
        assert conv.bias is not None
        torch.nn.init.kaiming_normal_(conv.weight)
        torch.nn.init.zeros_(conv.bias)
    return encoder


def picture(height: int = 100, width: int = 120, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return resize(torch.rand(3, 10, 12, generator=generator), (height, width))


def go_on(_: DreamStep) -> bool:
    return True


def test_activations_rise_and_the_steps_are_told(encoder):
    steps: list[DreamStep] = []
    dreamed = dream(encoder, picture(), OPTIONS, lambda step: not steps.append(step))
    assert [step.step for step in steps] == list(range(1, 13))
    assert [step.octave for step in steps] == [0] * 4 + [1] * 4 + [2] * 4
    assert {(step.steps, step.octaves) for step in steps} == {(12, 3)}
    for octave in range(3):
        values = [step.activation for step in steps if step.octave == octave]
        assert values[-1] > values[0]
    assert steps[0].picture().shape == (3, 51, 61)
    assert steps[-1].picture().shape == (3, 100, 120)
    assert torch.equal(steps[-1].picture(), dreamed.color)
    assert (dreamed.steps, dreamed.octaves, dreamed.asked_to_stop) == (12, 3, False)
    assert dreamed.activation == steps[-1].activation
    assert 0 <= dreamed.color.min() < dreamed.color.max() <= 1
    assert (dreamed.color - picture()).abs().mean() > 0.01


def test_the_content_is_not_changed(encoder):
    content = picture()
    dream(encoder, content, OPTIONS, go_on)
    assert torch.equal(content, picture())


def test_the_same_seed_gives_the_same_picture(encoder):
    first, again, other = (
        dream(encoder, picture(), replace(OPTIONS, seed=seed), go_on).color for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize(
    "change",
    [
        {"layers": {"relu2_1": 1.0}},
        {"layers": {"relu3_1": 1.0, "relu1_1": 1.0}},
        {"octaves": 1},
        {"octave_scale": 1.2},
        {"steps": 5},
        {"step_size": 0.003},
        {"normalization": "rms"},
        {"normalization": "none"},
        {"smoothing": "none"},
        {"smoothing": "gaussian", "sigma": 3.0},
        {"smoothing": "laplacian"},
        {"smoothing": "laplacian", "levels": 2},
        {"jitter": 0},
    ],
)
def test_every_option_makes_a_difference(encoder, change):
    plain = dream(encoder, picture(), OPTIONS, go_on).color
    assert not torch.equal(
        dream(encoder, picture(), replace(OPTIONS, **change), go_on).color, plain
    )


def test_normalized_steps_have_their_size(encoder):
    options = replace(OPTIONS, octaves=1, steps=1, step_size=0.001)
    grey = picture() * 0.2 + 0.4  # so that nothing is clamped
    change = dream(encoder, grey, options, go_on).color - grey
    assert change.abs().mean().item() == pytest.approx(0.001, rel=1e-3)
    change = dream(encoder, grey, replace(options, normalization="rms"), go_on).color - grey
    assert change.square().mean().sqrt().item() == pytest.approx(0.001, rel=1e-3)


def test_a_stop_keeps_the_picture_as_it_stands_at_full_size(encoder):
    dreamed = dream(encoder, picture(), OPTIONS, lambda step: step.step < 2)
    assert dreamed.asked_to_stop
    assert dreamed.steps == 2
    assert dreamed.color.shape == (3, 100, 120)
    assert (dreamed.color - picture()).abs().mean() > 0.001


def test_what_the_step_raises_ends_the_work(encoder):
    def fail(_: DreamStep) -> bool:
        raise KeyError("stop")

    with pytest.raises(KeyError):
        dream(encoder, picture(), OPTIONS, fail)


def test_a_guide_leads_elsewhere(encoder):
    plain, guided, other = (
        dream(encoder, picture(), OPTIONS, go_on, guide).color
        for guide in (None, Guide(picture(40, 300, seed=3)), Guide(picture(64, 64, seed=4)))
    )
    assert not torch.equal(plain, guided)
    assert not torch.equal(guided, other)
    counted = torch.zeros(64, 64)
    counted[:, :20] = 1
    part = dream(encoder, picture(), OPTIONS, go_on, Guide(picture(64, 64, seed=4), counted)).color
    assert not torch.equal(part, other)


def test_a_guide_of_a_pixel_is_enlarged_to_be_seen(encoder):
    assert dream(encoder, picture(), OPTIONS, go_on, Guide(picture(1, 1))).steps == 12


def test_octaves_that_are_too_small_are_left_out(encoder):
    many = replace(OPTIONS, octaves=16)
    assert octave_shapes(encoder, (100, 120), many) == [(51, 61), (71, 86), (100, 120)]
    assert octave_shapes(encoder, (40, 40), many) == [(40, 40)]
    dreamed = dream(encoder, picture(40, 40), many, go_on)
    assert (dreamed.octaves, dreamed.steps) == (1, 4)


def test_a_picture_too_small_for_its_layers_is_named():
    network = InceptionEncoder(inception_specs()["inception_v3"])
    options = replace(OPTIONS, layers={"Mixed_7a": 1.0})
    with pytest.raises(ValueError, match=r"48 x 74 pixels is too small for Mixed_7a .* need 75"):
        octave_shapes(network, (74, 48), options)
    assert octave_shapes(network, (105, 120), options) == [(75, 86), (105, 120)]


def test_every_network_has_layers_to_dream_with():
    for name, spec in {**encoder_specs(), **inception_specs()}.items():
        assert set(default_layers(name, spec.layers)) <= set(spec.layers)
    assert default_layers("vgg19", ("conv1_1", "relu1_1", "pool1")) == {"relu1_1": 1.0}


def test_unknown_layers_are_refused_with_the_right_ones(encoder):
    for guide in (None, Guide(picture())):
        with pytest.raises(UnknownLayerError, match=r"'relu9_1'; it has conv1_1, .*pool3"):
            dream(encoder, picture(), replace(OPTIONS, layers={"relu9_1": 1.0}), go_on, guide)


def test_where_nothing_responds_is_told(encoder):
    blind = deepcopy(encoder)
    blind.preprocess.weight.zero_()
    blind.preprocess.bias.zero_()
    with pytest.raises(NoGradientError, match="relu3_1 of tiny do not respond to this picture"):
        dream(blind, picture(), OPTIONS, go_on)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"layers": {}}, "layers"),
        ({"layers": {"relu1_1": 0.0}}, "layers"),
        ({"layers": {"relu1_1": 1.0, "relu2_1": -1.0}}, "layers"),
        ({"layers": {"relu1_1": float("nan")}}, "layers"),
        ({"octaves": 0}, "octaves"),
        ({"octaves": 17}, "octaves"),
        ({"octave_scale": 1.0}, "octave_scale"),
        ({"octave_scale": float("nan")}, "octave_scale"),
        ({"steps": 0}, "steps"),
        ({"step_size": 0.0}, "step_size"),
        ({"step_size": float("inf")}, "step_size"),
        ({"sigma": -1.0}, "sigma"),
        ({"levels": 0}, "levels"),
        ({"jitter": -1}, "jitter"),
        ({"tile": 127}, "tile"),
    ],
)
def test_options_that_make_no_sense_are_named(change, field):
    with pytest.raises(ValueError, match=f"^{field}: "):
        replace(OPTIONS, **change)
