"""The file in which a running daemon tells its user's programs how to reach it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
import sys
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from pathlib import Path

_LARGEST_FILE = 64 * 1024


class RuntimeFileError(Exception):
    """The runtime file is there, but cannot be read or trusted. The message names it."""


@dataclass(frozen=True)
class RuntimeInfo:
    """How to reach a daemon.

    `port` is 1..65535 and `pid` positive. `instance_id` is random for every start, so that a
    foreign program on a reused port is recognised. The token stays out of the repr, and so out
    of logs.
    """

    host: str
    port: int
    pid: int
    token: str = field(repr=False)
    instance_id: str
    version: str


def write_runtime_file(path: Path, info: RuntimeInfo) -> None:
    """Write it whole or not at all, and never readable by other users.

    Raises:
        OSError: the folder cannot be made or the file not be written; nothing is left behind.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if sys.platform != "win32":  # there, the profile folder belongs to its user alone
        path.parent.chmod(0o700)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(info), file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def read_runtime_file(path: Path) -> RuntimeInfo | None:
    """What the file says, or None where there is none.

    Raises:
        RuntimeFileError: it is damaged, unreadable, or another user's.
    """
    try:
        with path.open("rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            content = file.read(_LARGEST_FILE + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise RuntimeFileError(f"cannot read {path}: {error.strerror or error}") from error
    if len(content) > _LARGEST_FILE:
        raise RuntimeFileError(f"{path} is damaged: it has more than {_LARGEST_FILE} bytes")
    try:
        values: object = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise RuntimeFileError(f"{path} is damaged: it is not JSON") from error
    if not isinstance(values, dict):
        raise RuntimeFileError(f"{path} is damaged: it is not a JSON object")
    fields = cast("dict[str, object]", values)
    return RuntimeInfo(
        host=_text(path, fields, "host"),
        port=_number(path, fields, "port", 65535),
        pid=_number(path, fields, "pid", 2**32),
        token=_token(path, fields),
        instance_id=_text(path, fields, "instance_id"),
        version=_text(path, fields, "version"),
    )


def remove_runtime_file(path: Path, instance_id: str) -> bool:
    """Remove the file if it is still that instance's. Returns whether it was removed.

    A damaged or foreign file is left alone: the next daemon overwrites it.
    """
    try:
        info = read_runtime_file(path)
    except RuntimeFileError:
        return False
    if info is None or info.instance_id != instance_id:
        return False
    path.unlink(missing_ok=True)
    return True


def _check_owner(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise RuntimeFileError(f"{path} is not a file")
    if sys.platform != "win32" and status.st_uid != os.getuid():
        # Whoever wrote it chooses where the user's pictures are sent.
        raise RuntimeFileError(f"{path} belongs to another user; remove it or set PASTICHE_HOME")


def _token(path: Path, fields: dict[str, object]) -> str:
    token = _text(path, fields, "token")
    if not (token.isascii() and token.isprintable()):  # it is sent as a header
        raise RuntimeFileError(f"{path} is damaged: token must be printable ASCII")
    return token


def _text(path: Path, fields: dict[str, object], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str) or not value:
        raise RuntimeFileError(f"{path} is damaged: {name} must be a text that is not empty")
    return value


def _number(path: Path, fields: dict[str, object], name: str, largest: int) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= largest:
        raise RuntimeFileError(f"{path} is damaged: {name} must be a number from 1 to {largest}")
    return value
