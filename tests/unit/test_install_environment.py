"""The installer's environments. Nothing is downloaded; environments are made without pip."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from installer import environment as environments
from installer.console import Progress, describe_pip_line
from installer.environment import (
    Environment,
    State,
    check_torch,
    check_venv_modules,
    clone_environment,
    daemon_environment,
    ensure_environment,
    environment_state,
    only_one,
    read_stamp,
    remove_environment,
    try_lock,
    wanted_stamp,
    write_stamp,
)
from installer.errors import InstallError
from installer.processes import child_environment, run_logged
from installer.python_version import OLDEST_PYTHON, check_python

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
RUNNING = (sys.version_info[0], sys.version_info[1])


@pytest.fixture
def clone(tmp_path: Path) -> Environment:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    return replace(clone_environment(tmp_path), modules=())


@pytest.fixture
def environment(clone: Environment, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """A real environment, finished as far as the installer can tell."""
    monkeypatch.setattr(environments, "NEEDED_MODULES", ("json", "pip"))
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(clone.folder)],
        check=True,
        capture_output=True,
    )
    _site_packages(clone).joinpath("pip.py").touch()
    write_stamp(clone, wanted_stamp(clone, RUNNING))
    return clone


def _site_packages(clone: Environment) -> Path:
    return next(clone.folder.glob("**/site-packages"))


def state(clone: Environment) -> State:
    return environment_state(clone, RUNNING)[0]


# --- The stamp ---


def test_a_finished_environment_is_ready(environment: Environment) -> None:
    assert state(environment) is State.READY


def test_another_pyproject_makes_it_outdated(environment: Environment) -> None:
    project = environment.root / "pyproject.toml"
    project.write_text(project.read_text() + "version = '2'\n")
    assert state(environment) is State.OUTDATED


def test_an_environment_without_stamp_is_completed_not_removed(environment: Environment) -> None:
    environment.stamp.unlink()
    assert state(environment) is State.OUTDATED


def test_a_damaged_stamp_counts_as_none(environment: Environment) -> None:
    environment.stamp.write_text("{half", encoding="utf-8")
    assert read_stamp(environment) is None
    assert state(environment) is State.OUTDATED


def test_a_missing_package_makes_it_outdated(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "NEEDED_MODULES", ("pip", "no_such_package"))
    found, why = environment_state(environment, RUNNING)
    assert found is State.OUTDATED
    assert "no_such_package" in why


# --- Broken environments ---


def test_no_environment_and_an_empty_folder_are_absent(clone: Environment) -> None:
    assert state(clone) is State.ABSENT
    clone.folder.mkdir()
    assert state(clone) is State.ABSENT


def _interrupted(clone: Environment) -> None:
    clone.unfinished.touch()


def _without_interpreter(clone: Environment) -> None:
    clone.python.unlink()


def _interpreter_that_fails(clone: Environment) -> None:
    clone.python.unlink()
    clone.python.write_text("not a program", encoding="utf-8")


def _without_pip(clone: Environment) -> None:
    _site_packages(clone).joinpath("pip.py").unlink()


def _moved(clone: Environment) -> None:
    stamp = json.loads(clone.stamp.read_text())
    clone.stamp.write_text(json.dumps({**stamp, "root": "elsewhere"}))


@pytest.mark.parametrize(
    "damage",
    [_interrupted, _without_interpreter, _interpreter_that_fails, _without_pip, _moved],
)
def test_a_broken_environment_is_noticed(
    environment: Environment, damage: Callable[[Environment], None]
) -> None:
    damage(environment)
    assert state(environment) is State.BROKEN


def test_another_python_needs_another_environment(environment: Environment) -> None:
    found, why = environment_state(environment, (3, 99))
    assert found is State.BROKEN
    assert "3.99" in why


def test_what_is_no_environment_is_left_alone(clone: Environment) -> None:
    clone.folder.mkdir()
    precious = clone.folder / "thesis.txt"
    precious.write_text("x", encoding="utf-8")
    with pytest.raises(InstallError, match="Move it away"):
        state(clone)
    assert precious.exists()


# --- Making it ---


class _Steps:
    """Stands in for everything that would run pip, and notes what was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: list[list[str]] = []
        self.fail_at = ""
        monkeypatch.setattr(environments, "run_logged", self._run_logged)
        monkeypatch.setattr(environments, "check_torch", lambda _: self.commands.append(["torch"]))

    def _run_logged(self, log: Path, folder: Path, command: list[str], *_: object) -> None:
        step = command[2]
        self.commands.append(list(command))
        if step == self.fail_at:
            raise InstallError("no network")
        if step == "venv":
            (Path(command[-1]) / "pyvenv.cfg").touch()

    @property
    def names(self) -> list[str]:
        return [command[2] if len(command) > 2 else command[0] for command in self.commands]


