"""`pastiche demo`."""

from __future__ import annotations

import contextlib
import importlib.util
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image
    from rich.console import Console
    from rich.progress import Progress as ProgressBar

    from pastiche_client.client import Client
    from pastiche_client.layer import Layer
    from pastiche_client.results import Event, Style

_SHEET_NAME = "contact-sheet.png"
# Stefan van der Walt's cat, given to the public (CC0) and part of scikit-image.
_PHOTOGRAPH = "chelsea.png"


@dataclass(frozen=True)
class _Finished:
    """One pastiche: where it is, and how long it took in all and on the device, in seconds."""

    style: Style
    picture: Image
    path: Path
    seconds: float
    compute_seconds: float


@click.command(
    epilog="""
\b
Examples:
  pastiche demo
  pastiche demo --photo holiday.jpg --output holiday-styles
  pastiche demo --style starry_night --style great_wave
"""
)
@click.option(
    "--photo",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Your own photograph: PNG, JPEG, TIFF or WebP. Default: a cat.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("pastiche-demo"),
    show_default=True,
    help="Folder for the pictures; those of an earlier demo are replaced.",
)
@click.option(
    "--style",
    "chosen",
    multiple=True,
    help="Only this style; may be given several times. Default: every built-in style.",
)
def demo(*, photo: Path | None, output: Path, chosen: tuple[str, ...]) -> None:
    """Stylize a photograph in every built-in style, with a contact sheet of all.

    The pictures go the way of an editor's: as an RGBA layer through the client to the daemon. A
    daemon that was started for the demo is stopped after it.
    """
    from rich.console import Console

    from pastiche_daemon.cli.imagefile import PictureFileError, read_picture, write_picture
    from pastiche_daemon.contact_sheet import captioned_sheet

    console = Console(markup=False, highlight=False, soft_wrap=True)
    source = photo or _own_photograph()
    try:
        layer = _rgba(read_picture(source).layer)
        console.print(f"Photograph: {source}, {layer.width} x {layer.height} pixels")
        with _daemon(console) as client:
            styles = _styles(client, chosen)
            targets = {style.name: output / f"{style.pack_id}-{style.id}.png" for style in styles}
            sheet = output / _SHEET_NAME
            _keep_photograph(source, (*targets.values(), sheet))
            output.mkdir(parents=True, exist_ok=True)
            done = _stylize_all(client, console, layer, styles, targets)
        pictures = [("photograph", _picture(layer))]
        pictures += [(finished.style.display_name, finished.picture) for finished in done]
        write_picture(sheet, _layer(captioned_sheet(pictures)))
    except PictureFileError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{output}: {error.strerror or error}") from error
    _report(console, done, sheet)


def _own_photograph() -> Path:
    """The photograph that scikit-image carries; read as a file, without importing the library."""
    spec = importlib.util.find_spec("skimage")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder, "data", _PHOTOGRAPH)
        if path.is_file():
            return path
    raise click.ClickException(
        "The demo's photograph comes with scikit-image, which is not installed: "
        "run `pip install scikit-image`, or name a photograph of yours with --photo."
    )


@contextlib.contextmanager
def _daemon(console: Console) -> Iterator[Client]:
    """A client whose daemon runs. One that did not run before is stopped at the end."""
    from pastiche_client.client import Client
    from pastiche_client.errors import DaemonNotRunningError
    from pastiche_daemon.cli.connect import running_daemon

    try:
        Client.connect(start=False).close()
        ran_before = True
    except DaemonNotRunningError:
        ran_before = False
    with running_daemon(console) as client:
        process = client.info().pid
        console.print(f"Daemon:     process {process}{'' if ran_before else ', just started'}")
        try:
            yield client
        finally:
            if not ran_before:
                _stop(client, console, process)


