"""From exceptions to statuses: the one place that decides what a caller is told."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

import grpc
from google.protobuf.any_pb2 import Any as AnyMessage
from google.rpc import code_pb2, error_details_pb2, status_pb2

from pastiche_daemon.jobs import JobCancelledError, QueueClosedError, QueueFullError
from pastiche_daemon.learn_store import TrainingFailedError, TrainingStateError
from pastiche_daemon.memory import InsufficientMemoryError, is_out_of_memory
from pastiche_daemon.packs import errors as packs
from pastiche_daemon.spool import SpoolError
from pastiche_daemon.wire import InvalidFieldError

_log = logging.getLogger(__name__)

DOMAIN = "pastiche.v1"
# Headers and trailers may have 8 KiB in all, and the message is in them three times.
_LONGEST_MESSAGE = 900
# Where gRPC libraries look for the google.rpc.Status.
_DETAILS_KEY = "grpc-status-details-bin"
_GRPC_CODES = {code.value[0]: code for code in grpc.StatusCode}


class StalledUploadError(Exception):
    """The client stopped sending in the middle of its request."""


class UnknownOperationError(Exception):
    """There is no operation of that name."""


class UnauthenticatedError(Exception):
    """The call does not carry the token."""


@dataclass(frozen=True)
class Failure:
    """What a caller is told.

    Attributes:
        code: a code of google.rpc, which are those of gRPC.
        reason: a constant for programs.
        message: a sentence for people.
        field: the field of the request that is wrong, if it is that.
        retry_seconds: when another try makes sense, if it does.
    """

    code: code_pb2.Code
    reason: str
    message: str
    field: str | None = None
    retry_seconds: float | None = None


_PACK_CODES: dict[type[packs.PackError], code_pb2.Code] = {
    packs.DamagedPackError: code_pb2.DATA_LOSS,
    packs.BadSignatureError: code_pb2.DATA_LOSS,
    packs.UntrustedPackError: code_pb2.PERMISSION_DENIED,
    packs.KeyFileError: code_pb2.FAILED_PRECONDITION,
    packs.UnsupportedPackError: code_pb2.FAILED_PRECONDITION,
    packs.PackTooLargeError: code_pb2.INVALID_ARGUMENT,
    packs.WrongPackKindError: code_pb2.INVALID_ARGUMENT,
    packs.UnknownPackError: code_pb2.NOT_FOUND,
    packs.UnknownStyleError: code_pb2.NOT_FOUND,
    packs.UnknownFactorError: code_pb2.NOT_FOUND,
    packs.UnknownVersionError: code_pb2.NOT_FOUND,
    packs.NoOlderVersionError: code_pb2.FAILED_PRECONDITION,
    packs.PinnedVersionError: code_pb2.FAILED_PRECONDITION,
    packs.SharedPackError: code_pb2.FAILED_PRECONDITION,
    packs.PackGoneError: code_pb2.NOT_FOUND,
    packs.PackExistsError: code_pb2.ALREADY_EXISTS,
    packs.BuiltInPackError: code_pb2.FAILED_PRECONDITION,
    packs.StorageFullError: code_pb2.RESOURCE_EXHAUSTED,
    packs.StorageError: code_pb2.FAILED_PRECONDITION,
}


def failure_of(error: Exception) -> Failure:
    """What to tell the caller. An error that nobody foresaw is logged, and not told."""
    match error:
        case InvalidFieldError():
            return Failure(code_pb2.INVALID_ARGUMENT, error.reason, str(error), field=error.field)
        case packs.PackError():
            code = _PACK_CODES.get(type(error))
            return _unforeseen(error) if code is None else Failure(code, error.reason, str(error))
        case _ if (encoder := _encoder_failure(error)) is not None:
            return encoder
        case QueueFullError():
            return _exhausted("QUEUE_FULL", str(error), error.retry_seconds)
        case SpoolError():
            return Failure(code_pb2.RESOURCE_EXHAUSTED, "STORAGE_FULL", str(error))
        case InsufficientMemoryError():
            return _exhausted("OUT_OF_MEMORY", str(error), error.retry_seconds)
        case JobCancelledError():
            return Failure(code_pb2.CANCELLED, "CANCELLED", str(error))
        case QueueClosedError():
            return Failure(code_pb2.CANCELLED, "DAEMON_STOPPING", str(error))
        case TrainingFailedError():
            return Failure(code_pb2.FAILED_PRECONDITION, error.reason, str(error))
        case TrainingStateError():
            return Failure(code_pb2.FAILED_PRECONDITION, "TRAINING_STATE", str(error))
        case StalledUploadError():
            return Failure(code_pb2.DEADLINE_EXCEEDED, "UPLOAD_STALLED", str(error))
        case UnknownOperationError():
            return Failure(code_pb2.NOT_FOUND, "OPERATION_NOT_FOUND", str(error))
        case UnauthenticatedError():
            return Failure(code_pb2.UNAUTHENTICATED, "TOKEN_INVALID", str(error))
        case _ if is_out_of_memory(error):
            return _exhausted(
                "OUT_OF_MEMORY",
                "memory ran out; stylize the layer in parts, scale it down, or close other "
                "programs",
                InsufficientMemoryError.retry_seconds,
            )
        case _:
            return _unforeseen(error)


def status_of(failure: Failure, request_id: str = "") -> status_pb2.Status:
    """The status with its details: ErrorInfo always, the others where they apply."""
    message = _shortened(failure.message)
    details: list[AnyMessage] = []
    info = error_details_pb2.ErrorInfo(reason=failure.reason, domain=DOMAIN)
    if failure.field is not None:
        info.metadata["field"] = failure.field
    details.append(_packed(info))
    if failure.field is not None:
        bad = error_details_pb2.BadRequest()
        bad.field_violations.add(field=failure.field, description=message, reason=failure.reason)
        details.append(_packed(bad))
    if failure.retry_seconds is not None:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(round(failure.retry_seconds * 1000))
        details.append(_packed(retry))
    if request_id:
        details.append(_packed(error_details_pb2.RequestInfo(request_id=request_id)))
    return status_pb2.Status(code=failure.code, message=message, details=details)


async def abort(
    context: grpc.aio.ServicerContext[Any, Any], error: Exception, request_id: str = ""
) -> NoReturn:
    """End a call with the status of an error."""
    status = status_of(failure_of(error), request_id)
    await context.abort(
        _GRPC_CODES[status.code],
        status.message,
        trailing_metadata=((_DETAILS_KEY, status.SerializeToString()),),
    )


def _exhausted(reason: str, message: str, retry_seconds: float) -> Failure:
    return Failure(
        code_pb2.RESOURCE_EXHAUSTED, reason, message, retry_seconds=max(0.0, retry_seconds)
    )


def _unforeseen(error: Exception) -> Failure:
    _log.error("a call failed", exc_info=error)
    # The text of such an error may hold paths or data of another call.
    name = type(error).__name__
    return Failure(
        code_pb2.INTERNAL, "INTERNAL", f"internal error ({name}); the daemon's log says more"
    )


def _encoder_failure(error: Exception) -> Failure | None:
    # Their module needs torch, which a daemon that has just started has not loaded.
    encoders = sys.modules.get("pastiche_daemon.encoders")
    if encoders is None or not isinstance(error, encoders.EncoderFileError):
        return None
    message = str(error)
    if isinstance(error, encoders.UnknownEncoderError):
        return Failure(code_pb2.NOT_FOUND, "ENCODER_UNKNOWN", message)
    if isinstance(error, encoders.MissingEncoderError):
        code, reason = code_pb2.FAILED_PRECONDITION, "ENCODER_MISSING"
    else:
        code, reason = code_pb2.DATA_LOSS, "ENCODER_DAMAGED"
    return Failure(code, reason, message, field="encoder.name")


def _packed(
    message: error_details_pb2.ErrorInfo
    | error_details_pb2.BadRequest
    | error_details_pb2.RetryInfo
    | error_details_pb2.RequestInfo,
) -> AnyMessage:
    packed = AnyMessage()
    packed.Pack(message)
    return packed


def _shortened(message: str) -> str:
    encoded = message.encode("utf-8", errors="replace")
    if len(encoded) <= _LONGEST_MESSAGE:
        return encoded.decode()
    return encoded[:_LONGEST_MESSAGE].decode("utf-8", errors="ignore") + "..."
