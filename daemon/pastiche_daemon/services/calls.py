"""What all calls have in common."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import grpc

from pastiche_daemon.errors import StalledUploadError, abort
from pastiche_daemon.wire import InvalidFieldError

_CLIENT_KEY = "x-pastiche-client"
_LONGEST_ID = 128
# How long a client may pause in the middle of a request, or not take an answer.
_STALL_SECONDS = 30.0

Context = grpc.aio.ServicerContext[Any, Any]
Service = TypeVar("Service")
Request = TypeVar("Request")
Answer = TypeVar("Answer")


class Call:
    """The call that is being answered."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.request_id = ""

    def identify(self, request_id: str) -> None:
        """Name the call in logs and errors.

        Raises:
            InvalidFieldError: the id is not one that can be logged.
        """
        if len(request_id) > _LONGEST_ID or not request_id.isprintable():
            raise InvalidFieldError(
                "request_id", f"must be at most {_LONGEST_ID} printable characters"
            )
        self.request_id = request_id

    @property
    def client(self) -> str:
        """Who calls, for fairness: what the client says of itself, or its address."""
        for key, value in self._context.invocation_metadata() or ():
            if key == _CLIENT_KEY and isinstance(value, str) and value:
                return value[:_LONGEST_ID]
        return self._context.peer()

    async def receive(self) -> Any | None:
        """The next message of a request that streams; None at its end.

        Raises:
            StalledUploadError: none comes.
        """
        try:
            return _or_end(await self._within_time(self._context.read()))
        except asyncio.TimeoutError as error:
            raise StalledUploadError(
                f"nothing came for {_STALL_SECONDS:.0f} seconds in the middle of the request"
            ) from error

    async def receive_at_leisure(self) -> Any | None:
        """Like `receive`, for what a client may send at any time or never."""
        try:
            return _or_end(await self._context.read())
        except grpc.aio.InternalError as error:
            raise asyncio.CancelledError("the client is gone") from error

    async def send(self, message: object) -> None:
        """Send one message of an answer that streams.

        Raises:
            StalledUploadError: the client does not take it.
        """
        try:
            await self._within_time(self._context.write(message))
        except asyncio.TimeoutError as error:
            raise StalledUploadError(
                f"the client took nothing of the answer for {_STALL_SECONDS:.0f} seconds"
            ) from error

    @staticmethod
    async def _within_time(transfer: Awaitable[Answer]) -> Answer:
        try:
            return await asyncio.wait_for(transfer, _STALL_SECONDS)
        except grpc.aio.InternalError as error:
            # The call ended a moment before its task was told.
            raise asyncio.CancelledError("the client is gone") from error


def _or_end(message: Any) -> Any | None:
    end = grpc.aio.EOF  # pyright: ignore[reportAttributeAccessIssue]
    return None if message is end else message


def answers(
    method: Callable[[Service, Request, Call], Awaitable[Answer]],
) -> Callable[[Service, Request, Context], Awaitable[Answer]]:
    """Make a servicer's method of one that takes a `Call` and raises whatever it likes.

    What it raises ends the call with the right status. A call that its client gave up is not
    answered: the method is cancelled. A request that streams is read with `Call.receive`.
    """

    @functools.wraps(method)
    async def handler(self: Service, request: Request, context: Context) -> Answer:
        call = Call(context)
        try:
            return await method(self, request, call)
        except Exception as error:  # noqa: BLE001 - the transport would tell the client its text
            await abort(context, error, call.request_id)

    return handler
