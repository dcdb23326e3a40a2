"""The checkpoint in the folder of a training, whichever kind of network it trains."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from pastiche_daemon.training_schedule import TrainingError

CHECKPOINT = "checkpoint.pt"

Change = tuple[str, str, str]
"""What changed between two parts of a run: its name, the value before, the value now."""


def write_checkpoint(folder: Path, contents: Mapping[str, Any]) -> None:
    """Write a run's checkpoint: to a temporary file first, so that there is always a whole one.

    Raises OSError, a full disk included; the file before it stays then.
    """
    # Of a file that cannot be written, torch would make a RuntimeError.
    buffer = io.BytesIO()
    torch.save(dict(contents), buffer)
    path = folder / CHECKPOINT
    temporary = path.with_suffix(".tmp")
    try:
        with temporary.open("wb") as file:
            file.write(buffer.getbuffer())
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def check_resumption(folder: Path, *, resume: bool) -> None:
    """Raise `TrainingError` unless a checkpoint is there exactly where one is to be continued."""
    has_checkpoint = (folder / CHECKPOINT).exists()
    if has_checkpoint and not resume:
        raise TrainingError(
            f"{folder} already holds a training; continue it with --resume or choose another folder"
        )
    if resume and not has_checkpoint:
        raise TrainingError(f"{folder} holds no checkpoint to resume from")


def description_of(config: Mapping[str, Any], data: Mapping[str, Any]) -> str:
    """What a checkpoint says, as ``description``, of the training that it belongs to, as JSON."""
    return json.dumps({"config": config, "data": data})


def read_checkpoint(
    folder: Path,
    description: str,
    device: torch.device,
    take_changeable: Callable[[dict[str, Any], dict[str, Any]], Iterable[Change]],
) -> tuple[dict[str, Any], list[str]]:
    """A run's checkpoint, and a note of what changed since, if anything did.

    Args:
        description: `description_of` the training that goes on.
        device: where its tensors go.
        take_changeable: removes what a continuation may change from the config before and the
            config now, and yields it.

    Raises:
        TrainingError: it belongs to another training.
    """
    path = folder / CHECKPOINT
    saved = torch.load(path, map_location=device, weights_only=True)
    before, now = json.loads(saved["description"]), json.loads(description)
    changes = [
        f"{name} {was} -> {wanted}"
        for name, was, wanted in take_changeable(before["config"], now["config"])
        if was != wanted
    ]
    if before != now:
        raise TrainingError(
            f"{path} belongs to another training ({_difference(before, now)}); continue it "
            "with what it was started with, or choose another folder"
        )
    return saved, [f"changed at step {saved['step']}: {', '.join(changes)}"] if changes else []


def _difference(before: Any, now: Any, path: str = "") -> str:
    """The first place where two JSON values differ, for a message."""
    if isinstance(before, dict) and isinstance(now, dict):
        for key in {**before, **now}:
            if before.get(key) != now.get(key):
                return _difference(before.get(key), now.get(key), f"{path}.{key}" if path else key)
    return f"{path}: {before!r} then, {now!r} now"
