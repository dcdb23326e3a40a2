"""Switching the plug-in on in Krita's settings, and back, without touching another byte."""

from __future__ import annotations

from configparser import RawConfigParser
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from installer import kritarc

if TYPE_CHECKING:
    from pathlib import Path

CONTENTS = [
    b"",
    b"\n",
    b"a=1",
    b"[python]",
    b"[python]\n",
    b"[python]\nenable_x=true\n",
    b"[General]\na=1\n\n[python]\nenable_x=true\n\n[z]\nq=2\n",
    b"[General]\r\na=1\r\n\r\n[python]\r\nenable_x=true\r\n",
    b"[General]\r\na=1",
    b"[python]\nenable_pastiche=false\n",
    b"[python]\r\nenable_pastiche = false \r\n[z]\r\n",
    b"[python]\nenable_pastiche=\n",
    b"[z]\nenable_pastiche=true\n",
    b"[python][sub]\nenable_pastiche=true\n",
    b"[python]\nx=1\n[python][sub]\nenable_pastiche=true\n",
    b"[a]\nname=\xc3\xbc\xff\xfe\n\n\n",
    b"[python]\nx=1\n[b]\n[python]\nenable_pastiche=false\n",
]


@pytest.mark.parametrize("content", CONTENTS)
def test_on_and_off_gives_the_same_bytes(content: bytes) -> None:
    enabled, change = kritarc.enable(content)
    assert change is not None
    assert kritarc.is_enabled(enabled)
    assert kritarc.undo(enabled, change) == content


@pytest.mark.parametrize("content", CONTENTS)
def test_every_other_line_stays(content: bytes) -> None:
    enabled, _ = kritarc.enable(content)
    kept = [line for line in enabled.split(b"\n") if b"enable_pastiche" not in line]
    before = [line for line in content.split(b"\n") if b"enable_pastiche" not in line]
    position = 0
    for line in before:
        while kept[position].rstrip(b"\r") != line.rstrip(b"\r"):
            position += 1
        position += 1


_LINES = st.sampled_from(
    [b"[python]", b"[a]", b"", b"x=1", b"enable_x=true", b"enable_pastiche=false", b"  y = 2 "]
)


@given(st.lists(_LINES, max_size=12), st.sampled_from([b"\n", b"\r\n"]), st.booleans())
def test_any_file_is_restored(lines: list[bytes], end: bytes, ended: bool) -> None:
    content = end.join(lines) + (end if ended else b"")
    enabled, change = kritarc.enable(content)
    assert change is not None
    assert kritarc.is_enabled(enabled)
    assert kritarc.undo(enabled, change) == content


def test_it_is_on_for_who_reads_the_file_as_krita_does() -> None:
    enabled, _ = kritarc.enable(b"[General]\na=1\n\n[python]\nenable_x=true\n\n[z]\nq=2\n")
    parser = RawConfigParser(strict=False)
    parser.read_string(enabled.decode())
    assert parser["python"]["enable_pastiche"] == "true"
    assert parser["python"]["enable_x"] == "true"
    assert parser["z"]["q"] == "2"


def test_a_file_is_made_and_removed_again() -> None:
    enabled, change = kritarc.enable(None)
    assert change is not None
    assert kritarc.is_enabled(enabled)
    assert kritarc.undo(enabled, change) is None


def test_a_file_that_was_made_but_is_used_by_krita_now_stays() -> None:
    enabled, change = kritarc.enable(None)
    assert change is not None
    used = b"[General]\na=1\n\n" + enabled + b"enable_z=true\n"
    rest = kritarc.undo(used, change)
    assert rest == b"[General]\na=1\n\n[python]\nenable_z=true\n"


def test_what_is_on_already_is_left_alone_and_stays_on() -> None:
    content = b"[python]\nenable_pastiche=true\n"
    assert kritarc.enable(content) == (content, None)


def test_a_rewritten_file_is_cleaned_all_the_same() -> None:
    _, change = kritarc.enable(b"[z]\nq=2\n")
    assert change is not None
    rewritten = b"[python]\nenable_pastiche=true\n\n[z]\nq=3\n"  # as Krita sorts it
    assert kritarc.undo(rewritten, change) == b"\n[z]\nq=3\n"


def test_what_the_user_has_removed_stays_removed() -> None:
    _, change = kritarc.enable(b"[python]\nx=1\n")
    assert change is not None
    assert kritarc.undo(b"[python]\nx=1\n", change) == b"[python]\nx=1\n"


def test_writing_keeps_links_and_modes(tmp_path: Path) -> None:
    real = tmp_path / "dotfiles"
    real.write_bytes(b"a")
    real.chmod(0o600)
    link = tmp_path / "kritarc"
    link.symlink_to(real)
    kritarc.write(link, b"b")
    assert link.is_symlink()
    assert real.read_bytes() == b"b"
    assert real.stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dotfiles", "kritarc"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ResourceDirectory=/a b/ü\n", "/a b/ü"),
        ("ResourceDirectory[$e]=$HOME/kr\n", "HOME/kr"),
        ("[x]\nResourceDirectory=/a\n", None),
        ("ResourceDirectory=\n", None),
        ("ResourceDirectory=relative\n", None),
    ],
)
def test_the_chosen_resource_folder(text: str, expected: str | None, tmp_path: Path) -> None:
    file = tmp_path / "kritarc"
    file.write_text(text, encoding="utf-8")
    found = kritarc.resource_folder(file, tmp_path)
    assert (found and str(found)) == (expected and expected.replace("HOME", str(tmp_path)))
    assert kritarc.resource_folder(tmp_path / "none", tmp_path) is None
