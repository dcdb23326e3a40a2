"""A whole distillation: from teachers' files and photographs to an encoder file of our own."""

from __future__ import annotations

import csv
import json
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from pastiche_daemon import __version__
from pastiche_daemon.checkpoints import check_resumption
from pastiche_daemon.distill import (
    STUDENT,
    Distillation,
    DistillConfig,
    DistillReport,
    Teacher,
)
from pastiche_daemon.encoders import CHANNELS_KEY, load_encoder
from pastiche_daemon.nn.encoder import UnknownLayerError
from pastiche_daemon.nn.runtime import Precision, keep_freed_memory
from pastiche_daemon.photographs import (
    RandomCrops,
    find_photographs,
    fit_long_side,
    load_picture,
    picture_tensor,
)
from pastiche_daemon.provenance import commit_of_checkout
from pastiche_daemon.training_schedule import TrainingError

_SCALING_BATCHES = 50
_HELD_OUT_SIZE = 512


@dataclass(frozen=True)
class TeacherFile:
    """An encoder by name, its weights file, and the layers to learn from it."""

    name: str
    path: Path
    layers: tuple[str, ...]


@dataclass(frozen=True)
class DistillRequest:
    """All that a distillation is told."""

    photographs: Path
    teachers: tuple[TeacherFile, ...]
    folder: Path
    command: str
    held_out: tuple[Path, ...] = ()
    licence: str = ""
    steps: int = 10_000
    batch_size: int = 4
    crop_size: int = 224
    learning_rate: float = 1e-3
    seed: int = 0
    precision: Precision = "float32"
    resume: bool = False


@dataclass(frozen=True)
class DistilledFile:
    """The encoder's file, and per layer the mean cosine of Gram matrices on held-out pictures."""

    path: Path
    gram_cosines: dict[str, float]


def distill(request: DistillRequest, on_step: Callable[[DistillReport], None]) -> DistilledFile:
    """Train (or go on training) and write ``compact.safetensors`` into the run's folder.

    The 1x1 convolutions that map its features to the teachers' channels, with which it was
    measured, stand beside it in ``compact-heads.safetensors``.


    Raises `TrainingError`, `PictureError` or `EncoderFileError` before anything is written.
    """
    held_out = [load_picture(path) for path in request.held_out]
    found = find_photographs(request.photographs)
    check_resumption(request.folder, resume=request.resume)
    loaded = [load_encoder(teacher.name, teacher.path) for teacher in request.teachers]
    keep_freed_memory()
    config = DistillConfig(
        steps=request.steps,
        batch_size=request.batch_size,
        crop_size=request.crop_size,
        learning_rate=request.learning_rate,
        seed=request.seed,
        precision=request.precision,
    )
    taught = [
        {"encoder": file.name, "sha256": file.sha256, "origin": file.origin, "layers": t.layers}
        for file, t in zip(loaded, request.teachers, strict=True)
    ]
    crops = RandomCrops(found.paths, request.crop_size, request.seed)
    try:
        run = Distillation(
            config,
            [Teacher(f.encoder, t.layers) for f, t in zip(loaded, request.teachers, strict=True)],
            crops,
            request.folder,
            fingerprint={"teachers": taught, "photographs": [p.name for p in found.paths]},
        )
    except UnknownLayerError as error:
        raise TrainingError(f"teachers: {error}") from error
    request.folder.mkdir(parents=True, exist_ok=True)
    with (request.folder / "losses.csv").open("a", newline="", encoding="utf-8") as file:
        log = csv.writer(file)
        for report in run.steps():
            log.writerow([report.step, report.loss, *report.errors.values(), report.seconds])
            on_step(report)
    pictures = [picture_tensor(fit_long_side(image, _HELD_OUT_SIZE)) for image in held_out]
    # Other steps than those of training, so that no crop is one that was just learned.
    batches = [crops.batch(request.steps + i, request.batch_size) for i in range(_SCALING_BATCHES)]
    learned = run.finished(batches)
    measured = [run.gram_cosines(learned, picture) for picture in pictures]
    cosines = {
        layer: statistics.fmean(values[layer] for values in measured)
        for layer in (measured[0] if measured else ())
    }
    provenance = {
        "command": request.command,
        "teachers": taught,
        "photographs": len(found.paths),
        "steps": run.step,
        "seconds": round(run.seconds, 1),
        "seed": request.seed,
        "precision": request.precision,
        "commit": commit_of_checkout(),
        "pastiche_version": __version__,
        "torch_version": torch.__version__,
        "date": datetime.now(timezone.utc).date().isoformat(),
        "gram_cosines": cosines,
    }
    metadata = {
        "architecture": STUDENT,
        CHANNELS_KEY: json.dumps(learned.encoder.spec.blocks),
        "origin": "Trained by Pastiche: " + "; ".join(str(t["origin"]) for t in taught),
        "licence": request.licence,
        "provenance": json.dumps(provenance),
    }
    path = request.folder / f"{STUDENT}.safetensors"
    _write(path.with_name(f"{STUDENT}-heads.safetensors"), learned.heads, metadata)
    _write(path, learned.tensors(), metadata)
    return DistilledFile(path, cosines)


def _write(path: Path, tensors: dict[str, Tensor], metadata: dict[str, str]) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_bytes(save(tensors, metadata))
    temporary.replace(path)
