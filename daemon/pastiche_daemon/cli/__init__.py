"""The `pastiche` command. Each command lives in a module of its own and is loaded when needed."""

from __future__ import annotations

import importlib
from typing import Any, cast

import click

from pastiche_client.errors import DaemonError
from pastiche_daemon import __version__

# Name of the command -> module in this package with a click command of the same name.
_COMMANDS = {
    "stylize": "stylize",
    "batch": "batch",
    "optimize": "optimize",
    "reconstruct": "reconstruct",
    "dream": "dream",
    "upscale": "upscale",
    "sweep": "sweep",
    "packs": "packs",
    "encoders": "encoders",
    "demo": "demo",
    "learn": "learn",
    "trainings": "trainings",
    "train": "train",
    "train-upscaler": "train_upscaler",
    "distill-encoder": "distill_encoder",
    "bench": "bench",
    "serve": "serve",
    "settings": "settings",
    "status": "status",
    "stop": "stop",
    "doctor": "doctor",
}

_INTERRUPTED_EXIT_CODE = 130


class LazyGroup(click.Group):
    """Loads a command's module when the command is named, so that every start is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"{__name__}.{_COMMANDS[cmd_name]}")
        return cast("click.Command", getattr(module, _COMMANDS[cmd_name]))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except DaemonError as error:
            raise click.ClickException(str(error)) from error
        except KeyboardInterrupt:
            click.echo("Cancelled.", err=True)
            ctx.exit(_INTERRUPTED_EXIT_CODE)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="""
\b
Examples:
  pastiche stylize photo.jpg --style starry_night -o out.png
  pastiche optimize photo.jpg --style painting.jpg -o out.png
  pastiche dream photo.jpg -o out.png
  pastiche packs list
  pastiche doctor
""",
)
@click.version_option(__version__, prog_name="pastiche")
def cli() -> None:
    """Style transfer: photographs in the manner of a painting.

    A daemon on this computer does the work; commands start it when they need it, and it ends by
    itself after a while.
    """


def main() -> None:
    """The entry point of the `pastiche` command."""
    cli(prog_name="pastiche")
