"""What `pastiche optimize` and `pastiche reconstruct` are told, as people type it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pastiche_daemon.cli.parameters import FiniteRange

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pastiche_client.optimize_options import Minimizer

Command = TypeVar("Command", bound=Callable[..., Any])

_WEIGHT = FiniteRange(0)


def weight_option(name: str, default: float, what: str) -> Callable[[Command], Command]:
    """An option for a weight of the objective."""
    return click.option(name, type=_WEIGHT, default=default, show_default=True, help=what)


def encoder_options(command: Command) -> Command:
    """--encoder, --pooling and --precision."""
    for option in (
        click.option(
            "--precision",
            type=click.Choice(["float32", "bfloat16"]),
            help="Of the encoder. Default: bfloat16 where the device multiplies it in hardware.",
        ),
        click.option(
            "--pooling",
            type=click.Choice(["max", "average"]),
            help="Default: the encoder's own.",
        ),
        click.option(
            "--encoder",
            default="compact",
            show_default=True,
            help="The network. See `pastiche encoders list`.",
        ),
    ):
        command = option(command)
    return command


def minimizer_options(optimizer: str) -> Callable[[Command], Command]:
    """How to go about it, by default with that optimizer, and when to end."""
    options = (
        click.option(
            "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of noise."
        ),
        click.option(
            "--free-pixels",
            is_flag=True,
            help="Let pixels leave their range on the way, as in Gatys' method.",
        ),
        click.option(
            "--variables",
            type=click.Choice(["pixels", "pyramid"]),
            help="What is changed: every pixel, or the levels of a Laplacian pyramid, where large "
            "shapes move as fast as details. Default: the pyramid for adam, else the pixels.",
        ),
        click.option(
            "--tolerance",
            type=FiniteRange(0, 1, max_open=True),
            default=0.0,
            show_default=True,
            help="End when the loss fell by less than this share within 50 steps; 0 for never.",
        ),
        click.option(
            "--max-seconds",
            type=FiniteRange(0),
            default=0.0,
            show_default=True,
            help="End after this time; 0 for never.",
        ),
        click.option(
            "--learning-rate",
            type=FiniteRange(0, min_open=True),
            help="Default: what suits the optimizer.",
        ),
        click.option(
            "--steps",
            type=click.IntRange(1, 100_000),
            default=300,
            show_default=True,
            help="In all.",
        ),
        click.option(
            "--optimizer",
            type=click.Choice(["lbfgs", "adam", "sgd"]),
            default=optimizer,
            show_default=True,
        ),
    )

    def add(command: Command) -> Command:
        for option in options:
            command = option(command)
        return command

    return add


def output_options(command: Command) -> Command:
    """--output, --quality and --force."""
    for option in (
        click.option("-f", "--force", is_flag=True, help="Replace a file that exists."),
        click.option(
            "--quality",
            type=click.IntRange(1, 100),
            default=92,
            show_default=True,
            help="Of JPEG and WebP.",
        ),
        click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path, dir_okay=False),
            required=True,
            help="The file to write.",
        ),
    ):
        command = option(command)
    return command


def minimizer_of(options: Mapping[str, Any]) -> Minimizer:
    """From the values of `minimizer_options`."""
    from pastiche_client.optimize_options import Minimizer

    return Minimizer(
        algorithm=options["optimizer"],
        learning_rate=options["learning_rate"],
        steps=options["steps"],
        max_seconds=options["max_seconds"],
        tolerance=options["tolerance"],
        pixels="free" if options["free_pixels"] else "projected",
        variables=options["variables"],
    )


def split_picture(argument: str) -> tuple[Path, float]:
    """`PICTURE[:WEIGHT]` as a path and a weight.

    A colon belongs to the name where a file of that name exists.

    Raises:
        click.UsageError: the weight is no number of at least 0.
    """
    name, colon, number = argument.rpartition(":")
    is_drive = re.fullmatch(r"[A-Za-z]", name) and number[:1] in {"/", "\\"}
    if not colon or is_drive or Path(argument).exists():
        return Path(argument), 1.0
    return Path(name), _weight(number, f"--style {argument}")


def layer_weights(argument: str | None, option: str) -> dict[str, float]:
    """`relu1_1,relu2_1:0.5` as layers with weights; nothing for None.

    Raises:
        click.UsageError: a layer has no name, comes twice, or its weight is no number.
    """
    layers: dict[str, float] = {}
    for part in argument.split(",") if argument is not None else ():
        name, colon, number = part.strip().partition(":")
        if not name:
            raise click.UsageError(f"{option} {argument}: name layers, separated by commas.")
        if name in layers:
            raise click.UsageError(f"{option}: {name} is given twice.")
        layers[name] = _weight(number, f"{option} {part}") if colon else 1.0
    return layers


def layers_up_to(layer: str) -> dict[str, float]:
    """`conv3_1` as conv1_1, conv2_1 and conv3_1.

    Raises:
        click.UsageError: it is not the first layer of a block.
    """
    from pastiche_daemon.cli.sweep_grids import layers_up_to as first_layers

    try:
        return dict.fromkeys(first_layers(layer), 1.0)
    except ValueError as error:
        raise click.UsageError(f"--up-to: {error}.") from error


def _weight(text: str, where: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = math.nan
    if not (math.isfinite(weight) and weight >= 0):
        raise click.UsageError(
            f"{where}: the weight after the colon must be a number of at least 0."
        )
    return weight
