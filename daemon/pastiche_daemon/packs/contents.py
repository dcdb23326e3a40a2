"""What is in the folders of packs, and what of it is used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from pastiche_daemon.packs.archive import Pack, PackLimits
from pastiche_daemon.packs.errors import (
    KeyFileError,
    PackError,
    PackExistsError,
    StorageError,
    UnknownVersionError,
    UntrustedPackError,
)
from pastiche_daemon.packs.folders import PackFolder, PackProblem, SharedFolder
from pastiche_daemon.packs.pins import PinStore
from pastiche_daemon.packs.policy import PackPolicy
from pastiche_daemon.packs.trust import Origin, Trust, TrustStore
from pastiche_daemon.packs.versions import version_key

BUILT_IN_FOLDER = Path(__file__).parent / "builtin"
"""The packs that are a part of Pastiche."""


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
class Contents:
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


class ContentsReader:
    """Reads the folders anew whenever it is asked."""

    def __init__(
        self,
        built_in: Path,
        installed: Path,
        *,
        limits: PackLimits,
        trust: TrustStore,
        pins: PinStore,
        policy: Callable[[], PackPolicy],
        lock: AbstractContextManager[object],
    ) -> None:
        """``lock`` is held by whoever changes the folders; it must be reentrant."""
        self._limits = limits
        self._trust = trust
        self._pins = pins
        self._policy = policy
        self._lock = lock
        self._built_in_folder = PackFolder(built_in, limits)
        self._installed_folder = PackFolder(installed, limits)
        self._shared: dict[Path, SharedFolder] = {}

    def read(self) -> Contents:
        """All of it, as it is now."""
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
                origin = self._origin(place, read)
                found = StoredPack(read, place, origin)
                if policy.trusted_only and not origin.trusted:
                    error = UntrustedPackError(
                        f"{path.name}: {why_untrusted(read, origin, 'used')}"
                    )
                    untrusted.append((found, PackProblem(path, error)))
                    continue
                others = usable.setdefault(read.manifest.id, [])
                used = _before(others, found)
                if used is None:
                    others.append(found)
                elif used.pack.manifest != read.manifest:
                    passed_over.append(PackProblem(path, _passed_over(path, used.pack)))
        return Contents(
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

    def _origin(self, place: Place, pack: Pack) -> Origin:
        if place is Place.BUILT_IN:
            return Origin(Trust.BUILT_IN)
        return self._trust.origin(pack.manifest.signature)

    def problems(self, contents: Contents) -> Iterator[PackProblem]:
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


def why_untrusted(pack: Pack, origin: Origin, done: str) -> str:
    """Why the policy forbids a pack to be ``done``, such as installed."""
    return (
        f"the pack {pack.manifest.id!r} {pack.manifest.version} is {origin.told()}; here, only "
        f"packs that a trusted key has signed may be {done}. Ask whoever looks after Pastiche here "
        "(`pastiche packs trust`)"
    )
