"""What all calls have in common."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from pastiche_daemon.errors import StalledUploadError
from pastiche_daemon.services import calls
from pastiche_daemon.services.calls import Call, answers
from pastiche_daemon.wire import InvalidFieldError


class Aborted(Exception):  # noqa: N818 - what grpc raises is no error either
    pass


class Context:
    """The part of a servicer's context that calls use."""

    def __init__(
        self, *messages: object, metadata: tuple[tuple[str, str | bytes], ...] = ()
    ) -> None:
        self._messages = list(messages)
        self._metadata = metadata
        self.aborted: tuple[grpc.StatusCode, str] | None = None

    def invocation_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        return self._metadata

    def peer(self) -> str:
        return "ipv4:127.0.0.1:5"

    async def read(self) -> object:
        if not self._messages:
            await asyncio.Event().wait()
        message = self._messages.pop(0)
        if isinstance(message, Exception):
            raise message
        return message

    async def write(self, message: object) -> None:
        await asyncio.Event().wait()

    async def abort(
        self, code: grpc.StatusCode, details: str, trailing_metadata: tuple[Any, ...]
    ) -> None:
        assert trailing_metadata
        self.aborted = (code, details)
        raise Aborted


def make_call(context: Context) -> Call:
    return Call(context)  # pyright: ignore[reportArgumentType]


class Service:
    @answers
    async def Answer(self, request: str, call: Call) -> str:  # noqa: N802
        call.identify("seven")
        if request == "bad":
            raise InvalidFieldError("field", "is bad")
        if request == "cancel":
            raise asyncio.CancelledError
        return request.upper()


async def answer(request: str, context: Context) -> str:
    return await Service().Answer(request, context)  # pyright: ignore[reportArgumentType]


async def test_an_answer_is_returned() -> None:
    assert await answer("good", Context()) == "GOOD"


async def test_what_is_raised_ends_the_call_with_its_status() -> None:
    context = Context()
    with pytest.raises(Aborted):
        await answer("bad", context)
    assert context.aborted == (grpc.StatusCode.INVALID_ARGUMENT, "field: is bad")


async def test_a_call_that_was_given_up_is_not_answered() -> None:
    context = Context()
    with pytest.raises(asyncio.CancelledError):
        await answer("cancel", context)
    assert context.aborted is None


async def test_messages_come_until_the_end() -> None:
    end: Any = grpc.aio.EOF  # pyright: ignore[reportAttributeAccessIssue]
    call = make_call(Context("one", "two", end))
    assert [await call.receive() for _ in range(3)] == ["one", "two", None]


async def test_silence_ends_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_STALL_SECONDS", 0.01)
    call = make_call(Context("one"))
    assert await call.receive() == "one"
    with pytest.raises(StalledUploadError, match="nothing came"):
        await call.receive()


async def test_a_client_that_takes_nothing_ends_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_STALL_SECONDS", 0.01)
    with pytest.raises(StalledUploadError, match="took nothing"):
        await make_call(Context()).send("message")


async def test_a_client_that_is_gone_cancels_the_call() -> None:
    with pytest.raises(asyncio.CancelledError):
        await make_call(Context(grpc.aio.InternalError("broken pipe"))).receive()


@pytest.mark.parametrize(
    ("metadata", "client"),
    [
        ((), "ipv4:127.0.0.1:5"),
        ((("x-pastiche-client", "editor"),), "editor"),
        ((("x-pastiche-client", ""),), "ipv4:127.0.0.1:5"),
        ((("x-pastiche-client", "x" * 500),), "x" * 128),
    ],
)
def test_clients_may_name_themselves(metadata: tuple[tuple[str, str], ...], client: str) -> None:
    assert make_call(Context(metadata=metadata)).client == client
