"""The installer's decisions. Nothing is downloaded; environments are made without pip."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
RUNNING = (sys.version_info[0], sys.version_info[1])


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pastiche_install", ROOT / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


install: Any = _load()


@pytest.fixture
def checkout(tmp_path: Path) -> Any:
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n", encoding="utf-8")
    return install.Checkout(tmp_path)


@pytest.fixture
def environment(checkout: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A real environment, finished as far as the installer can tell."""
    monkeypatch.setattr(install, "NEEDED_MODULES", ("json", "pip"))
    subprocess.run(
        [sys.executable, "-m", "venv", "--without-pip", str(checkout.venv)],
        check=True,
        capture_output=True,
    )
    _site_packages(checkout).joinpath("pip.py").touch()
    install.write_stamp(checkout, install.wanted_stamp(checkout, RUNNING))
    return checkout


def _site_packages(checkout: Any) -> Path:
    return next(checkout.venv.glob("**/site-packages"))


def state(checkout: Any) -> Any:
    return install.environment_state(checkout, RUNNING)[0]


# --- The stamp ---


def test_a_finished_environment_is_ready(environment: Any) -> None:
    assert state(environment) is install.State.READY


def test_another_pyproject_makes_it_outdated(environment: Any) -> None:
    project = environment.root / "pyproject.toml"
    project.write_text(project.read_text() + "version = '2'\n")
    assert state(environment) is install.State.OUTDATED


def test_an_environment_without_stamp_is_completed_not_removed(environment: Any) -> None:
    environment.stamp.unlink()
    assert state(environment) is install.State.OUTDATED


def test_a_damaged_stamp_counts_as_none(environment: Any) -> None:
    environment.stamp.write_text("{half", encoding="utf-8")
    assert install.read_stamp(environment) is None
    assert state(environment) is install.State.OUTDATED


def test_a_missing_package_makes_it_outdated(
    environment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "NEEDED_MODULES", ("pip", "no_such_package"))
    found, why = install.environment_state(environment, RUNNING)
    assert found is install.State.OUTDATED
    assert "no_such_package" in why


# --- Broken environments ---


def test_no_environment_and_an_empty_folder_are_absent(checkout: Any) -> None:
    assert state(checkout) is install.State.ABSENT
    checkout.venv.mkdir()
    assert state(checkout) is install.State.ABSENT


def _interrupted(checkout: Any) -> None:
    checkout.unfinished.touch()


def _without_interpreter(checkout: Any) -> None:
    checkout.python.unlink()


def _interpreter_that_fails(checkout: Any) -> None:
    checkout.python.unlink()
    checkout.python.write_text("not a program", encoding="utf-8")


def _without_pip(checkout: Any) -> None:
    _site_packages(checkout).joinpath("pip.py").unlink()


def _moved(checkout: Any) -> None:
    stamp = json.loads(checkout.stamp.read_text())
    checkout.stamp.write_text(json.dumps({**stamp, "root": "elsewhere"}))


@pytest.mark.parametrize(
    "damage",
    [_interrupted, _without_interpreter, _interpreter_that_fails, _without_pip, _moved],
)
def test_a_broken_environment_is_noticed(environment: Any, damage: Callable[[Any], None]) -> None:
    damage(environment)
    assert state(environment) is install.State.BROKEN


def test_another_python_needs_another_environment(environment: Any) -> None:
    found, why = install.environment_state(environment, (3, 99))
    assert found is install.State.BROKEN
    assert "3.99" in why


def test_what_is_no_environment_is_left_alone(checkout: Any) -> None:
    checkout.venv.mkdir()
    precious = checkout.venv / "thesis.txt"
    precious.write_text("x", encoding="utf-8")
    with pytest.raises(install.InstallError, match="Move it away"):
        state(checkout)
    assert precious.exists()


# --- Making it ---


