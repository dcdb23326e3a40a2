"""Types of options."""

from __future__ import annotations

import click
import pytest

from pastiche_daemon.cli.parameters import ByteSize


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1.5GiB", 3 * 2**29),
        ("800M", 800 * 2**20),
        (" 2 gb ", 2**31),
        ("300000000", 300_000_000),
        ("200000k", 200_000 * 1024),
    ],
)
def test_sizes_are_read_with_their_units(text: str, size: int) -> None:
    assert ByteSize(least=2**20).convert(text, None, None) == size


@pytest.mark.parametrize("text", ["", "much", "-1G", "1.GiB", "1 GiBit", "nan", "inf"])
def test_what_is_no_size_is_told(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is not a size such as"):
        ByteSize(least=1).convert(text, None, None)


def test_too_little_is_told() -> None:
    with pytest.raises(click.BadParameter, match="1k is less than 128 MiB"):
        ByteSize(least=2**27).convert("1k", None, None)
