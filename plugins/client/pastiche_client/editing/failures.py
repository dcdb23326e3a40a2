"""From what was raised to a sentence that says what to do."""

from __future__ import annotations

import concurrent.futures
import errno
from typing import TYPE_CHECKING

from pastiche_client import errors
from pastiche_client.editing.told import ToldError, marked

if TYPE_CHECKING:
    from pastiche_client.editing.told import Translate
    from pastiche_client.paths import DataPaths

_LONGEST_DETAIL = 400

# By the reason that daemon and client give.
_REASONS: dict[str, str] = {
    "DAEMON_NOT_INSTALLED": marked(
        "Pastiche's daemon is not installed. Run “python3 install.py install”, then try again. "
        "({detail})"
    ),
    "DAEMON_START_FAILED": marked(
        "Pastiche's daemon could not be started. Run “python3 install.py doctor”, which says how "
        "to mend it; the log is {log}. ({detail})"
    ),
    "DAEMON_OUTSIDE_SANDBOX": marked(
        "This editor's package may not start Pastiche's daemon. Start the daemon yourself, then "
        "try again. ({detail})"
    ),
    "DAEMON_NOT_RUNNING": marked(
        "Pastiche's daemon does not run. Start it with “pastiche serve”, then try again."
    ),
    "DAEMON_LOST": marked(
        "Pastiche's daemon ended in the middle of the work. Try again: it is started anew. "
        "If it happens again, its log says why: {log}"
    ),
    "DAEMON_STOPPING": marked(
        "Pastiche's daemon was stopped in the middle of the work. Try again: it is started anew."
    ),
    "TOKEN_INVALID": marked(
        "Pastiche's daemon did not accept this program. Stop the daemon with “pastiche stop”, "
        "then try again."
    ),
    "QUEUE_FULL": marked(
        "The daemon has as much work waiting as it takes. Try again in {seconds} seconds."
    ),
    "OUT_OF_MEMORY": marked(
        "There is not enough memory for this layer. Close other programs, choose larger strokes, "
        "select a part of the layer, or scale it down. ({detail})"
    ),
    "STORAGE_FULL": marked("The disk is full. Make room on it, then try again. ({detail})"),
    "STYLE_NOT_FOUND": marked(
        "The style is not installed. Choose another style, or install its pack with "
        "“pastiche packs install”. ({detail})"
    ),
    "PACK_NOT_FOUND": marked(
        "The style's pack is not installed. Choose another style, or install the pack with "
        "“pastiche packs install”. ({detail})"
    ),
    "PACK_VERSION_NOT_FOUND": marked(
        "That version of the style's pack is not there any more. Load the layer's recipe in the "
        "dialog or docker, which takes the newest version, or install the other one. ({detail})"
    ),
    "PACK_GONE": marked(
        "The style's pack was there a moment ago and is not any more. Connect its shared folder "
        "again, or choose another style. ({detail})"
    ),
    "PACK_UNTRUSTED": marked(
        "Here, only style packs that a trusted key has signed may be used. Choose another style, "
        "or ask whoever looks after Pastiche here. ({detail})"
    ),
    "PACK_SIGNATURE_INVALID": marked(
        "The style's pack was changed after it was signed. Get it again from where it is from, or "
        "choose another style. ({detail})"
    ),
    "PACK_DAMAGED": marked(
        "The style's pack is damaged. Install it again, or choose another style. ({detail})"
    ),
    "PACK_UNSUPPORTED": marked(
        "This Pastiche is too old for the style's pack. Update Pastiche, or choose another style. "
        "({detail})"
    ),
    "ENCODER_MISSING": marked(
        "The encoder is not on this computer. Choose the encoder “compact”, or get the other one "
        "as is told here: {detail}"
    ),
    "ENCODER_DAMAGED": marked(
        "The encoder's file is damaged. Choose the encoder “compact”, or get the other one again "
        "with “pastiche encoders fetch”. ({detail})"
    ),
    "ENCODER_UNKNOWN": marked(
        "There is no such encoder. Choose another one, such as “compact”. ({detail})"
    ),
    "LAYER_UNKNOWN": marked(
        "The encoder does not have a layer that is asked for. Choose another encoder or layer. "
        "({detail})"
    ),
    "LOSS_NOT_FINITE": marked(
        "The painting came apart: its numbers grew beyond all bounds. Choose less style, or start "
        "from the layer, then try again. ({detail})"
    ),
    "PACK_EXISTS": marked(
        "There is a style pack of that name already. Choose another name. ({detail})"
    ),
    "TRAINING_EXISTS": marked(
        "A style of that name is being learned already. Choose another name. ({detail})"
    ),
    "UPLOAD_STALLED": marked("The layer did not reach the daemon in time. Try again."),
    "CANCELLED": marked("It was cancelled. Nothing was changed."),
}

