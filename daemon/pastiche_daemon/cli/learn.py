"""`pastiche learn`: a new style from one picture, in minutes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pastiche_daemon.cli.parameters import FiniteRange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from pastiche_client.layer import Layer

_PATH = click.Path(path_type=Path)
_MOST_PHOTOGRAPHS = 64
# Photographs are sent no larger than they are looked at: in pixels, on the shorter side.
_PHOTOGRAPH_SIDE = 512


@click.command(
    epilog="""
\b
Examples:
  pastiche learn painting.jpg --name "By the Lake"
  pastiche learn painting.jpg --photos holiday --minutes 15
  pastiche learn painting.jpg --background
  pastiche trainings list
"""
)
@click.argument("picture", type=_PATH)
@click.option("--name", help="What the style is called. Default: the picture's file name.")
@click.option("--id", "pack_id", default="", help="Id of its pack. Default: made from the name.")
@click.option("--replace", is_flag=True, help="Replace an installed pack of the same id.")
@click.option(
    "--photos",
    type=_PATH,
    multiple=True,
    help="Photograph to train on, or a folder of them; may be given several times. Default: five "
    "that come with Pastiche.",
)
@click.option(
    "--minutes",
    type=FiniteRange(0.1, 1440),
    help="How long to train; as many steps are made as fit. Default: 10.",
)
@click.option("--steps", type=click.IntRange(1), help="How many steps, instead of a time.")
@click.option(
    "--base",
    default="",
    help="Pack whose network learns the style. Default: masters.",
)
@click.option(
    "--style-size",
    type=click.IntRange(64, 2048),
    help="Longer side of the picture in training: sets the size of the strokes. Default: 512.",
)
@click.option(
    "--crop",
    "crop_size",
    type=click.IntRange(64, 512),
    help="Side of the random crops of photographs in pixels. Default: 256.",
)
@click.option(
    "--content-weight",
    type=FiniteRange(0),
    help="Larger: the photograph is easier to recognise. Default: 0.1.",
)
@click.option("--style-weight", type=FiniteRange(0), help="Larger: more of the style. Default: 1.")
@click.option("--tv-weight", type=FiniteRange(0), help="Larger: smoother. Default: 8.")
@click.option(
    "--also-convolutions",
    is_flag=True,
    help="Train all weights of the network: slower, and closer to the style.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, help="Of the crops."
)
@click.option("--artist", default="", help="Who made the picture.")
@click.option("--license", "license_", default="", help="The picture's licence, as SPDX has it.")
@click.option("--attribution", default="", help="Whom to name, and how.")
@click.option("--background", is_flag=True, help="Return as soon as the training has begun.")
def learn(
    *,
    picture: Path,
    name: str | None,
    pack_id: str,
    replace: bool,
    photos: tuple[Path, ...],
    minutes: float | None,
    steps: int | None,
    base: str,
    style_size: int | None,
    crop_size: int | None,
    content_weight: float | None,
    style_weight: float | None,
    tv_weight: float | None,
    also_convolutions: bool,
    seed: int,
    artist: str,
    license_: str,
    attribution: str,
    background: bool,
) -> None:
    """Learn the style of a picture, as a pack of its own.

    The daemon trains the scales and shifts of a network that knows many styles, and lets other
    work go first. The training goes on when the terminal is closed, and after the daemon was
    stopped and started again. Ctrl+C ends it early and keeps what it has learned; a second one
    cancels it.
    """
    from rich.console import Console

    from pastiche_client.trainings import LearnOptions
    from pastiche_daemon.cli.connect import running_daemon
    from pastiche_daemon.cli.imagefile import PictureFileError, read_picture
    from pastiche_daemon.cli.trainings import follow

    if minutes is not None and steps is not None:
        raise click.UsageError("--minutes and --steps: give one of them.")
    console = Console(markup=False, highlight=False, soft_wrap=True)
    try:
        style = read_picture(picture).layer
    except PictureFileError as error:
        raise click.ClickException(str(error)) from error
    options = LearnOptions(
        photographs=_photographs(photos, console),
        minutes=minutes,
        steps=steps,
        base_pack=base,
        pack_id=pack_id,
        replace=replace,
        style_size=style_size,
        crop_size=crop_size,
        content_weight=content_weight,
        style_weight=style_weight,
        tv_weight=tv_weight,
        also_convolutions=also_convolutions,
        seed=seed,
        artist=artist,
        license=license_,
        attribution=attribution,
    )
    display_name = name or picture.stem.replace("_", " ").strip().title()
    with running_daemon(Console(stderr=True)) as client:
        training = client.start_learning(style, display_name, options)
        if background:
            console.print(f"The training {training.id} goes on in the background.")
            console.print(f"Watch it with `pastiche trainings follow {training.id}`.")
            return
        follow(client, console, training.name)


def _photographs(paths: Sequence[Path], console: Console) -> tuple[Layer, ...]:
    """The photographs to send, scaled down."""
    from pastiche_daemon.cli.imagefile import PictureFileError, read_picture

    files = [file for path in paths for file in _files(path)]
    chosen = files
    if len(files) > _MOST_PHOTOGRAPHS:
        chosen = [files[i * len(files) // _MOST_PHOTOGRAPHS] for i in range(_MOST_PHOTOGRAPHS)]
        console.print(f"  note: {_MOST_PHOTOGRAPHS} of the {len(files)} photographs are used")
    layers: list[Layer] = []
    for file in chosen:
        try:
            layers.append(_shrunk(read_picture(file).layer))
        except PictureFileError as error:  # noqa: PERF203 - one bad file must not spoil a folder
            console.print(f"  skipped: {error}")
    if paths and not layers:
        raise click.UsageError("--photos: none of them is a picture that can be read.")
    return tuple(layers)


def _files(path: Path) -> list[Path]:
    from pastiche_daemon.cli.imagefile import is_picture_name

    if path.is_file():
        return [path]
    if not path.is_dir():
        raise click.UsageError(f"--photos: {path} does not exist.")
    found = sorted(file for file in path.rglob("*") if is_picture_name(file) and file.is_file())
    if not found:
        raise click.UsageError(f"--photos: {path} holds no picture.")
    return found


def _shrunk(layer: Layer) -> Layer:
    from PIL import Image

    from pastiche_client.images import layer_from_image, layer_to_image
    from pastiche_client.layer import SampleType

    factor = _PHOTOGRAPH_SIDE / min(layer.width, layer.height)
    if factor >= 1 or layer.sample_type is not SampleType.U8:
        return layer
    size = (round(layer.width * factor), round(layer.height * factor))
    return layer_from_image(layer_to_image(layer).resize(size, Image.Resampling.LANCZOS))
