"""``pastiche bench train``: our training step against pytorch/examples' loop written plainly.

Both train the same network on the same photographs, with crops of the same size, as many a step,
the same loss network and layers. Every variant runs in a fresh process of its own, so that
allocator settings and peak memory belong to it alone; they take turns, so that a machine whose
speed drifts is fair. The weights of the loss network are random: no time depends on them.
"""

from __future__ import annotations

import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision.models import vgg16

from pastiche_daemon.bench.peak_memory import PeakMemory
from pastiche_daemon.bench.plain_transformer import PlainTransformer
from pastiche_daemon.bench.report import BenchError, BenchReport, Cell
from pastiche_daemon.nn.encoder import encoder_from_state, encoder_specs
from pastiche_daemon.nn.runtime import Precision, fast_precision, keep_freed_memory
from pastiche_daemon.packs.importers.fast_neural_style import network_from
from pastiche_daemon.photographs import (
    RandomCrops,
    find_photographs,
    fit_long_side,
    load_picture,
    picture_tensor,
)
from pastiche_daemon.train import Training
from pastiche_daemon.training_presets import training_presets

_PRESET = "pytorch-examples"
# torchvision's VGG-16 behind relu1_2, relu2_2, relu3_3 and relu4_3.
_TAPS = (3, 8, 15, 22)
_CONTENT_TAP = 1
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class TrainBenchRequest:
    """What is trained on; ``rounds`` of ``steps`` are timed after one step to warm up."""

    photographs: Path
    style: Path
    batch_size: int = 4
    crop_size: int = 256
    style_size: int = 256
    rounds: int = 5
    steps: int = 2
    seed: int = 0


def bench_train(request: TrainBenchRequest, report: Callable[[str], None]) -> BenchReport:
    """Images per second and peak memory of both. Raises `BenchError` or `PictureError`."""
    load_picture(request.style)  # here, because the other processes could only die of it
    find_photographs(request.photographs)
    fast = fast_precision(torch.device("cpu"))
    variants: dict[str, Precision | None] = {"plain loop": None, "pastiche float32": "float32"}
    if fast != "float32":
        variants[f"pastiche {fast}"] = fast
    measured = _measure(request, variants, report)
    plain = measured["plain loop"]
    rows: list[Sequence[Cell]] = []
    for name, run in measured.items():
        ratios = [p / o for o, p in zip(run.seconds, plain.seconds, strict=True)]
        images = request.steps * request.batch_size
        rows.append(
            (
                name,
                images / statistics.median(run.seconds),
                statistics.median(ratios),
                min(ratios),
                max(ratios),
                run.peak_mib,
                run.peak_mib / plain.peak_mib,
                run.loss,
            )
        )
    return BenchReport(
        name="train",
        columns=(
            "training",
            "images / s",
            "times faster",
            "least",
            "most",
            "peak MiB",
            "share of plain",
            "loss at the start",
        ),
        rows=rows,
        notes=(
            (
                f"{request.batch_size} crops of {request.crop_size} px a step; fast_neural_style's "
                "network with 32, 64 and 128 channels, VGG-16 with random weights, Adam."
            ),
            "Plain loop: as pytorch/examples' own, in eager float32, of torch's layers.",
            (
                f"Medians over {request.rounds} rounds of {request.steps} steps, which take turns; "
                "times faster: in the same round."
            ),
            "Peak memory: most resident memory during the steps, above the process before them.",
            "The loss at the start is of the same weights and crops: that both do the same.",
        ),
    )


class _Measured:
    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.peak_mib = 0.0
        self.loss = 0.0


def _measure(
    request: TrainBenchRequest,
    variants: dict[str, Precision | None],
    report: Callable[[str], None],
) -> dict[str, _Measured]:
    context = multiprocessing.get_context("spawn")
    measured = {name: _Measured() for name in variants}
    connections: dict[str, Connection] = {}
    processes: list[SpawnProcess] = []
    try:
        for name, precision in variants.items():
            report(f"{name}: warming up")
            here, there = context.Pipe()
            process = context.Process(
                target=_serve_steps, args=(there, request, precision), daemon=True
            )
            process.start()
            there.close()
            processes.append(process)
            connections[name] = here
            measured[name].loss = here.recv()
        for number in range(request.rounds):
            report(f"round {number + 1} of {request.rounds}")
            for name, connection in connections.items():
                connection.send("run")
                measured[name].seconds.append(connection.recv())
        for name, connection in connections.items():
            connection.send("stop")
            measured[name].peak_mib = connection.recv() / 2**20
    except EOFError as error:
        raise BenchError("a process died; is there enough memory?") from error
    finally:
        for connection in connections.values():
            connection.close()
        for process in processes:
            process.join(10)
            process.kill()
    return measured