_CLASSES: tuple[tuple[type[BaseException], str], ...] = (
    (concurrent.futures.CancelledError, _REASONS["CANCELLED"]),
    (errors.DaemonStartError, _REASONS["DAEMON_START_FAILED"]),
    (errors.DaemonNotRunningError, _REASONS["DAEMON_NOT_RUNNING"]),
    (errors.DaemonLostError, _REASONS["DAEMON_LOST"]),
    (errors.CallCancelledError, _REASONS["CANCELLED"]),
    (errors.UnauthenticatedError, _REASONS["TOKEN_INVALID"]),
    (errors.NotFoundError, _REASONS["STYLE_NOT_FOUND"]),
    (errors.DamagedDataError, _REASONS["PACK_DAMAGED"]),
    (
        errors.InvalidRequestError,
        marked("The daemon cannot do this: {detail}"),
    ),
    (
        errors.DeadlineExceededError,
        marked("The daemon did not answer in time. Try again; its log is {log}"),
    ),
    (
        errors.UnsupportedError,
        marked(
            "The daemon that runs is older than this plug-in. Stop it with “pastiche stop”, then "
            "try again."
        ),
    ),
    (
        errors.InternalError,
        marked("Pastiche's daemon made a mistake; its log says more: {log} ({detail})"),
    ),
    (
        errors.UnavailableError,
        marked("Pastiche's daemon cannot be reached. Try again; its log is {log} ({detail})"),
    ),
    (errors.DaemonError, marked("The daemon could not do it: {detail} Its log is {log}")),
    (
        MemoryError,
        marked(
            "There is not enough memory for this layer. Close other programs, or select a part of "
            "the layer."
        ),
    ),
)

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT} if hasattr(errno, "EDQUOT") else {errno.ENOSPC}


def sentence(error: BaseException, paths: DataPaths, translate: Translate) -> str:
    """One or two sentences for the user, with the log's path where that helps.

    Args:
        error: anything that was raised.
        paths: the client's data folder.
        translate: see `translations.translator`.
    """
    if isinstance(error, ToldError):
        return error.told(translate)
    template = _template(error)
    return translate(template).format(
        detail=_detail(error),
        log=paths.log_file,
        seconds=_seconds(error),
        kind=type(error).__name__,
    )


def _template(error: BaseException) -> str:
    if isinstance(error, errors.DaemonError) and error.reason in _REASONS:
        return _REASONS[error.reason]
    for kind, template in _CLASSES:
        if isinstance(error, kind):
            return template
    if isinstance(error, OSError):
        if error.errno in _DISK_FULL:
            return _REASONS["STORAGE_FULL"]
        return marked("A file or folder cannot be used: {detail}")
    return marked("Pastiche's plug-in made a mistake ({kind}: {detail}). Please report it.")


def _detail(error: BaseException) -> str:
    """The error's own words, in a line and not too long."""
    text = " ".join(str(error).split())
    return text if len(text) <= _LONGEST_DETAIL else f"{text[:_LONGEST_DETAIL]}…"


def _seconds(error: BaseException) -> int:
    after = error.retry_after if isinstance(error, errors.DaemonError) else None
    return max(1, round(after or 1))
