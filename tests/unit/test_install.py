"""The command line of install.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import install
from installer import checks, processes
from installer.environment import Environment, clone_environment

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]


# --- The command line ---


def test_everything_after_test_goes_to_pytest() -> None:
    arguments = ["-k", "a or b", "tests/unit", "-x", "-p", "no:cacheprovider", "--maxfail=1"]
    assert install.parse_arguments(["test", *arguments]).pytest_args == arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--potho", "x.jpg"],
        ["demo", "--photo", "no-such-file.jpg"],
        ["env", "x"],
        ["install", "--editor", "photoshop"],
        ["install", "--prefix", "a", "--environment", "b"],
        ["uninstall", "--prefix", "a"],
        [],
    ],
)
def test_mistakes_are_noticed_before_anything_is_installed(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        install.parse_arguments(arguments)
    assert caught.value.code == 2
    assert "error:" in capsys.readouterr().err


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """A clone whose environment is taken to be ready."""
    environment = clone_environment(tmp_path)
    monkeypatch.setattr(install, "clone", lambda: environment)
    return environment


def _children(monkeypatch: pytest.MonkeyPatch, codes: dict[str, int]) -> list[list[str]]:
    """Stands in for the environment's programs: codes by module, 0 for the others."""
    ran: list[list[str]] = []

    def run_child(command: Sequence[str], cwd: Path | None) -> int:
        ran.append(list(command[2:]))
        return codes.get(command[2], 0)

    monkeypatch.setattr(processes, "run_child", run_child)
    monkeypatch.setattr(checks, "run_child", run_child)
    return ran


def test_the_demo_gets_its_options(
    clone: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = tmp_path / "photo.jpg"
    photo.touch()
    ran = _children(monkeypatch, {"pastiche_daemon": 5})
    options = install.parse_arguments(
        ["demo", "--photo", str(photo), "--output", "out", "--style", "a", "--style", "b"]
    )
    assert options.run(options) == 5
    given = ["--photo", str(photo), "--output", "out", "--style", "a", "--style", "b"]
    assert ran == [["pastiche_daemon", "demo", *given]]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ({}, 0),
        ({"ruff": 1}, 1),
        ({"pyright": 1}, 1),
        ({"pytest": 5}, 5),
        ({"ruff": 1, "pytest": 2}, 2),
    ],
)
def test_the_test_command_runs_all_checks_in_order_and_fails_if_any_fails(
    clone: Environment, monkeypatch: pytest.MonkeyPatch, codes: dict[str, int], expected: int
) -> None:
    ran = _children(monkeypatch, codes)
    fetched: list[Path] = []
    monkeypatch.setattr(checks, "fetch_wheels", lambda folder, _: fetched.append(folder))
    options = install.parse_arguments(["test", "-k", "x"])
    assert options.run(options) == expected
    assert ran == [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["pyright", "--project", "pyproject.toml"],
        ["pytest", "-n", "auto", "-k", "x"],
    ]
    assert fetched == [clone.root / "build" / "wheels"]


def test_a_childs_exit_code_is_passed_on() -> None:
    assert processes.run_child([sys.executable, "-c", "raise SystemExit(9)"], cwd=None) == 9


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to end a process with")
def test_a_killed_child_is_reported_as_a_shell_does() -> None:
    source = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert processes.run_child([sys.executable, "-c", source], cwd=None) == 128 + 15


@pytest.mark.parametrize("command", ["install", "uninstall", "doctor", "package", "demo", "test"])
def test_every_command_explains_itself_without_an_environment(command: str) -> None:
    answer = subprocess.run(
        [sys.executable, "-I", "-S", str(ROOT / "install.py"), command, "--help"],
        capture_output=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert b"usage: install.py" in answer.stdout
