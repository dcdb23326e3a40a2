"""What runs a transformer network in ``pastiche bench forward``: ours, and what others use."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pastiche_daemon.bench.convolutions import convolutions_alone
from pastiche_daemon.bench.plain_network import PlainNetwork
from pastiche_daemon.bench.turns import UnavailableError, Work
from pastiche_daemon.memory import MemoryBudget
from pastiche_daemon.nn.feature_store import FeatureStore
from pastiche_daemon.nn.runtime import (
    dtype_of,
    fast_precision,
    keep_freed_memory,
    prepare_for_inference,
)
from pastiche_daemon.nn.runtime_switches import Precision
from pastiche_daemon.nn.transformer import TransformerNetwork, TransformerSpec
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_network
from pastiche_daemon.photographs import load_picture, picture_tensor
from pastiche_daemon.strip_layer import TensorRows
from pastiche_daemon.stylize import LayerTensors, Stylized, StylizeOptions, stylize
from pastiche_daemon.stylize_memory import plan_stylizing
from pastiche_daemon.stylize_strips import StripStylizer

CPU = torch.device("cpu")


@dataclass(frozen=True)
class ForwardCase:
    """A network, of a pack or with random weights of ``channels``, and a square picture."""

    photograph: Path
    size: int
    pack: Path | None = None
    channels: tuple[int, int, int] = (32, 64, 128)
    style: int = 0

    def network(self) -> TransformerNetwork:
        """In float32, in evaluation mode. Raises `PackError` where the pack cannot be read."""
        if self.pack is not None:
            return load_network(read_pack(self.pack))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            spec = TransformerSpec(channels=self.channels, upsampling="nearest", norm="instance")
            return TransformerNetwork(spec).eval().requires_grad_(requires_grad=False)

    def image(self) -> Tensor:
        """1 x 3 x ``size`` x ``size`` in 0..1. Raises `PictureError`."""
        picture = load_picture(self.photograph).resize((self.size, self.size))
        return picture_tensor(picture).contiguous()


@dataclass(frozen=True)
class Variant:
    """``make`` gives the work, in a process of its own. ``precision`` is its convolutions'."""

    name: str
    precision: Precision
    make: Callable[[ForwardCase, Precision], Work]

    @property
    def title(self) -> str:
        return f"{self.name} {self.precision}"


EAGER, PASTICHE, OPENVINO, ALONE = "eager", "pastiche", "OpenVINO", "convolutions alone"


def variants() -> tuple[Variant, ...]:
    """All that make a picture, ours first, then eager as everybody runs it."""
    fast = fast_precision(CPU)
    every = [
        Variant(PASTICHE, fast, pastiche),
        Variant(EAGER, "float32", eager),
        Variant("eager, freed memory kept", "float32", eager_keeping),
        Variant("torch.compile", fast, compiled),
        Variant("ONNX Runtime", "float32", onnx_runtime),
        Variant(OPENVINO, "float32", openvino),
    ]
    if fast != "float32":
        every.insert(1, Variant(PASTICHE, "float32", pastiche))
        every.append(Variant(OPENVINO, fast, openvino))
    return tuple(every)


def limits() -> tuple[Variant, ...]:
    """The machine's own limits, one for every precision."""
    precisions: dict[Precision, None] = {fast_precision(CPU): None, "float32": None}
    return tuple(Variant(ALONE, precision, alone) for precision in precisions)


def pastiche(case: ForwardCase, precision: Precision) -> Work:
    """The product's own path, from a layer's colours to the pastiche's, whole or in strips."""
    keep_freed_memory()
    network = prepare_for_inference(case.network(), CPU, precision)
    layer = LayerTensors(case.image()[0])
    mix = torch.eye(network.spec.styles)[case.style]
    options = StylizeOptions(mix=tuple(mix.tolist()))
    limit = MemoryBudget().layer_limit
    plan = plan_stylizing((case.size, case.size), network.spec.channels, 1.0, limit)
    if plan.whole:
        return Work(lambda: stylize(network, layer, options, lambda _: None).color[None])

    def in_strips() -> Tensor:
        result = torch.empty_like(layer.color)

        def put(first: int, rows: Stylized) -> None:
            result[:, first : first + rows.color.shape[-2]] = rows.color

        with closing(FeatureStore(plan.map_bytes)) as store:
            strips = StripStylizer(
                network, TensorRows(layer), store, lambda: None, strip_rows=plan.strip_rows
            )
            strips.stylize(options, lambda _: None, put)
        return result[None]

    return Work(in_strips)


def eager(case: ForwardCase, precision: Precision) -> Work:  # noqa: ARG001 - as all are called
    """As everybody runs it: float32, the default layout, the default allocator."""
    network, image = PlainNetwork(case.network(), case.style), case.image()
    return Work(lambda: network(image))


def eager_keeping(case: ForwardCase, precision: Precision) -> Work:
    """As `eager`, with glibc told to keep freed memory."""
    keep_freed_memory()
    return eager(case, precision)


def compiled(case: ForwardCase, precision: Precision) -> Work:
    """torch.compile for this shape, channels-last."""
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except (InvalidCxxCompiler, OSError) as error:
        raise UnavailableError("torch.compile needs a C++ compiler, and there is none") from error
    keep_freed_memory()
    network = PlainNetwork(case.network(), case.style, dtype_of(precision))
    run: Callable[[Tensor], Tensor] = torch.compile(network.__call__, dynamic=False)
    image = case.image().contiguous(memory_format=torch.channels_last)
    run(image)  # compiles, which is not what is measured
    return Work(lambda: run(image))


def onnx_runtime(case: ForwardCase, precision: Precision) -> Work:  # noqa: ARG001 - float32 only
    """ONNX Runtime's CPU provider with all of its graph optimizations."""
    runtime = _imported("onnxruntime")
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    with _onnx(case) as path:
        session = runtime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (name,) = (given.name for given in session.get_inputs())
    image = case.image().numpy()
    return Work(lambda: torch.from_numpy(session.run(None, {name: image})[0]))


def openvino(case: ForwardCase, precision: Precision) -> Work:
    """OpenVINO's CPU plugin, for one request as fast as it can."""
    vino = _imported("openvino")
    hints = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bfloat16" else "f32",
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
    }
    with _onnx(case) as path:
        model = vino.Core().compile_model(path, "CPU", hints)
    image = case.image().numpy()
    return Work(lambda: torch.from_numpy(model(image)[0].copy()))


def alone(case: ForwardCase, precision: Precision) -> Work:
    """The convolutions and nothing else; there is no picture."""
    return convolutions_alone(case.network().spec, case.size, precision)


class _Module(nn.Module):
    def __init__(self, network: PlainNetwork) -> None:
        super().__init__()
        self._network = network

    def forward(self, image: Tensor) -> Tensor:
        return self._network(image)


@contextmanager
def _onnx(case: ForwardCase) -> Iterator[str]:
    """An ONNX file of eager's network for one size, by torch's own exporter."""
    _imported("onnxscript")
    network, image = PlainNetwork(case.network(), case.style), case.image()
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "network.onnx"))
        torch.onnx.export(
            _Module(network).eval(), (image,), path, external_data=False, verbose=False
        )
        yield path


def _imported(name: str) -> Any:
    """A package that only this benchmark needs. Raises `UnavailableError` without it."""
    if importlib.util.find_spec(name) is None:
        raise UnavailableError(f"{name} is not installed; `pip install pastiche[bench]` has it")
    return importlib.import_module(name)