def _ignore(_: str) -> None:
    pass


def test_a_new_environment_is_made_filled_tried_and_stamped(
    clone: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = _Steps(monkeypatch)
    ensure_environment(clone, _ignore)
    assert steps.names == ["venv", "pip", "torch"]
    assert read_stamp(clone) == wanted_stamp(clone, RUNNING)
    assert not clone.unfinished.exists()


def test_a_ready_environment_is_not_touched(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = _Steps(monkeypatch)
    said: list[str] = []
    ensure_environment(environment, said.append)
    assert steps.names == []
    assert said == []


def test_an_outdated_environment_is_completed_in_place(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.stamp.unlink()
    steps = _Steps(monkeypatch)
    ensure_environment(environment, _ignore)
    assert steps.names == ["pip", "torch"]
    assert state(environment) is State.READY


@pytest.mark.parametrize("step", ["venv", "pip"])
def test_a_failure_leaves_an_environment_that_is_remade(
    clone: Environment, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    steps = _Steps(monkeypatch)
    steps.fail_at = step
    with pytest.raises(InstallError, match="no network"):
        ensure_environment(clone, _ignore)
    assert state(clone) is State.BROKEN
    remains = clone.folder / "half.txt"
    remains.touch()
    steps.fail_at = ""
    ensure_environment(clone, _ignore)
    assert not remains.exists()
    assert clone.stamp.exists()


# --- What the user is told ---


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_venv_is_explained(missing: str) -> None:
    with pytest.raises(InstallError) as caught:
        check_venv_modules(lambda name: name != missing)
    assert missing in str(caught.value)
    assert f"apt install python{RUNNING[0]}.{RUNNING[1]}-venv" in str(caught.value)


def test_a_python_with_venv_passes() -> None:
    check_venv_modules(lambda _: True)


def test_an_old_python_is_refused_and_a_newer_one_found() -> None:
    with pytest.raises(InstallError, match=r"run `python3\.12 install\.py`"):
        check_python((3, 9), lambda name: "x" if name == "python3.12" else None)
    with pytest.raises(InstallError, match=r"python\.org"):
        check_python((3, 9), lambda _: None)


def test_supported_pythons_pass_and_newer_ones_are_mentioned() -> None:
    for minor in range(10, 15):
        assert check_python((3, minor), lambda _: None) is None
    assert "3.15" in (check_python((3, 15), lambda _: None) or "")


def test_the_supported_pythons_are_those_of_pyproject() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">={}.{}"'.format(*OLDEST_PYTHON) in project


def _check_torch(clone: Environment, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    answers = {
        environments._TRY_TORCH: source,
        environments._VERSIONS: "print('torch 1 and torchvision 9')",
    }

    def run(_: Path, asked: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-c", answers[asked]]
        return subprocess.run(command, capture_output=True, check=False)

    monkeypatch.setattr(environments, "run_python", run)
    check_torch(clone)


def test_a_torchvision_for_another_torch_is_explained(
    clone: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = "raise RuntimeError('operator torchvision::nms does not exist')"
    with pytest.raises(InstallError) as caught:
        _check_torch(clone, monkeypatch, broken)
    message = str(caught.value)
    for part in ("torch 1 and torchvision 9", "nms does not exist", "pip config list", ".venv"):
        assert part in message


def test_a_matching_pair_passes(clone: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    _check_torch(clone, monkeypatch, "pass")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Collecting torch>=2.10 (from pastiche==0.1.0)", "looking for torch"),
        (
            "  Downloading torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl (530.1 MB)",
            "getting torch 2.15.0 (530.1 MB)",
        ),
        ("  Using cached click-8.5.1-py3-none-any.whl (98 kB)", "getting click 8.5.1 (98 kB)"),
        (
            "Installing collected packages: a, b, c",
            "unpacking packages: 3",
        ),
        ("Requirement already satisfied: click>=8.1 in x", None),
        ("", None),
    ],
)
def test_pips_output_is_put_into_few_words(line: str, told: str | None) -> None:
    assert describe_pip_line(line) == told


def test_a_failing_command_is_reported_with_its_errors_and_its_log(clone: Environment) -> None:
    source = "print('noise'); print('ERROR: no such package'); raise SystemExit(7)"
    with (
        pytest.raises(InstallError) as caught,
        Progress("trying", out=io.StringIO()) as progress,
    ):
        run_logged(clone.log, clone.root, [sys.executable, "-c", source], progress, "w")
    message = str(caught.value)
    assert "exit code 7" in message
    assert "ERROR: no such package" in message
    assert "noise" not in message.split("failed with")[1]
    assert str(clone.log) in message
    assert "noise" in clone.log.read_text(encoding="utf-8")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_lines_in_a_file_and_one_line_on_a_terminal() -> None:
    file, terminal = io.StringIO(), _Terminal()
    for out in (file, terminal):
        with Progress("first", out=out) as progress:
            progress.show("second")
    assert file.getvalue() == "  first\n  second\n"
    assert "\n" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\033[K")


def test_packages_of_the_outside_are_hidden_from_the_environment() -> None:
    environ = child_environment({"PYTHONPATH": "x", "PYTHONHOME": "y", "KEPT": "z"})
    assert "PYTHONPATH" not in environ
    assert "PYTHONHOME" not in environ
    assert environ["KEPT"] == "z"


def test_only_one_installer_works_at_a_time(clone: Environment) -> None:
    with only_one(clone.lock, _ignore), clone.lock.open("a+b") as other:
        assert not try_lock(other)
    with clone.lock.open("a+b") as other:
        assert try_lock(other)


# --- The daemon's own environment ---


@pytest.fixture
def daemon(tmp_path: Path, clone: Environment) -> Environment:
    for folder in environments.SOURCES:
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "module.py").write_text("a = 1\n", encoding="utf-8")
    return daemon_environment(tmp_path, tmp_path / "prefix with spaces, ü" / "environment")


def test_the_daemons_environment_holds_a_copy_of_the_sources(
    daemon: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = _Steps(monkeypatch)
    torch: list[Environment] = []
    assert ensure_environment(daemon, _ignore, torch.append)
    assert torch == [daemon]
    assert [command[-1] for command in steps.commands if "install" in command] == ["."]
    assert not any("--editable" in command for command in steps.commands)
    assert daemon.stamp.exists()


def test_changed_sources_renew_the_copy(
    daemon: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = wanted_stamp(daemon, RUNNING)
    assert wanted_stamp(daemon, RUNNING) == before
    (daemon.root / environments.SOURCES[0] / "module.py").write_text("a = 2\n", encoding="utf-8")
    assert wanted_stamp(daemon, RUNNING) != before


def test_a_moved_clone_does_not_break_the_daemons_environment(
    daemon: Environment, tmp_path: Path
) -> None:
    elsewhere = daemon_environment(tmp_path, daemon.folder)
    assert wanted_stamp(elsewhere, RUNNING)["root"] == str(daemon.folder)


def test_a_removal_that_was_interrupted_can_be_repeated(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = shutil.rmtree

    def in_use(path: Path) -> None:
        raise PermissionError(f"{path} is in use")

    monkeypatch.setattr(shutil, "rmtree", in_use)
    with pytest.raises(PermissionError):
        remove_environment(environment)
    assert environment.is_ours
    monkeypatch.setattr(shutil, "rmtree", remove)
    remove_environment(environment)
    assert not environment.folder.exists()


def test_an_older_python_can_read_what_tells_it_that_it_is_too_old() -> None:
    """install.py imports these before it has looked at the version."""
    import ast

    for name in ("install.py", "installer/errors.py", "installer/python_version.py"):
        ast.parse((ROOT / name).read_text(encoding="utf-8"), feature_version=(3, 7))
