"""`pastiche upscale`."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pastiche_daemon.cli.optimize_arguments import output_options

if TYPE_CHECKING:
    from rich.console import Console

    from pastiche_client.results import UpscaleEvent, UpscaleSummary

_PATH = click.Path(path_type=Path)


@click.command(
    epilog="""
\b
Examples:
  pastiche upscale photo.jpg -o large.png
  pastiche upscale scan.tif -o large.tif --pack my_upscaler
"""
)
@click.argument("picture", type=_PATH)
@output_options
@click.option(
    "--factor",
    type=click.Choice(["2", "4", "8"]),
    help="How many times as wide and high.  [default: that of --pack, else 4]",
)
@click.option("--pack", help="A pack that upscales. Default: the one of the factor.")
@click.option(
    "--match-histogram",
    is_flag=True,
    help="Give the result's colours the distribution of the picture's.",
)
def upscale(**options: Any) -> None:
    """Make a picture larger, with the details that a network expects.

    PNG, JPEG, TIFF or WebP: turned upright, converted to sRGB, with its transparency and, in PNG
    and TIFF, its 16 bits. It keeps its size on paper.
    """
    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon
    from pastiche_daemon.cli.imagefile import PictureFileError, read_picture, write_picture
    from pastiche_daemon.cli.optimize_run import check_output

    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    output: Path = options["output"]
    check_output(output, [options["picture"]], force=options["force"])
    factor = int(options["factor"] or (0 if options["pack"] else 4))
    try:
        picture = read_picture(options["picture"])
        with running_daemon(console) as client, _progress(console) as show:
            result = client.upscale(
                picture.layer,
                factor,
                pack=options["pack"] or "",
                match_histogram=options["match_histogram"],
                on_event=show,
            )
        output.parent.mkdir(parents=True, exist_ok=True)
        across, down = (result.summary.factor * axis for axis in picture.resolution)
        written = write_picture(
            output, result.layer, resolution=(across, down), quality=options["quality"]
        )
    except (PictureFileError, OSError) as error:
        raise click.ClickException(str(error)) from error
    size = f"{result.layer.width} x {result.layer.height}"
    console.print(f"{output}  {size} pixels, {_told(result.summary)}")
    for note in (*picture.notes, *result.summary.notes, *written):
        console.print(f"  note: {note}")


def _told(summary: UpscaleSummary) -> str:
    pack = summary.pack.removeprefix("packs/")
    return (
        f"x{summary.factor} with {pack} {summary.pack_version} in {summary.compute_seconds:.1f} s"
    )


@contextmanager
def _progress(console: Console) -> Generator[Callable[[UpscaleEvent], None]]:
    """A bar on a terminal."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from pastiche_client.results import Queued, UpscaleProgress

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
    task = bar.add_task("waiting for the daemon", total=1.0)

    def show(event: UpscaleEvent) -> None:
        if isinstance(event, Queued):
            bar.update(task, description=f"waiting, {event.position} before it")
        elif isinstance(event, UpscaleProgress):
            bar.update(task, description=event.stage.name.lower(), completed=event.fraction)

    with bar:
        yield show
