"""Whose signatures the user trusts."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pastiche_daemon.packs.errors import KeyFileError
from pastiche_daemon.packs.listfile import FileProblemError, ListFile
from pastiche_daemon.packs.manifest import Name, Signature

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOST_KEYS = 1000


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class TrustedKey(_Model):
    """An Ed25519 public key in base64, whose the user says it is, and since when (ISO 8601)."""

    public_key: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
    name: Name
    added: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class _TrustList(_Model):
    keys: Annotated[list[TrustedKey], Field(max_length=_MOST_KEYS)] = []


class Trust(Enum):
    """What is known of where a pack is from; its contents are verified in any case."""

    BUILT_IN = "built in"
    TRUSTED = "trusted"
    UNKNOWN_KEY = "unknown key"
    UNSIGNED = "unsigned"


@dataclass(frozen=True)
class Origin:
    """Who made a pack: ``public_key`` is empty where it is not signed, ``name`` that of a trusted
    key.
    """

    trust: Trust
    public_key: str = ""
    name: str = ""

    @property
    def trusted(self) -> bool:
        return self.trust in {Trust.BUILT_IN, Trust.TRUSTED}

    def told(self) -> str:
        """The origin in words, without a capital and a full stop."""
        return {
            Trust.BUILT_IN: "built in",
            Trust.TRUSTED: f"signed by {self.name}, trusted",
            Trust.UNKNOWN_KEY: f"signed by the key {self.public_key}, which is not trusted",
            Trust.UNSIGNED: "not signed",
        }[self.trust]


class TrustStore:
    """The list of trusted keys in a file, for any thread and several processes."""

    def __init__(self, path: Path) -> None:
        self._file = ListFile(path, _TrustList)

    def all(self) -> Sequence[TrustedKey]:
        """All trusted keys, by name. Raises `KeyFileError` where the list cannot be read."""
        try:
            return sorted(self._file.read().keys, key=lambda key: (key.name, key.public_key))
        except FileProblemError as error:
            raise KeyFileError(f"the list of trusted keys: {error}") from error

    def problem(self) -> str | None:
        """Why the list cannot be read, in which case no key is trusted; None if it can."""
        try:
            self._file.read()
        except FileProblemError as error:
            return str(error)
        return None

    def origin(self, signature: Signature | None) -> Origin:
        """What a signature, verified already, is worth. A damaged list trusts nobody."""
        if signature is None:
            return Origin(Trust.UNSIGNED)
        try:
            keys = self._file.read().keys
        except FileProblemError:
            keys = []
        for key in keys:
            if key.public_key == signature.public_key:
                return Origin(Trust.TRUSTED, key.public_key, key.name)
        return Origin(Trust.UNKNOWN_KEY, signature.public_key)

    def add(self, public_key: str, name: str) -> TrustedKey:
        """Trust a key from now on; a key that is trusted already gets the new name.

        ``public_key`` is as `signing.parse_public_key` gives it. Raises `KeyFileError` where the
        name is none or the list is damaged, `StorageError` where it cannot be written.
        """
        today = dt.datetime.now(dt.timezone.utc).date().isoformat()
        try:
            added = TrustedKey(public_key=public_key, name=name, added=today)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise KeyFileError(f"{first['loc'][0]}: {first['msg'][:200]}") from error
        with self._file.changing() as write:
            others = [key for key in self.all() if key.public_key != public_key]
            if any(key.name == name for key in others):
                raise KeyFileError(
                    f"another key is named {name!r} already; choose another name, or remove that "
                    "one first"
                )
            if len(others) >= _MOST_KEYS:
                raise KeyFileError(f"there are {_MOST_KEYS} trusted keys; remove some first")
            write(_TrustList(keys=[*others, added]))
        return added

    def remove(self, name_or_key: str) -> TrustedKey:
        """Trust a key no longer. Raises `KeyFileError` where there is none of that name."""
        with self._file.changing() as write:
            keys = self.all()
            found = [key for key in keys if name_or_key in (key.name, key.public_key)]
            if not found:
                names = ", ".join(key.name for key in keys[:30]) or "none"
                raise KeyFileError(
                    f"no trusted key is named {name_or_key[:80]!r}; there are: {names}"
                )
            write(_TrustList(keys=[key for key in keys if key not in found]))
        return found[0]
