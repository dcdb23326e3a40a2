"""Tests that share something stay together when they are spread over processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.spreading import group_of, worker_count

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/editors/gimp/test_a.py::test_one", "tests/editors/gimp"),
        ("tests/editors/gimp/test_b.py::test_one[a::b@c/d]", "tests/editors/gimp"),
        ("tests/editors/krita/test_a.py::test_one", "tests/editors/krita"),
        ("tests/editors/test_layouts.py::test_one", "tests/editors"),
        ("tests/editors/test_support.py::test_one", "tests/editors"),
        ("tests/unit/editing/test_a.py::test_one", "tests/unit/editing/test_a.py"),
        ("tests/contract/test_a.py::test_one[a/b::c]", "tests/contract/test_a.py"),
    ],
)
def test_editors_and_files_stay_together(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == group


def test_there_are_more_processes_than_one() -> None:
    assert 2 <= worker_count() <= 9


def test_long_groups_come_first_and_have_one_thread(tmp_path: Path) -> None:
    """By our `conftest.py`, on tests that do nothing but tell where they ran."""
    for name in ("unit/test_a", "unit/test_slow", "editors/krita/test_b", "editors/krita/test_c"):
        file = tmp_path / "tests" / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        mark = "@pytest.mark.slow\n" if name.endswith("slow") else ""
        file.write_text(
            "import os, pytest\n"
            f"{mark}def test_one(): print({name!r}, os.environ['PYTEST_XDIST_WORKER'])\n"
            "def test_two(): print('threads', os.environ['OMP_NUM_THREADS'])\n"
        )
    (tmp_path / "tests" / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text())
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  slow\n")
    environ = {name: value for name, value in os.environ.items() if name[:12] != "PYTEST_XDIST"}
    environ.pop("OMP_NUM_THREADS", None)
    environ["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "1", "-rP", "tests"],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines().count("threads 1") == 4, done.stdout
    told = [line.split()[0] for line in done.stdout.splitlines() if line.endswith(" gw0")]
    assert told == ["editors/krita/test_b", "editors/krita/test_c", "unit/test_slow", "unit/test_a"]
