"""`pastiche dream`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pastiche_daemon.cli.optimize_arguments import encoder_options, output_options
from pastiche_daemon.cli.parameters import FiniteRange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pastiche_client.cancel import StopToken
    from pastiche_client.client import Client
    from pastiche_client.dream_options import DreamOptions
    from pastiche_daemon.cli.optimize_run import Made

_PATH = click.Path(path_type=Path)


@click.command(
    epilog="""
\b
Examples:
  pastiche dream photo.jpg -o dream.png
  pastiche dream photo.jpg --layers relu4_2,relu5_1:0.5 --octaves 6 -o dream.png
  pastiche dream photo.jpg --encoder googlenet --layers inception4c -o dogs.png
  pastiche dream photo.jpg --guide flowers.jpg -o flowery.png
"""
)
@click.argument("picture", type=_PATH)
@output_options
@click.option(
    "--layers",
    metavar="LAYER[:WEIGHT],...",
    help="Whose activations grow. Shallow layers give strokes and patterns, deep ones eyes and "
    "animals. Default: relu5_1, inception4c of googlenet, Mixed_6a and Mixed_6c of inception_v3.",
)
@click.option(
    "--guide", type=_PATH, metavar="PICTURE", help="Another picture, whose features are to appear."
)
@click.option(
    "--size",
    type=click.IntRange(0, 65535),
    default=768,
    show_default=True,
    help="Longer side to dream at, in pixels; what changes is scaled up. 0: the picture's own.",
)
@click.option(
    "--strength",
    type=FiniteRange(0, 1),
    default=1.0,
    show_default=True,
    help="0 is the picture, 1 the dream.",
)
@click.option("--mask", type=_PATH, help="Picture of the same size: only white is dreamed over.")
@click.option(
    "--octaves",
    type=click.IntRange(1, 16),
    default=4,
    show_default=True,
    help="How many sizes to go through, from coarse to fine.",
)
@click.option(
    "--octave-scale",
    type=FiniteRange(1.01, 4),
    default=1.4,
    show_default=True,
    help="From one size to the next.",
)
@click.option(
    "--steps",
    type=click.IntRange(1, 10_000),
    default=10,
    show_default=True,
    help="At each size.",
)
@click.option(
    "--step-size",
    type=FiniteRange(0, min_open=True),
    default=0.006,
    show_default=True,
    help="How far a step goes; 1 is from black to white.",
)
@click.option(
    "--smoothing",
    type=click.Choice(["gaussian", "laplacian", "none"]),
    default="gaussian",
    show_default=True,
    help="Of every step: blurred; or all sizes of structures with the same strength; or not.",
)
@click.option(
    "--sigma",
    type=FiniteRange(0, 64, min_open=True),
    default=1.0,
    show_default=True,
    help="Of gaussian smoothing, in pixels.",
)
@click.option(
    "--levels",
    type=click.IntRange(1, 12),
    default=4,
    show_default=True,
    help="Of laplacian smoothing: how many sizes of structures.",
)
@click.option(
    "--normalization",
    type=click.Choice(["mean", "rms", "none"]),
    default="mean",
    show_default=True,
    help="What a step is divided by: its mean absolute value, its root mean square, or nothing.",
)
@click.option(
    "--jitter",
    type=click.IntRange(0, 512),
    default=32,
    show_default=True,
    help="Pixels by which the picture is moved at random before every step.",
)
@click.option(
    "--tile",
    type=click.IntRange(128, 4096),
    default=800,
    show_default=True,
    help="Pixels that are looked at at once, in a row; memory depends on it.",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of jitter and tiles."
)
@encoder_options
def dream(**options: Any) -> None:
    """Show what a network's layers see in a picture: Deep Dream.

    The picture is changed so that the layers respond more strongly to it. Ctrl+C stops and keeps
    the picture as it stands; a second one cancels. With googlenet, once it is fetched, there are
    the dogs and eyes of 2015.
    """
    from dataclasses import replace

    from rich.console import Console

    from pastiche_daemon.cli.imagefile import PictureFileError, read_mask, read_picture
    from pastiche_daemon.cli.optimize_progress import dream_progress
    from pastiche_daemon.cli.optimize_run import Made, Target, check_output, make

    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    inputs = [path for path in (options["picture"], options["guide"], options["mask"]) if path]
    check_output(options["output"], inputs, force=options["force"])
    try:
        picture = read_picture(options["picture"])
        layer = picture.layer
        if options["mask"] is not None:
            layer = replace(layer, mask=read_mask(options["mask"], layer))
        guide = None if options["guide"] is None else read_picture(options["guide"]).layer
    except PictureFileError as error:
        raise click.ClickException(str(error)) from error
    chosen = _options(options)

    def call(client: Client, stop: StopToken) -> Made:
        with dream_progress(console) as show:
            result = client.dream(layer, chosen, guide=guide, on_event=show, stop=stop)
        summary = result.summary
        how = "stopped, and kept as it stood" if summary.stopped else ", ".join(summary.layers)
        told = f"{summary.steps} steps in {summary.compute_seconds:.1f} s: {how}"
        return Made(result.layer, told, summary.notes)

    target = Target(layer, options["output"], picture.resolution, options["quality"], picture.notes)
    make(console, target, call)


def _options(options: Mapping[str, Any]) -> DreamOptions:
    from pastiche_client.dream_options import DreamOptions
    from pastiche_daemon.cli.optimize_arguments import layer_weights

    same = (
        *("encoder", "pooling", "precision", "octaves", "octave_scale", "steps", "step_size"),
        *("normalization", "smoothing", "sigma", "levels", "jitter", "tile", "size", "seed"),
        "strength",
    )
    return DreamOptions(
        layers=layer_weights(options["layers"], "--layers"),
        **{name: options[name] for name in same},
    )
