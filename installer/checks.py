"""`install.py test`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from installer.console import Progress, announce
from installer.errors import InstallError
from installer.processes import run_child
from plugins.bundling.wheels import WheelError, fetch_wheels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from installer.environment import Environment


def run_checks(environment: Environment, pytest_arguments: Sequence[str]) -> int:
    """Run ruff, pyright and pytest; 0 if all of them pass.

    Raises:
        InstallError: what the tests need cannot be had.
    """
    python = str(environment.python)
    try:
        with Progress("looking for the packages that the plug-ins carry"):
            fetch_wheels(environment.root / "build" / "wheels", python)
    except (WheelError, OSError) as error:
        raise InstallError(str(error)) from error
    checks = {
        "ruff check": [python, "-m", "ruff", "check"],
        "ruff format --check": [python, "-m", "ruff", "format", "--check"],
        # Named, because a pyrightconfig.json in a folder above would come first.
        "pyright": [python, "-m", "pyright", "--project", "pyproject.toml"],
    }
    failed: list[str] = []
    for name, command in checks.items():
        announce(name)
        if run_child(command, cwd=environment.root) != 0:
            failed.append(name)
    announce("pytest" if not failed else f"pytest (failed before: {', '.join(failed)})")
    # In several processes, unless the arguments say otherwise.
    command = [python, "-m", "pytest", "-n", "auto", *pytest_arguments]
    code = run_child(command, cwd=environment.root)
    return code or (1 if failed else 0)