def _serve_steps(
    connection: Connection, request: TrainBenchRequest, precision: Precision | None
) -> None:
    """In a process of its own: send the first loss, a time for every ``run``, and last the peak."""
    with tempfile.TemporaryDirectory() as folder:
        losses = (
            plain_losses(request)
            if precision is None
            else our_losses(request, precision, Path(folder))
        )
        with PeakMemory() as peak:
            connection.send(next(losses))
            while connection.recv() == "run":
                started = time.perf_counter()
                for _ in range(request.steps):
                    next(losses)
                connection.send(time.perf_counter() - started)
        connection.send(peak.bytes)
        losses.close()  # pyright: ignore[reportAttributeAccessIssue]


def our_losses(request: TrainBenchRequest, precision: Precision, folder: Path) -> Iterator[float]:
    """The losses of steps of our training, one at a time."""
    keep_freed_memory()
    transformer, features = _networks(request.seed)
    state = transformer.state_dict()
    start = network_from(state, {name: value.shape for name, value in state.items()}, "start")
    preset = training_presets()[_PRESET]
    config = replace(
        preset.config,
        batch_size=request.batch_size,
        crop_size=request.crop_size,
        seed=request.seed,
        precision=precision,
    )
    prefixed = {f"features.{name}": value for name, value in features.state_dict().items()}
    training = Training(
        config,
        encoder_from_state(encoder_specs()["vgg16"], prefixed),
        _SameCrops(find_photographs(request.photographs).paths, request),
        [picture_tensor(_style(request))],
        folder,
        fingerprint={},
        device=torch.device("cpu"),
        start=start,
    )
    for report in training.steps(checkpoint_seconds=float("inf")):
        yield report.total


def plain_losses(request: TrainBenchRequest) -> Iterator[float]:
    """The losses of steps of the plain loop, one at a time."""
    transformer, features = _networks(request.seed)
    optimizer = torch.optim.Adam(transformer.parameters(), 1e-3)
    mse = nn.MSELoss()
    style = picture_tensor(_style(request)).contiguous() * 255
    style = style.repeat(request.batch_size, 1, 1, 1)
    style_grams = [_gram(y) for y in _tapped(features, _normalized(style))]
    crops = _SameCrops(find_photographs(request.photographs).paths, request)
    step = 0
    while True:
        images = crops.batch(step, request.batch_size).contiguous() * 255
        optimizer.zero_grad()
        pastiche = transformer(images)
        of_pastiche = _tapped(features, _normalized(pastiche))
        of_images = _tapped(features, _normalized(images))
        content = 1e5 * mse(of_pastiche[_CONTENT_TAP], of_images[_CONTENT_TAP])
        pairs = zip(of_pastiche, style_grams, strict=True)
        error = torch.stack([mse(_gram(y), gram) for y, gram in pairs]).sum()
        total = content + 1e10 * error
        total.backward()  # pyright: ignore[reportUnknownMemberType]
        optimizer.step()
        step += 1
        yield total.item()


class _SameCrops(RandomCrops):
    """The middle of each photograph in turn, as pytorch/examples' loader cuts it."""

    def __init__(self, paths: tuple[Path, ...], request: TrainBenchRequest) -> None:
        super().__init__(paths, request.crop_size, request.seed)
        self._files, self._side = paths, request.crop_size

    def batch(self, step: int, size: int, rows: slice = slice(None)) -> Tensor:
        places = range(step * size, (step + 1) * size)[rows]
        crops = [self._middle(self._files[place % len(self._files)]) for place in places]
        return torch.cat(crops).contiguous(memory_format=torch.channels_last)

    def _middle(self, path: Path) -> Tensor:
        image = load_picture(path)
        factor = self._side / min(image.size)
        width, height = (max(self._side, round(side * factor)) for side in image.size)
        image = image.resize((width, height), Image.Resampling.BILINEAR)
        left, top = (width - self._side) // 2, (height - self._side) // 2
        return picture_tensor(image.crop((left, top, left + self._side, top + self._side)))


def _networks(seed: int) -> tuple[PlainTransformer, nn.Sequential]:
    """The network to train and the leading part of VGG-16, both random but the same everywhere."""
    torch.manual_seed(seed)
    transformer = PlainTransformer()
    features = nn.Sequential(*list(vgg16(weights=None).features.children())[: _TAPS[-1] + 1])
    return transformer, features.requires_grad_(requires_grad=False)


def _style(request: TrainBenchRequest) -> Image.Image:
    return fit_long_side(load_picture(request.style), request.style_size)


def _tapped(features: nn.Sequential, x: Tensor) -> list[Tensor]:
    found: list[Tensor] = []
    for number, layer in enumerate(features):
        x = layer(x)
        if number in _TAPS:
            found.append(x)
    return found


def _gram(y: Tensor) -> Tensor:
    n, c, h, w = y.size()
    flat = y.view(n, c, w * h)
    return flat.bmm(flat.transpose(1, 2)) / (c * h * w)


def _normalized(images: Tensor) -> Tensor:
    mean, std = (images.new_tensor(values).view(-1, 1, 1) for values in (_MEAN, _STD))
    return (images / 255 - mean) / std
