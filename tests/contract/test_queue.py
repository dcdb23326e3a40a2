"""The device is shared: order, fairness, limits, and calls that end early."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import grpc
import psutil
import pytest

from pastiche.v1 import stylization_pb2_grpc
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.results import Preview, Progress, Queued
from tests.contract.drivers import Driver, Options, Refused, Running, stylize_messages
from tests.support.daemon_process import DaemonProcess, wait_until

SMALL = Layer(8, 8, PixelFormat.RGB, SampleType.U8, bytes(range(192)))
# Seconds of work, in steps of a fraction of a second.
LARGE = Layer(1000, 1000, PixelFormat.GREY, SampleType.U8, bytes(1000) * 1000)


@pytest.fixture
def occupied(driver: Driver) -> Iterator[Running]:
    """A call that has the device; cancelled at the end."""
    wait_until(lambda: driver.queue_counts() == (0, 0), "that the device is free")
    running = driver.start(LARGE, "slow/slow", client="occupier")
    running.working()
    yield running
    running.cancel()
    wait_until(lambda: driver.queue_counts() == (0, 0), "that the device is free")


def finished(calls: list[Running]) -> None:
    for call in calls:
        call.result()


def test_waiting_calls_are_told_their_position(driver: Driver, occupied: Running) -> None:
    calls: list[Running] = []
    for expected in (1, 2, 3):
        calls.append(driver.start(SMALL, "tiny/one"))
        assert calls[-1].next_event(Queued).position == expected
    assert driver.queue_counts() == (3, 1)

    calls[0].cancel()
    while calls[1].next_event(Queued).position != 1:
        pass
    while calls[2].next_event(Queued).position != 2:
        pass
    occupied.cancel()
    finished(calls[1:])


def test_clients_take_turns(driver: Driver, occupied: Running) -> None:
    batch = [driver.start(SMALL, "tiny/one", client="batch") for _ in range(2)]
    assert sorted(call.next_event(Queued).position for call in batch) == [1, 2]
    single = driver.start(SMALL, "tiny/one", client="single")
    assert single.next_event(Queued).position == 2
    while {call.next_event(Queued).position for call in batch} != {1, 3}:
        pass
    occupied.cancel()
    finished([*batch, single])


def test_a_full_queue_says_when_to_try_again(driver: Driver, occupied: Running) -> None:
    calls: list[Running] = []
    for index in range(4):
        calls.append(driver.start(SMALL, "tiny/one", client=f"client {index}"))
        calls[-1].next_event(Queued)
    with pytest.raises(Refused) as refused:
        driver.stylize(SMALL, "tiny/one", client="late")
    assert (refused.value.code, refused.value.reason) == ("RESOURCE_EXHAUSTED", "QUEUE_FULL")
    assert refused.value.retry_after is not None
    assert refused.value.retry_after >= 1

    calls.pop().cancel()
    wait_until(lambda: driver.queue_counts() == (3, 1), "that the cancelled call is gone")
    calls.append(driver.start(SMALL, "tiny/one", client="late"))
    occupied.cancel()
    finished(calls)


def test_cancelling_frees_the_device(driver: Driver, occupied: Running) -> None:
    occupied.cancel()
    with pytest.raises(Refused) as refused:
        occupied.result()
    assert refused.value.code == "CANCELLED"
    wait_until(lambda: driver.queue_counts() == (0, 0), "that the device is free")


def test_a_deadline_ends_the_call_and_frees_the_device(driver: Driver) -> None:
    call = driver.start(LARGE, "slow/slow", Options(request_id="too late", timeout=0.5))
    with pytest.raises(Refused) as refused:
        call.result()
    assert refused.value.code == "DEADLINE_EXCEEDED"
    wait_until(lambda: driver.queue_counts() == (0, 0), "that the device is free")
    assert "too late" not in driver.daemon.log  # it was never finished


def test_a_deadline_counts_while_waiting(driver: Driver, occupied: Running) -> None:
    call = driver.start(SMALL, "tiny/one", Options(timeout=0.3))
    with pytest.raises(Refused) as refused:
        call.result()
    assert refused.value.code == "DEADLINE_EXCEEDED"
    wait_until(lambda: driver.queue_counts() == (0, 1), "that it left the queue")
    assert not occupied.future.done()


def test_a_preview_arrives_long_before_the_result(driver: Driver) -> None:
    call = driver.start(LARGE, "slow/slow", Options(preview_size=64))
    assert call.next_event(Preview).layer.width == 64
    assert call.next_event(Progress).fraction < 0.5
    assert not call.future.done()
    call.cancel()


def test_a_client_that_vanishes_frees_the_device(driver: Driver) -> None:
    call = driver.start(LARGE, "slow/slow", client="vanishing")
    call.working()
    driver.close()  # its connections, without a word
    with pytest.raises(Refused):
        call.result()

    other = type(driver)(driver.daemon)
    wait_until(lambda: other.queue_counts() == (0, 0), "that the device is free")
    other.close()


def test_a_client_that_vanishes_in_its_upload_leaves_nothing(daemon: DaemonProcess) -> None:
    messages = stylize_messages(LARGE, "slow/slow", chunk=2**16)
    stopped = iter([next(messages) for _ in range(5)])

    def unfinished() -> Iterator[object]:
        yield from stopped
        wait_until(lambda: counts(daemon) == (1, 0), "that the upload began")
        channel.close()

    channel = grpc.insecure_channel(daemon.address)
    stub = stylization_pb2_grpc.StylizationServiceStub(channel)
    metadata = (("authorization", f"Bearer {daemon.info.token}"),)
    with pytest.raises((grpc.RpcError, ValueError)):
        list(stub.StylizeImage(unfinished(), metadata=metadata))
    wait_until(lambda: counts(daemon) == (0, 0), "that its place is free")


def test_repeated_work_does_not_gather_memory(driver: Driver) -> None:
    process = psutil.Process(driver.daemon.info.pid)
    pixel = struct.pack("<4f", 0.2, 0.4, 0.6, 1.0)
    layer = Layer(500, 500, PixelFormat.RGBA, SampleType.F32, pixel * 250_000)
    for _ in range(3):
        driver.stylize(layer, "tiny/one")
    before = process.memory_info().rss
    for _ in range(6):
        driver.stylize(layer, "tiny/one")
    # Six layers that stay would be 24 MB, with their tensors 60 MB.
    assert process.memory_info().rss - before < 20_000_000


def counts(daemon: DaemonProcess) -> tuple[int, int]:
    from tests.contract.drivers import GrpcioDriver

    driver = GrpcioDriver(daemon)
    try:
        return driver.queue_counts()
    finally:
        driver.close()
