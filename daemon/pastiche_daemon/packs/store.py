"""The packs of this machine: built in, installed by the user, and in shared folders."""

from __future__ import annotations

import contextlib
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pastiche_daemon.packs.archive import Pack, PackLimits
from pastiche_daemon.packs.contents import (
    BUILT_IN_FOLDER,
    Contents,
    ContentsReader,
    Place,
    StoredPack,
    why_untrusted,
)
from pastiche_daemon.packs.errors import (
    BuiltInPackError,
    NoOlderVersionError,
    PackExistsError,
    PinnedVersionError,
    SharedPackError,
    UnknownPackError,
    UnknownStyleError,
    UnknownVersionError,
    UntrustedPackError,
)
from pastiche_daemon.packs.files import PartFile, part_file, storage_errors
from pastiche_daemon.packs.folders import PACK_SUFFIX, PackProblem
from pastiche_daemon.packs.incoming import IncomingPack
from pastiche_daemon.packs.manifest import StyleEntry
from pastiche_daemon.packs.pins import PinStore
from pastiche_daemon.packs.policy import PackPolicy, PolicySource
from pastiche_daemon.packs.trust import Origin, TrustStore
from pastiche_daemon.packs.versions import version_key

if TYPE_CHECKING:
    from pastiche_client.paths import DataPaths

__all__ = ["BUILT_IN_FOLDER", "PACK_SUFFIX", "IncomingPack", "PackProblem", "Place", "StoredPack"]

_INCOMING = f"incoming{PACK_SUFFIX}"
_STYLE_NAME = re.compile(r"packs/(?P<pack>[^/@]+)(?:@(?P<version>[^/@]+))?/styles/(?P<style>[^/]+)")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class FoundStyle:
    """A style, its pack, and its place there: the network's style number, counted from 0."""

    pack: Pack
    index: int
    entry: StyleEntry


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
        self._reader = ContentsReader(
            built_in,
            installed,
            limits=self._limits,
            trust=self._trust,
            pins=self._pins,
            policy=policy,
            lock=self._lock,
        )

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
        contents = self._reader.read()
        return [
            found
            for pack_id in contents.ids
            for found in contents.versions[pack_id]
            if found.current
        ]

    def problems(self) -> Sequence[PackProblem]:
        """All that is not usable or not as it should be, by path."""
        contents = self._reader.read()
        untrusted = tuple(problem for _, problem in contents.untrusted)
        every = contents.damaged + contents.passed_over + untrusted + contents.folders
        return sorted(
            (*every, *self._reader.problems(contents)),
            key=lambda problem: (problem.path, str(problem.error)),
        )

    def versions(self, pack_id: str) -> Sequence[StoredPack]:
        """All usable versions of an id, the newest first. Raises as `find`."""
        contents = self._reader.read()
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
        contents = self._reader.read()
        wanted = version or contents.pins.get(pack_id)
        for found in contents.versions.get(pack_id, ()):
            if found.current if version is None else found.version == version:
                return found
        return self._raise_missing(contents, pack_id, wanted, pinned=version is None)

    def is_built_in(self, pack_id: str) -> bool:
        """Whether the pack of that id is a part of Pastiche itself."""
        return self._reader.read().is_built_in(pack_id)

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
            contents = self._reader.read()
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
            if pack_id not in self._reader.read().pins:
                self.find(pack_id)
            self._pins.set(pack_id, None)
            return self.find(pack_id)

    def roll_back(self, pack_id: str) -> StoredPack:
        """Pin the version before the current one. Raises `NoOlderVersionError`, and as `find`."""
        with self._lock:
            versions = self.versions(pack_id)
            now = self._reader.read().pins.get(pack_id, versions[0].version)
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
        contents = self._reader.read()
        if contents.is_built_in(manifest.id):
            raise BuiltInPackError(
                f"the pack {manifest.id!r} is built in and cannot be replaced; "
                "give the new one another id"
            )
        if self._policy().trusted_only and not origin.trusted:
            raise UntrustedPackError(why_untrusted(pack, origin, "installed"))
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
            older = self._installed_files(self._reader.read(), manifest.id, manifest.version)
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

    def _installed_files(self, contents: Contents, pack_id: str, version: str | None) -> set[Path]:
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

    def _raise_irremovable(self, contents: Contents, pack_id: str, version: str | None) -> None:
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
        self, contents: Contents, pack_id: str, version: str | None, *, pinned: bool = False
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


def _moved(pack: Pack, path: Path) -> Pack:
    return replace(pack, path=path)


def _exists(pack: Pack) -> PackExistsError:
    manifest = pack.manifest
    return PackExistsError(
        f"version {manifest.version} of the pack {manifest.id!r} is installed already; "
        "replace or remove it to install this one"
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
