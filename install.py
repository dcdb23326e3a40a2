#!/usr/bin/env python3
"""Install and run Pastiche from a clone, with nothing but Python's standard library.

    python3 install.py install     daemon and plug-ins, for GIMP 3 and Krita
    python3 install.py uninstall   remove exactly what was installed
    python3 install.py doctor      say what is broken, and how to mend it
    python3 install.py package     archives of the plug-ins, to install by hand

    python3 install.py demo        stylize a photograph in every built-in style
    python3 install.py test        run all checks and tests
    python3 install.py env         only make the environment of demo and tests

No compiler and no administrator's rights are needed. `install` makes its environment in
Pastiche's data folder; demo and tests use the folder .venv of the clone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))

from installer.errors import InstallError  # noqa: E402
from installer.python_version import check_python  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from installer.environment import Environment

INTERRUPTED = 130


def say(text: str) -> None:
    print(text, flush=True)


def alone(options: argparse.Namespace) -> AbstractContextManager[None]:
    """Keeps a second process from installing or uninstalling at the same time."""
    from installer.environment import only_one

    return nullcontext() if options.dry_run else only_one(ROOT / "build" / "plugins.lock", say)


# --- The commands of users ------------------------------------------------------------------------


def run_install(options: argparse.Namespace) -> int:
    from installer.installing import InstallOptions, run_install
    from installer.system import System

    asked = InstallOptions(
        editors=tuple(options.editor or ()),
        prefix=options.prefix,
        environment=options.environment,
        dry_run=options.dry_run,
    )
    with alone(options):
        return run_install(ROOT, System.this(), asked, say)


def run_uninstall(options: argparse.Namespace) -> int:
    from installer.system import System
    from installer.uninstalling import run_uninstall

    editors = tuple(options.editor or ())
    with alone(options):
        return run_uninstall(System.this(), editors, dry_run=options.dry_run, say=say)


def run_doctor(_: argparse.Namespace) -> int:
    from installer.doctor import run_doctor
    from installer.system import System

    return run_doctor(System.this(), say)


def run_package(options: argparse.Namespace) -> int:
    from installer.environment import has_module
    from installer.packaging import run_package

    python = sys.executable if has_module("pip") else str(clone().python)
    return run_package(ROOT, options.output.expanduser().absolute(), python, say)


# --- The commands of developers -------------------------------------------------------------------


def clone() -> Environment:
    """The environment of the clone, made or completed if need be."""
    from installer.environment import clone_environment, ensure_environment

    environment = clone_environment(ROOT)
    ensure_environment(environment, say)
    return environment


def run_env(_: argparse.Namespace) -> int:
    python = clone().python
    say(f"Python of the environment: {python}")
    activate = python.with_name("activate")
    say(f"To use it: {activate if os.name == 'nt' else f'source {activate}'}")
    return 0


def run_demo(options: argparse.Namespace) -> int:
    from installer.processes import run_child

    command = [str(clone().python), "-m", "pastiche_daemon", "demo"]
    if options.photo:
        command += ["--photo", str(options.photo)]
    if options.output:
        command += ["--output", str(options.output)]
    for style in options.style or ():
        command += ["--style", style]
    return run_child(command, cwd=None)


def run_test(options: argparse.Namespace) -> int:
    from installer.checks import run_checks

    return run_checks(clone(), options.pytest_args)


# --- The command line -----------------------------------------------------------------------------


def parse_arguments(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="install.py",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    install = commands.add_parser(
        "install", help="install the daemon and the plug-ins", allow_abbrev=False
    )
    install.add_argument(
        "--prefix",
        type=Path,
        metavar="DIR",
        help="where the daemon's environment goes, some GB (default: Pastiche's data folder)",
    )
    install.add_argument(
        "--environment",
        type=Path,
        metavar="DIR",
        help="use this environment, which has Pastiche already, such as .venv of the clone",
    )
    install.set_defaults(run=run_install)
    uninstall = commands.add_parser(
        "uninstall", help="remove exactly what was installed", allow_abbrev=False
    )
    uninstall.set_defaults(run=run_uninstall)
    for command in (install, uninstall):
        command.add_argument(
            "--editor",
            action="append",
            choices=["gimp", "krita"],
            help="only this editor's plug-in; may be given twice (default: both)",
        )
        command.add_argument(
            "--dry-run", action="store_true", help="say what would be done, and change nothing"
        )
    doctor = commands.add_parser("doctor", help="say what is broken", allow_abbrev=False)
    doctor.set_defaults(run=run_doctor)
    package = commands.add_parser(
        "package", help="make archives of the plug-ins", allow_abbrev=False
    )
    package.add_argument(
        "--output", type=Path, default=ROOT / "dist", metavar="DIR", help="default: dist"
    )
    package.set_defaults(run=run_package)

    demo = commands.add_parser(
        "demo", help="stylize a photograph in every built-in style", allow_abbrev=False
    )
    demo.add_argument("--photo", type=Path, metavar="FILE", help="your own photograph")
    demo.add_argument(
        "--output", type=Path, metavar="DIR", help="where to write (default: pastiche-demo)"
    )
    demo.add_argument(
        "--style", action="append", help="only this style; may be given several times"
    )
    demo.set_defaults(run=run_demo)
    test = commands.add_parser(
        "test",
        help="run all checks and tests",
        usage="install.py test [-h] [arguments of pytest ...]",
        description="Runs ruff, pyright and pytest. Everything after `test` goes to pytest.",
        allow_abbrev=False,
    )
    test.set_defaults(run=run_test)
    env = commands.add_parser(
        "env", help="only make the environment of demo and tests", allow_abbrev=False
    )
    env.set_defaults(run=run_env)

    options, others = parser.parse_known_args(arguments)
    if options.command == "test":
        options.pytest_args = others
    elif others:
        parser.error(f"unknown arguments: {' '.join(others)}")
    # Better now than after minutes of installing.
    if options.command == "demo" and options.photo and not options.photo.is_file():
        parser.error(f"--photo: there is no file {options.photo}")
    if options.command == "install" and options.prefix and options.environment:
        parser.error("--prefix is for an environment that is made, and --environment for one there")
    return options


def main(arguments: Sequence[str]) -> int:
    """Returns the exit code of the command that was run."""
    options = parse_arguments(arguments)
    try:
        warning = check_python((sys.version_info[0], sys.version_info[1]), shutil.which)
        if warning:
            say(f"Note: {warning}")
        return options.run(options)
    except InstallError as error:
        print(f"\nError: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrupted. Run the same command again: it goes on from there.", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
