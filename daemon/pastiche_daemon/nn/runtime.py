"""What this machine runs networks with, and how fast it can."""

from __future__ import annotations

import copy
import ctypes
import platform
from dataclasses import dataclass, field, replace
from typing import TypeVar

import torch
from torch import Tensor, nn

from pastiche_daemon.nn.inception import FeatureNetwork
from pastiche_daemon.nn.runtime_switches import DeviceChoice, Precision, PrecisionChoice
from pastiche_daemon.nn.transformer import TransformerNetwork, TransformerSpec

_Module = TypeVar("_Module", bound=nn.Module)
_Features = TypeVar("_Features", bound=FeatureNetwork)

# Parameters of glibc's mallopt(3).
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4


@dataclass(frozen=True)
class Runtime:
    """What networks run on, how finely they compute, and why: a sentence's end for people."""

    device: torch.device
    precision: Precision
    reason: str = field(compare=False)

    @property
    def name(self) -> str:
        """For people, such as ``the processor (bfloat16)``."""
        what = "the processor" if self.device.type == "cpu" else "the graphics processor"
        return f"{what} ({self.precision})"


def choose_runtimes(
    device: DeviceChoice = "auto", precision: PrecisionChoice = "auto"
) -> tuple[Runtime, ...]:
    """What networks can run on here, the best first: where one fails the next can take over.

    ``auto`` is the GPU where there is one, with the fastest precision that it, or the CPU,
    multiplies in hardware. A device that is asked for and not there is left out, and the first
    one's reason says so. The last one is always the CPU in float32.
    """
    there = [found.type for found in _devices()]
    wanted = there if device == "auto" else list(dict.fromkeys((device, "cpu")))
    found = [
        _runtime(torch.device(name), precision, chosen=device == name)
        for name in wanted
        if name in there
    ]
    if device not in ("auto", *there):
        reason = f"{device} is set, but torch finds none here; {found[0].reason}"
        found[0] = replace(found[0], reason=reason)
    if found[-1].precision != "float32":
        found.append(Runtime(torch.device("cpu"), "float32", "it works everywhere"))
    return tuple(found)


def _runtime(device: torch.device, precision: PrecisionChoice, *, chosen: bool) -> Runtime:
    fast = fast_precision(device)
    if device.type == "cpu":
        what = "the processor"
    elif device.type == "cuda":
        what = f"the graphics processor ({torch.cuda.get_device_name(device)})"
    else:
        what = "Apple's graphics processor"
    if precision != "auto":
        reason = f"{precision} is set"
        reason += f", and {device.type}" if chosen else ""
        return Runtime(device, precision, reason)
    if fast == "bfloat16":
        why = f"{what} multiplies bfloat16 in hardware"
    elif device.type == "mps":
        why = f"{what} is faster than its processor"
    else:
        why = f"{what} does not multiply bfloat16 in hardware"
    return Runtime(device, fast, f"{device.type} is set, and {why}" if chosen else why)


def _devices() -> list[torch.device]:
    """The devices that are there, the fastest first; the last is the CPU."""
    found = [torch.device("cpu")]
    if torch.backends.mps.is_available():
        found.insert(0, torch.device("mps"))
    if torch.cuda.is_available():
        found.insert(0, torch.device("cuda"))
    return found


def default_device() -> torch.device:
    """The CUDA device where there is one, else Apple's, else the CPU."""
    return _devices()[0]


def fast_precision(device: torch.device) -> Precision:
    """``bfloat16`` where the device multiplies it in hardware, else ``float32``."""
    if device.type == "cuda":
        # By default torch counts cards in that only emulate it, which is slower than float32.
        hardware = torch.cuda.is_bf16_supported(including_emulation=False)
        return "bfloat16" if hardware else "float32"
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
    """An image, N x 3 x H x W, on the network's device and channels-last.

    It stays in float32 where the network's precision is less: see `split_precision`.
    """
    weight = network.last.conv.weight
    ready = image.to(weight.device, torch.promote_types(weight.dtype, torch.float32))
    return ready.contiguous(memory_format=torch.channels_last)


def warm_up(runtime: Runtime) -> None:
    """Run a small network, so that the first picture does not wait for what is set up once.

    Raises RuntimeError where the runtime does not work, or computes what is not finite.
    """
    with torch.random.fork_rng(devices=[]):
        network = TransformerNetwork(TransformerSpec(channels=(8, 8, 8), residual_blocks=1))
        image = torch.rand(1, 3, 64, 64)
    network = prepare_for_inference(network, runtime.device, runtime.precision)
    with torch.inference_mode():
        image = prepare_image(network, image)
        pastiche = network(image, torch.ones(1, 1, device=runtime.device))
        if not bool(torch.isfinite(pastiche).all()):
            raise RuntimeError(f"{runtime.name} computes values that are not finite")
