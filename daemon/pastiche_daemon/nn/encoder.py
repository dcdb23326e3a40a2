"""The VGG family as perceptual loss networks, tapped at named layers.

Layers are named as in the papers: ``conv4_2`` is the second convolution of the fourth block before
its ReLU, ``relu4_2`` after it, ``pool4`` the pooling that follows the block.

Sources: Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image
Recognition", 2015 (configurations A, B, D, E); Gatys et al., CVPR 2016 (average pooling);
Wang et al., "Collaborative Distillation for Ultra-Resolution Universal Style Transfer", CVPR 2020
(the quarter-width network).
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol

import torch
import torch.nn.functional as F  # noqa: N812 - the name everybody knows it by
from torch import Tensor, nn
from torchvision.models import vgg

Pooling = Literal["max", "avg"]
Padding = Literal["zeros", "reflect"]
Preprocessing = Literal["torchvision", "caffe", "learned"]

_POOL = "M"

#: Before a layer's name in a weights file: its metric, see `Encoder.measure`.
METRIC_KEY = "metric."


@dataclass(frozen=True)
class EncoderSpec:
    """Everything that decides what an encoder computes, apart from its weights.

    ``blocks`` holds the output channels of the convolutions of each block; a max or average
    pooling by 2 follows every block. ``preprocessing`` maps RGB in 0..1 to the network's input:

    - ``torchvision``: minus the ImageNet mean, divided by its standard deviation;
    - ``caffe``: times 255, minus the mean (123.68, 116.779, 103.939), channels kept in RGB order
      (the files that we read have their first convolution in RGB order as well);
    - ``learned``: a 1x1 convolution named ``preprocess`` in the weights file.
    """

    name: str
    blocks: tuple[tuple[int, ...], ...]
    preprocessing: Preprocessing = "torchvision"
    pooling: Pooling = "max"
    padding: Padding = "zeros"

    @property
    def convolutions(self) -> tuple[str, ...]:
        """Names of all convolutions from the input on: ``conv1_1``, ``conv1_2``, ..."""
        return tuple(
            f"conv{b}_{i}"
            for b, block in enumerate(self.blocks, 1)
            for i in range(1, len(block) + 1)
        )

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of all layers that can be tapped, from the input on."""
        names: list[str] = []
        for b, block in enumerate(self.blocks, 1):
            for i in range(1, len(block) + 1):
                names += [f"conv{b}_{i}", f"relu{b}_{i}"]
            names.append(f"pool{b}")
        return tuple(names)

    def channels(self, layer: str) -> int:
        """How many channels a layer has, such as ``relu4_2`` or ``pool3``."""
        if layer.startswith("pool"):
            return self.blocks[int(layer[4:]) - 1][-1]
        block, place = (int(number) for number in layer[4:].split("_"))
        return self.blocks[block - 1][place - 1]

    def truncated(self, convolutions: Iterable[str]) -> EncoderSpec:
        """The leading part of this network that has all its ``convolutions`` in the given names."""
        present = set(convolutions)
        blocks: list[tuple[int, ...]] = []
        for b, block in enumerate(self.blocks, 1):
            kept: list[int] = []
            for i, width in enumerate(block, 1):
                if f"conv{b}_{i}" not in present:
                    break
                kept.append(width)
            if kept:
                blocks.append(tuple(kept))
            if len(kept) < len(block):
                break
        return replace(self, blocks=tuple(blocks))


def _blocks_of(config: Iterable[str | int]) -> tuple[tuple[int, ...], ...]:
    blocks: list[tuple[int, ...]] = []
    block: list[int] = []
    for entry in config:
        if entry == _POOL:
            blocks.append(tuple(block))
            block = []
        else:
            block.append(int(entry))
    return tuple(blocks)


