"""GoogLeNet and Inception v3 against torchvision's own forward pass."""

from __future__ import annotations

import pytest
import torch
from torchvision.models import googlenet, inception_v3

from pastiche_daemon.nn.encoder import UnknownLayerError
from pastiche_daemon.nn.inception import (
    InceptionEncoder,
    inception_from_state,
    inception_specs,
    least_side,
)

MODELS = {"googlenet": googlenet, "inception_v3": inception_v3}


def torchvisions(name: str) -> torch.nn.Module:
    """Random weights, with the auxiliary classifiers that the files have."""
    torch.manual_seed(0)
    model = MODELS[name](weights=None, aux_logits=True, transform_input=True, init_weights=False)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            assert module.running_mean is not None
            torch.nn.init.uniform_(module.running_mean, -0.1, 0.1)
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
    return model.eval()


@pytest.fixture(scope="module", params=list(MODELS))
def both(request: pytest.FixtureRequest) -> tuple[torch.nn.Module, InceptionEncoder]:
    theirs = torchvisions(request.param)
    ours = inception_from_state(inception_specs()[request.param], theirs.state_dict())
    return theirs, ours


def test_every_layer_is_torchvisions(both):
    theirs, ours = both
    seen = {}
    for name, child in theirs.named_children():
        child.register_forward_hook(lambda _, __, out, name=name: seen.__setitem__(name, out))
    image = torch.rand(1, 3, 139, 128, generator=torch.Generator().manual_seed(0))
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    deviation = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    with torch.no_grad():
        theirs((image - mean) / deviation)
        found = ours(image, ours.spec.layers)
    assert list(found) == list(ours.spec.layers)
    assert set(seen) - set(found) <= {"aux1", "aux2", "AuxLogits", "avgpool", "dropout", "fc"}
    for layer, features in found.items():
        torch.testing.assert_close(features, seen[layer], rtol=1e-3, atol=1e-4)


def test_only_what_is_needed_runs(both):
    ours = both[1]
    deeper = []
    hook = ours.stages[ours.spec.layers[3]].register_forward_hook(lambda *_: deeper.append(1))
    first = ours.spec.layers[1]
    assert list(ours(torch.rand(1, 3, 80, 80), [first])) == [first]
    hook.remove()
    assert not deeper


def test_the_least_image_reaches_every_layer_and_a_smaller_one_is_refused(both):
    ours = both[1]
    for layer in ours.spec.layers:
        least = least_side(ours, [layer])
        assert min(ours(torch.rand(1, 3, least, least), [layer])[layer].shape) >= 1
        if least > 1:
            with pytest.raises(ValueError, match="too small"):
                ours(torch.rand(1, 3, least, least - 1), [layer])
    expected = {"googlenet": 15, "inception_v3": 75}[ours.spec.name]
    assert least_side(ours, ours.spec.layers) == expected


def test_nothing_of_it_is_trained(both):
    ours = both[1]
    assert not any(value.requires_grad for value in ours.parameters())
    assert not ours.training


def test_unknown_layers_are_refused_with_the_right_ones(both):
    ours = both[1]
    with pytest.raises(UnknownLayerError, match=ours.spec.layers[-1]):
        ours(torch.rand(1, 3, 80, 80), ["relu4_1"])


def test_missing_and_foreign_weights_are_named(both):
    theirs, ours = both
    state = dict(theirs.state_dict())
    key = f"{ours.spec.layers[0]}.conv.weight"
    with pytest.raises(ValueError, match=f"{key} is missing"):
        inception_from_state(ours.spec, {k: v for k, v in state.items() if k != key})
    with pytest.raises(ValueError, match=f"{key} has shape"):
        inception_from_state(ours.spec, {**state, key: torch.zeros(1)})
