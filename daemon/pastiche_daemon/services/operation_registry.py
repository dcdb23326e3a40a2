"""Operations that outlive the call that started them. They live as long as the daemon.

What lives longer is started again under its old name by the next daemon.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from google.longrunning import operations_proto_pb2 as operations_pb2
from google.protobuf.message import Message

from pastiche_daemon.errors import UnknownOperationError, failure_of, status_of
from pastiche_daemon.jobs import QueueClosedError

_KEPT_FINISHED = 100


def _do_nothing() -> None:
    pass


@dataclass(frozen=True)
class _Record:
    metadata: Callable[[], Message]
    request_id: str
    task: asyncio.Task[Message]
    cancel: Callable[[], None]
    stop: Callable[[], None]
    forget: Callable[[], None]


class OperationRegistry:
    """Starts operations and remembers them. For the event loop's thread only."""

    def __init__(self) -> None:
        self._records: dict[str, _Record] = {}
        self._tasks: set[asyncio.Task[Message]] = set()
        self._started = 0

    @property
    def running(self) -> int:
        """How many are not done."""
        return len(self._tasks)

    @property
    def names(self) -> list[str]:
        """The names of all that are remembered, the oldest first."""
        return list(self._records)

    def start(
        self,
        work: Coroutine[object, object, Message],
        *,
        metadata: Message | Callable[[], Message],
        request_id: str = "",
        cancel: Callable[[], None] = _do_nothing,
        name: str = "",
        stop: Callable[[], None] | None = None,
        forget: Callable[[], None] = _do_nothing,
    ) -> operations_pb2.Operation:
        """Run `work`; what it returns or raises becomes the operation's result.

        Args:
            metadata: as it is, or what tells it anew whenever somebody asks.
            cancel: asks the work to stop. Work that is short may ignore it, as the API allows.
            name: `operations/...`, of one that is known by it; replaces a finished one.
            stop: what is called instead of `cancel` when the daemon stops.
            forget: called before the operation is forgotten; may raise to refuse.
        """
        self._started += 1
        # In the order of their starts when sorted by name.
        name = name or f"operations/{self._started:08d}-{secrets.token_hex(8)}"
        tell = (lambda: metadata) if isinstance(metadata, Message) else metadata
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        self._records.pop(name, None)
        self._records[name] = _Record(tell, request_id, task, cancel, stop or cancel, forget)
        self._forget_oldest()
        return self.get(name)

    def get(self, name: str) -> operations_pb2.Operation:
        """The operation as it stands.

        Raises:
            UnknownOperationError: there is none of that name.
        """
        record = self._record(name)
        operation = operations_pb2.Operation(name=name, done=record.task.done())
        operation.metadata.Pack(record.metadata())
        if not record.task.done():
            return operation
        error = _error_of(record.task)
        if error is None:
            operation.response.Pack(record.task.result())
        else:
            operation.error.CopyFrom(status_of(failure_of(error), record.request_id))
        return operation

    async def wait(self, name: str, timeout: float) -> operations_pb2.Operation:
        """The operation once it is done, or as it stands after `timeout` seconds.

        Raises:
            UnknownOperationError: there is none of that name.
        """
        await asyncio.wait({self._record(name).task}, timeout=timeout)
        return self.get(name)

    def cancel(self, name: str) -> None:
        """Ask the work to stop, unless it is done.

        Raises:
            UnknownOperationError: there is none of that name.
        """
        record = self._record(name)
        if not record.task.done():
            record.cancel()

    def delete(self, name: str) -> None:
        """Forget an operation; what it does goes on, if it did not refuse.

        Raises:
            UnknownOperationError: there is none of that name.
        """
        self._record(name).forget()
        del self._records[name]

    async def close(self, timeout: float) -> None:
        """Ask everything to stop and wait for it, at most `timeout` seconds."""
        for record in self._records.values():
            if not record.task.done():
                record.stop()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)

    def _record(self, name: str) -> _Record:
        record = self._records.get(name)
        if record is None:
            raise UnknownOperationError(
                f"there is no operation {name[:100]!r}; the daemon forgets them when it ends"
            )
        return record

    def _ended(self, task: asyncio.Task[Message]) -> None:
        self._tasks.discard(task)
        _error_of(task)  # nobody may ever ask for it, which is no reason for a warning

    def _forget_oldest(self) -> None:
        finished = [name for name, record in self._records.items() if record.task.done()]
        for name in finished[: max(0, len(finished) - _KEPT_FINISHED)]:
            del self._records[name]


def _error_of(task: asyncio.Task[Message]) -> Exception | None:
    if task.cancelled():
        return QueueClosedError("the daemon stopped in the middle of the operation")
    error = task.exception()
    if error is None or isinstance(error, Exception):
        return error
    return RuntimeError(f"ended by {type(error).__name__}")
