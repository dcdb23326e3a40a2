"""The packs of this machine: the built-in ones, and those that the user installed."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

from pastiche_daemon.packs.archive import Pack, PackLimits, read_pack
from pastiche_daemon.packs.errors import (
    BuiltInPackError,
    DamagedPackError,
    PackError,
    PackExistsError,
    PackTooLargeError,
    StorageError,
    UnknownPackError,
    UnknownStyleError,
)
from pastiche_daemon.packs.files import PART_SUFFIX, PartFile, part_file, storage_errors
from pastiche_daemon.packs.manifest import StyleEntry

BUILT_IN_FOLDER = Path(__file__).parent / "builtin"
"""The packs that are a part of Pastiche."""
PACK_SUFFIX = ".pastiche"
_INCOMING = f"incoming{PACK_SUFFIX}"
_ABANDONED_AFTER_SECONDS = 24 * 3600.0
_STYLE_NAME = re.compile(r"packs/(?P<pack>[^/]+)/styles/(?P<style>[^/]+)")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class FoundStyle:
    """A style, its pack, and its place there: the network's style number, counted from 0."""

    pack: Pack
    index: int
    entry: StyleEntry


@dataclass(frozen=True)
class PackProblem:
    """A file in the store that is not used, and why: ``error`` names the file."""

    path: Path
    error: PackError


@dataclass(frozen=True)
class _Contents:
    usable: dict[str, Pack]
    built_in: frozenset[str]
    installed: dict[str, tuple[Path, ...]]
    damaged: tuple[PackProblem, ...]
    passed_over: tuple[PackProblem, ...]


class _Stamp(NamedTuple):
    """A file with another stamp has to be read and verified again."""

    modified_ns: int
    size: int
    inode: int


_Place = Callable[[PartFile, Pack, bool], Pack]


