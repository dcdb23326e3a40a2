"""From what grpclib raises to our own errors."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

# Importing it registers the messages, without which grpclib cannot decode an error's details.
from google.rpc import error_details_pb2  # pyright: ignore[reportMissingTypeStubs]
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError
from grpclib.exceptions import ProtocolError as GrpcProtocolError
from h2.exceptions import H2Error

from pastiche_client.errors import (
    AlreadyExistsError,
    CallCancelledError,
    DaemonError,
    DaemonLostError,
    DamagedDataError,
    DeadlineExceededError,
    ExhaustedError,
    InternalError,
    InvalidRequestError,
    NotFoundError,
    RefusedError,
    UnauthenticatedError,
    UnavailableError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from pathlib import Path

    from google.rpc import status_pb2  # pyright: ignore[reportMissingTypeStubs]

#: Everything that a call through grpclib raises when it fails.
CALL_ERRORS = (
    GRPCError,
    StreamTerminatedError,
    GrpcProtocolError,
    H2Error,
    ConnectionError,
    asyncio.TimeoutError,
)

_CLASSES: dict[Status, type[DaemonError]] = {
    Status.CANCELLED: CallCancelledError,
    Status.INVALID_ARGUMENT: InvalidRequestError,
    Status.OUT_OF_RANGE: InvalidRequestError,
    Status.DEADLINE_EXCEEDED: DeadlineExceededError,
    Status.NOT_FOUND: NotFoundError,
    Status.ALREADY_EXISTS: AlreadyExistsError,
    Status.PERMISSION_DENIED: RefusedError,
    Status.RESOURCE_EXHAUSTED: ExhaustedError,
    Status.FAILED_PRECONDITION: RefusedError,
    Status.ABORTED: RefusedError,
    Status.UNIMPLEMENTED: UnsupportedError,
    Status.INTERNAL: InternalError,
    Status.UNAVAILABLE: UnavailableError,
    Status.DATA_LOSS: DamagedDataError,
    Status.UNAUTHENTICATED: UnauthenticatedError,
}


_DETAILS = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.RetryInfo,
    error_details_pb2.RequestInfo,
)


def daemon_error(error: BaseException, log_path: Path) -> DaemonError:
    """The error to raise for what a call raised. `log_path` is named where the log helps."""
    if isinstance(error, DaemonError):
        return error
    if isinstance(error, GRPCError):
        return _from_status(error, log_path)
    if isinstance(error, asyncio.TimeoutError):
        return DeadlineExceededError("The daemon did not finish in the time it was given.")
    if isinstance(error, StreamTerminatedError | ConnectionError | H2Error):
        return DaemonLostError(
            f"The daemon ended or broke the connection in the middle of the call. "
            f"Try again; its log is {log_path}",
            reason="DAEMON_LOST",
        )
    return InternalError(f"The call failed: {error!r}; the daemon's log is {log_path}")


def error_of_status(status: status_pb2.Status) -> DaemonError:
    """The error that a finished operation ended with."""
    details: list[object] = []
    for packed in status.details:
        for kind in _DETAILS:
            detail = kind()
            if packed.Unpack(detail):
                details.append(detail)
    try:
        code = Status(status.code)
    except ValueError:
        code = Status.UNKNOWN
    return _from_details(code, status.message, details)


def _from_status(error: GRPCError, log_path: Path) -> DaemonError:
    message = error.message or f"The daemon answered {error.status.name} without a message."
    if error.status in {Status.INTERNAL, Status.UNKNOWN} and str(log_path) not in message:
        message = f"{message} (the daemon's log is {log_path})"
    return _from_details(error.status, message, cast("list[object]", error.details or []))


def _from_details(status: Status, message: str, details: list[object]) -> DaemonError:
    reason, field, retry_after, request_id = "", None, None, ""
    for detail in details:
        if isinstance(detail, error_details_pb2.ErrorInfo):
            reason = detail.reason
        elif isinstance(detail, error_details_pb2.BadRequest) and detail.field_violations:
            field = detail.field_violations[0].field or None
        elif isinstance(detail, error_details_pb2.RetryInfo):
            retry_after = detail.retry_delay.seconds + detail.retry_delay.nanos / 1e9
        elif isinstance(detail, error_details_pb2.RequestInfo):
            request_id = detail.request_id
    return _CLASSES.get(status, DaemonError)(
        message,
        code=status.name,
        reason=reason,
        field=field,
        retry_after=retry_after,
        request_id=request_id,
    )
