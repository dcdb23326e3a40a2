"""Folders of pack files: verified when they are first seen, and when they changed."""

from __future__ import annotations

import contextlib
import logging
import stat
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from pastiche_daemon.packs.archive import Pack, PackLimits, read_pack
from pastiche_daemon.packs.errors import DamagedPackError, PackError, StorageError

PACK_SUFFIX = ".pastiche"

_log = logging.getLogger(__name__)

# How long a folder's last contents are taken for the present ones.
_FRESH_SECONDS = 2.0
# How long a call waits for a folder of another computer before it goes on without.
_FIRST_WAIT_SECONDS = 20.0
_WAIT_SECONDS = 3.0
# How long after its last change a file may still be on its way into a shared folder, and how much
# less often than the folder it is looked at meanwhile.
_COPYING_SECONDS = 120.0
_COPYING_LOOKS = 5
_FUTURE_SECONDS = 24 * 3600.0


@dataclass(frozen=True)
class PackProblem:
    """A file or folder of the store that is not used, and why: ``error`` names it."""

    path: Path
    error: PackError


class _Stamp(NamedTuple):
    """A file with another stamp has to be read and verified again."""

    modified_ns: int
    size: int
    inode: int


class PackFolder:
    """The pack files of one folder. For one thread at a time."""

    def __init__(self, folder: Path, limits: PackLimits, *, half_copied: bool = False) -> None:
        """With ``half_copied``, bad files that were written lately are passed over quietly, and
        read again every time: they may be whole soon.
        """
        self.folder = folder
        self._limits = limits
        self._half_copied = half_copied
        self._seen: dict[Path, tuple[_Stamp, Pack | PackProblem]] = {}
        self._copying: dict[Path, tuple[_Stamp, float]] = {}

    def read(self) -> Sequence[tuple[Path, Pack | PackProblem]]:
        """Every pack file, the last written first. A folder that is not there is empty.

        Raises `StorageError` where it cannot be read.
        """
        found = list(self._read())
        present = {path for path, _ in found}
        self._seen = {path: seen for path, seen in self._seen.items() if path in present}
        return found

    def _read(self) -> Iterator[tuple[Path, Pack | PackProblem]]:
        stamped = self._stamped()
        listed = {path for _, path, _ in stamped}
        self._copying = {path: seen for path, seen in self._copying.items() if path in listed}
        for stamp, path, is_file in stamped:
            seen = self._seen.get(path)
            if seen is None or seen[0] != stamp:
                if self._was_half_copied(path, stamp):
                    continue
                read = _read(path, self._limits) if is_file else _no_file(path)
                if read is None:
                    continue
                if self._half_copied and isinstance(read, PackProblem) and _is_new(stamp):
                    self._copying[path] = (stamp, time.monotonic())
                    continue
                self._copying.pop(path, None)
                seen = (stamp, read)
                self._seen[path] = seen
            yield path, seen[1]

    def _was_half_copied(self, path: Path, stamp: _Stamp) -> bool:
        """Whether the same file was found to be half copied just now."""
        seen = self._copying.get(path)
        if seen is None or seen[0] != stamp:
            return False
        return time.monotonic() - seen[1] < _COPYING_LOOKS * _FRESH_SECONDS

    def _stamped(self) -> list[tuple[_Stamp, Path, bool]]:
        stamped: list[tuple[_Stamp, Path, bool]] = []
        try:
            paths = [path for path in self.folder.iterdir() if path.name.endswith(PACK_SUFFIX)]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StorageError(
                f"{self.folder} cannot be read ({error.strerror}); check the folder and its "
                "permissions"
            ) from error
        for path in paths:
            if self._half_copied and path.name.startswith("."):  # how rsync names them meanwhile
                continue
            with contextlib.suppress(OSError):
                info = path.stat()
                stamp = _Stamp(info.st_mtime_ns, info.st_size, info.st_ino)
                stamped.append((stamp, path, stat.S_ISREG(info.st_mode)))
        return sorted(stamped, reverse=True)


class SharedFolder:
    """A folder that others fill, perhaps on another computer. It is only read. For any thread.

    It is looked at when somebody asks and the last look is seconds ago, in a thread of its own:
    a network that hangs holds nobody up for long.
    """

    def __init__(self, folder: Path, limits: PackLimits) -> None:
        self.folder = folder
        self._reader = PackFolder(folder, limits, half_copied=True)
        self._lock = threading.Lock()
        self._looking: threading.Event | None = None
        self._late = False
        self._found: Sequence[tuple[Path, Pack | PackProblem]] = ()
        self._problem: PackError | None = None
        self._looked_at: float | None = None

    def read(self) -> tuple[Sequence[tuple[Path, Pack | PackProblem]], PackError | None]:
        """Every pack file as of a few seconds ago, and what is wrong with the folder, if it is."""
        with self._lock:
            first = self._looked_at is None
            if not first and time.monotonic() - (self._looked_at or 0.0) < _FRESH_SECONDS:
                return self._found, self._problem
            looking = self._looking
            if looking is None:
                looking = self._looking = threading.Event()
                threading.Thread(
                    target=self._look, args=(looking,), name="pastiche-shared", daemon=True
                ).start()
            seconds = _FIRST_WAIT_SECONDS if first else _WAIT_SECONDS
            if self._late:  # one call has waited for this look already
                seconds = 0.0
        answered = looking.wait(seconds)
        with self._lock:
            if answered:
                return self._found, self._problem
            self._late = self._looking is looking
            problem = StorageError(
                f"the shared folder {self.folder} does not answer; check the network"
            )
            return self._found, problem

    def _look(self, looking: threading.Event) -> None:
        found: Sequence[tuple[Path, Pack | PackProblem]] = ()
        problem: PackError | None = None
        try:
            if self.folder.is_dir():
                found = self._reader.read()
            else:
                problem = StorageError(
                    f"the shared folder {self.folder} is not there; connect it, or take it out of "
                    "the settings"
                )
        except PackError as error:
            problem = type(error)(f"the shared folder {error}")
        except OSError as error:
            problem = StorageError(
                f"the shared folder {self.folder} cannot be read ({error.strerror or error})"
            )
        finally:
            if problem is not None and str(problem) != str(self._problem):
                _log.warning("%s", problem)
            elif problem is None and self._problem is not None:
                _log.info("the shared folder %s is there again", self.folder)
            with self._lock:
                self._found, self._problem = found, problem
                self._looked_at = time.monotonic()
                self._looking = None
                self._late = False
            looking.set()


def _is_new(stamp: _Stamp) -> bool:
    # Clocks of file servers differ; a file of the near future has been written just now as well.
    return -_FUTURE_SECONDS < time.time() - stamp.modified_ns / 1e9 < _COPYING_SECONDS


def _no_file(path: Path) -> PackProblem:
    return PackProblem(path, DamagedPackError(f"{path.name} is not a file"))


def _read(path: Path, limits: PackLimits) -> Pack | PackProblem | None:
    try:
        return read_pack(path, limits)
    except PackError as error:
        return PackProblem(path, type(error)(f"{path.name}: {error}"))
    except FileNotFoundError:
        return None
    except OSError as error:
        message = f"{path.name} cannot be read: {error.strerror or error}"
        return PackProblem(path, DamagedPackError(message))
