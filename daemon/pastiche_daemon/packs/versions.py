"""The order of versions, as https://semver.org has it."""

from __future__ import annotations

from typing import TypeAlias

VersionKey: TypeAlias = tuple[
    tuple[int, ...], bool, tuple[tuple[bool, int, str], ...], tuple[str, ...]
]


def version_key(version: str) -> VersionKey:
    """Sorts semantic versions: a newer one has the greater key.

    Build metadata, which says nothing about the order, only keeps it the same every time.
    """
    rest, _, build = version.partition("+")
    release, _, before = rest.partition("-")
    numbers = tuple(int(part) for part in release.split("."))
    identifiers = tuple(_identifier(part) for part in before.split(".")) if before else ()
    return numbers, not before, identifiers, tuple(build.split("."))


def _identifier(part: str) -> tuple[bool, int, str]:
    # Numbers come before words. A number may have more digits than Python likes to convert; longer
    # ones are larger, and they have no leading zeros.
    return (False, len(part), part) if part.isdigit() else (True, 0, part)
