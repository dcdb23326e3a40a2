"""One optimization or dream from the command line: files in, a file out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from pastiche_client.cancel import StopToken
    from pastiche_client.client import Client
    from pastiche_client.layer import Layer
    from pastiche_client.optimize_options import OptimizeOptions, StyleLayer, Texture

_REASONS = {
    "STEPS": "all steps were made",
    "TIME": "the time was over",
    "CONVERGED": "it hardly improved any more",
    "ASKED": "stopped, and kept as it stood",
    "UNSPECIFIED": "nothing had to be optimized",
}


@dataclass(frozen=True)
class Target:
    """What to make and where. `resolution` is in pixels per millimetre."""

    picture: Layer | Texture
    file: Path
    resolution: tuple[float, float] = (1.0, 1.0)
    quality: int = 92
    notes: tuple[str, ...] = ()


def check_output(output: Path, inputs: Sequence[Path], *, force: bool) -> None:
    """Nothing is read or written.

    Raises:
        click.UsageError: the file cannot be written in this format, is one of the inputs, or
            exists and is not to be replaced.
    """
    from pastiche_daemon.cli.imagefile import PictureFileError, output_format

    try:
        output_format(output)
    except PictureFileError as error:
        raise click.UsageError(str(error)) from error
    if output.resolve() in {path.resolve() for path in inputs}:
        raise click.UsageError(
            f"{output} is one of the pictures and would be replaced; choose another --output."
        )
    if output.exists() and not force:
        raise click.UsageError(f"{output} exists already; use --force to replace it.")


@dataclass(frozen=True)
class Made:
    """The picture, a sentence about it, and notes for the user."""

    layer: Layer
    told: str
    notes: tuple[str, ...]


def make(console: Console, target: Target, call: Callable[[Client, StopToken], Made]) -> None:
    """Call the daemon and write. The first Ctrl+C stops and keeps, the second cancels.

    Raises:
        click.ClickException: a file cannot be written.
        DaemonError: the daemon refused, or failed.
    """
    from pastiche_daemon.cli.connect import running_daemon
    from pastiche_daemon.cli.imagefile import PictureFileError, check_size, write_picture
    from pastiche_daemon.cli.interrupts import stop_on_interrupt

    def say() -> None:
        console.print("Stopping; the picture is kept as it stands. Ctrl+C again cancels.")

    try:
        check_size(target.file, target.picture.width, target.picture.height)
        with running_daemon(console) as client, stop_on_interrupt(say) as stop:
            made = call(client, stop)
        target.file.parent.mkdir(parents=True, exist_ok=True)
        written = write_picture(
            target.file, made.layer, resolution=target.resolution, quality=target.quality
        )
    except (PictureFileError, OSError) as error:
        raise click.ClickException(str(error)) from error
    console.print(f"{target.file}  {made.told}")
    for note in (*target.notes, *made.notes, *written):
        console.print(f"  note: {note}")


def run(
    console: Console,
    target: Target,
    styles: Sequence[StyleLayer],
    make_options: Callable[[Client], OptimizeOptions],
) -> None:
    """Optimize and write, as `make`.

    Args:
        make_options: what needs the daemon to be looked up, such as a pack's styles.
    """
    from pastiche_daemon.cli.optimize_progress import optimize_progress

    def call(client: Client, stop: StopToken) -> Made:
        options = make_options(client)
        with optimize_progress(console, options.minimizer.max_seconds) as show:
            result = client.optimize(target.picture, styles, options, on_event=show, stop=stop)
        summary = result.summary
        loss = "" if summary.losses is None else f", loss {summary.losses.total:.4g}"
        told = (
            f"{summary.steps} steps in {summary.compute_seconds:.1f} s{loss}: "
            f"{_REASONS[summary.reason.name]}"
        )
        return Made(result.layer, told, summary.notes)

    make(console, target, call)
