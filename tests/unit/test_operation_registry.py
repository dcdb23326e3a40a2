"""Operations that outlive their calls."""

from __future__ import annotations

import asyncio

import pytest
from google.protobuf.message import Message
from google.protobuf.wrappers_pb2 import StringValue
from google.rpc import code_pb2, error_details_pb2

from pastiche_daemon.errors import UnknownOperationError
from pastiche_daemon.services.operation_registry import OperationRegistry
from pastiche_daemon.wire import InvalidFieldError

METADATA = StringValue(value="metadata")


async def succeed() -> Message:
    return StringValue(value="result")


async def fail() -> Message:
    raise InvalidFieldError("field", "is wrong")


async def test_a_result_is_kept() -> None:
    registry = OperationRegistry()
    started = registry.start(succeed(), metadata=METADATA)
    assert not started.done
    assert registry.running == 1
    done = await registry.wait(started.name, 30)
    assert done.done
    assert registry.running == 0
    response, metadata = StringValue(), StringValue()
    assert done.response.Unpack(response)
    assert done.metadata.Unpack(metadata)
    assert (response.value, metadata.value) == ("result", "metadata")


async def test_an_error_is_kept_with_its_details() -> None:
    registry = OperationRegistry()
    started = registry.start(fail(), metadata=METADATA, request_id="mine")
    done = await registry.wait(started.name, 30)
    assert done.error.code == code_pb2.INVALID_ARGUMENT
    request = error_details_pb2.RequestInfo()
    assert any(detail.Unpack(request) for detail in done.error.details)
    assert request.request_id == "mine"


async def test_waiting_ends_with_its_time() -> None:
    registry = OperationRegistry()
    release = asyncio.Event()

    async def wait() -> Message:
        await release.wait()
        return METADATA

    started = registry.start(wait(), metadata=METADATA)
    assert not (await registry.wait(started.name, 0.01)).done
    release.set()
    assert (await registry.wait(started.name, 30)).done


async def test_cancelling_asks_the_work_and_only_while_it_runs() -> None:
    registry = OperationRegistry()
    stop = asyncio.Event()
    asked: list[str] = []

    async def work() -> Message:
        await stop.wait()
        return METADATA

    def cancel() -> None:
        asked.append("once")
        stop.set()

    started = registry.start(work(), metadata=METADATA, cancel=cancel)
    registry.cancel(started.name)
    await registry.wait(started.name, 30)
    registry.cancel(started.name)
    assert asked == ["once"]


async def test_closing_waits_for_what_ends_and_tells_what_does_not() -> None:
    registry = OperationRegistry()
    started = registry.start(succeed(), metadata=METADATA)
    await registry.close(30)
    assert registry.get(started.name).done

    async def never() -> Message:
        await asyncio.Event().wait()
        return METADATA

    endless = registry.start(never(), metadata=METADATA)
    await registry.close(0.01)
    for task in asyncio.all_tasks():
        if task.get_name() == endless.name:
            task.cancel()
    done = await registry.wait(endless.name, 30)
    assert done.error.code == code_pb2.CANCELLED


async def test_deleting_forgets() -> None:
    registry = OperationRegistry()
    started = registry.start(succeed(), metadata=METADATA)
    registry.delete(started.name)
    for forgotten in (registry.get, registry.cancel, registry.delete):
        with pytest.raises(UnknownOperationError, match="no operation"):
            forgotten(started.name)
    await registry.close(30)


async def test_the_oldest_finished_are_forgotten() -> None:
    registry = OperationRegistry()
    names: list[str] = []
    for _ in range(120):
        names.append(registry.start(succeed(), metadata=METADATA).name)
        await registry.wait(names[-1], 30)
    assert 100 <= len(registry.names) <= 101
    assert registry.names == sorted(registry.names) == names[-len(registry.names) :]


async def test_metadata_is_told_anew_whenever_somebody_asks() -> None:
    registry = OperationRegistry()
    release, told = asyncio.Event(), iter("abc")

    async def wait() -> Message:
        await release.wait()
        return METADATA

    started = registry.start(wait(), metadata=lambda: StringValue(value=next(told)))
    metadata = StringValue()
    assert started.metadata.Unpack(metadata)
    assert metadata.value == "a"
    assert registry.get(started.name).metadata.Unpack(metadata)
    assert metadata.value == "b"
    release.set()
    await registry.wait(started.name, 30)


async def test_the_daemons_stop_is_not_a_cancellation() -> None:
    registry = OperationRegistry()
    release, called = asyncio.Event(), list[str]()

    async def wait() -> Message:
        await release.wait()
        return METADATA

    def stop() -> None:
        called.append("stop")
        release.set()

    registry.start(
        wait(), metadata=METADATA, cancel=lambda: called.append("cancel"), stop=stop, name="mine"
    )
    await registry.close(30)
    assert called == ["stop"]
    assert registry.get("mine").done


async def test_an_operation_may_refuse_to_be_forgotten() -> None:
    registry = OperationRegistry()

    def refuse() -> None:
        raise InvalidFieldError("name", "runs")

    started = registry.start(succeed(), metadata=METADATA, forget=refuse)
    with pytest.raises(InvalidFieldError):
        registry.delete(started.name)
    assert registry.names == [started.name]
    await registry.wait(started.name, 30)


async def test_an_operation_may_be_started_again_under_its_name() -> None:
    registry = OperationRegistry()
    registry.start(fail(), metadata=METADATA, name="operations/again")
    assert (await registry.wait("operations/again", 30)).HasField("error")
    registry.start(succeed(), metadata=METADATA, name="operations/again")
    assert (await registry.wait("operations/again", 30)).HasField("response")
    assert registry.names == ["operations/again"]
