"""Temporary files: what is written comes back, and nothing stays behind."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pastiche_daemon.spool import (
    MemoryBytes,
    PlaneBytes,
    Spool,
    SpooledBytes,
    SpoolError,
    SpoolFullError,
)

MIB = 2**20


@settings(deadline=None)
@given(
    pieces=st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=8),
    spooled=st.booleans(),
    data=st.data(),
)
def test_bytes_come_back_as_they_went_in_and_can_be_overwritten(
    tmp_path_factory: pytest.TempPathFactory,
    pieces: list[bytes],
    spooled: bool,
    data: st.DataObject,
) -> None:
    expected = bytearray(b"".join(pieces))
    folder = tmp_path_factory.getbasetemp() / "spool"
    plane: PlaneBytes = (
        SpooledBytes(Spool(folder).file(len(expected))) if spooled else MemoryBytes()
    )
    for piece in pieces:
        plane.extend(piece)
    start = data.draw(st.integers(0, len(expected)))
    stop = data.draw(st.integers(start, len(expected)))
    assert bytes(plane.read(start, stop)) == expected[start:stop]

    part = plane.read(start, stop)
    part[:] = expected[start:stop] = bytes(reversed(expected[start:stop]))
    plane.overwrite(start, part)
    part.release()
    assert len(plane) == len(expected)
    assert bytes(plane.read(0, len(plane))) == expected
    plane.close()
    plane.close()
    assert list(folder.iterdir() if folder.exists() else ()) == []


def test_a_file_that_is_forgotten_is_closed(tmp_path: Path) -> None:
    before = _open_files()
    file = Spool(tmp_path / "new" / "folder").file(10)
    file.write(0, memoryview(b"0123456789"))
    assert _open_files() == before + 1 or before < 0
    del file
    gc.collect()
    assert _open_files() == before
    assert list((tmp_path / "new" / "folder").iterdir()) == []


def _open_files() -> int:
    """How many files this process has open; -1 where that cannot be told."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else -1


def test_what_was_never_written_is_not_made_up(tmp_path: Path) -> None:
    file = Spool(tmp_path).file(0)
    file.write(0, memoryview(b"abc"))
    with pytest.raises(EOFError):
        file.read_into(1, memoryview(bytearray(3)))


def test_a_disk_without_room_is_refused_with_advice(tmp_path: Path) -> None:
    spool = Spool(tmp_path, free=lambda _: 300 * MIB)
    spool.file(40 * MIB)
    with pytest.raises(
        SpoolFullError, match=r"2\.0 GiB are needed .* only 44 MiB may be used"
    ) as full:
        spool.file(2048 * MIB)
    assert str(tmp_path) in str(full.value)
    assert "pastiche settings --spool-folder" in str(full.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SpoolError, match=r"cannot be made in .*file"):
        Spool(tmp_path / "file" / "folder").file(1)


@pytest.mark.skipif(os.name == "nt", reason="needs limits of POSIX")
@pytest.mark.parametrize("reserved", ["4 * MIB", "0"])
def test_a_disk_that_fills_up_is_told_and_nothing_stays(tmp_path: Path, reserved: str) -> None:
    program = f"""
import resource, sys
from pathlib import Path
from pastiche_daemon.spool import Spool, SpooledBytes, SpoolFullError
MIB = 2**20
resource.setrlimit(resource.RLIMIT_FSIZE, (2 * MIB, 2 * MIB))
try:
    plane = SpooledBytes(Spool(Path(sys.argv[1])).file({reserved}))
    for _ in range(4):
        plane.extend(bytes(MIB))
except SpoolFullError as error:
    print(error)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert "the disk is full; make room there" in ran.stdout
    assert ran.stderr == ""
    assert list(tmp_path.iterdir()) == []
