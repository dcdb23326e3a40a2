"""``pastiche bench forward``: our forward pass against the same network in plain eager torch.

Every variant runs in a fresh process of its own, so that allocator settings and peak memory
belong to it alone; the timed rounds take turns, so that a machine whose speed drifts is fair.
"""

from __future__ import annotations

import math
import multiprocessing
import statistics
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from pastiche_daemon.bench.peak_memory import PeakMemory
from pastiche_daemon.bench.plain_network import PlainNetwork
from pastiche_daemon.bench.report import BenchReport, Cell
from pastiche_daemon.nn.runtime import keep_freed_memory, prepare_for_inference, prepare_image
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_network
from pastiche_daemon.photographs import load_picture, picture_tensor

Variant = Literal["pastiche", "plain"]
_VARIANTS: tuple[Variant, ...] = ("pastiche", "plain")


def bench_forward(
    pack: Path,
    photograph: Path,
    sizes: Sequence[int],
    rounds: int,
    report: Callable[[str], None],
) -> BenchReport:
    """Time square images of ``sizes`` px, ``rounds`` times each after one warm-up.

    Raises `PackError` or `PictureError` where an input cannot be read.
    """
    read_pack(pack)  # here, because the other processes could only die of it
    load_picture(photograph)
    rows: list[Sequence[Cell]] = []
    for size in sizes:
        report(f"{size} px")
        measured = _measure(pack, photograph, size, rounds)
        ours, plain = measured["pastiche"], measured["plain"]
        ratios = [p / o for o, p in zip(ours.seconds, plain.seconds, strict=True)]
        rows.append(
            (
                f"{size} px",
                statistics.median(ours.seconds),
                statistics.median(plain.seconds),
                statistics.median(ratios),
                ours.peak_mib,
                plain.peak_mib,
                _psnr(ours.picture, plain.picture),
            )
        )
    return BenchReport(
        name="forward",
        columns=(
            "size",
            "pastiche s",
            "plain eager s",
            "times faster",
            "pastiche peak MiB",
            "plain peak MiB",
            "PSNR dB",
        ),
        rows=rows,
        notes=(
            "Plain eager: the same weights in float32, written with torch's own layers.",
            "Seconds and ratios are medians over the rounds, which take turns.",
            "Peak memory: most resident memory during a pass, above the process before it.",
        ),
    )


class _Measured:
    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.peak_mib = 0.0
        self.picture = torch.empty(0)


def _measure(pack: Path, photograph: Path, size: int, rounds: int) -> dict[Variant, _Measured]:
    context = multiprocessing.get_context("spawn")
    measured: dict[Variant, _Measured] = {variant: _Measured() for variant in _VARIANTS}
    connections: dict[Variant, Connection] = {}
    processes: list[SpawnProcess] = []
    try:
        for variant in _VARIANTS:
            here, there = context.Pipe()
            process = context.Process(
                target=_serve_passes, args=(there, variant, pack, photograph, size), daemon=True
            )
            process.start()
            there.close()
            processes.append(process)
            connections[variant] = here
            measured[variant].picture = torch.from_numpy(here.recv())
        for _ in range(rounds):
            for variant, connection in connections.items():
                connection.send("run")
                measured[variant].seconds.append(connection.recv())
        for variant, connection in connections.items():
            connection.send("stop")
            measured[variant].peak_mib = connection.recv() / 2**20
    finally:
        for connection in connections.values():
            connection.close()
        for process in processes:
            process.join(10)
            process.kill()
    return measured


def _serve_passes(
    connection: Connection, variant: Variant, pack: Path, photograph: Path, size: int
) -> None:
    """In a process of its own: send a picture, a time for every ``run``, and last the peak."""
    run = _forward(variant, pack, photograph, size)
    with PeakMemory() as peak:
        picture = run()
        connection.send(picture.float().numpy())
        while connection.recv() == "run":
            started = time.perf_counter()
            run()
            connection.send(time.perf_counter() - started)
    connection.send(peak.bytes)


def _forward(variant: Variant, pack: Path, photograph: Path, size: int) -> Callable[[], Tensor]:
    if variant == "pastiche":
        keep_freed_memory()
    network = load_network(read_pack(pack))
    picture = load_picture(photograph).resize((size, size))
    image = picture_tensor(picture).contiguous()
    if variant == "plain":
        plain = PlainNetwork(network, style=0)
        return lambda: plain(image)
    prepared = prepare_for_inference(network, torch.device("cpu"))
    mix = torch.eye(network.spec.styles)[:1]

    def ours() -> Tensor:
        with torch.inference_mode():
            return prepared(prepare_image(prepared, image), mix)

    return ours


def _psnr(a: Tensor, b: Tensor) -> float:
    error = float(np.mean(np.square(a.double().numpy() - b.double().numpy())))
    return math.inf if error == 0 else -10 * math.log10(error)