class _Steps:
    """Stands in for everything that would run pip, and notes what was asked for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.commands: list[list[str]] = []
        self.fail_at = ""
        monkeypatch.setattr(install, "run_logged", self._run_logged)
        monkeypatch.setattr(install, "check_torch", lambda _: self.commands.append(["torch"]))

    def _run_logged(self, checkout: Any, command: list[str], *_: object) -> None:
        step = command[2]
        self.commands.append(list(command))
        if step == self.fail_at:
            raise install.InstallError("no network")
        if step == "venv":
            (checkout.venv / "pyvenv.cfg").touch()

    @property
    def names(self) -> list[str]:
        return [command[2] if len(command) > 2 else command[0] for command in self.commands]


def _ignore(_: str) -> None:
    pass


def test_a_new_environment_is_made_filled_tried_and_stamped(
    checkout: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = _Steps(monkeypatch)
    install.ensure_environment(checkout, _ignore)
    assert steps.names == ["venv", "pip", "torch"]
    assert install.read_stamp(checkout) == install.wanted_stamp(checkout, RUNNING)
    assert not checkout.unfinished.exists()


def test_a_ready_environment_is_not_touched(
    environment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = _Steps(monkeypatch)
    said: list[str] = []
    install.ensure_environment(environment, said.append)
    assert steps.names == []
    assert said == []


def test_an_outdated_environment_is_completed_in_place(
    environment: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment.stamp.unlink()
    steps = _Steps(monkeypatch)
    install.ensure_environment(environment, _ignore)
    assert steps.names == ["pip", "torch"]
    assert state(environment) is install.State.READY


@pytest.mark.parametrize("step", ["venv", "pip"])
def test_a_failure_leaves_an_environment_that_is_remade(
    checkout: Any, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    steps = _Steps(monkeypatch)
    steps.fail_at = step
    with pytest.raises(install.InstallError, match="no network"):
        install.ensure_environment(checkout, _ignore)
    assert state(checkout) is install.State.BROKEN
    remains = checkout.venv / "half.txt"
    remains.touch()
    steps.fail_at = ""
    install.ensure_environment(checkout, _ignore)
    assert not remains.exists()
    assert checkout.stamp.exists()


# --- What the user is told ---


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_python_without_venv_is_explained(missing: str) -> None:
    with pytest.raises(install.InstallError) as caught:
        install.check_venv_modules(lambda name: name != missing)
    assert missing in str(caught.value)
    assert f"apt install python{RUNNING[0]}.{RUNNING[1]}-venv" in str(caught.value)


def test_a_python_with_venv_passes() -> None:
    install.check_venv_modules(lambda _: True)


def test_an_old_python_is_refused_and_a_newer_one_found() -> None:
    with pytest.raises(install.InstallError, match=r"run `python3\.12 install\.py`"):
        install.check_python((3, 9), lambda name: "x" if name == "python3.12" else None)
    with pytest.raises(install.InstallError, match=r"python\.org"):
        install.check_python((3, 9), lambda _: None)


def test_supported_pythons_pass_and_newer_ones_are_mentioned() -> None:
    for minor in range(10, 15):
        assert install.check_python((3, minor), lambda _: None) is None
    assert "3.15" in install.check_python((3, 15), lambda _: None)


def test_the_supported_pythons_are_those_of_pyproject() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">={}.{}"'.format(*install.OLDEST_PYTHON) in project


def _check_torch(checkout: Any, monkeypatch: pytest.MonkeyPatch, source: str) -> None:
    answers = {install._TRY_TORCH: source, install._VERSIONS: "print('torch 1 and torchvision 9')"}

    def run(_: Any, asked: str) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-c", answers[asked]]
        return subprocess.run(command, capture_output=True, check=False)

    monkeypatch.setattr(install, "run_python", run)
    install.check_torch(checkout)


def test_a_torchvision_for_another_torch_is_explained(
    checkout: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = "raise RuntimeError('operator torchvision::nms does not exist')"
    with pytest.raises(install.InstallError) as caught:
        _check_torch(checkout, monkeypatch, broken)
    message = str(caught.value)
    for part in ("torch 1 and torchvision 9", "nms does not exist", "pip config list", ".venv"):
        assert part in message


def test_a_matching_pair_passes(checkout: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _check_torch(checkout, monkeypatch, "pass")


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
    assert install.describe_pip_line(line) == told


def test_a_failing_command_is_reported_with_its_errors_and_its_log(checkout: Any) -> None:
    source = "print('noise'); print('ERROR: no such package'); raise SystemExit(7)"
    with (
        pytest.raises(install.InstallError) as caught,
        install.Progress("trying", out=io.StringIO()) as progress,
    ):
        install.run_logged(checkout, [sys.executable, "-c", source], progress, "w")
    message = str(caught.value)
    assert "exit code 7" in message
    assert "ERROR: no such package" in message
    assert "noise" not in message.split("failed with")[1]
    assert str(checkout.log) in message
    assert "noise" in checkout.log.read_text(encoding="utf-8")


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_lines_in_a_file_and_one_line_on_a_terminal() -> None:
    file, terminal = io.StringIO(), _Terminal()
    for out in (file, terminal):
        with install.Progress("first", out=out) as progress:
            progress.show("second")
    assert file.getvalue() == "  first\n  second\n"
    assert "\n" not in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\033[K")


# --- The command line ---


def test_everything_after_test_goes_to_pytest() -> None:
    arguments = ["-k", "a or b", "tests/unit", "-x", "-p", "no:cacheprovider", "--maxfail=1"]
    assert install.parse_arguments(["test", *arguments]).pytest_args == arguments


@pytest.mark.parametrize(
    "arguments",
    [["demo", "--potho", "x.jpg"], ["demo", "--photo", "no-such-file.jpg"], ["env", "x"], []],
)
def test_mistakes_are_noticed_before_anything_is_installed(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        install.parse_arguments(arguments)
    assert caught.value.code == 2
    assert "error:" in capsys.readouterr().err


def _children(monkeypatch: pytest.MonkeyPatch, codes: dict[str, int]) -> list[list[str]]:
    """Stands in for the environment's programs: codes by module, 0 for the others."""
    ran: list[list[str]] = []

    def run_child(command: list[str], cwd: Path | None) -> int:
        ran.append(list(command[2:]))
        return codes.get(command[2], 0)

    monkeypatch.setattr(install, "run_child", run_child)
    return ran


