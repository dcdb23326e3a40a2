"""Which files a batch works through, and in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from pastiche_daemon.cli.batch_sources import BatchError, find_sources, numbered


def files(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def names(*arguments: object, recursive: bool = False) -> list[str]:
    found = find_sources([str(argument) for argument in arguments], recursive=recursive)
    return [source.name for source in found.found]


def test_folders_give_their_pictures_in_natural_order(tmp_path):
    files(tmp_path, "b10.png", "b2.png", "A.JPG", "note.txt", ".hidden.png", "sub/c.webp")
    assert names(tmp_path) == ["A.JPG", "b2.png", "b10.png"]
    assert find_sources([str(tmp_path)], recursive=False).passed_over == 1
    assert names(tmp_path, recursive=True) == ["A.JPG", "b2.png", "b10.png", "sub/c.webp"]


def test_patterns_and_files_give_every_picture_once(tmp_path):
    files(tmp_path, "a1.png", "a2.png", "b.tif")
    assert names(tmp_path / "b.tif", tmp_path / "a*.png", tmp_path) == ["b.tif", "a1.png", "a2.png"]


def test_brackets_in_a_name_that_exists_are_no_pattern(tmp_path):
    files(tmp_path, "a[1].png", "a1.png")
    assert names(tmp_path / "a[1].png") == ["a[1].png"]


def test_numbered_frames_come_by_their_numbers(tmp_path):
    files(
        tmp_path, "f_0002.png", "f_0010.png", "f_10000.png", "f_3.png", "f_0002.jpg", "g_0001.png"
    )
    found = find_sources([str(tmp_path / "f_%04d.png")], recursive=False).found
    assert [source.number for source in found] == [2, 10, 10000]
    assert numbered("out/f_%04d.png", 10) == Path("out/f_0010.png")
    files(tmp_path, "100% of_01.png")
    assert names(tmp_path / "100% of_%02d.png") == ["100% of_01.png"]


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("missing.png", "no such file or folder"),
        ("*.png", "nothing fits"),
        ("f_%04d.png", "no such numbered files"),
        ("f_%d_%d.png", "one %04d"),
        ("empty", "folder is empty"),
        ("notes", "holds no PNG"),
    ],
)
def test_what_means_no_picture_is_refused(tmp_path, argument, message):
    (tmp_path / "empty").mkdir()
    files(tmp_path, "notes/note.txt")
    with pytest.raises(BatchError, match=message):
        find_sources([str(tmp_path / argument)], recursive=False)
