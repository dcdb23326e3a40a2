"""What can be wrong with a style pack or with finding, keeping or storing one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

_MOST_LISTED = 30  # messages travel in headers, which are small


class PackError(Exception):
    """Base of all pack errors. ``reason`` is a stable word for programs, the message for people."""

    reason: ClassVar[str] = "PACK_ERROR"


class DamagedPackError(PackError):
    """The file is not a whole and well-formed pack."""

    reason: ClassVar[str] = "PACK_DAMAGED"


class BadSignatureError(PackError):
    """The pack says that it is signed, and its signature is not of what it holds."""

    reason: ClassVar[str] = "PACK_SIGNATURE_INVALID"


class UntrustedPackError(PackError):
    """Only packs that trusted keys have signed may be installed and used, and this is none."""

    reason: ClassVar[str] = "PACK_UNTRUSTED"


class KeyFileError(PackError):
    """A key, or the list of trusted ones, cannot be read, used or written."""

    reason: ClassVar[str] = "KEY_UNUSABLE"


class UnsupportedPackError(PackError):
    """Perhaps a good pack, but of a schema, architecture or daemon version unknown here."""

    reason: ClassVar[str] = "PACK_UNSUPPORTED"


class PackTooLargeError(PackError):
    """The file, or what it would unpack to, exceeds the limits."""

    reason: ClassVar[str] = "PACK_TOO_LARGE"


class WrongPackKindError(PackError):
    """A good pack, but of styles where one that upscales is needed, or the other way round."""

    reason: ClassVar[str] = "PACK_OF_OTHER_KIND"


class UnknownPackError(PackError):
    """There is no pack of that id."""

    reason: ClassVar[str] = "PACK_NOT_FOUND"

    def __init__(self, pack_id: str, existing: Iterable[str], hint: str = "") -> None:
        message = f"there is no pack {pack_id!r:.80}; there are: {_listed(existing)}"
        super().__init__(f"{message} ({hint})" if hint else message)


class UnknownVersionError(PackError):
    """There are versions of that pack, but not the one that is asked for or pinned."""

    reason: ClassVar[str] = "PACK_VERSION_NOT_FOUND"

    def __init__(
        self, pack_id: str, version: str, existing: Iterable[str], *, pinned: bool = False
    ) -> None:
        """``existing`` begins with the newest."""
        there = f"there are, from the newest on: {_listed(existing)}"
        message = f"there is no version {version!r:.80} of the pack {pack_id!r}; {there}"
        if pinned:
            message += ". It is pinned: install that version, pin another one, or unpin the pack"
        super().__init__(message)


class NoOlderVersionError(PackError):
    """A pack was to go back to the version before, and there is none."""

    reason: ClassVar[str] = "PACK_NO_OLDER_VERSION"


class PinnedVersionError(PackError):
    """The version that is pinned was to be removed."""

    reason: ClassVar[str] = "PACK_PINNED"


class SharedPackError(PackError):
    """Packs in shared folders are only read."""

    reason: ClassVar[str] = "PACK_SHARED"


class PackGoneError(PackError):
    """The pack's file was there when it was looked up, and is not any more."""

    reason: ClassVar[str] = "PACK_GONE"


class UnknownFactorError(PackError):
    """There is no pack that makes layers that many times as large."""

    reason: ClassVar[str] = "NO_PACK_OF_FACTOR"


class UnknownStyleError(PackError):
    """There is no style of that name."""

    reason: ClassVar[str] = "STYLE_NOT_FOUND"

    def __init__(self, name: str, existing: Iterable[str]) -> None:
        super().__init__(f"there is no style {name!r:.160}; there are: {_listed(existing)}")


class PackExistsError(PackError):
    """That version of the pack is installed and replacing it was not asked for."""

    reason: ClassVar[str] = "PACK_EXISTS"


class BuiltInPackError(PackError):
    """Built-in packs can be neither replaced nor removed."""

    reason: ClassVar[str] = "PACK_BUILT_IN"


class StorageFullError(PackError):
    """The disk, the user's quota or the largest allowed file size is exhausted."""

    reason: ClassVar[str] = "STORAGE_FULL"


class StorageError(PackError):
    """The folder of packs cannot be used: no permission, read-only, or not a folder."""

    reason: ClassVar[str] = "STORAGE_UNUSABLE"


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    shown, rest = every[:_MOST_LISTED], len(every) - _MOST_LISTED
    return ", ".join([*shown, f"and {rest} more"] if rest > 0 else shown) or "none"
