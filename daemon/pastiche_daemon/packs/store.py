"""The packs of this machine: built in, installed by the user, and in shared folders."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pastiche_daemon.packs.archive import Pack, PackLimits, read_pack
from pastiche_daemon.packs.errors import (
    BuiltInPackError,
    KeyFileError,
    NoOlderVersionError,
    PackError,
    PackExistsError,
    PackTooLargeError,
    PinnedVersionError,
    SharedPackError,
    StorageError,
    UnknownPackError,
    UnknownStyleError,
    UnknownVersionError,
    UntrustedPackError,
)
from pastiche_daemon.packs.files import PartFile, part_file, storage_errors
from pastiche_daemon.packs.folders import PACK_SUFFIX, PackFolder, PackProblem, SharedFolder
from pastiche_daemon.packs.manifest import StyleEntry
from pastiche_daemon.packs.pins import PinStore
from pastiche_daemon.packs.policy import PackPolicy, PolicySource
from pastiche_daemon.packs.trust import Origin, Trust, TrustStore
from pastiche_daemon.packs.versions import version_key

if TYPE_CHECKING:
    from pastiche_client.paths import DataPaths

__all__ = ["PACK_SUFFIX", "PackProblem"]

BUILT_IN_FOLDER = Path(__file__).parent / "builtin"
"""The packs that are a part of Pastiche."""
_INCOMING = f"incoming{PACK_SUFFIX}"
_STYLE_NAME = re.compile(r"packs/(?P<pack>[^/@]+)(?:@(?P<version>[^/@]+))?/styles/(?P<style>[^/]+)")
_CHUNK = 1 << 20


class Place(Enum):
    """Whose folder a pack is in."""

    BUILT_IN = "built in"
    INSTALLED = "installed"
    SHARED = "shared"


@dataclass(frozen=True)
class StoredPack:
    """A usable version of a pack, and where it is from.

    ``pinned``: the user keeps this version. ``current``: it is what the pack's plain name means.
    ``versions`` are all usable ones of its id, the newest first.
    """

    pack: Pack
    place: Place
    origin: Origin
    pinned: bool = False
    current: bool = False
    versions: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        return self.pack.manifest.version


@dataclass(frozen=True)
class FoundStyle:
    """A style, its pack, and its place there: the network's style number, counted from 0."""

    pack: Pack
    index: int
    entry: StyleEntry


@dataclass(frozen=True)
class _Contents:
    """``versions`` by id, the newest first; ``pins`` may name packs that are not there."""

    versions: dict[str, tuple[StoredPack, ...]]
    pins: dict[str, str]
    installed: tuple[tuple[Path, Pack], ...]
    untrusted: tuple[tuple[StoredPack, PackProblem], ...]
    damaged: tuple[PackProblem, ...]
    passed_over: tuple[PackProblem, ...]
    folders: tuple[PackProblem, ...]

    @property
    def ids(self) -> list[str]:
        return sorted(self.versions)

    @property
    def hint(self) -> str:
        """Why a pack may be missing."""
        return "; ".join(str(problem.error) for problem in self.folders)

    def is_built_in(self, pack_id: str) -> bool:
        return any(found.place is Place.BUILT_IN for found in self.versions.get(pack_id, ()))


class IncomingPack:
    """A pack on its way into the store; what was written is gone unless `install` succeeds."""

    def __init__(self, part: PartFile, limits: PackLimits, store: PackStore) -> None:
        self._part = part
        self._limits = limits
        self._store = store
        self._size = 0
        self._read: Pack | None = None

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

    def check(self, *, replace: bool = False) -> StoredPack:
        """Verify what was written; what `install` would install. Raises what it would raise."""
        return self._store.check_placing(self._verified(), replace=replace)

    def install(self, *, replace: bool = False) -> Pack:
        """Verify what was written and put it into the store. May be called once."""
        return self._store.place(self._part, self._verified(), replace=replace)

    def _verified(self) -> Pack:
        if self._read is None:
            with storage_errors(self._part.path.parent):
                self._part.finish()
            self._read = read_pack(self._part.path, self._limits)
        return self._read


