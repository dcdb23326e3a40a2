"""Telling a client how its job goes, for calls whose answers stream."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from pastiche_daemon.jobs import Job, JobStatus
from pastiche_daemon.services.calls import Call

T = TypeVar("T")

# Something is sent this often whether or not anything changed, and changes not more often.
_HEARTBEAT_SECONDS = 0.5
_LEAST_INTERVAL_SECONDS = 0.02


async def with_heartbeat(call: Call, function: Callable[[], T], beat: object) -> T:
    """Run a function in a thread; the client gets ``beat`` now and then if that takes long."""
    task = asyncio.create_task(asyncio.to_thread(function))
    while not (await asyncio.wait({task}, timeout=_HEARTBEAT_SECONDS))[0]:
        await call.send(beat)
    return task.result()


def notifier(changed: asyncio.Event) -> Callable[[], None]:
    """What sets an event of the running loop from any thread."""
    loop = asyncio.get_running_loop()

    def notify() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended, and with it the call
            loop.call_soon_threadsafe(changed.set)

    return notify


async def follow(
    call: Call,
    job: Job[Any],
    changed: asyncio.Event,
    event: Callable[[JobStatus], object],
    extras: Callable[[], Iterable[object]],
) -> None:
    """Send events until the job is done.

    Args:
        changed: set whenever there may be something new.
        event: the message that tells of a status.
        extras: messages that go before it, such as a preview's; may raise to end the call.
    """
    sent: object = None
    sent_at = 0.0
    while True:
        changed.clear()
        for message in extras():
            await call.send(message)
        if job.done:
            return
        told = event(job.status())
        if told != sent or time.monotonic() - sent_at >= _HEARTBEAT_SECONDS:
            await call.send(told)
            sent, sent_at = told, time.monotonic()
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(changed.wait(), _HEARTBEAT_SECONDS)
        if not job.done:
            await asyncio.sleep(_LEAST_INTERVAL_SECONDS)
