"""Whatever goes wrong, the user gets a sentence that helps."""

from __future__ import annotations

import concurrent.futures
import errno
from pathlib import Path

import pytest

from pastiche_client import errors
from pastiche_client.editing import refusals
from pastiche_client.editing.failures import sentence
from pastiche_client.editing.translations import translator
from pastiche_client.paths import DataPaths
from pastiche_daemon.packs import errors as pack_errors

PATHS = DataPaths(Path("data"))
LOG = str(PATHS.log_file)


def english(text: str) -> str:
    return text


def told(error: BaseException) -> str:
    return sentence(error, PATHS, english)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (errors.DaemonStartError("no torch", reason="DAEMON_START_FAILED"), f"{LOG}. (no torch)"),
        (errors.DaemonStartError("x", reason="DAEMON_NOT_INSTALLED"), "install.py install"),
        (errors.DaemonStartError("x"), "install.py doctor"),
        (errors.DaemonStartError("cmd", reason="DAEMON_OUTSIDE_SANDBOX"), "yourself, then try"),
        (errors.DaemonLostError("x", reason="DAEMON_LOST"), LOG),
        (errors.DaemonNotRunningError("x", reason="DAEMON_NOT_RUNNING"), "pastiche serve"),
        (errors.UnauthenticatedError("x", reason="TOKEN_INVALID"), "pastiche stop"),
        (errors.CallCancelledError("x", reason="DAEMON_STOPPING"), "started anew"),
        (errors.CallCancelledError("x", reason="CANCELLED"), "cancelled"),
        (errors.ExhaustedError("x", reason="QUEUE_FULL", retry_after=7.2), "in 7 seconds"),
        (errors.ExhaustedError("x", reason="QUEUE_FULL"), "in 1 seconds"),
        (errors.ExhaustedError("9 GB missing", reason="OUT_OF_MEMORY"), "(9 GB missing)"),
        (errors.ExhaustedError("x", reason="STORAGE_FULL"), "disk is full"),
        (errors.NotFoundError("no x/y", reason="STYLE_NOT_FOUND"), "packs install"),
        (errors.NotFoundError("no x", reason="PACK_NOT_FOUND"), "(no x)"),
        (errors.DamagedDataError("x", reason="PACK_DAMAGED"), "Install it again"),
        (errors.RefusedError("x", reason="PACK_UNSUPPORTED"), "Update Pastiche"),
        (errors.RefusedError("run it", reason="ENCODER_MISSING"), "“compact”, or get the other"),
        (errors.RefusedError("run it", reason="ENCODER_MISSING"), "told here: run it"),
        (errors.DamagedDataError("vgg16", reason="ENCODER_DAMAGED"), "encoders fetch”. (vgg16)"),
        (errors.InvalidRequestError("vgg17", reason="ENCODER_UNKNOWN"), "such as “compact”. (vgg"),
        (errors.InvalidRequestError("conv9", reason="LAYER_UNKNOWN"), "or layer. (conv9)"),
        (errors.DaemonError("inf", reason="LOSS_NOT_FINITE"), "Choose less style"),
        (errors.RefusedError("no folder", reason="STORAGE_UNUSABLE"), "no folder"),
        (errors.InvalidRequestError("too large", reason="INVALID_FIELD"), "too large"),
        (errors.DeadlineExceededError("x"), LOG),
        (errors.DeadlineExceededError("x", reason="UPLOAD_STALLED"), "in time"),
        (errors.UnsupportedError("x"), "pastiche stop"),
        (errors.InternalError("x", reason="INTERNAL"), LOG),
        (errors.UnavailableError("x"), LOG),
        (errors.DaemonError("odd"), "odd"),
        (concurrent.futures.CancelledError(), "cancelled"),
        (MemoryError(), "memory"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "x.json"), "Permission denied"),
        (refusals.layer_locked("Sky"), "“Sky” is locked. Unlock it"),
        (KeyError("oops"), "KeyError: 'oops'"),
    ],
)
def test_trouble_is_told_with_what_to_do(error: BaseException, expected: str) -> None:
    assert expected in told(error)
    assert "{" not in told(error)
    assert "\n" not in told(error)


def test_every_reason_that_a_pack_fails_for_is_foreseen() -> None:
    def kinds(kind: type[pack_errors.PackError]) -> list[type[pack_errors.PackError]]:
        return [kind, *(inner for sub in kind.__subclasses__() for inner in kinds(sub))]

    for kind in kinds(pack_errors.PackError):
        error = errors.RefusedError("why it is so", reason=kind.reason)
        assert "plug-in made a mistake" not in told(error)


def test_a_long_output_is_cut() -> None:
    error = errors.DaemonStartError("ended:\n" + "line\n" * 1000, reason="DAEMON_START_FAILED")
    assert len(told(error)) < 700
    assert LOG in told(error)


def test_braces_in_an_errors_words_are_left_alone() -> None:
    assert "{log} {0}" in told(errors.InvalidRequestError("{log} {0}"))
    assert "{layer}" in told(refusals.layer_locked("{layer}"))


def test_every_sentence_comes_in_german() -> None:
    german = translator(["de"])
    for error in (errors.DaemonLostError("x"), refusals.no_image(), MemoryError(), KeyError("x")):
        assert sentence(error, PATHS, german) != told(error)
    assert LOG in sentence(errors.DaemonLostError("x"), PATHS, german)
    assert "„Himmel“ ist gesperrt" in sentence(refusals.layer_locked("Himmel"), PATHS, german)
