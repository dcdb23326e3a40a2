"""The trainings of new styles on the disk: what each needs, and how far it is.

A training is a folder that appears whole: `request.json`, the style image, the photographs and a
copy of the pack whose network learns. While it runs, it holds the checkpoint (`run/`), the newest
sample and at last the finished pack; `state.json` says how it stands, and is always a whole file.
Knowing the store does not load torch.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from pastiche_daemon.packs.files import part_file, storage_errors

Status = Literal["active", "failed", "done"]

_REQUEST = "request.json"
_STATE = "state.json"
_NEW_PREFIX = ".new-"
_OLD_PREFIX = ".old-"
_ID = re.compile(r"[a-z0-9-]{1,64}")
# How long it is told what became of a training.
_KEPT_SECONDS = 7 * 24 * 3600.0


class TrainingStateError(Exception):
    """What was asked of a training is not possible as it stands; the message says what is."""


class TrainingFailedError(Exception):
    """A training cannot go on; the message says why. `reason` is a stable word for programs."""

    def __init__(self, message: str, reason: str = "TRAINING_FAILED") -> None:
        super().__init__(message)
        self.reason = reason


class LearnRequest(BaseModel):
    """All that a training of a new style was asked for, besides its pictures.

    `photographs` are the user's own; `base_pack` is an id. With `steps` None, as many are made as
    fit into `minutes`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    request_id: str = ""
    display_name: str
    pack_id: str
    replace: bool = False
    base_pack: str
    photographs: int = 0
    minutes: float = 10.0
    steps: int | None = None
    style_size: int = 512
    crop_size: int = 256
    content_weight: float = 0.1
    style_weight: float = 1.0
    tv_weight: float = 8.0
    also_convolutions: bool = False
    seed: int = 0
    artist: str = ""
    license: str = ""
    attribution: str = ""
    created: float = 0.0


class LearnState(BaseModel):
    """How a training stands.

    `planned_steps` is None until the time of a step is known. `starts` counts how often it was
    started since it last got further. `reason` and `message` are of its failure. `pack_id` is the
    installed pack's; `ended` is in seconds since 1970.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Status = "active"
    planned_steps: int | None = None
    start_style: str = ""
    starts: int = 0
    step: int = 0
    seconds: float = 0.0
    finish_early: bool = False
    reason: str = ""
    message: str = ""
    pack_id: str = ""
    notes: tuple[str, ...] = ()
    ended: float = 0.0


@dataclass(frozen=True)
class TrainingFolder:
    """One training. `request` never changes; `state` and `save` are for one thread at a time."""

    path: Path
    request: LearnRequest

    @property
    def id(self) -> str:
        return self.path.name

    @property
    def style(self) -> Path:
        return self.path / "style.png"

    @property
    def photographs(self) -> tuple[Path, ...]:
        """The user's own."""
        return tuple(sorted((self.path / "photographs").glob("*.png")))

    @property
    def base(self) -> Path:
        """The pack whose network learns."""
        return self.path / "base.pastiche"

    @property
    def run(self) -> Path:
        """The folder of the checkpoint and the losses."""
        return self.path / "run"

    @property
    def sample(self) -> Path:
        return self.path / "sample.jpg"

    @property
    def pack(self) -> Path:
        """The finished pack, once it is there."""
        return self.path / "learned.pastiche"

    def state(self) -> LearnState:
        """Raises StorageError where it cannot be read."""
        with storage_errors(self.path):
            try:
                return LearnState.model_validate_json((self.path / _STATE).read_bytes())
            except FileNotFoundError:
                return LearnState()  # it has not begun
            except ValidationError as error:
                message = f"its {_STATE} is damaged: {error.error_count()} fields are wrong"
                return LearnState(status="failed", reason="TRAINING_DAMAGED", message=message)

    def save(self, state: LearnState) -> None:
        """Raises StorageFullError or StorageError; what was there before stays then."""
        self._write(self.path / _STATE, state.model_dump_json().encode())

    def write_sample(self, data: bytes) -> None:
        """As `save`, the newest sample."""
        self._write(self.sample, data)

    @staticmethod
    def _write(path: Path, data: bytes) -> None:
        with part_file(path) as part:
            part.file.write(data)
            part.finish()
            part.move_to(path)


class TrainingStore:
    """The trainings of a data folder. May be used from several threads."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made when the first training is."""
        self._folder = folder

    def create(
        self,
        request: LearnRequest,
        base: Path,
        style: bytes,
        photographs: Sequence[bytes],
    ) -> TrainingFolder:
        """A new training, whole or not at all. The pictures are PNG files.

        Raises StorageFullError or StorageError.
        """
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        path = self._folder / f"{stamp}-{secrets.token_hex(4)}"
        new = path.with_name(f"{_NEW_PREFIX}{path.name}")
        complete = request.model_copy(
            update={"created": time.time(), "photographs": len(photographs)}
        )
        files: Mapping[str, bytes] = {
            _REQUEST: complete.model_dump_json().encode(),
            "style.png": style,
            "base.pastiche": base.read_bytes(),
            **{f"photographs/{index:03d}.png": data for index, data in enumerate(photographs)},
        }
        with storage_errors(path):
            try:
                for name, data in files.items():
                    target = new / name
                    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    with part_file(target) as part:
                        part.file.write(data)
                        part.finish()
                        part.move_to(target)
                new.rename(path)
            finally:
                shutil.rmtree(new, ignore_errors=True)
        return TrainingFolder(path, complete)

    def list(self) -> list[TrainingFolder]:
        """All trainings, the oldest first; what a crash has left half made is removed.

        Not while one is created. Raises StorageError where the folder cannot be read.
        """
        found: list[TrainingFolder] = []
        with storage_errors(self._folder), contextlib.suppress(FileNotFoundError):
            for path in sorted(self._folder.iterdir()):
                if path.name.startswith((_NEW_PREFIX, _OLD_PREFIX)):
                    shutil.rmtree(path, ignore_errors=True)
                elif _ID.fullmatch(path.name) and (training := _read(path)) is not None:
                    found.append(training)
        return found

    def remove(self, training: TrainingFolder) -> None:
        """Remove a training; from one moment to the next it is no longer there."""
        old = training.path.with_name(f"{_OLD_PREFIX}{training.id}")
        with contextlib.suppress(FileNotFoundError):
            training.path.rename(old)
        shutil.rmtree(old, ignore_errors=True)

    def keep_result(self, training: TrainingFolder, state: LearnState) -> None:
        """Mark a training as done, and remove all but what tells of it."""
        training.save(state)
        for path in (training.run, training.path / "photographs"):
            shutil.rmtree(path, ignore_errors=True)
        for path in (training.base, training.style, training.pack):
            with contextlib.suppress(OSError):
                path.unlink()


def is_outdated(state: LearnState) -> bool:
    """Whether nobody needs to be told of a training any more."""
    return state.status == "done" and time.time() - state.ended > _KEPT_SECONDS


def _read(path: Path) -> TrainingFolder | None:
    try:
        request = LearnRequest.model_validate_json((path / _REQUEST).read_bytes())
        return TrainingFolder(path, request)
    except (OSError, ValidationError):
        return None  # not ours, or of a later version
