"""What a caller is told about each exception."""

from __future__ import annotations

import logging
import sys
from types import ModuleType
from typing import Any

import pytest
import torch
from google.rpc import code_pb2, error_details_pb2

from pastiche_daemon.errors import (
    DOMAIN,
    Failure,
    StalledUploadError,
    UnauthenticatedError,
    UnknownOperationError,
    failure_of,
    status_of,
)
from pastiche_daemon.jobs import JobCancelledError, QueueClosedError, QueueFullError
from pastiche_daemon.memory import InsufficientMemoryError
from pastiche_daemon.packs import errors as packs
from pastiche_daemon.spool import SpoolFullError
from pastiche_daemon.wire import InvalidFieldError


class NewPackError(packs.PackError):
    """One that nobody mapped."""


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (InvalidFieldError("layer.width", "is 0"), code_pb2.INVALID_ARGUMENT, "INVALID_FIELD"),
        (packs.DamagedPackError("cut off"), code_pb2.DATA_LOSS, "PACK_DAMAGED"),
        (packs.UnsupportedPackError("new"), code_pb2.FAILED_PRECONDITION, "PACK_UNSUPPORTED"),
        (packs.PackTooLargeError("bomb"), code_pb2.INVALID_ARGUMENT, "PACK_TOO_LARGE"),
        (packs.UnknownPackError("a", ["b"]), code_pb2.NOT_FOUND, "PACK_NOT_FOUND"),
        (packs.UnknownStyleError("a", ["b"]), code_pb2.NOT_FOUND, "STYLE_NOT_FOUND"),
        (packs.PackExistsError("there"), code_pb2.ALREADY_EXISTS, "PACK_EXISTS"),
        (packs.BuiltInPackError("ours"), code_pb2.FAILED_PRECONDITION, "PACK_BUILT_IN"),
        (packs.StorageFullError("disk"), code_pb2.RESOURCE_EXHAUSTED, "STORAGE_FULL"),
        (packs.StorageError("disk"), code_pb2.FAILED_PRECONDITION, "STORAGE_UNUSABLE"),
        (QueueFullError("busy", 3.5), code_pb2.RESOURCE_EXHAUSTED, "QUEUE_FULL"),
        (SpoolFullError("disk"), code_pb2.RESOURCE_EXHAUSTED, "STORAGE_FULL"),
        (InsufficientMemoryError("huge"), code_pb2.RESOURCE_EXHAUSTED, "OUT_OF_MEMORY"),
        (MemoryError(), code_pb2.RESOURCE_EXHAUSTED, "OUT_OF_MEMORY"),
        (torch.OutOfMemoryError("CUDA"), code_pb2.RESOURCE_EXHAUSTED, "OUT_OF_MEMORY"),
        (JobCancelledError("cancelled"), code_pb2.CANCELLED, "CANCELLED"),
        (QueueClosedError("stops"), code_pb2.CANCELLED, "DAEMON_STOPPING"),
        (StalledUploadError("silence"), code_pb2.DEADLINE_EXCEEDED, "UPLOAD_STALLED"),
        (UnknownOperationError("which"), code_pb2.NOT_FOUND, "OPERATION_NOT_FOUND"),
        (UnauthenticatedError("who"), code_pb2.UNAUTHENTICATED, "TOKEN_INVALID"),
        (KeyError("a bug"), code_pb2.INTERNAL, "INTERNAL"),
        (NewPackError("a bug"), code_pb2.INTERNAL, "INTERNAL"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_every_exception_has_a_code_and_a_reason(
    error: Exception, code: code_pb2.Code, reason: str
) -> None:
    failure = failure_of(error)
    assert (failure.code, failure.reason) == (code, reason)
    assert failure.message
    assert (failure.retry_seconds is not None) == (
        code == code_pb2.RESOURCE_EXHAUSTED and reason != "STORAGE_FULL"
    )


def test_every_pack_error_is_mapped() -> None:
    arguments: dict[type[packs.PackError], tuple[Any, ...]] = {
        packs.UnknownPackError: ("x", []),
        packs.UnknownStyleError: ("x", []),
        packs.UnknownVersionError: ("x", "1.0.0", []),
    }
    for kind in packs.PackError.__subclasses__():
        if kind is NewPackError:
            continue
        error = kind(*arguments.get(kind, ("x",)))
        assert failure_of(error).code != code_pb2.INTERNAL


def test_what_the_cpus_allocator_raises_is_out_of_memory() -> None:
    with pytest.raises(RuntimeError) as raised:
        torch.empty(2**55, dtype=torch.uint8)
    assert failure_of(raised.value).reason == "OUT_OF_MEMORY"


def test_errors_are_told_apart_while_torch_is_being_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    assert failure_of(OSError("no such folder")).reason == "INTERNAL"


def test_an_error_that_nobody_foresaw_is_logged_and_not_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.ERROR):
        failure = failure_of(RuntimeError("secret path /home/me"))
    assert "secret" not in failure.message
    assert "RuntimeError" in failure.message
    assert "secret path" in caplog.text


def test_the_status_carries_all_details() -> None:
    failure = Failure(
        code_pb2.RESOURCE_EXHAUSTED, "REASON", "words", field="layer.width", retry_seconds=2.5
    )
    status = status_of(failure, "request 7")
    assert (status.code, status.message) == (code_pb2.RESOURCE_EXHAUSTED, "words")
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    retry, request = error_details_pb2.RetryInfo(), error_details_pb2.RequestInfo()
    assert [
        detail.Unpack(kind)
        for detail, kind in zip(status.details, (info, bad, retry, request), strict=True)
    ] == [True] * 4
    assert (info.reason, info.domain, dict(info.metadata)) == (
        "REASON",
        DOMAIN,
        {"field": "layer.width"},
    )
    assert bad.field_violations[0].field == "layer.width"
    assert bad.field_violations[0].description == "words"
    assert retry.retry_delay.ToMilliseconds() == 2500
    assert request.request_id == "request 7"


def test_the_status_has_only_the_details_that_apply() -> None:
    status = status_of(failure_of(JobCancelledError("stopped")))
    assert len(status.details) == 1


@pytest.mark.parametrize("character", ["x", "ü", "画", "\ud800"])
def test_a_long_message_still_fits_into_trailers(character: str) -> None:
    failure = failure_of(InvalidFieldError("field", character * 5000))
    status = status_of(failure, "r" * 128)
    # Percent-encoded at three bytes each, and once more in base64.
    in_trailers = 3 * len(status.message.encode()) + 4 / 3 * status.ByteSize()
    assert in_trailers < 7500
    assert status.message.startswith("field: ")
