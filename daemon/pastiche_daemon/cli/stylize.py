"""`pastiche stylize`."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pastiche_daemon.cli.style_arguments import look_options, resolve_styles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.progress import Progress as ProgressBar

    from pastiche_client.client import Client
    from pastiche_client.results import Event

_PATH = click.Path(path_type=Path)


@dataclass(frozen=True)
class _Options:
    styles: dict[str, float]
    strength: float
    preserve_colors: bool
    stroke_size: float
    quality: int


@click.command(
    epilog="""
\b
Examples:
  pastiche stylize photo.jpg --style starry_night -o out.png
  pastiche stylize *.jpg --style masters/starry_night -o stylized/
  pastiche stylize photo.tif --style starry_night:0.7 --style great_wave:0.3 --strength 0.8
"""
)
@click.argument("photos", type=_PATH, nargs=-1, required=True)
@click.option(
    "--style",
    "style_arguments",
    multiple=True,
    required=True,
    metavar="STYLE[:SHARE]",
    help="A style, or several of one pack to mix. See `pastiche packs list --styles`.",
)
@click.option(
    "-o",
    "--output",
    type=_PATH,
    help="The file to write, or a folder. Without it, PHOTO-STYLE is written beside the photo.",
)
@look_options
@click.option("-f", "--force", is_flag=True, help="Replace files that exist.")
@click.pass_context
def stylize(
    context: click.Context,
    *,
    photos: tuple[Path, ...],
    style_arguments: tuple[str, ...],
    output: Path | None,
    strength: float,
    preserve_colors: bool,
    stroke_size: float,
    quality: int,
    force: bool,
) -> None:
    """Stylize photos: PNG, JPEG, TIFF or WebP.

    Photos are turned upright, converted to sRGB, and keep their transparency and, in PNG and
    TIFF, their 16 bits.
    """
    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon

    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    jobs = _plan(photos, output, _label(style_arguments), force=force)
    with running_daemon(console) as client:
        options = _Options(
            styles=resolve_styles(style_arguments, client.list_styles()),
            strength=strength,
            preserve_colors=preserve_colors,
            stroke_size=stroke_size,
            quality=quality,
        )
        failed = _run(client, console, jobs, options)
    if failed:
        if len(jobs) > 1:
            console.print(f"{failed} of {len(jobs)} photos failed.")
        context.exit(1)


def _label(style_arguments: Sequence[str]) -> str:
    """What is added to the names of files, such as `starry_night+great_wave`."""
    return "+".join(text.partition(":")[0].rsplit("/", 1)[-1] for text in style_arguments)


def _plan(
    photos: Sequence[Path], output: Path | None, label: str, *, force: bool
) -> list[tuple[Path, Path]]:
    """Which file becomes which; nothing is read or written.

    Raises:
        click.UsageError: names clash, or files would be replaced without `force`.
    """
    from pastiche_daemon.cli.imagefile import PictureFileError, is_picture_name, output_format

    to_folder = output is not None and (len(photos) > 1 or output.is_dir() or not output.suffix)
    if output is not None and len(photos) > 1 and is_picture_name(output) and not output.is_dir():
        raise click.UsageError(f"--output must be a folder for several photos, not {output}.")
    jobs: list[tuple[Path, Path]] = []
    taken: dict[Path, Path] = {}
    inputs = {photo.resolve() for photo in photos}
    for photo in photos:
        if output is None:
            target = photo.with_name(f"{photo.stem}-{label}{photo.suffix}")
        else:
            target = output / photo.name if to_folder else output
        try:
            output_format(target)
        except PictureFileError as error:
            raise click.UsageError(str(error)) from error
        place = target.resolve()
        if place in taken:
            raise click.UsageError(f"{taken[place]} and {photo} would both become {target}.")
        if place in inputs:
            raise click.UsageError(
                f"{target} is one of the photos and would be replaced; choose another --output."
            )
        if target.exists() and not force:
            raise click.UsageError(f"{target} exists already; use --force to replace it.")
        taken[place] = photo
        jobs.append((photo, target))
    return jobs


def _run(
    client: Client, console: Console, jobs: Sequence[tuple[Path, Path]], options: _Options
) -> int:
    """Stylize one after the other. Returns how many failed."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from pastiche_client.errors import DaemonError
    from pastiche_daemon.cli.imagefile import PictureFileError

    failed = 0
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        for number, (photo, target) in enumerate(jobs, start=1):
            place = f"[{number}/{len(jobs)}] " if len(jobs) > 1 else ""
            started = time.monotonic()
            try:
                notes = _one(client, bar, photo, target, options, place)
            except (DaemonError, PictureFileError) as error:
                failed += 1
                where = "" if str(photo) in str(error) else f"{photo}: "
                console.print(f"{place}Error: {where}{error}")
                continue
            console.print(f"{place}{photo} -> {target}  {time.monotonic() - started:.1f} s")
            for note in notes:
                console.print(f"  note: {note}")
    return failed


def _one(
    client: Client, bar: ProgressBar, photo: Path, target: Path, options: _Options, place: str
) -> tuple[str, ...]:
    from pastiche_client.results import Progress, Queued
    from pastiche_daemon.cli.imagefile import (
        PictureFileError,
        check_size,
        read_picture,
        write_picture,
    )

    task = bar.add_task(f"{place}{photo.name}: reading", total=1.0)

    def show(event: Event) -> None:
        if isinstance(event, Queued):
            waiting = f"waiting, {event.position} before it"
            bar.update(task, description=f"{place}{photo.name}: {waiting}")
        elif isinstance(event, Progress):
            doing = event.stage.name.lower()
            bar.update(task, description=f"{place}{photo.name}: {doing}", completed=event.fraction)

    try:
        picture = read_picture(photo)
        check_size(target, picture.layer.width, picture.layer.height)
        result = client.stylize(
            picture.layer,
            options.styles,
            strength=options.strength,
            preserve_colors=options.preserve_colors,
            stroke_size=options.stroke_size,
            on_event=show,
        )
        bar.update(task, description=f"{place}{photo.name}: writing", completed=1.0)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise PictureFileError(f"{target.parent}: {error.strerror or error}") from error
        written = write_picture(
            target, result.layer, resolution=picture.resolution, quality=options.quality
        )
    finally:
        bar.remove_task(task)
    return (*picture.notes, *result.summary.notes, *written)
