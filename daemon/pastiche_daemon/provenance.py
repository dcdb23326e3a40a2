"""The parts of a pack's provenance that every training tells alike; see `TrainingProvenance`."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol, TypedDict

import torch
import torchvision

from pastiche_daemon import __version__
from pastiche_daemon.encoders import LoadedEncoder
from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.objective import ObjectiveWeights
from pastiche_daemon.training_schedule import Schedule


class MadeHere(TypedDict):
    """By which programs, and when."""

    commit: str
    pastiche_version: str
    torch_version: str
    torchvision_version: str
    date: str


class JudgedBy(TypedDict):
    """Which encoder took the losses."""

    encoder: str
    encoder_sha256: str
    encoder_origin: str


class TrainedAs(TypedDict):
    """With which numbers."""

    seed: int
    batch_size: int
    crop_size: int
    learning_rate: float
    precision: str


class SeededSchedule(Schedule, Protocol):
    """The config of any training."""

    @property
    def seed(self) -> int: ...
    @property
    def precision(self) -> str: ...


def made_here() -> MadeHere:
    """This code, and today."""
    return MadeHere(
        commit=commit_of_checkout(),
        pastiche_version=__version__,
        torch_version=torch.__version__,
        torchvision_version=torchvision.__version__,
        date=datetime.now(timezone.utc).date().isoformat(),
    )


def judged_by(encoder: LoadedEncoder[Encoder]) -> JudgedBy:
    """The encoder's facts."""
    return JudgedBy(
        encoder=encoder.name, encoder_sha256=encoder.sha256, encoder_origin=encoder.origin
    )


def trained_as(config: SeededSchedule) -> TrainedAs:
    """The config's numbers, save the steps: a training may end before they are done."""
    return TrainedAs(
        seed=config.seed,
        batch_size=config.batch_size,
        crop_size=config.crop_size,
        learning_rate=config.learning_rate,
        precision=config.precision,
    )


def term_weights(weights: ObjectiveWeights, grid: float) -> dict[str, float]:
    """The weights of the loss terms of a training of styles."""
    return {
        "content": weights.content,
        "style": weights.style,
        "tv": weights.tv,
        "tv_exponent": weights.tv_exponent,
        "grid": grid,
    }


def commit_of_checkout() -> str:
    """The commit of the code that runs, where it runs from a checkout."""
    command = [
        "git",
        "-C",
        str(Path(__file__).parent),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=40",
    ]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return result.stdout.strip()


def file_sha256(path: Path) -> str:
    """The hash of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def names_sha256(paths: Sequence[Path]) -> str:
    """The hash of the names of files in their order, in hexadecimal: for thousands of pictures."""
    return hashlib.sha256("\n".join(path.name for path in paths).encode()).hexdigest()
