"""From what the transport raises to errors that people and programs can use."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.any_pb2 import Any as PackedMessage
from google.rpc import error_details_pb2, status_pb2
from grpclib.const import Status
from grpclib.encoding.proto import ProtoStatusDetailsCodec
from grpclib.exceptions import GRPCError, StreamTerminatedError
from h2.exceptions import StreamClosedError

from pastiche_client import errors
from pastiche_client.status import CALL_ERRORS, daemon_error, error_of_status

LOG = Path("/data/logs/daemon.log")


def details() -> list[Any]:
    retry = error_details_pb2.RetryInfo()
    retry.retry_delay.FromMilliseconds(1500)
    return [
        error_details_pb2.ErrorInfo(reason="STRENGTH_OUT_OF_RANGE", domain="pastiche.v1"),
        error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(field="strength", description="0..1")
            ]
        ),
        retry,
        error_details_pb2.RequestInfo(request_id="abc"),
    ]


def as_sent(status: Status, message: str) -> GRPCError:
    """The error after its details went over the wire, as grpclib decodes them."""
    codec = ProtoStatusDetailsCodec()
    return GRPCError(
        status, message, codec.decode(status, message, codec.encode(status, message, details()))
    )


CLASSES = {
    Status.CANCELLED: errors.CallCancelledError,
    Status.UNKNOWN: errors.DaemonError,
    Status.INVALID_ARGUMENT: errors.InvalidRequestError,
    Status.DEADLINE_EXCEEDED: errors.DeadlineExceededError,
    Status.NOT_FOUND: errors.NotFoundError,
    Status.ALREADY_EXISTS: errors.AlreadyExistsError,
    Status.PERMISSION_DENIED: errors.RefusedError,
    Status.RESOURCE_EXHAUSTED: errors.ExhaustedError,
    Status.FAILED_PRECONDITION: errors.RefusedError,
    Status.ABORTED: errors.RefusedError,
    Status.OUT_OF_RANGE: errors.InvalidRequestError,
    Status.UNIMPLEMENTED: errors.UnsupportedError,
    Status.INTERNAL: errors.InternalError,
    Status.UNAVAILABLE: errors.UnavailableError,
    Status.DATA_LOSS: errors.DamagedDataError,
    Status.UNAUTHENTICATED: errors.UnauthenticatedError,
}


@pytest.mark.parametrize("status", [status for status in Status if status is not Status.OK])
def test_every_status_has_its_class(status: Status) -> None:
    error = daemon_error(GRPCError(status, "What happened."), LOG)
    assert type(error) is CLASSES[status]
    assert error.code == status.name
    assert str(error).startswith("What happened.")
    assert (error.reason, error.field, error.retry_after, error.request_id) == ("", None, None, "")


def test_details_are_decoded() -> None:
    error = daemon_error(as_sent(Status.INVALID_ARGUMENT, "strength must be in 0..1"), LOG)
    assert isinstance(error, errors.InvalidRequestError)
    assert str(error) == "strength must be in 0..1"
    assert error.reason == "STRENGTH_OUT_OF_RANGE"
    assert error.field == "strength"
    assert error.retry_after == 1.5
    assert error.request_id == "abc"


def test_an_operations_error_is_decoded_alike() -> None:
    packed: list[PackedMessage] = []
    for detail in details():
        packed.append(PackedMessage())
        packed[-1].Pack(detail)
    status = status_pb2.Status(
        code=Status.ALREADY_EXISTS.value, message="tiny is installed", details=packed
    )
    error = error_of_status(status)
    assert isinstance(error, errors.AlreadyExistsError)
    assert (str(error), error.field, error.retry_after) == ("tiny is installed", "strength", 1.5)
    assert error_of_status(status_pb2.Status(code=999, message="odd")).code == "UNKNOWN"


@pytest.mark.parametrize("status", [Status.INTERNAL, Status.UNKNOWN])
def test_a_bug_of_the_daemon_names_its_log(status: Status) -> None:
    assert str(LOG) in str(daemon_error(GRPCError(status, "Oh."), LOG))
    assert str(LOG) not in str(daemon_error(GRPCError(Status.NOT_FOUND, "Oh."), LOG))


@pytest.mark.parametrize(
    "cause",
    [
        StreamTerminatedError("Connection lost"),
        ConnectionResetError(104, "Connection reset by peer"),
        BrokenPipeError(32, "Broken pipe"),
        StreamClosedError(1),
    ],
)
def test_a_lost_daemon_names_its_log(cause: Exception) -> None:
    assert isinstance(cause, CALL_ERRORS)
    error = daemon_error(cause, LOG)
    assert isinstance(error, errors.DaemonLostError)
    assert str(LOG) in str(error)
    assert error.code == "UNAVAILABLE"


def test_a_timeout_is_no_lost_daemon() -> None:
    error = daemon_error(asyncio.TimeoutError(), LOG)
    assert isinstance(error, errors.DeadlineExceededError)
    assert error.code == "DEADLINE_EXCEEDED"


def test_the_users_own_errors_are_not_taken_for_the_calls() -> None:
    assert not isinstance(FileNotFoundError(2, "No such file"), CALL_ERRORS)
    assert not isinstance(PermissionError(13, "Permission denied"), CALL_ERRORS)
    assert not isinstance(OSError(28, "No space left on device"), CALL_ERRORS)


def test_our_own_errors_stay_as_they_are() -> None:
    error = errors.InternalError("The answer makes no sense.")
    assert daemon_error(error, LOG) is error
