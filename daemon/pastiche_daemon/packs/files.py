"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pastiche_daemon.packs.errors import StorageError, StorageFullError

PART_SUFFIX = ".part"
_ABANDONED_AFTER_SECONDS = 24 * 3600.0

# Also a quota, and a limit on the size of files (setrlimit(2)).
_FULL = frozenset({errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)})


@dataclass(frozen=True)
class PartFile:
    """A file that is being written: ``finish`` it, check it, then ``move_to`` its place."""

    file: BinaryIO
    path: Path

    def finish(self) -> None:
        """Write everything through to the disk and close the file."""
        self.file.flush()
        os.fsync(self.file.fileno())
        self.file.close()

    def move_to(self, target: Path) -> None:
        """Put the finished file in ``target``'s place, at once, and make that durable."""
        self.path.replace(target)
        if os.name == "posix":
            _sync_folder(target.parent)

    def move_to_new(self, target: Path) -> None:
        """As ``move_to``, but never in the place of another file: FileExistsError then."""
        try:
            target.hardlink_to(self.path)
        except FileExistsError:
            raise
        except OSError as error:  # a file system without hard links
            if target.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), target) from error
            self.path.replace(target)
        if os.name == "posix":
            _sync_folder(target.parent)


@contextlib.contextmanager
def part_file(target: Path, *, private: bool = False) -> Iterator[PartFile]:
    """Open a new file in ``target``'s folder, under a hidden name; gone at the end unless moved.

    A ``private`` one can be read by its owner only. What crashes have left behind of such files
    for the same target is removed a day later.

    Raises `StorageFullError` where the disk, a quota or a size limit is exhausted, whatever part
    of the writing meets it, and `StorageError` for everything else that the system refuses.
    """
    path = target.with_name(f".{target.name}.{secrets.token_hex(8)}{PART_SUFFIX}")
    _remove_abandoned(target)
    mode = 0o600 if private else 0o666
    try:
        with (
            storage_errors(target),
            open(path, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file,
        ):
            yield PartFile(file, path)
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Open a file that takes ``target``'s place when the block ends well. Raises as `part_file`."""
    with part_file(target) as part:
        yield part.file
        part.finish()
        part.move_to(target)


@contextlib.contextmanager
def storage_errors(target: Path) -> Iterator[None]:
    """Turn the system's errors into `StorageFullError` and `StorageError`."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StorageFullError(
                f"no space left to write {target}; free some space and try again"
            ) from error
        raise StorageError(
            f"{target} cannot be written ({error.strerror}); check the folder and its permissions"
        ) from error


def _remove_abandoned(target: Path) -> None:
    before = time.time() - _ABANDONED_AFTER_SECONDS
    ours = re.compile(re.escape(f".{target.name}.") + r"[0-9a-f]{16}" + re.escape(PART_SUFFIX))
    with contextlib.suppress(OSError):
        for path in target.parent.iterdir():
            if ours.fullmatch(path.name):
                with contextlib.suppress(OSError):
                    if path.stat().st_mtime < before:
                        path.unlink()


def _sync_folder(folder: Path) -> None:
    # Some file systems cannot; the file itself is in its place by now.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
