"""What holds for every file of the repository."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Tests that need such a path call its owner `me`.
_SOMEONES_FOLDER = re.compile(
    r"(?<![\w.~$})-])/(?:home|Users|root|work)/(?!me\b)[A-Za-z0-9_.-]+"  # POSIX
    r"|\b[A-Za-z]:[\\/]+Users[\\/]+(?!me\b)[A-Za-z0-9_.-]+"  # Windows
)


def _tracked_files() -> list[Path]:
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("needs a clone and git")
    command = [git, "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name for name in listed.decode("utf-8").split("\0") if name]
    return [path for path in files if path.is_file()]


def _text_of(path: Path) -> str | None:
    """The file's text; None for a binary file."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def test_no_file_names_a_folder_of_someones_computer() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in _tracked_files()
        for match in _SOMEONES_FOLDER.finditer(_text_of(path) or "")
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("folder", ["home/ann/x", "Users/ann", "root/.cache", "work/main"])
def test_such_a_folder_is_noticed(folder: str) -> None:
    for text in (f"see /{folder}", f'"/{folder}"', f"path=/{folder}", f"file:///{folder}"):
        assert _SOMEONES_FOLDER.search(text), text
    assert _SOMEONES_FOLDER.search("C:" + r"\Users\ann\x")


@pytest.mark.parametrize(
    "text",
    [
        "~/home/x",
        "network/home/page",
        "$HOME/work/x",
        "https://example.org/x",
        "./root/x",
        "/home/me/x",
    ],
)
def test_other_paths_are_no_such_folder(text: str) -> None:
    assert not _SOMEONES_FOLDER.search(text)


def test_no_file_is_large_enough_to_burden_every_clone() -> None:
    most = 8 * 1024 * 1024
    large = [path.name for path in _tracked_files() if path.stat().st_size > most]
    assert not large
