"""What this machine runs networks with, and how fast it can."""

from __future__ import annotations

import copy
import ctypes
import platform
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn

from pastiche_daemon.nn.inception import FeatureNetwork
from pastiche_daemon.nn.transformer import TransformerNetwork

Precision = Literal["float32", "bfloat16"]
_Module = TypeVar("_Module", bound=nn.Module)
_Features = TypeVar("_Features", bound=FeatureNetwork)

# Parameters of glibc's mallopt(3).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


def default_device() -> torch.device:
    """The CUDA device where there is one, else Apple's, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def fast_precision(device: torch.device) -> Precision:
    """``bfloat16`` where the device multiplies it in hardware, else ``float32``."""
    if device.type == "cuda":
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    if device.type == "cpu" and torch.cpu.get_capabilities().get("avx512_bf16", False):
        return "bfloat16"
    return "float32"


def dtype_of(precision: Precision) -> torch.dtype:
    """The torch type of a precision's name."""
    return torch.bfloat16 if precision == "bfloat16" else torch.float32


def channels_last(module: _Module) -> _Module:
    """Lay the module's weights out channels-last, in place, and return it."""
    return module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]


def in_precision(network: _Features, precision: Precision) -> _Features:
    """Make a network of feature maps work in ``precision``, channels-last, in place; return it.

    Pictures are still taken, and their mean removed, in float32: eight bits of bfloat16 round a
    picture to steps that the layers behind see as grain.
    """
    channels_last(network.to(dtype_of(precision)))
    network.preprocess.float()
    return network


def keep_freed_memory() -> bool:
    """Tell glibc to keep freed memory instead of returning it to the system; True where it did.

    Feature maps are large and short-lived: by default every one is mapped, page-faulted in and
    unmapped again, which takes more than half of an eager forward pass. Affects this process.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 << 20))
    return all(libc.mallopt(name, value) == 1 for name, value in settings)


def prepare_for_inference(
    network: _Module, device: torch.device, precision: Precision | None = None
) -> _Module:
    """A copy of a network, laid out for fast forward passes on ``device``.

    Convolutions run in ``precision`` (default: `fast_precision`); the scales, shifts and
    statistics of the norms stay in float32, because they decide the picture's colours.
    """
    dtype = dtype_of(precision or fast_precision(device))
    prepared = copy.deepcopy(network).to(device)
    for module in prepared.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            module.to(dtype)
    return channels_last(prepared).eval().requires_grad_(requires_grad=False)


def prepare_image(network: TransformerNetwork, image: Tensor) -> Tensor:
    """An image, N x 3 x H x W, on the network's device, in its precision and channels-last."""
    weight = network.last.conv.weight
    ready = image.to(device=weight.device, dtype=weight.dtype)
    return ready.contiguous(memory_format=torch.channels_last)