def test_the_demo_gets_its_options(checkout: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = checkout.root / "pyproject.toml"
    ran = _children(monkeypatch, {"pastiche_daemon": 5})
    options = install.parse_arguments(
        ["demo", "--photo", str(photo), "--output", "out", "--style", "a", "--style", "b"]
    )
    assert options.run(checkout, options) == 5
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
    checkout: Any, monkeypatch: pytest.MonkeyPatch, codes: dict[str, int], expected: int
) -> None:
    ran = _children(monkeypatch, codes)
    options = install.parse_arguments(["test", "-k", "x"])
    assert options.run(checkout, options) == expected
    assert ran == [
        ["ruff", "check"],
        ["ruff", "format", "--check"],
        ["pyright", "--project", "pyproject.toml"],
        ["pytest", "-k", "x"],
    ]


def test_a_childs_exit_code_is_passed_on() -> None:
    assert install.run_child([sys.executable, "-c", "raise SystemExit(9)"], cwd=None) == 9


@pytest.mark.skipif(os.name == "nt", reason="Windows has no signals to end a process with")
def test_a_killed_child_is_reported_as_a_shell_does() -> None:
    source = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert install.run_child([sys.executable, "-c", source], cwd=None) == 128 + 15


def test_packages_of_the_outside_are_hidden_from_the_environment() -> None:
    environ = install.child_environment({"PYTHONPATH": "x", "PYTHONHOME": "y", "KEPT": "z"})
    assert "PYTHONPATH" not in environ
    assert "PYTHONHOME" not in environ
    assert environ["KEPT"] == "z"


def test_only_one_installer_works_at_a_time(checkout: Any) -> None:
    with install.only_one(checkout, _ignore), checkout.lock.open("a+b") as other:
        assert not install.try_lock(other)
    with checkout.lock.open("a+b") as other:
        assert install.try_lock(other)
