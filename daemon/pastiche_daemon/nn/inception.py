"""GoogLeNet and Inception v3 up to their classifiers, tapped at named layers.

Layers have torchvision's names, such as ``inception4c`` (the Caffe network's
``inception_4c/output``) and ``Mixed_5d``.

Sources: Szegedy et al., "Going Deeper with Convolutions", CVPR 2015; Szegedy et al., "Rethinking
the Inception Architecture for Computer Vision", CVPR 2016.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torchvision.models import googlenet, inception_v3

from pastiche_daemon.nn.encoder import Encoder, UnknownLayerError


@dataclass(frozen=True)
class InceptionSpec:
    """A network's layers from the input on.

    ``shrinking`` has those that shrink an image: n pixels come of (n - 1) * stride + kernel at
    least, the kernel being without what is padded.
    """

    name: str
    layers: tuple[str, ...]
    shrinking: Mapping[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])


def inception_specs() -> dict[str, InceptionSpec]:
    """The networks known by name: ``googlenet`` and ``inception_v3``."""
    stem = ("conv1", "maxpool1", "conv2", "conv3", "maxpool2")
    blocks = ("3a", "3b", "", "4a", "4b", "4c", "4d", "4e", "", "5a", "5b")
    pools = iter(("maxpool3", "maxpool4"))
    google = (*stem, *(f"inception{block}" if block else next(pools) for block in blocks))
    google_shrinking = {
        "conv1": (1, 2),
        "maxpool1": (2, 2),
        "maxpool2": (2, 2),
        "maxpool3": (2, 2),
        "maxpool4": (1, 2),
    }
    first = ("Conv2d_1a_3x3", "Conv2d_2a_3x3", "Conv2d_2b_3x3", "maxpool1")
    second = ("Conv2d_3b_1x1", "Conv2d_4a_3x3", "maxpool2")
    mixed = tuple(
        f"Mixed_{block}{letter}"
        for block, letters in ((5, "bcd"), (6, "abcde"), (7, "abc"))
        for letter in letters
    )
    shrinking = {
        "Conv2d_1a_3x3": (3, 2),
        "Conv2d_2a_3x3": (3, 1),
        "maxpool1": (3, 2),
        "Conv2d_4a_3x3": (3, 1),
        "maxpool2": (3, 2),
        "Mixed_6a": (3, 2),
        "Mixed_7a": (3, 2),
    }
    return {
        "googlenet": InceptionSpec("googlenet", google, google_shrinking),
        "inception_v3": InceptionSpec("inception_v3", (*first, *second, *mixed), shrinking),
    }


class InceptionEncoder(nn.Module):
    """One of the networks without its classifier, frozen, that returns named feature maps."""

    def __init__(self, spec: InceptionSpec) -> None:
        super().__init__()
        self.spec = spec
        make = _MAKERS[spec.name]
        children = dict(make().named_children())
        self.stages = nn.ModuleDict({layer: children[layer] for layer in spec.layers})
        # torchvision's weights come from TensorFlow, whose input is -1..1.
        self.preprocess = nn.Conv2d(3, 3, 1)
        with torch.no_grad():
            self.preprocess.weight.copy_(2 * torch.eye(3)[:, :, None, None])
            self.preprocess.bias.fill_(-1.0)  # pyright: ignore[reportOptionalMemberAccess]
        self.requires_grad_(requires_grad=False).eval()

    @property
    def value_dtype(self) -> torch.dtype:
        """The type that the stages work in, and that of the feature maps."""
        return next(self.stages.parameters()).dtype

    def check_layers(self, layers: Iterable[str]) -> None:
        """Raise `UnknownLayerError` unless every name is a layer of this network."""
        for layer in layers:
            if layer not in self.spec.layers:
                raise UnknownLayerError(layer, self.spec)

    def forward(self, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Feature maps of ``image`` (N x 3 x H x W, RGB in 0..1) at ``layers``.

        The network runs once, no further than the deepest layer asked for. Raises
        `UnknownLayerError`, and ValueError where the image is too small to reach a layer.
        """
        wanted = set(layers)
        self.check_layers(wanted)
        least = least_side(self, wanted)
        if min(image.shape[-2:]) < least:
            raise ValueError(
                f"an image of {image.shape[-1]} x {image.shape[-2]} px is too small for "
                f"{', '.join(sorted(wanted))} of {self.spec.name}, which take {least} px"
            )
        found: dict[str, Tensor] = {}
        x = self.preprocess(image).to(self.value_dtype)
        for layer, stage in self.stages.items():
            if len(found) == len(wanted):
                break
            x = stage(x)
            if layer in wanted:
                found[layer] = x
        return found


FeatureNetwork = Encoder | InceptionEncoder
"""What returns named feature maps."""


def least_side(network: FeatureNetwork, layers: Iterable[str]) -> int:
    """The least width and height in pixels of an image that reaches all ``layers``."""
    names = network.spec.layers
    deepest = max((names.index(layer) for layer in layers), default=-1)
    least = 1
    for layer in reversed(names[: deepest + 1]):
        if isinstance(network, InceptionEncoder):
            kernel, stride = network.spec.shrinking.get(layer, (1, 1))
            least = (least - 1) * stride + kernel
        elif layer.startswith("pool"):
            least *= 2
    return least


def inception_from_state(spec: InceptionSpec, state: Mapping[str, Tensor]) -> InceptionEncoder:
    """Build a network from weights keyed as torchvision's. Those of the classifiers are ignored.

    Raises ValueError, with the key, where a tensor is missing or has the wrong shape.
    """
    network = InceptionEncoder(spec)
    target = network.stages.state_dict()
    for key, value in target.items():
        if key not in state:
            raise ValueError(f"{key} is missing from the weights of {spec.name}")
        if state[key].shape != value.shape:
            raise ValueError(
                f"{key} has shape {tuple(state[key].shape)}, expected {tuple(value.shape)}"
            )
    network.stages.load_state_dict({key: state[key] for key in target})
    return network


def check_inception_keys(spec: InceptionSpec, keys: Container[str]) -> None:
    """Raise ValueError unless weights with these keys are of that network."""
    first = f"{spec.layers[0]}.conv.weight"
    if first not in keys:
        raise ValueError(f"no weights of {spec.name} found: {first} is missing")


def _googlenet() -> nn.Module:
    return googlenet(weights=None, aux_logits=False, init_weights=False)


def _inception_v3() -> nn.Module:
    return inception_v3(weights=None, aux_logits=False, init_weights=False)


_MAKERS: Mapping[str, Callable[[], nn.Module]] = {
    "googlenet": _googlenet,
    "inception_v3": _inception_v3,
}