def _stop(client: Client, console: Console, process: int) -> None:
    from pastiche_client.client import Client
    from pastiche_client.errors import DaemonNotRunningError

    # Another client, as this one would start a daemon that has ended already.
    quiet = Client(client.paths, start=False)
    with contextlib.suppress(DaemonNotRunningError), quiet as existing:
        info = existing.info()
        if info.pid == process and not info.running and not info.waiting:
            existing.stop_daemon()
            console.print(f"Daemon:     process {process} is stopped, as none ran before")
        else:
            console.print("Daemon:     somebody else uses it now; it ends when it is idle")


def _styles(client: Client, chosen: Sequence[str]) -> list[Style]:
    """The styles to show, in the order of their packs or as chosen."""
    from pastiche_daemon.cli.style_arguments import resolve_styles

    known = client.list_styles()
    if chosen:
        by_name = {style.name: style for style in known}
        names = dict.fromkeys(name for text in chosen for name in resolve_styles([text], known))
        return [by_name[name] for name in names]
    built_in = {pack.id for pack in client.list_packs() if pack.built_in}
    styles = [style for style in known if style.pack_id in built_in]
    if not styles:
        raise click.ClickException(
            "This copy of Pastiche has no built-in style pack. Choose an installed style with "
            "--style, or see `pastiche packs install --help`."
        )
    return styles


def _keep_photograph(source: Path, targets: Sequence[Path]) -> None:
    if source.resolve() in {target.resolve() for target in targets}:
        raise click.UsageError(f"--output: {source} itself would be replaced; choose another.")


def _stylize_all(
    client: Client,
    console: Console,
    layer: Layer,
    styles: Sequence[Style],
    targets: dict[str, Path],
) -> list[_Finished]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    done: list[_Finished] = []
    with Progress(*columns, console=console, transient=True) as bar:
        for number, style in enumerate(styles, start=1):
            label = f"[{number}/{len(styles)}] {style.display_name}"
            done.append(_stylize(client, bar, layer, style, targets[style.name], label))
            console.print(f"{label}: {done[-1].seconds:.2f} s")
    return done


def _stylize(
    client: Client, bar: ProgressBar, layer: Layer, style: Style, target: Path, label: str
) -> _Finished:
    from pastiche_client.results import Progress, Queued
    from pastiche_daemon.cli.imagefile import write_picture

    task = bar.add_task(label, total=1.0)

    def show(event: Event) -> None:
        if isinstance(event, Queued):
            bar.update(task, description=f"{label}: waiting, {event.position} before it")
        elif isinstance(event, Progress):
            doing = event.stage.name.lower()
            bar.update(task, description=f"{label}: {doing}", completed=event.fraction)

    started = time.monotonic()
    try:
        result = client.stylize(layer, style.name, on_event=show)
        seconds = time.monotonic() - started
    finally:
        bar.remove_task(task)
    write_picture(target, result.layer)
    return _Finished(style, _picture(result.layer), target, seconds, result.summary.compute_seconds)


def _report(console: Console, done: Sequence[_Finished], sheet: Path) -> None:
    from rich.table import Table

    table = Table(box=None)
    table.add_column("style")
    table.add_column("seconds", justify="right")
    table.add_column("of them computing", justify="right")
    table.add_column("picture", overflow="fold")
    for finished in done:
        table.add_row(
            finished.style.display_name,
            f"{finished.seconds:.2f}",
            f"{finished.compute_seconds:.2f}",
            str(finished.path),
        )
    console.print()
    console.print(table)
    console.print(f"\nContact sheet: {sheet.resolve()}")


def _rgba(layer: Layer) -> Layer:
    """The layer with alpha, as editors send it: opaque where it had none."""
    import numpy as np

    from pastiche_client.images import layer_from_array, layer_to_array

    if layer.format.has_alpha:
        return layer
    array = layer_to_array(layer)
    opaque = np.full_like(array[:, :, :1], np.iinfo(array.dtype).max)
    return layer_from_array(np.concatenate([array, opaque], axis=2))


def _picture(layer: Layer) -> Image:
    from pastiche_client.images import layer_to_image

    return layer_to_image(layer)


def _layer(picture: Image) -> Layer:
    from pastiche_client.images import layer_from_image

    return layer_from_image(picture)
