"""Files as pytorch/examples and the ONNX model zoo publish them, with random weights."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper

from pastiche_daemon.bench.plain_transformer import PlainTransformer

SMALL = (4, 6, 8)


def plain_network(widths: tuple[int, int, int] = SMALL, seed: int = 0) -> PlainTransformer:
    """Random weights whose output spreads over 0..255 and a little beyond."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = PlainTransformer(*widths)
        with torch.no_grad():
            for name, value in network.named_parameters():
                if ".in" in name or name.startswith("in"):
                    value.add_(0.3 * torch.randn(value.shape))
            network.deconv3.conv2d.weight.mul_(120)
            assert network.deconv3.conv2d.bias is not None
            network.deconv3.conv2d.bias.fill_(128)
    return network.eval()


def write_state_dict(
    path: Path, network: PlainTransformer, *, stray: bool = False, legacy: bool = False
) -> Path:
    """As `torch.save` writes it; ``stray`` adds what old instance norms saved."""
    state = OrderedDict(network.state_dict())
    if stray:
        for name in list(state):
            if name.endswith("weight") and ".conv2d" not in name:
                prefix = name.removesuffix("weight")
                state[f"{prefix}running_mean"] = torch.zeros(state[name].shape)
                state[f"{prefix}running_var"] = torch.ones(state[name].shape)
    torch.save(state, path, _use_new_zipfile_serialization=not legacy)
    return path


def onnx_model(network: PlainTransformer, *, opset: int = 9, dynamic: bool = False) -> Any:
    """The network as exporters write it: opset 7 to 9 with Upsample, from 11 on with Resize.

    ``dynamic`` computes the upsamplings' factors of the size, as PyTorch 1.0 did.
    """
    nodes: list[Any] = []
    weights: list[Any] = []
    values = iter(range(10_000))

    def node(kind: str, inputs: list[str], **attributes: Any) -> str:
        output = f"v{next(values)}"
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(values_: Any, dtype: Any) -> str:
        tensor = numpy_helper.from_array(np.array(values_, dtype=dtype))
        return node("Constant", [], value=tensor)

    def weight(name: str) -> str:
        weights.append(numpy_helper.from_array(network.get_parameter(name).detach().numpy(), name))
        return name

    def convolved(x: str, name: str, stride: int = 1) -> str:
        kernel = network.get_parameter(f"{name}.conv2d.weight").shape[-1]
        pads = [0, 0, kernel // 2, kernel // 2] * 2
        if opset < 11:
            x = node("Pad", [x], mode="reflect", pads=pads)
        else:
            x = node("Pad", [x, constant(pads, np.int64)], mode="reflect")
        inputs = [x, weight(f"{name}.conv2d.weight"), weight(f"{name}.conv2d.bias")]
        return node(
            "Conv",
            inputs,
            dilations=[1, 1],
            group=1,
            kernel_shape=[kernel, kernel],
            pads=[0, 0, 0, 0],
            strides=[stride, stride],
        )

    def normed(x: str, name: str) -> str:
        inputs = [x, weight(f"{name}.weight"), weight(f"{name}.bias")]
        return node("InstanceNormalization", inputs, epsilon=1e-5)

    def grown(x: str) -> str:
        if opset < 9:
            return node("Upsample", [x], mode="nearest", scales=[1.0, 1.0, 2.0, 2.0])
        if dynamic:
            parts: list[str] = []
            for axis in (2, 3):
                size = node("Gather", [node("Shape", [x]), constant(axis, np.int64)], axis=0)
                size = node("Cast", [size], to=1)
                wanted = node("Floor", [node("Mul", [size, constant(2.0, np.float32)])])
                parts.append(node("Unsqueeze", [node("Div", [wanted, size])], axes=[0]))
            ones = constant([1.0, 1.0], np.float32)
            scales = node("Concat", [ones, *parts], axis=0)
        else:
            scales = constant([1.0, 1.0, 2.0, 2.0], np.float32)
        if opset < 11:
            return node("Upsample", [x, scales], mode="nearest")
        return node(
            "Resize",
            [x, "", scales],
            mode="nearest",
            coordinate_transformation_mode="asymmetric",
            nearest_mode="floor",
        )

    x = "input1"
    for number, stride in ((1, 1), (2, 2), (3, 2)):
        x = node("Relu", [normed(convolved(x, f"conv{number}", stride), f"in{number}")])
    for block in range(1, 6):
        name = f"res{block}"
        y = node("Relu", [normed(convolved(x, f"{name}.conv1"), f"{name}.in1")])
        x = node("Add", [normed(convolved(y, f"{name}.conv2"), f"{name}.in2"), x])
    for number in (1, 2):
        x = node("Relu", [normed(convolved(grown(x), f"deconv{number}"), f"in{number + 3}")])
    x = convolved(x, "deconv3")
    nodes[-1].output[0] = "output1"
    picture = [1, 3, 224, 224]
    graph = helper.make_graph(
        nodes,
        "torch-jit-export",
        [helper.make_tensor_value_info("input1", onnx.TensorProto.FLOAT, picture)],
        [helper.make_tensor_value_info("output1", onnx.TensorProto.FLOAT, picture)],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=4)
