from __future__ import annotations

import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from pastiche_client.paths import DataPaths, data_paths
from pastiche_client.runtime_file import (
    RuntimeFileError,
    RuntimeInfo,
    read_runtime_file,
    remove_runtime_file,
    write_runtime_file,
)

INFO = RuntimeInfo("127.0.0.1", 4321, 77, "secret", "instance", "0.1.0")
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return DataPaths(tmp_path / "data").runtime_file


def test_it_comes_back_as_it_was_written(file: Path) -> None:
    write_runtime_file(file, INFO)
    assert read_runtime_file(file) == INFO
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


@POSIX
def test_only_its_user_can_read_it(file: Path) -> None:
    file.parent.mkdir(parents=True, mode=0o755)
    before = os.umask(0)
    try:
        write_runtime_file(file, INFO)
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700


@POSIX
def test_it_is_never_readable_by_others_while_it_is_written(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []
    dump = json.dump

    def watching(*args: Any, **kwargs: Any) -> None:
        modes.extend(entry.stat().st_mode & 0o777 for entry in file.parent.iterdir())
        dump(*args, **kwargs)

    monkeypatch.setattr(json, "dump", watching)
    write_runtime_file(file, INFO)
    assert modes == [0o600]


def test_a_failed_write_keeps_the_old_one_and_leaves_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_runtime_file(file, INFO)

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_runtime_file(file, dataclasses.replace(INFO, port=1))
    assert read_runtime_file(file) == INFO
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_no_file_is_no_daemon(file: Path) -> None:
    assert read_runtime_file(file) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"host": ', "not JSON"),
        (b"[" * 5000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b" " * 70_000, "more than 65536 bytes"),
    ],
)
def test_a_damaged_file_is_named(file: Path, content: bytes, message: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    with pytest.raises(RuntimeFileError, match=message) as caught:
        read_runtime_file(file)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("host", ""),
        ("host", 5),
        ("port", 0),
        ("port", 65536),
        ("port", "80"),
        ("port", True),
        ("pid", -1),
        ("token", ""),
        ("token", "two\r\nlines"),
        ("token", "späßig"),
        ("instance_id", None),
        ("version", None),
    ],
)
def test_a_wrong_field_is_named(file: Path, field: str, value: object) -> None:
    write_runtime_file(file, INFO)
    file.write_text(json.dumps({**dataclasses.asdict(INFO), field: value}), encoding="utf-8")
    with pytest.raises(RuntimeFileError, match=f"damaged: {field} must be"):
        read_runtime_file(file)


def test_fields_of_a_newer_daemon_do_not_matter(file: Path) -> None:
    write_runtime_file(file, INFO)
    file.write_text(json.dumps({**dataclasses.asdict(INFO), "more": 1}), encoding="utf-8")
    assert read_runtime_file(file) == INFO


@POSIX
def test_another_users_file_is_not_trusted(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_runtime_file(file, INFO)
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    with pytest.raises(RuntimeFileError, match="belongs to another user"):
        read_runtime_file(file)


def test_only_its_own_instance_removes_it(file: Path) -> None:
    write_runtime_file(file, INFO)
    assert not remove_runtime_file(file, "another")
    assert read_runtime_file(file) == INFO
    assert remove_runtime_file(file, INFO.instance_id)
    assert not file.exists()
    assert not remove_runtime_file(file, INFO.instance_id)


def test_a_damaged_one_is_left_to_the_next_daemon(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"{")
    assert not remove_runtime_file(file, INFO.instance_id)
    assert file.exists()


def test_the_token_stays_out_of_the_repr() -> None:
    assert "secret" not in repr(INFO)


def test_the_data_folder_can_be_chosen(tmp_path: Path) -> None:
    assert data_paths({"PASTICHE_HOME": str(tmp_path)}).root == tmp_path
    assert data_paths({"PASTICHE_HOME": "~/here"}).root == Path.home() / "here"
    assert data_paths({"PASTICHE_HOME": "here"}).root == Path.cwd() / "here"


@pytest.mark.parametrize(
    ("platform", "environ", "root"),
    [
        ("linux", {"HOME": "/home/me", "XDG_DATA_HOME": "/x"}, "/home/me/.local/share/pastiche"),
        ("darwin", {"HOME": "/Users/me"}, "/Users/me/Library/Application Support/Pastiche"),
        ("win32", {"LOCALAPPDATA": "/local"}, "/local/Pastiche"),
    ],
)
def test_every_system_has_its_usual_place(
    platform: str, environ: dict[str, str], root: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert data_paths(environ).root == Path(root)


def test_naming_the_files_creates_none(tmp_path: Path) -> None:
    paths = DataPaths(tmp_path / "data")
    named = (paths.packs, paths.runtime_file, paths.lock_file, paths.log_file)
    assert all(path.is_relative_to(paths.root) for path in named)
    assert not paths.root.exists()