class PackStore:
    """Lists, finds, installs, pins and removes packs. May be used from several threads.

    ``built_in`` and the policy's shared folders are only read. ``installed`` holds
    ``ID-VERSION.pastiche`` files, and is made when the first pack is installed. Files are verified
    when they are first seen and when they changed; a bad one never hides the others.

    Several versions of an id stand side by side. Its plain name means the pinned one, or else the
    newest. Of the same version, the installed file counts before those of shared folders, and of
    these the first folder's. The ids of built-in packs are theirs alone.
    """

    def __init__(
        self,
        built_in: Path,
        installed: Path,
        *,
        limits: PackLimits | None = None,
        trust: TrustStore | None = None,
        pins: PinStore | None = None,
        policy: Callable[[], PackPolicy] = PackPolicy,
    ) -> None:
        """The lists of trust and pins lie beside ``installed`` unless others are given."""
        self._limits = limits or PackLimits()
        self._installed = installed
        self._trust = trust or TrustStore(installed.with_name("trusted-keys.toml"))
        self._pins = pins or PinStore(installed.with_name("pinned-packs.toml"))
        self._policy = policy
        self._lock = threading.RLock()
        self._built_in_folder = PackFolder(built_in, self._limits)
        self._installed_folder = PackFolder(installed, self._limits)
        self._shared: dict[Path, SharedFolder] = {}

    @staticmethod
    def of(
        paths: DataPaths, policy: PolicySource | None = None, *, limits: PackLimits | None = None
    ) -> PackStore:
        """The store of a data folder; the policy is that of its settings unless one is given."""
        return PackStore(
            BUILT_IN_FOLDER,
            paths.packs,
            limits=limits,
            trust=TrustStore(paths.trusted_keys_file),
            pins=PinStore(paths.pinned_packs_file),
            policy=policy or PolicySource(paths.settings_file),
        )

    def list(self) -> Sequence[Pack]:
        """What the plain names mean: one version of every usable pack, by id."""
        return [found.pack for found in self.entries()]

    def entries(self) -> Sequence[StoredPack]:
        """As `list`, with where each is from. Packs whose pinned version is gone are left out."""
        contents = self._contents()
        return [
            found
            for pack_id in contents.ids
            for found in contents.versions[pack_id]
            if found.current
        ]

    def problems(self) -> Sequence[PackProblem]:
        """All that is not usable or not as it should be, by path."""
        contents = self._contents()
        untrusted = tuple(problem for _, problem in contents.untrusted)
        every = contents.damaged + contents.passed_over + untrusted + contents.folders
        return sorted(
            (*every, *self._list_problems(contents)),
            key=lambda problem: (problem.path, str(problem.error)),
        )

    def versions(self, pack_id: str) -> Sequence[StoredPack]:
        """All usable versions of an id, the newest first. Raises as `find`."""
        contents = self._contents()
        if pack_id not in contents.versions:
            self._raise_missing(contents, pack_id, None)
        return contents.versions[pack_id]

    def get(self, pack_id: str, version: str | None = None) -> Pack:
        """The pack of that id; as `find`."""
        return self.find(pack_id, version).pack

    def find(self, pack_id: str, version: str | None = None) -> StoredPack:
        """The pack of that id and version; the current version if None.

        Raises `UnknownPackError` or `UnknownVersionError`, which list what there is,
        `UntrustedPackError` where the policy forbids its use, and `DamagedPackError` or the like
        where it is there but cannot be used.
        """
        contents = self._contents()
        wanted = version or contents.pins.get(pack_id)
        for found in contents.versions.get(pack_id, ()):
            if found.current if version is None else found.version == version:
                return found
        return self._raise_missing(contents, pack_id, wanted, pinned=version is None)

    def is_built_in(self, pack_id: str) -> bool:
        """Whether the pack of that id is a part of Pastiche itself."""
        return self._contents().is_built_in(pack_id)

    def find_style(self, name: str) -> FoundStyle:
        """The style ``packs/PACK/styles/STYLE``, or that of ``packs/PACK@VERSION/styles/STYLE``.

        Raises `UnknownStyleError`, which lists what there is, and what `find` raises.
        """
        match = _STYLE_NAME.fullmatch(name)
        if match is None:
            every = (style for pack in self.list() for style in _style_names(pack))
            raise UnknownStyleError(name, every)
        pack = self.get(match["pack"], match["version"])
        for index, entry in enumerate(pack.manifest.styles):
            if entry.id == match["style"]:
                return FoundStyle(pack, index, entry)
        raise UnknownStyleError(name, _style_names(pack, match["version"]))

    def install(self, source: Path | BinaryIO, *, replace: bool = False) -> Pack:
        """Install a pack from a file or stream of bytes, beside other versions of it.

        Nothing changes unless it succeeds. Raises what `read_pack` raises for packs that are not
        good, `PackExistsError` where this version is installed and ``replace`` is false,
        `BuiltInPackError` where the id is that of a built-in pack, `UntrustedPackError` where the
        policy forbids it, and `StorageFullError`.
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
        with part_file(self._installed / _INCOMING) as part:
            yield IncomingPack(part, self._limits, self)

    def remove(self, pack_id: str, version: str | None = None) -> None:
        """Remove an installed pack, be it usable or damaged; one version, or all if None.

        Raises `BuiltInPackError` where it is built in, `SharedPackError` where it is only in a
        shared folder, `PinnedVersionError` where that version is pinned, and as `find` where there
        is none.
        """
        with self._lock:
            contents = self._contents()
            paths = self._installed_files(contents, pack_id, version)
            if not paths:
                self._raise_irremovable(contents, pack_id, version)
            pin = contents.pins.get(pack_id)
            others = any(
                found.version == pin and found.place is Place.SHARED
                for found in contents.versions.get(pack_id, ())
            )
            if version is not None and version == pin and not others:
                raise PinnedVersionError(
                    f"version {version} of the pack {pack_id!r} is pinned; unpin it first"
                )
            for path in sorted(paths):
                path.unlink(missing_ok=True)
            if version is None and pin is not None and not others:
                self._pins.set(pack_id, None)

    def pin(self, pack_id: str, version: str) -> StoredPack:
        """Let the plain name mean this version until it is unpinned.

        Raises `BuiltInPackError` where it is built in, which has one version, and as `find`.
        """
        with self._lock:
            if self.find(pack_id, version).place is Place.BUILT_IN:
                raise BuiltInPackError(
                    f"the pack {pack_id!r} is built in: it has one version, that of Pastiche"
                )
            self._pins.set(pack_id, version)
            return self.find(pack_id)

    def unpin(self, pack_id: str) -> StoredPack:
        """Let the plain name mean the newest version again; what that is. Raises as `find`."""
        with self._lock:
            if pack_id not in self._contents().pins:
                self.find(pack_id)
            self._pins.set(pack_id, None)
            return self.find(pack_id)

    def roll_back(self, pack_id: str) -> StoredPack:
        """Pin the version before the current one. Raises `NoOlderVersionError`, and as `find`."""
        with self._lock:
            versions = self.versions(pack_id)
            now = self._contents().pins.get(pack_id, versions[0].version)
            older = [v for v in versions if version_key(v.version) < version_key(now)]
            if not older:
                raise NoOlderVersionError(
                    f"there is no version of the pack {pack_id!r} before {now}; there are: "
                    + ", ".join(found.version for found in versions[:30])
                )
            return self.pin(pack_id, older[0].version)

    @property
    def trusted_only(self) -> bool:
        """Whether the policy allows only packs that trusted keys have signed."""
        return self._policy().trusted_only

    def origin(self, pack: Pack) -> Origin:
        """Who made a pack that is not in the store."""
        return self._trust.origin(pack.manifest.signature)

    def check_placing(self, pack: Pack, *, replace: bool) -> StoredPack:
        """What `place` would put into the store. Raises what it would raise."""
        manifest = pack.manifest
        origin = self.origin(pack)
        contents = self._contents()
        if contents.is_built_in(manifest.id):
            raise BuiltInPackError(
                f"the pack {manifest.id!r} is built in and cannot be replaced; "
                "give the new one another id"
            )
        if self._policy().trusted_only and not origin.trusted:
            raise UntrustedPackError(_untrusted(pack, origin, "installed"))
        taken = self._installed_files(contents, manifest.id, manifest.version)
        if not replace and (taken or self._target(pack).exists()):
            raise _exists(pack)
        versions = {found.version for found in contents.versions.get(manifest.id, ())}
        ordered = sorted({*versions, manifest.version}, key=version_key, reverse=True)
        pin = contents.pins.get(manifest.id)
        return StoredPack(
            pack,
            Place.INSTALLED,
            origin,
            pinned=pin == manifest.version,
            current=manifest.version == (pin or ordered[0]),
            versions=tuple(ordered),
        )

    def place(self, part: PartFile, pack: Pack, *, replace: bool) -> Pack:
        """Put a verified file into the store. For `IncomingPack`."""
        target = self._target(pack)
        with self._lock:
            self.check_placing(pack, replace=replace)
            manifest = pack.manifest
            older = self._installed_files(self._contents(), manifest.id, manifest.version)
            if replace:
                part.move_to(target)
            else:
                try:
                    part.move_to_new(target)
                except FileExistsError as error:  # another process was quicker
                    raise _exists(pack) from error
            for path in older:
                if path != target:
                    # Left in place, it would be passed over or, once it is newer, be used.
                    with contextlib.suppress(OSError):
                        path.unlink()
        return _moved(pack, target)

    def _target(self, pack: Pack) -> Path:
        return self._installed / f"{pack.manifest.id}-{pack.manifest.version}{PACK_SUFFIX}"

    def _installed_files(self, contents: _Contents, pack_id: str, version: str | None) -> set[Path]:
        """The files of a pack in the folder of installed ones, damaged ones included."""
        paths = {
            path
            for path, pack in contents.installed
            if pack.manifest.id == pack_id and version in (None, pack.manifest.version)
        }
        for problem in contents.damaged:
            path = problem.path
            if path.parent == self._installed and _is_named_after(path, pack_id, version):
                paths.add(path)
        return paths

    def _raise_irremovable(self, contents: _Contents, pack_id: str, version: str | None) -> None:
        if contents.is_built_in(pack_id):
            raise BuiltInPackError(f"the pack {pack_id!r} is built in and cannot be removed")
        for found in contents.versions.get(pack_id, ()):
            if version in (None, found.version):
                raise SharedPackError(
                    f"{found.pack.path.name} is in the shared folder {found.pack.path.parent}, "
                    "where Pastiche changes nothing; remove the file there"
                )
        self._raise_missing(contents, pack_id, version)

    def _raise_missing(
        self, contents: _Contents, pack_id: str, version: str | None, *, pinned: bool = False
    ) -> StoredPack:
        for problem in contents.damaged:
            if _is_named_after(problem.path, pack_id, version):
                raise type(problem.error)(*problem.error.args)
        for found, problem in contents.untrusted:
            if found.pack.manifest.id == pack_id and version in (None, found.version):
                raise UntrustedPackError(*problem.error.args)
        if version is None or pack_id not in contents.versions:
            raise UnknownPackError(pack_id, contents.ids, contents.hint)
        existing = [found.version for found in contents.versions[pack_id]]
        raise UnknownVersionError(pack_id, version, existing, pinned=pinned)

    def _list_problems(self, contents: _Contents) -> Iterator[PackProblem]:
        """What is wrong with the settings, the list of keys, and the pins."""
        if problem := self._policy().problem:
            yield PackProblem(
                Path(problem.split(" cannot be used", 1)[0]),
                StorageError(f"{problem}; until then, only packs of trusted keys are used"),
            )
        if problem := self._trust.problem():
            yield PackProblem(
                Path(problem.split(" cannot be used", 1)[0]),
                KeyFileError(f"{problem}; until then, no key is trusted"),
            )
        try:
            self._pins.all()
        except StorageError as error:
            yield PackProblem(self._pins.path, error)
        for pack_id, version in contents.pins.items():
            found = [stored.version for stored in contents.versions.get(pack_id, ())]
            if version not in found:
                yield PackProblem(
                    self._pins.path, UnknownVersionError(pack_id, version, found, pinned=True)
                )

    def _contents(self) -> _Contents:
        policy = self._policy()
        with self._lock:
            built_in = self._built_in_folder.read()
            installed = self._installed_folder.read()
            shared, folders = self._read_shared(policy)
        try:
            pins = dict(self._pins.all())
        except StorageError:
            pins = {}  # one of the problems
        usable: dict[str, list[StoredPack]] = {}
        untrusted: list[tuple[StoredPack, PackProblem]] = []
        passed_over: list[PackProblem] = []
        damaged: list[PackProblem] = []
        places = ((Place.BUILT_IN, built_in), (Place.INSTALLED, installed), (Place.SHARED, shared))
        for place, files in places:
            for path, read in files:
                if isinstance(read, PackProblem):
                    damaged.append(read)
                    continue
                origin = Origin(Trust.BUILT_IN) if place is Place.BUILT_IN else self.origin(read)
                found = StoredPack(read, place, origin)
                if policy.trusted_only and not origin.trusted:
                    error = UntrustedPackError(f"{path.name}: {_untrusted(read, origin, 'used')}")
                    untrusted.append((found, PackProblem(path, error)))
                    continue
                others = usable.setdefault(read.manifest.id, [])
                used = _before(others, found)
                if used is None:
                    others.append(found)
                elif used.pack.manifest != read.manifest:
                    passed_over.append(PackProblem(path, _passed_over(path, used.pack)))
        return _Contents(
            versions={
                pack_id: _arranged(found, pins.get(pack_id)) for pack_id, found in usable.items()
            },
            pins=pins,
            installed=tuple((path, read) for path, read in installed if isinstance(read, Pack)),
            untrusted=tuple(untrusted),
            damaged=tuple(damaged),
            passed_over=tuple(passed_over),
            folders=folders,
        )

    def _read_shared(
        self, policy: PackPolicy
    ) -> tuple[Sequence[tuple[Path, Pack | PackProblem]], tuple[PackProblem, ...]]:
        self._shared = {
            folder: self._shared.get(folder) or SharedFolder(folder, self._limits)
            for folder in policy.shared_folders
        }
        files: list[tuple[Path, Pack | PackProblem]] = []
        problems: list[PackProblem] = []
        for folder, shared in self._shared.items():
            found, problem = shared.read()
            files.extend(found)
            if problem is not None:
                problems.append(PackProblem(folder, problem))
        return files, tuple(problems)


def _before(others: Iterable[StoredPack], found: StoredPack) -> StoredPack | None:
    """What is used in the place of a file that was found later."""
    for other in others:
        if other.place is Place.BUILT_IN or other.version == found.version:
            return other
    return None


def _arranged(found: Sequence[StoredPack], pin: str | None) -> tuple[StoredPack, ...]:
    ordered = sorted(found, key=lambda stored: version_key(stored.version), reverse=True)
    versions = tuple(stored.version for stored in ordered)
    if found[0].place is Place.BUILT_IN:
        pin = None
    current = versions[0] if pin is None else pin
    return tuple(
        replace(
            stored,
            pinned=stored.version == pin,
            current=stored.version == current,
            versions=versions,
        )
        for stored in ordered
    )


def _moved(pack: Pack, path: Path) -> Pack:
    return replace(pack, path=path)


def _exists(pack: Pack) -> PackExistsError:
    manifest = pack.manifest
    return PackExistsError(
        f"version {manifest.version} of the pack {manifest.id!r} is installed already; "
        "replace or remove it to install this one"
    )


def _untrusted(pack: Pack, origin: Origin, done: str) -> str:
    return (
        f"the pack {pack.manifest.id!r} {pack.manifest.version} is {origin.told()}; here, only "
        f"packs that a trusted key has signed may be {done}. Ask whoever looks after Pastiche here "
        "(`pastiche packs trust`)"
    )


def _passed_over(path: Path, used: Pack) -> PackError:
    manifest = used.manifest
    return PackExistsError(
        f"{path.name} is not used: {used.path.name} has the same id, {manifest.id!r}, and is "
        + (
            "built in"
            if used.path.parent == BUILT_IN_FOLDER
            else f"version {manifest.version}, too"
        )
    )


def _is_named_after(path: Path, pack_id: str, version: str | None = None) -> bool:
    """Whether a file is named as the store would name that pack's, whatever is in it."""
    if version is not None:
        return path.name == f"{pack_id}-{version}{PACK_SUFFIX}"
    # Ids hold no dots, so that a longer id that begins with this one does not match.
    return re.fullmatch(rf"{re.escape(pack_id)}-\d+\.\d+\.\d+.*", path.stem) is not None


def _style_names(pack: Pack, version: str | None = None) -> Iterator[str]:
    at = f"@{version}" if version else ""
    for style in pack.manifest.styles:
        yield f"packs/{pack.manifest.id}{at}/styles/{style.id}"
