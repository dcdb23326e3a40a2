from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner

from pastiche_daemon.cli import cli

HEAVY = ("torch", "torchvision", "grpc", "numpy", "pyvips", "PIL", "matplotlib", "pydantic")


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None, f"{name} is listed but does not exist"
            yield from commands(below, (*path, name))


@pytest.mark.parametrize("path", list(commands(cli)), ids=lambda path: " ".join(path) or "pastiche")
def test_help_says_what_the_command_does_and_has_an_example(path: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"], prog_name="pastiche")
    assert result.exit_code == 0, result.output
    usage, _, rest = result.output.partition("\n")
    assert usage.startswith(" ".join(("Usage: pastiche", *path)))
    description = rest.strip().partition("\n")[0].strip()
    assert description[0].isupper(), description
    _, found, examples = result.output.partition("Example")
    assert found, "--help must have an example"
    assert " ".join(("pastiche", *path)) in examples


def test_every_command_of_the_description_is_there() -> None:
    found = {" ".join(path) for path in commands(cli)}
    packs = {f"packs {name}" for name in ("list", "show", "install", "verify", "export", "remove")}
    packs |= {f"packs {name}" for name in ("versions", "pin", "unpin", "rollback", "settings")}
    packs |= {f"packs {name}" for name in ("keygen", "sign", "trust add", "trust list")}
    encoders = {f"encoders {name}" for name in ("list", "fetch", "add", "remove")}
    assert found >= {"serve", "status", "stop", "doctor", "stylize", "packs", "train", *packs}
    assert found >= {"optimize", "reconstruct content", "reconstruct style", *encoders}


def test_an_unknown_command_is_a_usage_error() -> None:
    result = CliRunner().invoke(cli, ["paint"])
    assert result.exit_code == 2
    assert "No such command 'paint'" in result.output


@pytest.mark.parametrize(
    "arguments",
    [["--help"], *([name, "--help"] for name in ("stylize", "optimize", "packs", "encoders"))],
)
def test_the_command_line_starts_without_heavy_libraries(arguments: list[str]) -> None:
    program = (
        "import sys\n"
        "from pastiche_daemon.cli import cli\n"
        f"cli({arguments!r}, standalone_mode=False)\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.splitlines()[-1] == "loaded: []"


def test_the_client_works_where_no_such_library_can_be_imported() -> None:
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys({HEAVY!r}))\n"  # None makes the import fail
        "from pastiche_client import Client, images\n"
        "Client().close()\n"
        "print('works')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "works"
