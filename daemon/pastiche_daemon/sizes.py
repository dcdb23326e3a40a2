"""Numbers of bytes as people write and read them."""

from __future__ import annotations

import re

_MIB = 2**20
LEAST_MEMORY = 128 * _MIB
"""What one layer may be allowed to take at least: a wide one's strips alone take as much."""
_SHIFTS = {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
_SIZE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?\s*", re.IGNORECASE)


def parse_size(text: str) -> int:
    """A number of bytes such as 1.5GiB or 800M; units are powers of 1024.

    Raises ValueError for anything else.
    """
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text[:40]!r} is not a size such as 1.5GiB or 800MiB")
    return int(float(match[1]) * (1 << _SHIFTS[match[2].lower()]))


def size_text(size: int) -> str:
    """The same number, rounded; negative ones are 0."""
    mib = max(0, size) / _MIB
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib:.0f} MiB"
