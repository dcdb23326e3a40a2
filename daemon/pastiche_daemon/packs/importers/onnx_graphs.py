"""Graphs of ``fast_neural_style`` in the ONNX model zoo: read, never run.

The graph is followed from its input to its output, and has to be that of the network, operation by
operation; the weights are then taken from where the operations have them. The ``onnx`` package
parses the file; it is an optional dependency.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pastiche_daemon.nn.transformer import TransformerNetwork
from pastiche_daemon.packs.errors import (
    DamagedPackError,
    PackTooLargeError,
    UnsupportedPackError,
)
from pastiche_daemon.packs.importers.fast_neural_style import (
    BLOCKS,
    LARGEST_FILE,
    layers,
    network_from,
)
from pastiche_daemon.packs.importers.onnx_shapes import (
    Array,
    ShapeNodes,
    StaticValueError,
    array_of,
    small_array,
)

_MOST_NODES = 4096
_EPSILON = 1e-5
_FLOATS = {1, 10, 11}  # TensorProto.DataType: FLOAT, FLOAT16, DOUBLE


def network_from_onnx(path: Path) -> TransformerNetwork:
    """The network of a graph that was exported from ``fast_neural_style``.

    Raises:
        PackTooLargeError: the file is larger than such files are.
        DamagedPackError: it cannot be read.
        UnsupportedPackError: it is another graph, or the ``onnx`` package is missing.
        OSError: it cannot be opened.
    """
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise PackTooLargeError(f"{path.name} has {size} bytes; {LARGEST_FILE} are allowed")
    graph = _Graph(_parse(path.read_bytes(), path.name), path.name)
    state = graph.parameters()
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    return network_from(state, shapes, path.name)


def _parse(data: bytes, name: str) -> Any:
    try:
        onnx = importlib.import_module("onnx")
    except ImportError as error:
        raise UnsupportedPackError(
            f"{name}: ONNX files need the onnx package; install it with: "
            "pip install 'pastiche[onnx]'"
        ) from error
    try:
        return onnx.load_model_from_string(data)
    except MemoryError:
        raise
    except Exception as error:  # of its parser, whichever that is
        raise DamagedPackError(f"{name} is not an ONNX file: {error!s:.200}") from error


class _Graph:
    """A graph whose nodes can be asked for by what they read."""

    def __init__(self, model: Any, name: str) -> None:
        self._name = name
        graph = model.graph
        if len(graph.node) > _MOST_NODES:
            raise UnsupportedPackError(
                f"{name} has {len(graph.node)} operations, which is too many"
            )
        if not graph.node:
            raise DamagedPackError(f"{name} holds no graph")
        if len(graph.sparse_initializer) or len(model.functions):
            raise self._other("it has sparse weights or functions of its own")
        for node in graph.node:
            # Texts that are no UTF-8 come as bytes.
            if not all(isinstance(text, str) for text in (node.op_type, *node.input, *node.output)):
                raise DamagedPackError(f"{name} is not an ONNX file: a name in it is no text")
        self._weights: dict[str, Any] = {tensor.name: tensor for tensor in graph.initializer}
        inputs = [value for value in graph.input if value.name not in self._weights]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise self._other("it has more than one input or output")
        self._input, self._output = inputs[0], graph.output[0].name
        self._readers: dict[str, list[Any]] = {}
        for node in graph.node:
            for value in dict.fromkeys(node.input):
                self._readers.setdefault(value, []).append(node)
        self._shapes = ShapeNodes(graph.node, self._small_weight)
        self._used = 0

    def parameters(self) -> dict[str, Tensor]:
        """Follow the whole graph and return its weights by the names of the state dict."""
        found: dict[str, Tensor] = {}
        value, height, width = self._input.name, *self._input_size()
        entry = ""
        for conv, own, norm in layers():
            if own.endswith(".first"):
                entry = value
            if own.startswith("up."):
                value = self._upsampled(value, (height, width))
                height, width = 2 * height, 2 * width
            stride = 2 if own in {"down.1", "down.2"} else 1
            value, weight, bias = self._convolved(value, stride)
            height, width = -(-height // stride), -(-width // stride)
            found[f"{conv}.conv2d.weight"], found[f"{conv}.conv2d.bias"] = weight, bias
            if norm is None:
                continue
            value, scale, shift = self._normed(value)
            found[f"{norm}.weight"], found[f"{norm}.bias"] = scale, shift
            if own.endswith(".second"):
                value = self._added(value, entry)
            else:
                value = self._output_of(self._reader(value, "Relu"))
        if value != self._output:
            raise self._other(f"it goes on after {BLOCKS} residual blocks and two upsamplings")
        return found

    def _convolved(self, value: str, stride: int) -> tuple[str, Tensor, Tensor]:
        pad = self._reader(value, "Pad")
        attributes = _attributes(pad)
        if attributes.get("mode") != b"reflect":
            raise self._other("its padding is no reflection")
        pads = attributes.get("pads")
        if pads is None:
            pads = self._static(pad, 1).tolist()
        conv = self._reader(self._output_of(pad), "Conv")
        if len(conv.input) != 3:
            raise self._other("a convolution has no bias")
        weight, bias = (self._weight(conv.input[place]) for place in (1, 2))
        if weight.ndim != 4:
            raise self._other("a convolution is not of two dimensions")
        border = weight.shape[-1] // 2
        if list(pads) != [0, 0, border, border, 0, 0, border, border]:
            raise self._other("a convolution is not padded by half of its kernel")
        told = _attributes(conv)
        ordinary = (
            list(told.get("strides", (1, 1))) == [stride, stride]
            and not any(told.get("pads", ()))
            and all(step == 1 for step in told.get("dilations", ()))
            and told.get("group", 1) == 1
            and told.get("auto_pad", b"NOTSET") in (b"NOTSET", b"VALID")
        )
        if not ordinary:
            raise self._other("a convolution has another stride, padding or dilation")
        return self._output_of(conv), weight, bias

    def _normed(self, value: str) -> tuple[str, Tensor, Tensor]:
        node = self._reader(value, "InstanceNormalization")
        epsilon = _attributes(node).get("epsilon", _EPSILON)
        if not math.isclose(epsilon, _EPSILON, rel_tol=1e-3) or len(node.input) != 3:
            raise self._other("an instance norm is not PyTorch's")
        scale, shift = (self._weight(node.input[place]) for place in (1, 2))
        return self._output_of(node), scale, shift

    def _added(self, value: str, entry: str) -> str:
        node = self._reader(value, "Add")
        if sorted(node.input) != sorted((value, entry)):
            raise self._other("a residual block does not add what it began with")
        return self._output_of(node)

    def _upsampled(self, value: str, size: tuple[int, int]) -> str:
        node = self._reader(value, "Upsample", "Resize")
        told = _attributes(node)
        if told.get("mode", b"nearest") != b"nearest":
            raise self._other("its upsampling is not by the nearest neighbour")
        modes = (
            told.get("coordinate_transformation_mode", b"half_pixel"),
            told.get("nearest_mode", b"round_prefer_floor"),
        )
        # For a factor of two these are the same; Upsample has neither attribute.
        usual = {(b"asymmetric", b"floor"), (b"half_pixel", b"round_prefer_floor")}
        if node.op_type == "Resize" and modes not in usual:
            raise self._other("its upsampling takes other neighbours than PyTorch's")
        self._shapes.tell(value, (1, 1, *size))
        scales = told.get("scales")
        if scales is None:
            scales = self._scales(node, size)
        if [float(scale) for scale in scales] != [1.0, 1.0, 2.0, 2.0]:
            raise self._other("its upsampling is not by two")
        return self._output_of(node)

    def _scales(self, node: Any, size: tuple[int, int]) -> Sequence[float]:
        place = 1 if node.op_type == "Upsample" else 2
        if len(node.input) > place and node.input[place]:
            scales = self._static(node, place)
            if scales.size:
                return scales.tolist()
        if len(node.input) > 3 and node.input[3]:
            wanted = self._static(node, 3).tolist()
            if len(wanted) == 4:
                return [1.0, 1.0, wanted[2] / size[0], wanted[3] / size[1]]
        raise self._other("its upsampling does not say by how much")

    def _reader(self, value: str, *kinds: str) -> Any:
        """The one operation of these kinds that reads a value, as its first input or as a sum's."""
        readers = [node for node in self._readers.get(value, []) if node.op_type in kinds]
        wanted = " or ".join(kinds)
        if len(readers) != 1 or (readers[0].op_type != "Add" and readers[0].input[0] != value):
            present = ", ".join(sorted({node.op_type for node in self._readers.get(value, [])}))
            raise self._other(
                f"after {self._used} operations a {wanted} is due, not {present[:80]!a}"
            )
        self._used += 1
        return readers[0]

    def _output_of(self, node: Any) -> str:
        if len(node.output) < 1 or not node.output[0]:
            raise self._other("an operation has no output")
        return node.output[0]

    def _static(self, node: Any, place: int) -> Array:
        try:
            return self._shapes.value(node.input[place])
        except (StaticValueError, IndexError) as error:
            raise self._other(
                f"a {node.op_type} has no constant where one is due: {error}"
            ) from error

    def _small_weight(self, name: str) -> Array | None:
        """A weight that is a shape or a number."""
        tensor = self._weights.get(name)
        return None if tensor is None else small_array(tensor)

    def _weight(self, name: str) -> Tensor:
        tensor = self._weights.get(name)
        if tensor is None:
            raise self._other(f"the weights {name[:60]!a} are not in the file")
        if tensor.data_type not in _FLOATS or tensor.data_location == 1:
            raise self._other(f"the weights {name[:60]!a} are of another type, or elsewhere")
        return torch.from_numpy(array_of(tensor).astype(np.float32))

    def _input_size(self) -> tuple[int, int]:
        dims = self._input.type.tensor_type.shape.dim
        if len(dims) != 4:
            raise self._other("its input is no batch of pictures")
        # An open size may be any; one is enough to follow what is computed of it.
        height, width = ((dim.dim_value or 224) for dim in dims[2:])
        if not (0 < height <= 1 << 16 and 0 < width <= 1 << 16):
            raise self._other("its input has no usual size")
        return height, width

    def _other(self, why: str) -> UnsupportedPackError:
        return UnsupportedPackError(
            f"{self._name} is not a graph of PyTorch's fast_neural_style: {why}"
        )


def _attributes(node: Any) -> Mapping[str, Any]:
    """An operation's attributes that are numbers, lists of numbers, or texts as bytes."""
    found: dict[str, Any] = {}
    for attribute in node.attribute:
        kind = attribute.type  # AttributeProto.AttributeType
        if kind == 1:
            found[attribute.name] = attribute.f
        elif kind == 2:
            found[attribute.name] = attribute.i
        elif kind == 3:
            found[attribute.name] = attribute.s
        elif kind == 6:
            found[attribute.name] = list(attribute.floats)
        elif kind == 7:
            found[attribute.name] = list(attribute.ints)
    return found
