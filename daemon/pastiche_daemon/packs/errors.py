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


class UnknownPackError(PackError):
    """There is no pack of that id."""

    reason: ClassVar[str] = "PACK_NOT_FOUND"

    def __init__(self, pack_id: str, existing: Iterable[str]) -> None:
        super().__init__(f"there is no pack {pack_id!r:.80}; there are: {_listed(existing)}")


class UnknownStyleError(PackError):
    """There is no style of that name."""

    reason: ClassVar[str] = "STYLE_NOT_FOUND"

    def __init__(self, name: str, existing: Iterable[str]) -> None:
        super().__init__(f"there is no style {name!r:.160}; there are: {_listed(existing)}")


class PackExistsError(PackError):
    """A pack of the same id is installed and replacing it was not asked for."""

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
