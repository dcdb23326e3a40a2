"""How far a run is, and how it went."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from pastiche_client.layer import Layer

ResultT = TypeVar("ResultT")


class RunStage(Enum):
    """What happens to the layer whose turn it is."""

    STARTING = "starting"  # the daemon
    SENDING = "sending"
    QUEUED = "queued"
    LOADING = "loading"  # the style or the encoder
    STYLIZING = "stylizing"
    PAINTING = "painting"
    UPSCALING = "upscaling"


@dataclass(frozen=True)
class RunItem:
    """A layer to work on.

    Attributes:
        key: the editor's own handle.
        layer: its pixels, or what reads them in the thread of windows when it is their turn, so
            that many layers (an animation's frames) need not be in memory at once; what it raises
            becomes this item's failure.
        label: its name, for progress and failures.
    """

    key: object
    layer: Layer | Callable[[], Layer]
    label: str


@dataclass(frozen=True)
class RunState:
    """How far a run is.

    Attributes:
        index: of the item whose turn it is, 0..count-1.
        count: how many items there are.
        label: the item's.
        fraction: of all the work, 0..1, never decreasing.
        stage: what happens now.
        queue_position: how many calls run before this one; 0 if it does not wait.
        step: how many steps of an optimization are done; 0 before and for anything else.
        steps: how many there are at most.
    """

    index: int
    count: int
    label: str
    fraction: float
    stage: RunStage
    queue_position: int = 0
    step: int = 0
    steps: int = 0


@dataclass(frozen=True)
class Outcome(Generic[ResultT]):
    """How it went for one item: it has a result or an error, or neither if it was cancelled."""

    key: object
    label: str
    result: ResultT | None = None
    error: BaseException | None = None
    delivered: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether there is a result, here or with whoever got it as it came."""
        return self.result is not None or self.delivered

    @property
    def cancelled(self) -> bool:
        return not self.succeeded and self.error is None


@dataclass(frozen=True)
class Outcomes(Generic[ResultT]):
    """How a run went: an outcome for every item, in their order."""

    outcomes: tuple[Outcome[ResultT], ...]
    cancelled: bool

    @property
    def succeeded(self) -> tuple[Outcome[ResultT], ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.succeeded)

    @property
    def failed(self) -> tuple[Outcome[ResultT], ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.error is not None)
