"""Working through a batch: reading ahead and writing behind the daemon."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import TimeRemainingColumn

from pastiche_client.errors import DaemonError, UnavailableError
from pastiche_client.results import Progress as DaemonProgress
from pastiche_daemon.cli.batch_manifest import BatchManifest
from pastiche_daemon.cli.counting import counting_bar, left
from pastiche_daemon.cli.imagefile import (
    Picture,
    PictureFileError,
    check_size,
    read_picture,
    write_picture,
)

if TYPE_CHECKING:
    from rich.console import Console

    from pastiche_client.client import Client
    from pastiche_client.layer import Layer
    from pastiche_client.results import Event
    from pastiche_daemon.cli.batch_plan import BatchJob, BatchPlan


class BatchStoppedError(Exception):
    """The batch cannot go on, for the daemon or the disk fails; the message says why."""


@dataclass
class Outcome:
    """How many results were made, and sentences about the pictures that could not be used."""

    made: int = 0
    failed: list[str] = field(default_factory=list[str])


def run_batch(client: Client, console: Console, plan: BatchPlan) -> Outcome:
    """Make everything that is to be done. A picture that cannot be used is passed over.

    Raises:
        BatchStoppedError: nothing more can be made; what is finished is kept.
    """
    outcome = Outcome()
    progress = _BatchProgress(console, len(plan.jobs))
    with progress.bar, ThreadPoolExecutor(2) as pool:
        writing: Future[None] | None = None
        ahead = _Ahead(pool, plan.jobs)
        try:
            for job in plan.jobs:
                progress.begin(job.source.name)
                try:
                    picture = ahead.next()
                    check_size(Path(job.target), picture.layer.width, picture.layer.height)
                    layer = _stylized(client, job, picture, progress)
                except UnavailableError as error:
                    raise BatchStoppedError(str(error)) from error
                except (DaemonError, PictureFileError) as error:
                    where = "" if str(job.source.path) in str(error) else f"{job.source.path}: "
                    outcome.failed.append(f"{where}{error}")
                    progress.finish(job, f"Error: {where}{error}")
                    continue
                _wait_for(writing)
                writing = pool.submit(_write, plan.folder, job, layer, picture.resolution)
                outcome.made += 1
                progress.finish(job, None)
            _wait_for(writing)
        finally:
            # The pool waits for the picture that is being written, even after an interruption.
            ahead.drop()
    return outcome


class _Ahead:
    """Reads every job's picture while the one before it is worked on."""

    def __init__(self, pool: ThreadPoolExecutor, jobs: Sequence[BatchJob]) -> None:
        self._pool = pool
        self._left = iter(jobs)
        self._next: Future[Picture] | None = None
        self._begin()

    def next(self) -> Picture:
        """The next job's picture. Raises PictureFileError."""
        assert self._next is not None
        try:
            return self._next.result()
        finally:
            self._begin()

    def drop(self) -> None:
        if self._next is not None:
            self._next.cancel()

    def _begin(self) -> None:
        job = next(self._left, None)
        self._next = None if job is None else self._pool.submit(read_picture, job.source.path)


def _stylized(client: Client, job: BatchJob, picture: Picture, progress: _BatchProgress) -> Layer:
    def show(event: Event) -> None:
        if isinstance(event, DaemonProgress):
            progress.at(event.fraction)

    settings = job.settings
    result = client.stylize(
        picture.layer,
        dict(job.styles),
        strength=settings.strength,
        preserve_colors=settings.preserve_colors,
        stroke_size=settings.stroke_size,
        on_event=show,
    )
    return result.layer


def _write(folder: Path, job: BatchJob, layer: Layer, resolution: tuple[float, float]) -> None:
    manifest, target = BatchManifest(folder), folder / job.target
    record = job.record()
    manifest.begin(job.target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PictureFileError(f"{target.parent}: {error.strerror or error}") from error
    write_picture(target, layer, resolution=resolution, quality=job.settings.quality)
    manifest.finish(job.target, record)


def _wait_for(writing: Future[None] | None) -> None:
    if writing is None:
        return
    try:
        writing.result()
    except PictureFileError as error:
        # The next one would fail as well.
        raise BatchStoppedError(str(error)) from error


class _BatchProgress:
    """A bar with the time left, or a line for every picture where there is no terminal."""

    def __init__(self, console: Console, count: int) -> None:
        self._console = console
        self._count = count
        self._done = 0
        self._began = time.monotonic()
        self.bar = counting_bar(console, TimeRemainingColumn())
        self._task = self.bar.add_task("", total=count)

    def begin(self, name: str) -> None:
        self.bar.update(self._task, description=name)

    def at(self, fraction: float) -> None:
        self.bar.update(self._task, completed=self._done + fraction)

    def finish(self, job: BatchJob, trouble: str | None) -> None:
        self._done += 1
        self.bar.update(self._task, completed=self._done)
        if trouble is not None:
            self._console.print(f"[{self._done}/{self._count}] {trouble}")
        elif not self._console.is_terminal:
            seconds = (time.monotonic() - self._began) * (self._count - self._done) / self._done
            self._console.print(
                f"[{self._done}/{self._count}] {job.source.path} -> {job.target}  {left(seconds)}"
            )