class IncomingPack:
    """A pack on its way into the store; what was written is gone unless `install` succeeds."""

    def __init__(self, part: PartFile, limits: PackLimits, place: _Place) -> None:
        self._part = part
        self._limits = limits
        self._place = place
        self._size = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Append a piece of the file.

        Raises `PackTooLargeError` as soon as there is too much, `StorageFullError` where there is
        no space left.
        """
        self._size += len(data)
        if self._size > self._limits.file_size:
            raise PackTooLargeError(
                f"the file has more than the {self._limits.file_size} bytes that packs may have"
            )
        with storage_errors(self._part.path.parent):
            self._part.file.write(data)

    def install(self, *, replace: bool = False) -> Pack:
        """Verify what was written and put it into the store. May be called once."""
        with storage_errors(self._part.path.parent):
            self._part.finish()
        return self._place(self._part, read_pack(self._part.path, self._limits), replace)


class PackStore:
    """Lists, finds, installs and removes packs. May be used from several threads.

    ``built_in`` is only read. ``installed`` holds ``ID-VERSION.pastiche`` files, one an id, and is
    made when the first pack is installed. Files are verified when they are first seen and when
    they changed; a bad one never hides the others. One process at a time may install and remove.
    """

    def __init__(
        self, built_in: Path, installed: Path, *, limits: PackLimits | None = None
    ) -> None:
        self._built_in = built_in
        self._installed = installed
        self._limits = limits or PackLimits()
        self._lock = threading.RLock()
        self._seen: dict[Path, tuple[_Stamp, Pack | PackProblem]] = {}

    def list(self) -> Sequence[Pack]:
        """All usable packs, by id."""
        usable = self._contents().usable
        return [usable[pack_id] for pack_id in sorted(usable)]

    def problems(self) -> Sequence[PackProblem]:
        """The files that are not usable, by path."""
        contents = self._contents()
        return sorted(contents.damaged + contents.passed_over, key=lambda problem: problem.path)

    def get(self, pack_id: str) -> Pack:
        """The pack of that id; `UnknownPackError`, which lists what there is, if there is none.

        Raises `DamagedPackError` or the like where it is installed but cannot be used.
        """
        contents = self._contents()
        if pack_id in contents.usable:
            return contents.usable[pack_id]
        for problem in contents.damaged:
            if _is_named_after(problem.path, pack_id):
                raise type(problem.error)(*problem.error.args)
        raise UnknownPackError(pack_id, sorted(contents.usable))

    def is_built_in(self, pack_id: str) -> bool:
        """Whether the pack of that id is a part of Pastiche itself."""
        return pack_id in self._contents().built_in

    def find_style(self, name: str) -> FoundStyle:
        """The style ``packs/PACK/styles/STYLE``.

        Raises `UnknownPackError` or `UnknownStyleError`, which list what there is.
        """
        match = _STYLE_NAME.fullmatch(name)
        if match is None:
            every = (style for pack in self.list() for style in _style_names(pack))
            raise UnknownStyleError(name, every)
        pack = self.get(match["pack"])
        for index, entry in enumerate(pack.manifest.styles):
            if entry.id == match["style"]:
                return FoundStyle(pack, index, entry)
        raise UnknownStyleError(name, _style_names(pack))

    def install(self, source: Path | BinaryIO, *, replace: bool = False) -> Pack:
        """Install a pack from a file or stream of bytes; nothing changes unless it succeeds.

        Raises what `read_pack` raises for packs that are not good, `PackExistsError` where one of
        that id is installed and ``replace`` is false, `BuiltInPackError` where it is built in, and
        `StorageFullError`.
        """
        with contextlib.ExitStack() as stack:
            stream = stack.enter_context(source.open("rb")) if isinstance(source, Path) else source
            incoming = stack.enter_context(self.incoming())
            while chunk := stream.read(_CHUNK):
                incoming.write(chunk)
            return incoming.install(replace=replace)

    @contextlib.contextmanager
    def incoming(self) -> Iterator[IncomingPack]:
        """Receive a pack piece by piece, as `install` does, without holding it in memory."""
        with storage_errors(self._installed):
            self._installed.mkdir(parents=True, exist_ok=True)
        self._remove_abandoned()
        with part_file(self._installed / _INCOMING) as part:
            yield IncomingPack(part, self._limits, self._place)

    def remove(self, pack_id: str) -> None:
        """Remove an installed pack, be it usable or damaged.

        Raises `BuiltInPackError` where it is built in, `UnknownPackError` where there is none.
        """
        with self._lock:
            contents = self._contents()
            paths = set(contents.installed.get(pack_id, ()))
            for path in (problem.path for problem in contents.damaged):
                if path.parent == self._installed and _is_named_after(path, pack_id):
                    paths.add(path)
            if not paths and pack_id in contents.built_in:
                raise BuiltInPackError(f"the pack {pack_id!r} is built in and cannot be removed")
            if not paths:
                raise UnknownPackError(pack_id, sorted(contents.usable))
            for path in sorted(paths):
                path.unlink(missing_ok=True)

    def _place(self, part: PartFile, pack: Pack, overwrite: bool) -> Pack:
        manifest = pack.manifest
        target = self._installed / f"{manifest.id}-{manifest.version}{PACK_SUFFIX}"
        with self._lock:
            contents = self._contents()
            if manifest.id in contents.built_in:
                raise BuiltInPackError(
                    f"the pack {manifest.id!r} is built in and cannot be replaced; "
                    "give the new one another id"
                )
            older = contents.installed.get(manifest.id, ())
            if not overwrite and (older or target.exists()):
                raise PackExistsError(
                    f"the pack {manifest.id!r} is installed already; "
                    "replace or remove it to install this one"
                )
            part.move_to(target)
            for path in older:
                if path != target:
                    # Left in place, it would be passed over: the newest file of an id counts.
                    with contextlib.suppress(OSError):
                        path.unlink()
        return replace(pack, path=target)

    def _remove_abandoned(self) -> None:
        """Remove what a crash in the middle of an installation has left behind."""
        before = time.time() - _ABANDONED_AFTER_SECONDS
        for path in self._installed.glob(f".{_INCOMING}.*{PART_SUFFIX}"):
            with contextlib.suppress(OSError):
                if path.stat().st_mtime < before:
                    path.unlink()

    def _contents(self) -> _Contents:
        with self._lock:
            built_in = dict(self._read_folder(self._built_in))
            installed = dict(self._read_folder(self._installed))
            present = built_in.keys() | installed.keys()
            self._seen = {path: seen for path, seen in self._seen.items() if path in present}
        usable: dict[str, Pack] = {}
        paths: dict[str, tuple[Path, ...]] = {}
        passed_over: list[PackProblem] = []
        for path, read in (*built_in.items(), *installed.items()):
            if isinstance(read, PackProblem):
                continue
            pack_id = read.manifest.id
            if path in installed:
                paths[pack_id] = (*paths.get(pack_id, ()), path)
            used = usable.setdefault(pack_id, read)
            if used is not read:
                passed_over.append(PackProblem(path, _passed_over(path, used)))
        own = (read.manifest.id for read in built_in.values() if isinstance(read, Pack))
        every = (*built_in.values(), *installed.values())
        damaged = tuple(read for read in every if isinstance(read, PackProblem))
        return _Contents(usable, frozenset(own), paths, damaged, tuple(passed_over))

    def _read_folder(self, folder: Path) -> Iterable[tuple[Path, Pack | PackProblem]]:
        """Every pack file of a folder, the last written first."""
        stamped: list[tuple[_Stamp, Path]] = []
        try:
            paths = [p for p in folder.iterdir() if p.name.endswith(PACK_SUFFIX)]
        except FileNotFoundError:
            return
        except OSError as error:
            raise StorageError(
                f"{folder} cannot be read ({error.strerror}); check the folder and its permissions"
            ) from error
        for path in paths:
            with contextlib.suppress(FileNotFoundError):
                info = path.stat()
                stamp = _Stamp(info.st_mtime_ns, info.st_size, info.st_ino)
                stamped.append((stamp, path))
        for stamp, path in sorted(stamped, reverse=True):
            seen = self._seen.get(path)
            if seen is None or seen[0] != stamp:
                read = _read(path, self._limits)
                if read is None:
                    continue
                seen = (stamp, read)
                self._seen[path] = seen
            yield path, seen[1]


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


def _passed_over(path: Path, used: Pack) -> PackError:
    return PackExistsError(
        f"{path.name} is not used: {used.path.name} has the same id, {used.manifest.id!r}"
    )


def _is_named_after(path: Path, pack_id: str) -> bool:
    """Whether a file is named as the store would name that pack's, whatever is in it."""
    # Ids hold no dots, so that a longer id that begins with this one does not match.
    return re.fullmatch(rf"{re.escape(pack_id)}-\d+\.\d+\.\d+.*", path.stem) is not None


def _style_names(pack: Pack) -> Iterator[str]:
    for style in pack.manifest.styles:
        yield f"packs/{pack.manifest.id}/styles/{style.id}"
