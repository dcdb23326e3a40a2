"""`pastiche optimize`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pastiche_daemon.cli.optimize_arguments import (
    encoder_options,
    minimizer_options,
    output_options,
    weight_option,
)
from pastiche_daemon.cli.parameters import FiniteRange

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pastiche_client.client import Client
    from pastiche_client.layer import Layer
    from pastiche_client.optimize_options import OptimizeOptions, PackStart, StyleLayer

_PATH = click.Path(path_type=Path)
_STARTS = ("content", "style", "noise")
_STATISTICS = (
    "gram",
    "mmd-linear",
    "mmd-polynomial",
    "mmd-gaussian",
    "moments",
    "wasserstein",
)


@click.command(
    epilog="""
\b
Examples:
  pastiche optimize photo.jpg --style painting.jpg -o out.png
  pastiche optimize photo.jpg --style one.jpg:2 --style two.jpg --steps 500 -o out.png
  pastiche optimize photo.jpg --style sky.jpg --region upper.png --style sea.jpg \\\\
      --region lower.png --colors luminance -o out.png
  pastiche optimize photo.jpg --style painting.jpg --start masters/starry_night -o out.png
"""
)
@click.argument("content", type=_PATH)
@click.option(
    "--style",
    "styles",
    multiple=True,
    required=True,
    metavar="PICTURE[:WEIGHT]",
    help="A picture in whose manner to paint; several are mixed by their weights.",
)
@output_options
@click.option(
    "--size",
    type=click.IntRange(0, 65535),
    default=512,
    show_default=True,
    help="Longer side to optimize at, in pixels; the result is scaled up. 0: as large as fits.",
)
@click.option(
    "--strength",
    type=FiniteRange(0, 1),
    default=1.0,
    show_default=True,
    help="0 is the photo, 1 the pastiche.",
)
@click.option("--mask", type=_PATH, help="Picture of the content's size: only white is painted.")
@click.option(
    "--region",
    "regions",
    multiple=True,
    metavar="PICTURE",
    help="As a mask, where the style applies; one for every --style in their order, - for none.",
)
@click.option(
    "--colors",
    type=click.Choice(["style", "luminance", "recolored"]),
    default="style",
    show_default=True,
    help="Whose colours: the style's; the content's, by taking only luminance; or the content's, "
    "by recolouring the style first.",
)
@click.option(
    "--start",
    default="content",
    show_default=True,
    metavar="WHAT",
    help="Begin with the content, the style, noise, a picture's file, or a pack's style.",
)
@click.option(
    "--scales",
    type=click.IntRange(1, 8),
    default=1,
    show_default=True,
    help="How many sizes to go through, each half of the next.",
)
@click.option(
    "--style-scale",
    type=FiniteRange(0.1, 10),
    default=1.0,
    show_default=True,
    help="Size of the style pictures, as a factor of the content's.",
)
@weight_option("--content-weight", 0.05, "Alpha of the papers.")
@weight_option("--style-weight", 1.0, "Beta of the papers.")
@weight_option("--tv-weight", 2.0, "Of total variation.")
@click.option(
    "--tv-exponent",
    type=FiniteRange(0.01, 16),
    default=2.0,
    show_default=True,
    help="1 for absolute differences.",
)
@click.option("--content-layers", metavar="LAYER[:WEIGHT],...", help="Default: relu4_2.")
@click.option(
    "--style-layers",
    metavar="LAYER[:WEIGHT],...",
    help="Default: relu1_1,relu2_1,relu3_1,relu4_1,relu5_1.",
)
@click.option(
    "--statistic",
    type=click.Choice(_STATISTICS),
    default="gram",
    show_default=True,
    help="What is compared at the style layers.",
)
@click.option(
    "--distance",
    type=click.Choice(["l2", "l1"]),
    default="l2",
    show_default=True,
    help="Of the statistics.",
)
@click.option(
    "--normalization",
    type=click.Choice(["target", "gatys", "none"]),
    default="target",
    show_default=True,
    help="Of the statistics: relative to the style's own, as in the papers, or none.",
)
@minimizer_options("adam")
@encoder_options
def optimize(**options: Any) -> None:
    """Repaint a picture in the manner of any other, without training.

    The pixels themselves are optimized, which takes minutes where `stylize` takes seconds.
    Ctrl+C stops and keeps the picture as it stands; a second one cancels.
    """
    from rich.console import Console

    from pastiche_daemon.cli.imagefile import PictureFileError, read_mask, read_picture
    from pastiche_daemon.cli.optimize_arguments import split_picture
    from pastiche_daemon.cli.optimize_run import Target, check_output, run

    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    styles = [split_picture(argument) for argument in options["styles"]]
    if options["regions"] and len(options["regions"]) != len(styles):
        raise click.UsageError("--region: give one for every --style, or none; - for everywhere.")
    check_output(
        options["output"],
        [options["content"], *(path for path, _ in styles)],
        force=options["force"],
    )
    start = options["start"]
    try:
        content = read_picture(options["content"])
        layer = content.layer
        if options["mask"] is not None:
            layer = replace(layer, mask=read_mask(options["mask"], layer))
        layers = _styles(styles, options["regions"], layer)
        start_layer = None
        if start not in _STARTS and Path(start).is_file():
            start_layer = read_picture(Path(start)).layer
    except PictureFileError as error:
        raise click.ClickException(str(error)) from error
    target = Target(layer, options["output"], content.resolution, options["quality"], content.notes)
    run(
        console,
        target,
        layers,
        lambda client: _options(options, _start(client, start, start_layer)),
    )


def _styles(
    styles: Sequence[tuple[Path, float]], regions: Sequence[str], content: Layer
) -> list[StyleLayer]:
    from pastiche_client.optimize_options import StyleLayer
    from pastiche_daemon.cli.imagefile import read_mask, read_picture

    layers: list[StyleLayer] = []
    for index, (path, weight) in enumerate(styles):
        region = None
        if regions and regions[index] != "-":
            region = read_mask(Path(regions[index]), content)
        layers.append(StyleLayer(read_picture(path).layer, weight, region))
    return layers


def _start(client: Client, text: str, layer: Layer | None) -> str | Layer | PackStart:
    from pastiche_client.optimize_options import PackStart
    from pastiche_daemon.cli.style_arguments import resolve_styles

    if text in _STARTS:
        return text
    if layer is not None:
        return layer
    try:
        return PackStart(resolve_styles([text], client.list_styles()))
    except click.UsageError as error:
        raise click.UsageError(
            f"--start {text}: is neither content, style nor noise, nor the file of a picture, nor "
            f"a style of a pack ({error.message})"
        ) from error


def _options(options: Mapping[str, Any], start: Any) -> OptimizeOptions:
    from pastiche_client.optimize_options import OptimizeOptions, Terms
    from pastiche_daemon.cli.optimize_arguments import layer_weights, minimizer_of

    return OptimizeOptions(
        terms=Terms(
            content=options["content_weight"],
            style=options["style_weight"],
            tv=options["tv_weight"],
            tv_exponent=options["tv_exponent"],
            content_layers=layer_weights(options["content_layers"], "--content-layers"),
            style_layers=layer_weights(options["style_layers"], "--style-layers"),
            statistic=options["statistic"],
            distance=options["distance"],
            normalization=options["normalization"],
        ),
        minimizer=minimizer_of(options),
        encoder=options["encoder"],
        pooling=options["pooling"],
        precision=options["precision"],
        start=start,
        size=options["size"],
        scales=options["scales"],
        style_scale=options["style_scale"],
        colors=options["colors"],
        seed=options["seed"],
        strength=options["strength"],
    )
