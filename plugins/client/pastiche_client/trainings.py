"""Trainings of new styles: what may be chosen, and how they go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from pastiche.v1 import training_pb2
from pastiche_client.errors import DaemonError, InternalError
from pastiche_client.status import error_of_status

if TYPE_CHECKING:
    from google.longrunning import (  # pyright: ignore[reportMissingTypeStubs]
        operations_proto_pb2 as operations_pb2,
    )

    from pastiche_client.layer import Layer

_PREFIX = "operations/training-"


@dataclass(frozen=True)
class LearnOptions:
    """How to learn a style. The defaults serve.

    Attributes:
        photographs: to train on, such as the picture that the style is for; at most 64. Beside few
            of them, Pastiche's own are used.
        minutes: how long to train; as many steps are made as fit.
        steps: how many steps instead, however long they take.
        base_pack: the pack whose network learns; `masters` if empty.
        pack_id: of the pack that it is going to be; made from the name if empty.
        replace: an installed pack of that id.
        style_size: longer side of the style image in training, in pixels: sets the strokes' size.
        crop_size: side of the random crops of photographs, in pixels.
        content_weight: larger: the photograph is easier to recognise. None: the daemon's default.
        style_weight: larger: more of the style.
        tv_weight: larger: smoother.
        also_convolutions: train all weights: slower, and closer to the style.
        seed: of the crops.
        artist, license, attribution: what the pack says of the style image.
    """

    photographs: Sequence[Layer] = ()
    minutes: float | None = None
    steps: int | None = None
    base_pack: str = ""
    pack_id: str = ""
    replace: bool = False
    style_size: int | None = None
    crop_size: int | None = None
    content_weight: float | None = None
    style_weight: float | None = None
    tv_weight: float | None = None
    also_convolutions: bool = False
    seed: int = 0
    artist: str = ""
    license: str = ""
    attribution: str = ""


class TrainingState(IntEnum):
    """What a training does. The values are those of the API."""

    UNSPECIFIED = 0
    QUEUED = 1
    PREPARING = 2
    RUNNING = 3
    INSTALLING = 4
    DONE = 5
    FAILED = 6
    CANCELLED = 7


@dataclass(frozen=True)
class TrainingLosses:
    """Losses with their weights, averaged over the latest steps; they sum to the total."""

    total: float
    content: float
    style: float
    tv: float
    grid: float

    @staticmethod
    def of(message: training_pb2.TrainingLosses) -> TrainingLosses:
        return TrainingLosses(
            message.total, message.content, message.style, message.tv, message.grid
        )


@dataclass(frozen=True)
class Training:
    """A training at one moment. It goes on without the client, and after the daemon's end.

    Attributes:
        name: `operations/training-...`; it stays the same for as long as the training is known.
        display_name: what the style is going to be called.
        pack: `packs/{pack}` that it is going to be.
        state: what it does.
        step: finished steps.
        steps: of so many; 0 until that is known.
        seconds: spent in steps so far.
        seconds_left: an estimate; None until it is known.
        losses: None before the first step.
        sample: an encoded picture of a photograph in the style as it stands; empty at first.
        sample_media_type: `image/jpeg` or `image/png`.
        sample_step: finished steps when the sample was made.
        base_pack: `packs/{pack}` whose network learns.
        start_style: the style that it started from.
        create_time: in seconds since 1970.
        notes: sentences for the user.
        style: `packs/{pack}/styles/{style}`, to stylize with, once it is DONE; else empty.
        error: why it FAILED or was CANCELLED, or that the daemon was stopped; else None.
        done: nothing will change by itself any more.
    """

    name: str
    display_name: str
    pack: str
    state: TrainingState
    step: int
    steps: int
    seconds: float
    seconds_left: float | None
    losses: TrainingLosses | None
    sample: bytes = field(repr=False)
    sample_media_type: str
    sample_step: int
    base_pack: str
    start_style: str
    create_time: float
    notes: tuple[str, ...]
    style: str
    error: DaemonError | None
    done: bool

    @property
    def id(self) -> str:
        """The short name, for people to type."""
        return self.name.removeprefix(_PREFIX)

    @property
    def pack_id(self) -> str:
        return self.pack.removeprefix("packs/")

    @property
    def active(self) -> bool:
        """Whether it runs, or will when it is its turn."""
        return not self.done

    @property
    def fraction(self) -> float | None:
        """Share of the steps that are made, 0..1; None until their number is known."""
        return min(1.0, self.step / self.steps) if self.steps else None

    @staticmethod
    def of(operation: operations_pb2.Operation) -> Training:
        """Raises InternalError where the operation is no training, or its answer makes no sense."""
        message = training_pb2.LearnStyleMetadata()
        if not operation.metadata.Unpack(message):
            raise InternalError(f"{operation.name} is no training.")
        known = message.state in set(TrainingState)
        style, error, notes = "", None, tuple(message.notes)
        if operation.HasField("error"):
            error = error_of_status(operation.error)
        elif operation.done:
            response = training_pb2.LearnStyleResponse()
            if not operation.response.Unpack(response):
                raise InternalError("The daemon did not say which style it learned.")
            style, notes = response.style, (*notes, *response.notes)
        return Training(
            name=operation.name,
            display_name=message.display_name,
            pack=message.pack,
            state=TrainingState(message.state) if known else TrainingState.UNSPECIFIED,
            step=message.step,
            steps=message.steps,
            seconds=message.seconds,
            seconds_left=message.seconds_left if message.HasField("seconds_left") else None,
            losses=TrainingLosses.of(message.losses) if message.HasField("losses") else None,
            sample=message.sample,
            sample_media_type=message.sample_media_type,
            sample_step=message.sample_step,
            base_pack=message.base_pack,
            start_style=message.start_style,
            create_time=message.create_time,
            notes=notes,
            style=style,
            error=error,
            done=operation.done,
        )


def is_training(operation: operations_pb2.Operation) -> bool:
    """Whether an operation is a training, and not an installation or the like."""
    return training_pb2.LearnStyleMetadata.DESCRIPTOR.full_name == operation.metadata.TypeName()


def training_name(training: str) -> str:
    """The full name of a training, from its id or name."""
    return training if training.startswith("operations/") else f"{_PREFIX}{training}"
