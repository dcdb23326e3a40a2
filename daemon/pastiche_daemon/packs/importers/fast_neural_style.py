"""The network of PyTorch's examples, ``fast_neural_style``, by the names of its parameters.

Johnson et al.'s with instance norm, reflection padding, nearest upsampling before a convolution
and a linear output, pixels in 0..255. Two projects publish weights of it: pytorch/examples as
state dicts, and the ONNX model zoo as graphs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor

from pastiche_daemon.nn.transformer import TransformerNetwork, TransformerSpec
from pastiche_daemon.packs.errors import DamagedPackError, UnsupportedPackError

LARGEST_FILE = 64 << 20
"""Bytes of a file that is looked at; the published ones have 6.7 MB."""
BLOCKS = 5
_LARGEST_WIDTH = 512
_TYPES = {torch.float16, torch.bfloat16, torch.float32, torch.float64}


def layers() -> Iterator[tuple[str, str, str | None]]:
    """Convolutions in their order: their name, ours, and the name of the norm that follows."""
    for number in (1, 2, 3):
        yield f"conv{number}", f"down.{number - 1}", f"in{number}"
    for block in range(1, BLOCKS + 1):
        for number, part in ((1, "first"), (2, "second")):
            name = f"res{block}"
            yield f"{name}.conv{number}", f"trunk.{block - 1}.{part}", f"{name}.in{number}"
    for number in (1, 2):
        yield f"deconv{number}", f"up.{number - 1}", f"in{number + 3}"
    yield "deconv3", "last", None


def parameters() -> Iterator[tuple[str, str]]:
    """The names of all parameters, theirs and ours."""
    for conv, own, norm in layers():
        own_conv = f"{own}.conv" if norm else own
        for suffix in ("weight", "bias"):
            yield f"{conv}.conv2d.{suffix}", f"{own_conv}.conv.{suffix}"
        if norm is not None:
            yield f"{norm}.weight", f"{own}.norm.scale"
            yield f"{norm}.bias", f"{own}.norm.shift"


def network_from(
    state: Mapping[str, Tensor], shapes: Mapping[str, Sequence[int]], origin: str
) -> TransformerNetwork:
    """The network with these parameters, in evaluation mode, without gradients.

    ``shapes`` are those of all tensors in ``state``, which are looked at before any value is.
    Raises `UnsupportedPackError` where the names or shapes are not those of this network, and
    `DamagedPackError` where values are no numbers; the messages begin with ``origin``.
    """
    names = dict(parameters())
    missing = [name for name in names if name not in shapes]
    if missing:
        raise UnsupportedPackError(
            f"{origin}: this is not the network of PyTorch's fast_neural_style: "
            f"{missing[0]} is missing, and {len(missing) - 1} more"
        )
    unknown = [name for name in shapes if name not in names]
    if unknown:
        raise UnsupportedPackError(
            f"{origin}: {unknown[0][:80]!a} is no parameter of PyTorch's fast_neural_style"
        )
    spec = _spec(shapes, origin)
    with torch.device("meta"):
        network = TransformerNetwork(spec)
    expected = network.state_dict()
    converted: dict[str, Tensor] = {}
    for name, own in names.items():
        tensor, shape = state[name], expected[own].shape
        # Theirs have one style, ours a row for each.
        wanted = shape[1:] if own.endswith(("norm.scale", "norm.shift")) else shape
        if tuple(shapes[name]) != tuple(wanted):
            raise UnsupportedPackError(
                f"{origin}: {name} has shape {_shown(shapes[name])}; the network needs "
                f"{tuple(wanted)}"
            )
        if tensor.dtype not in _TYPES or tensor.layout != torch.strided:
            raise UnsupportedPackError(f"{origin}: {name} is of type {tensor.dtype}")
        values = tensor.detach().to(device="cpu", dtype=torch.float32).reshape(shape)
        if not bool(torch.isfinite(values).all()):
            raise DamagedPackError(f"{origin}: {name} holds values that are not finite")
        converted[own] = values.contiguous().clone()
    network.load_state_dict(converted, assign=True)
    return network.requires_grad_(requires_grad=False).eval()


def _spec(shapes: Mapping[str, Sequence[int]], origin: str) -> TransformerSpec:
    """The widths as the first three convolutions have them."""
    widths: list[int] = []
    for number in (1, 2, 3):
        shape = shapes[f"conv{number}.conv2d.weight"]
        if len(shape) != 4 or not 1 <= shape[0] <= _LARGEST_WIDTH:
            raise UnsupportedPackError(
                f"{origin}: conv{number}.conv2d.weight has shape {_shown(shape)}; "
                f"four sizes and a width of at most {_LARGEST_WIDTH} are needed"
            )
        widths.append(int(shape[0]))
    kernel = int(shapes["conv1.conv2d.weight"][-1])
    if not (1 <= kernel <= 31 and kernel % 2):
        raise UnsupportedPackError(f"{origin}: a kernel of {kernel} is not odd and at most 31")
    full, half, quarter = widths
    return TransformerSpec(
        channels=(full, half, quarter),
        residual_blocks=BLOCKS,
        end_kernel=kernel,
        upsampling="nearest",
        norm="instance",
        padding="reflect",
        output="linear",
        value_range="0..255",
    )


def _shown(shape: Sequence[int]) -> str:
    return f"({', '.join(str(size) for size in shape[:6])}{', ...' if len(shape) > 6 else ''})"