def encoder_specs() -> dict[str, EncoderSpec]:
    """The encoders known by name: ``vgg11`` to ``vgg19``, ``vgg19-quarter`` and ``compact``.

    ``compact`` is VGG-19 up to conv5_1 with 3/8 of its channels: the student of `distill`.
    """
    named = {"vgg11": "A", "vgg13": "B", "vgg16": "D", "vgg19": "E"}
    specs = {
        name: EncoderSpec(name=name, blocks=_blocks_of(vgg.cfgs[letter]))
        for name, letter in named.items()
    }
    quarter = tuple(tuple(width // 4 for width in block) for block in specs["vgg19"].blocks)
    specs["vgg19-quarter"] = EncoderSpec(
        name="vgg19-quarter", blocks=quarter, preprocessing="learned", padding="reflect"
    )
    compact = [tuple(width * 3 // 8 for width in block) for block in specs["vgg19"].blocks]
    specs["compact"] = EncoderSpec(
        name="compact", blocks=(*compact[:4], compact[4][:1]), padding="reflect"
    )
    return specs


class LayeredSpec(Protocol):
    """What every network with named layers says of itself."""

    @property
    def name(self) -> str: ...
    @property
    def layers(self) -> tuple[str, ...]: ...


class UnknownLayerError(ValueError):
    """A layer name that the encoder does not have; the message lists the ones it has."""

    def __init__(self, layer: str, spec: LayeredSpec) -> None:
        super().__init__(
            f"{spec.name} as loaded has no layer {layer!r}; it has {', '.join(spec.layers)}"
        )
        self.layer = layer


class Encoder(nn.Module):
    """A VGG network without its classifier, frozen, that returns named feature maps.

    Its parameters never require gradients; gradients flow to its input.
    """

    def __init__(self, spec: EncoderSpec) -> None:
        super().__init__()
        self.spec = spec
        self.convolutions = nn.ModuleDict()
        width = 3
        for b, block in enumerate(spec.blocks, 1):
            for i, out in enumerate(block, 1):
                self.convolutions[f"conv{b}_{i}"] = nn.Conv2d(width, out, 3)
                width = out
        self.preprocess = nn.Conv2d(3, 3, 1)
        with torch.no_grad():
            weight, bias = _preprocessing_affine(spec.preprocessing)
            self.preprocess.weight.copy_(torch.diag(weight)[:, :, None, None])
            self.preprocess.bias.copy_(bias)  # pyright: ignore[reportOptionalMemberAccess]
        self.metrics = nn.ModuleDict()
        self.requires_grad_(requires_grad=False)

    def measure(self, layer: str, metric: Tensor) -> None:
        """Give a layer's feature maps out multiplied by ``metric``, C x C: see `feature_metric`.

        Raises `UnknownLayerError`, and ValueError where its shape is another one.
        """
        self.check_layers([layer])
        width = self.spec.channels(layer)
        if metric.shape != (width, width):
            raise ValueError(f"has shape {tuple(metric.shape)}, expected {(width, width)}")
        weight = self.preprocess.weight
        multiply = nn.Conv2d(width, width, 1, bias=False, device=weight.device)
        with torch.no_grad():
            multiply.weight.copy_(metric[:, :, None, None])
        self.metrics[layer] = multiply.to(self.value_dtype).requires_grad_(requires_grad=False)

    def convolution(self, name: str) -> nn.Conv2d:
        """The convolution of that name, such as ``conv4_2``."""
        conv = self.convolutions[name]
        assert isinstance(conv, nn.Conv2d)
        return conv

    @property
    def value_dtype(self) -> torch.dtype:
        """The type that the convolutions work in, and that of the feature maps."""
        return self.convolution("conv1_1").weight.dtype

    def check_layers(self, layers: Iterable[str]) -> None:
        """Raise `UnknownLayerError` unless every name is a layer of this encoder."""
        known = set(self.spec.layers)
        for layer in layers:
            if layer not in known:
                raise UnknownLayerError(layer, self.spec)

    def forward(self, image: Tensor, layers: Iterable[str]) -> dict[str, Tensor]:
        """Feature maps of ``image`` (N x 3 x H x W, RGB in 0..1) at ``layers``.

        The network runs once, no further than the deepest layer asked for. The convolutions may
        have a narrower type than the preprocessing (`runtime.in_precision`). Raises
        `UnknownLayerError`, and ValueError where the image is too small to reach a layer.
        """
        wanted = set(layers)
        self.check_layers(wanted)
        found: dict[str, Tensor] = {}
        x = self.preprocess(image).to(self.value_dtype)
        for b, block in enumerate(self.spec.blocks, 1):
            for i in range(1, len(block) + 1):
                if len(found) == len(wanted):
                    return found
                x = self._convolve(x, f"conv{b}_{i}")
                if f"conv{b}_{i}" in wanted:
                    found[f"conv{b}_{i}"] = self._measured(f"conv{b}_{i}", x)
                x = F.relu(x)
                if f"relu{b}_{i}" in wanted:
                    found[f"relu{b}_{i}"] = self._measured(f"relu{b}_{i}", x)
            if len(found) == len(wanted):
                return found
            if min(x.shape[-2:]) < 2:
                raise ValueError(
                    f"an image of {image.shape[-1]} x {image.shape[-2]} px is too small for "
                    f"the layers behind pool{b} of {self.spec.name}"
                )
            x = F.max_pool2d(x, 2) if self.spec.pooling == "max" else F.avg_pool2d(x, 2)
            if f"pool{b}" in wanted:
                found[f"pool{b}"] = self._measured(f"pool{b}", x)
        return found

    def _measured(self, layer: str, x: Tensor) -> Tensor:
        return self.metrics[layer](x) if layer in self.metrics else x

    def _convolve(self, x: Tensor, name: str) -> Tensor:
        conv = self.convolution(name)
        if self.spec.padding == "zeros":
            return F.conv2d(x, conv.weight, conv.bias, padding=1)
        # Reflection needs at least two rows and columns; a single one can only be repeated.
        mode = "reflect" if min(x.shape[-2:]) > 1 else "replicate"
        return F.conv2d(F.pad(x, (1, 1, 1, 1), mode=mode), conv.weight, conv.bias)


def _preprocessing_affine(preprocessing: Preprocessing) -> tuple[Tensor, Tensor]:
    """Per-channel scale and shift that map RGB in 0..1 to the network's input."""
    if preprocessing == "torchvision":
        mean = torch.tensor([0.485, 0.456, 0.406])
        std = torch.tensor([0.229, 0.224, 0.225])
        return 1 / std, -mean / std
    if preprocessing == "caffe":
        return torch.full((3,), 255.0), -torch.tensor([123.68, 116.779, 103.939])
    return torch.ones(3), torch.zeros(3)


def feature_keys(spec: EncoderSpec) -> dict[str, str]:
    """Convolution names to torchvision's prefixes: ``conv1_2`` to ``features.2``."""
    keys: dict[str, str] = {}
    index = 0
    for b, block in enumerate(spec.blocks, 1):
        for i in range(1, len(block) + 1):
            keys[f"conv{b}_{i}"] = f"features.{index}"
            index += 2  # the convolution and its ReLU
        index += 1  # the pooling
    return keys


def _prefixes(spec: EncoderSpec, keys: Container[str]) -> dict[str, str]:
    """Convolution names to the prefixes that weights with these keys have."""
    prefixes = feature_keys(spec)
    if any(f"{prefix}.weight" in keys for prefix in prefixes.values()):
        return prefixes
    return {name: name for name in spec.convolutions}


def spec_within(spec: EncoderSpec, keys: Container[str]) -> EncoderSpec:
    """The leading part of the network that weights with these keys have.

    Raises ValueError where that is nothing.
    """
    prefixes = _prefixes(spec, keys)
    present = [name for name, prefix in prefixes.items() if f"{prefix}.weight" in keys]
    truncated = spec.truncated(present)
    if not truncated.blocks:
        raise ValueError(
            f"no weights of {spec.name} found: neither features.0.weight nor conv1_1.weight"
        )
    return truncated


def encoder_from_state(spec: EncoderSpec, state: Mapping[str, Tensor]) -> Encoder:
    """Build an encoder from weights keyed as torchvision's VGG or by convolution name.

    A file that ends early gives the leading part of the network (its deeper layers then do not
    exist). Keys of the classifier and of ``aux*`` convolutions are ignored. Raises ValueError,
    with the key, where a tensor is missing or has the wrong shape.
    """
    prefixes = _prefixes(spec, state)
    truncated = spec_within(spec, state)
    encoder = Encoder(truncated)
    with torch.no_grad():
        for name in truncated.convolutions:
            _copy(encoder.convolution(name), state, prefixes[name])
        if spec.preprocessing == "learned":
            _copy(encoder.preprocess, state, "preprocess")
    for layer in truncated.layers:
        if (key := f"{METRIC_KEY}{layer}") in state:
            try:
                encoder.measure(layer, state[key])
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from error
    return encoder.eval()


def _copy(conv: nn.Conv2d, state: Mapping[str, Tensor], prefix: str) -> None:
    for suffix, target in (("weight", conv.weight), ("bias", conv.bias)):
        key = f"{prefix}.{suffix}"
        if key not in state:
            raise ValueError(f"{key} is missing from the encoder's weights")
        if target is None or state[key].shape != target.shape:
            expected = "nothing" if target is None else tuple(target.shape)
            raise ValueError(f"{key} has shape {tuple(state[key].shape)}, expected {expected}")
        target.copy_(state[key])
