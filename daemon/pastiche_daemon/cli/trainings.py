"""`pastiche trainings`: the styles that are being learned."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from pastiche_client.client import Client
    from pastiche_client.trainings import Training
    from pastiche_daemon.cli.optimize_progress import Told

_POLL_SECONDS = 0.5
_DOING = {
    "QUEUED": "waiting for its turn",
    "PREPARING": "preparing",
    "RUNNING": "learning",
    "INSTALLING": "installing",
    "DONE": "done",
    "FAILED": "failed",
    "CANCELLED": "cancelled",
    "UNSPECIFIED": "",
}


@click.group(
    epilog="""
\b
Examples:
  pastiche trainings list
  pastiche trainings follow 20261121-221644-6deba4e4
  pastiche trainings finish 20261121-221644-6deba4e4
"""
)
def trainings() -> None:
    """See, finish, cancel and resume trainings of new styles (`pastiche learn`)."""


@trainings.command(
    "list",
    epilog="""
\b
Examples:
  pastiche trainings list
""",
)
def list_trainings() -> None:
    """List the trainings: those that run or wait, failed, or were done within a week."""
    from rich.console import Console
    from rich.table import Table

    from pastiche_daemon.cli.connect import output_console, running_daemon

    console = output_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Training", "Name", "State", "Steps", "Left", "Style"):
        table.add_column(heading, overflow="fold")
    with running_daemon(Console(stderr=True)) as client:
        for training in client.trainings():
            table.add_row(
                training.id,
                training.display_name,
                _DOING[training.state.name],
                f"{training.step}/{training.steps or '?'}",
                "" if training.done else _left(training),
                _short(training.style) if training.style else str(training.error or ""),
            )
    console.print(table)


def _example(command: str) -> str:
    return f"\n\b\nExamples:\n  pastiche trainings {command} 20261121-221644-6deba4e4\n"


@trainings.command("follow", epilog=_example("follow"))
@click.argument("training")
def follow_training(*, training: str) -> None:
    """Watch a training until it ends. Ctrl+C ends it early and keeps what it has learned."""
    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon

    console = Console(markup=False, highlight=False, soft_wrap=True)
    with running_daemon(Console(stderr=True)) as client:
        follow(client, console, client.training(training).name)


@trainings.command("finish", epilog=_example("finish"))
@click.argument("training")
def finish_training(*, training: str) -> None:
    """End a training early, and install what it has learned."""
    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon

    console = Console(markup=False, highlight=False, soft_wrap=True)
    with running_daemon(Console(stderr=True)) as client:
        follow(client, console, client.finish_training(training).name)


@trainings.command("resume", epilog=_example("resume"))
@click.argument("training")
def resume_training(*, training: str) -> None:
    """Go on with a training that failed. Interrupted ones go on by themselves."""
    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon

    console = Console(markup=False, highlight=False, soft_wrap=True)
    with running_daemon(Console(stderr=True)) as client:
        follow(client, console, client.resume_training(training).name)


@trainings.command("cancel", epilog=_example("cancel"))
@click.argument("training")
def cancel_training(*, training: str) -> None:
    """End a training and remove what it has learned; one that failed is removed, too."""
    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon

    with running_daemon(Console(stderr=True)) as client:
        found = client.training(training)
        if found.style:
            raise click.ClickException(
                f"The training is done; remove its style with `pastiche packs remove "
                f"{found.pack_id}`."
            )
        if found.done:
            client.forget_training(training)
        else:
            client.cancel_training(training)
        click.echo(f"{found.display_name}: cancelled and removed.")


def follow(client: Client, console: Console, name: str) -> None:
    """Show a training until it ends. The first Ctrl+C keeps what it has, the second cancels.

    Raises:
        DaemonError: what it ended with.
        KeyboardInterrupt: it was cancelled.
    """
    from pastiche_daemon.cli.counting import minutes
    from pastiche_daemon.cli.interrupts import stop_on_interrupt
    from pastiche_daemon.cli.optimize_progress import step_progress

    def say() -> None:
        console.print("Ending early, with what is learned so far. Ctrl+C again cancels.")

    announced = finishing = False
    try:
        with stop_on_interrupt(say) as stop, step_progress(console, _tell) as show:
            training = client.training(name)
            while not training.done:
                show(training)
                if training.steps and training.seconds_left is not None and not announced:
                    console.print(_announcement(training))
                    announced = True
                if stop.stopped and training.step and not finishing:
                    client.finish_training(name)
                    finishing = True
                time.sleep(_POLL_SECONDS)
                training = client.training(name)
    except KeyboardInterrupt:
        client.cancel_training(name)
        raise
    if training.error is not None:
        raise training.error
    style = _short(training.style)
    console.print(
        f"{training.display_name} is learned: {training.step} steps in {minutes(training.seconds)}"
    )
    for note in training.notes:
        console.print(f"  note: {note}")
    console.print(f"Use it: pastiche stylize PHOTO --style {style} -o OUTPUT")


def _tell(event: object) -> Told | None:
    from pastiche_client.trainings import Training
    from pastiche_daemon.cli.optimize_progress import Told

    if not isinstance(event, Training) or not event.steps:
        return None
    details = ""
    if event.losses is not None:
        losses = event.losses
        details = f"loss {losses.total:.3f}  style {losses.style:.3f}  content {losses.content:.3f}"
    return Told(event.step, event.steps, _DOING[event.state.name], _left(event), details)


def _announcement(training: Training) -> str:
    assert training.seconds_left is not None
    minutes = max(1, round((training.seconds + training.seconds_left) / 60))
    return (
        f"About {minutes} {'minute' if minutes == 1 else 'minutes'} on this computer: "
        f"{training.steps} steps, starting from {training.start_style}. Ctrl+C ends it early and "
        "keeps what it has learned; closing the terminal does not end it."
    )


def _left(training: Training) -> str:
    from pastiche_daemon.cli.counting import left

    return "" if training.seconds_left is None else left(training.seconds_left)


def _short(style: str) -> str:
    """`packs/a/styles/b` as people type it."""
    with contextlib.suppress(ValueError):
        _, pack, _, name = style.split("/")
        return f"{pack}/{name}"
    return style
