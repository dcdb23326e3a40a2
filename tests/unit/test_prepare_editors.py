"""What tools/prepare_editors.py says and does where it makes nothing.

Making editors is tried by whoever runs `.ci/run` on a new machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import prepare_editors
from tools.prepare_editors import PrepareError, editors_folder, is_finished

SCRIPT = Path(prepare_editors.__file__)


def run(folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT)],
        env={**os.environ, "PASTICHE_EDITORS": str(folder), **environ},
        capture_output=True,
        text=True,
        check=False,
    )


def finish(folder: Path, layout: object = 1) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    stamp = {"layout": layout, "packages": {"gimp": "3.0.4-3", "krita": "1:5.2.9"}}
    (folder / "pastiche-editors.json").write_text(json.dumps(stamp))


def test_elsewhere_than_on_debian_it_says_so_and_is_no_failure(tmp_path: Path) -> None:
    done = run(tmp_path / "editors", PATH=str(tmp_path))
    assert done.returncode == 3
    assert "this is no Debian" in done.stdout
    assert "skipped" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_the_folder_is_the_users_choice(tmp_path: Path) -> None:
    assert editors_folder({"PASTICHE_EDITORS": str(tmp_path)}) == tmp_path
    assert editors_folder({}) == Path.home() / ".cache" / "pastiche" / "editors"


def test_a_folder_is_finished_once_its_stamp_says_so(tmp_path: Path) -> None:
    assert not is_finished(tmp_path / "none")
    assert not is_finished(tmp_path)
    finish(tmp_path)
    assert is_finished(tmp_path)
    finish(tmp_path, layout="older")
    assert not is_finished(tmp_path)
    finish(tmp_path)
    (tmp_path / "pastiche-editors-unfinished").touch()
    assert not is_finished(tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "null", "{", '{"layout": 1'])
def test_a_damaged_stamp_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "pastiche-editors.json").write_text(content)
    assert not is_finished(tmp_path)


def test_a_folder_with_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(PrepareError, match="holds something else"):
        prepare_editors._clear(tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "dear"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_an_unfinished_folder_is_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "editors"
    (folder / "usr").mkdir(parents=True)
    (folder / "pastiche-editors-unfinished").touch()
    prepare_editors._clear(folder)
    assert [path.name for path in folder.iterdir()] == ["pastiche-editors-unfinished"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_an_older_layout_is_cleared(tmp_path: Path) -> None:
    folder = tmp_path / "editors"
    finish(folder, layout=0)
    prepare_editors._clear(folder)
    assert [path.name for path in folder.iterdir()] == ["pastiche-editors-unfinished"]


def test_a_full_disk_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare_editors, "_NEEDED_BYTES", 2**80)
    with pytest.raises(PrepareError, match="GiB free"):
        prepare_editors._clear(tmp_path)


def test_a_failed_command_is_told_with_its_end_and_its_log(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "editors.log"
    script = "echo fine; echo 'E: Unable to locate package krita'; echo more; exit 7"
    with pytest.raises(PrepareError) as caught:
        prepare_editors._run(["sh", "-c", script], log)
    assert "exit code 7:\nE: Unable to locate package krita\nThe whole" in str(caught.value)
    assert str(log) in str(caught.value)
    assert "fine\n" in log.read_text()


def test_the_lock_is_held_by_one(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    source = (
        "import sys; from pathlib import Path; from tools.prepare_editors import _only_one\n"
        f"with _only_one(Path({str(tmp_path / 'x.lock')!r})):\n"
        "    print('held', flush=True); sys.stdin.read()\n"
    )
    root = SCRIPT.parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", source], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdout is not None
        assert first.stdin is not None
        assert first.stdout.readline() == b"held\n"
        second = subprocess.Popen(
            [sys.executable, "-c", source], cwd=root, stdin=subprocess.DEVNULL, stdout=-1
        )
        with second:
            assert second.stdout is not None
            assert b"waiting for it" in second.stdout.readline()
            first.stdin.close()
            assert second.stdout.readline() == b"held\n"
