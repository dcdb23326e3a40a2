"""`pastiche reconstruct`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pastiche_daemon.cli.optimize_arguments import (
    encoder_options,
    minimizer_options,
    output_options,
    weight_option,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pastiche_client.optimize_options import OptimizeOptions, Terms
    from pastiche_daemon.cli.imagefile import Picture

_PATH = click.Path(path_type=Path)
_SIDE = click.IntRange(32, 65535)


@click.group(
    epilog="""
\b
Examples:
  pastiche reconstruct content photo.jpg --layer relu4_2 -o seen.png
  pastiche reconstruct style painting.jpg --up-to relu3_1 -o texture.png
"""
)
def reconstruct() -> None:
    """Show what an encoder's layers know of a picture, from noise."""


@reconstruct.command(
    epilog="""
\b
Example:
  pastiche reconstruct content photo.jpg --layer conv4_2 -o seen.png
"""
)
@click.argument("picture", type=_PATH)
@click.option("--layer", default="relu4_2", show_default=True, help="Where to look.")
@output_options
@click.option(
    "--size",
    type=click.IntRange(0, 65535),
    default=512,
    show_default=True,
    help="Longer side to optimize at, in pixels; 0: as large as fits.",
)
@weight_option("--tv-weight", 0.0, "Of total variation, beside a content weight of 1.")
@minimizer_options("lbfgs")
@encoder_options
def content(**options: Any) -> None:
    """What one layer sees of a picture's content.

    The picture is found anew, from noise, that has the same feature maps at the layer.
    """
    from pastiche_client.optimize_options import Terms

    terms = Terms(
        content=1.0, style=0.0, tv=options["tv_weight"], content_layers={options["layer"]: 1.0}
    )
    picture = _read(options)
    _run(options, picture, picture.layer, [], _options(options, terms, size=options["size"]))


@reconstruct.command(
    epilog="""
\b
Examples:
  pastiche reconstruct style painting.jpg --up-to conv3_1 -o texture.png
  pastiche reconstruct style bricks.jpg --width 1024 --height 512 -o wall.png
"""
)
@click.argument("picture", type=_PATH)
@click.option(
    "--up-to",
    default="relu5_1",
    show_default=True,
    metavar="LAYER",
    help="Compare the first layers of all blocks up to this one.",
)
@click.option(
    "--layers", metavar="LAYER[:WEIGHT],...", help="Compare these layers instead of --up-to."
)
@output_options
@click.option("--width", type=_SIDE, help="Of the texture. Default: the picture's, at most 512.")
@click.option("--height", type=_SIDE, help="Of the texture. Default: the picture's, at most 512.")
@click.option(
    "--scales",
    type=click.IntRange(1, 8),
    default=3,
    show_default=True,
    help="How many sizes to go through, each half of the next.",
)
@weight_option("--tv-weight", 0.0, "Of total variation, beside a style weight of 1.")
@minimizer_options("lbfgs")
@encoder_options
def style(**options: Any) -> None:
    """What layers know of a picture's style: a texture of any size.

    A picture is found, from noise, that has the same Gram matrices at the layers.
    """
    from pastiche_client.optimize_options import StyleLayer, Terms, Texture
    from pastiche_daemon.cli.optimize_arguments import layer_weights, layers_up_to

    layers = layer_weights(options["layers"], "--layers") or layers_up_to(options["up_to"])
    terms = Terms(style=1.0, tv=options["tv_weight"], style_layers=layers)
    picture = _read(options)
    layer = picture.layer
    factor = min(1.0, 512 / max(layer.width, layer.height))
    width = options["width"] or max(32, round(layer.width * factor))
    height = options["height"] or max(32, round(layer.height * factor))
    # The texture's elements have the size that they have in the picture.
    scale = max(layer.width, layer.height) * factor / max(width, height)
    texture = Texture(width, height)
    chosen = _options(
        options, terms, size=0, scales=options["scales"], style_scale=min(10.0, max(0.1, scale))
    )
    _run(options, picture, texture, [StyleLayer(layer)], chosen)


def _read(options: Mapping[str, Any]) -> Picture:
    from pastiche_daemon.cli.imagefile import PictureFileError, read_picture
    from pastiche_daemon.cli.optimize_run import check_output

    check_output(options["output"], [options["picture"]], force=options["force"])
    try:
        return read_picture(options["picture"])
    except PictureFileError as error:
        raise click.ClickException(str(error)) from error


def _options(options: Mapping[str, Any], terms: Terms, **values: Any) -> OptimizeOptions:
    from pastiche_client.optimize_options import OptimizeOptions
    from pastiche_daemon.cli.optimize_arguments import minimizer_of

    return OptimizeOptions(
        terms=terms,
        minimizer=minimizer_of(options),
        encoder=options["encoder"],
        pooling=options["pooling"],
        precision=options["precision"],
        start="noise",
        seed=options["seed"],
        **values,
    )


def _run(
    options: Mapping[str, Any], picture: Picture, target: Any, styles: Any, chosen: OptimizeOptions
) -> None:
    from rich.console import Console

    from pastiche_daemon.cli.optimize_run import Target, run

    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    run(
        console,
        Target(target, options["output"], picture.resolution, options["quality"], picture.notes),
        styles,
        lambda _: chosen,
    )
