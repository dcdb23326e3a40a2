"""``pastiche train``: a style pack from pictures."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from pastiche_daemon.cli.parameters import FiniteRange
from pastiche_daemon.cli.training_progress import training_progress

if TYPE_CHECKING:
    import torch


_PATH = click.Path(path_type=Path)


@click.command(
    epilog="""
\b
Examples:
  pastiche train --photos photos --style starry_night.jpg -o runs/starry --encoder vgg19
  pastiche train --photos photos --style styles -o runs/masters --about masters.toml \\
      --encoder vgg19-quarter --encoder-weights vgg19_16x.safetensors --sample cat.jpg
  pastiche train ... --resume          continue after an interruption
"""
)
@click.option("--photos", type=_PATH, required=True, help="Folder of photographs to train on.")
@click.option(
    "--style",
    "styles",
    type=_PATH,
    multiple=True,
    required=True,
    help="A painting, or a folder of them; may be given several times.",
)
@click.option("-o", "--output", type=_PATH, required=True, help="Folder of this training.")
@click.option("--encoder", default="vgg19", show_default=True, help="Loss network.")
@click.option(
    "--encoder-weights",
    type=_PATH,
    help="Its weights file. Default: those of `pastiche encoders list`.",
)
@click.option("--pooling", type=click.Choice(["max", "avg"]), help="Pooling of the loss network.")
@click.option("--about", type=_PATH, help="TOML file with the pack's and styles' names, licences.")
@click.option("--sample", "samples", type=_PATH, multiple=True, help="Photograph for samples.")
@click.option(
    "--steps", type=click.IntRange(1), default=10_000, show_default=True, help="Steps in all."
)
@click.option(
    "--batch-size", type=click.IntRange(1), default=4, show_default=True, help="Crops of a step."
)
@click.option(
    "--crop",
    "crop_size",
    type=click.IntRange(32),
    default=256,
    show_default=True,
    help="Side of the random crops in pixels.",
)
@click.option(
    "--style-size",
    type=click.IntRange(32),
    default=512,
    show_default=True,
    help="Longer side of the paintings: sets the size of the strokes.",
)
@click.option(
    "--channels",
    default="16,32,64",
    show_default=True,
    help="Widths of the network at full, half and quarter resolution.",
)
@click.option(
    "--blocks", type=click.IntRange(0), default=5, show_default=True, help="Residual blocks."
)
@click.option(
    "--content-layer",
    "content_layers",
    multiple=True,
    help="Layer of the content loss, with an optional weight: relu3_3 or relu3_3:0.5. "
    "Default: relu4_2.",
)
@click.option(
    "--style-layer",
    "style_layers",
    multiple=True,
    help="Likewise for the style loss. Default: relu1_1, relu2_1, relu3_1, relu4_1, relu5_1.",
)
@click.option(
    "--content-weight",
    type=float,
    default=0.1,
    show_default=True,
    help="Larger: the photograph is easier to recognise.",
)
@click.option(
    "--style-weight", type=float, default=1.0, show_default=True, help="Larger: more of the style."
)
@click.option(
    "--tv-weight", type=float, default=2.0, show_default=True, help="Larger: smoother areas."
)
@click.option(
    "--grid-weight",
    type=float,
    default=100.0,
    show_default=True,
    help="Weight of a loss against patterns of the network's own period of 4 px.",
)
@click.option(
    "--emphasis",
    multiple=True,
    help="Train one style more often than the others: starry_night:2. May be given several times.",
)
@click.option(
    "--learning-rate",
    type=float,
    default=1e-3,
    show_default=True,
    help="Adam's; it falls to 0 at the end.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    help="Of the first weights and the crops.",
)
@click.option("--device", help="cpu, cuda or mps. Default: the best of this machine.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="Default: bfloat16 where the device multiplies it in hardware.",
)
@click.option(
    "--checkpoint-minutes",
    type=FiniteRange(0),
    default=3.0,
    show_default=True,
    help="Time between checkpoints.",
)
@click.option(
    "--sample-every",
    type=click.IntRange(0),
    default=500,
    show_default=True,
    help="Steps between sample pictures and loss curves; 0: none.",
)
@click.option("--resume", is_flag=True, help="Continue from the checkpoint in the folder.")
@click.pass_context
def train(context: click.Context, **options: Any) -> None:
    """Train a style pack: one or several paintings in one network.

    Writes checkpoints, losses.csv, losses.png, sample pictures and at last NAME.pastiche into
    the output folder. An interrupted training continues with --resume.
    """
    from pastiche_daemon.encoders import EncoderFileError
    from pastiche_daemon.packs.errors import PackError
    from pastiche_daemon.photographs import PictureError
    from pastiche_daemon.train import TrainingError

    console = Console(stderr=True)
    try:
        _train(context, options, console)
    except (TrainingError, PictureError, EncoderFileError, PackError, OSError) as error:
        raise click.ClickException(str(error)) from error


def added_weights(encoder: str) -> Path:
    """The weights file of an encoder that was added. Raises `EncoderFileError` if there is none."""
    from pastiche_client.paths import data_paths
    from pastiche_daemon.encoder_store import EncoderStore

    return EncoderStore.of(data_paths()).find(encoder).path


def _train(context: click.Context, options: dict[str, Any], console: Console) -> None:
    from pastiche_daemon.nn.objective import (
        ObjectiveWeights,
        default_content_layers,
        default_style_layers,
    )
    from pastiche_daemon.nn.runtime import fast_precision
    from pastiche_daemon.train import TrainingError
    from pastiche_daemon.training_run import TrainingRequest, TrainingRun, find_styles

    device = chosen_device(options["device"])
    precision = options["precision"] or fast_precision(device)
    try:
        weights = ObjectiveWeights(
            content=options["content_weight"],
            style=options["style_weight"],
            tv=options["tv_weight"],
            content_layers=named_numbers(options["content_layers"], "--content-layer")
            or default_content_layers(),
            style_layers=named_numbers(options["style_layers"], "--style-layer")
            or default_style_layers(),
        )
    except ValueError as error:
        raise TrainingError(str(error)) from error
    request = TrainingRequest(
        photographs=options["photos"],
        styles=find_styles(options["styles"]),
        folder=options["output"],
        encoder=options["encoder"],
        encoder_weights=options["encoder_weights"] or added_weights(options["encoder"]),
        command=command_line(context),
        about=options["about"],
        pooling=options["pooling"],
        samples=options["samples"],
        style_size=options["style_size"],
        channels=_channels(options["channels"]),
        residual_blocks=options["blocks"],
        weights=weights,
        steps=options["steps"],
        batch_size=options["batch_size"],
        crop_size=options["crop_size"],
        learning_rate=options["learning_rate"],
        grid=options["grid_weight"],
        emphasis=named_numbers(options["emphasis"], "--emphasis"),
        seed=options["seed"],
        precision=precision,
        resume=options["resume"],
    )
    run = TrainingRun(request, device)
    for skipped in run.skipped:
        console.print(f"skipped: {skipped}", style="yellow", markup=False)
    console.print(
        f"{run.photograph_count} photographs, {len(request.styles)} styles, {device}, {precision};"
        f" steps {run.training.step} to {request.steps}",
        markup=False,
    )
    with training_progress(console, request.steps, run.training.step) as show:
        for report in run.steps(
            checkpoint_seconds=options["checkpoint_minutes"] * 60,
            sample_every=options["sample_every"],
        ):
            show(report)
    click.echo(run.finish())


def chosen_device(name: str | None) -> torch.device:
    """The named device, or the best one.

    Raises:
        click.BadParameter: this machine does not have it.
    """
    import torch

    from pastiche_daemon.nn.runtime import default_device

    if name is None:
        return default_device()
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    # An assertion or a missing implementation where torch was built without the device.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        message = f"{name!r} cannot be used: {str(error).partition(chr(10))[0]}"
        raise click.BadParameter(message, param_hint="--device") from error
    return device


def named_numbers(texts: tuple[str, ...], option: str) -> dict[str, float]:
    """``NAME:NUMBER`` options as a mapping; a name alone has the number 1."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.partition(":")
        try:
            found[name] = float(number or 1)
        except ValueError as error:
            message = f"{text!r}: what follows the colon is no number"
            raise click.BadParameter(message, param_hint=option) from error
    return found


def _channels(text: str) -> tuple[int, int, int]:
    parts = text.split(",")
    if len(parts) != 3 or not all(part.strip().isdigit() for part in parts):
        raise click.BadParameter("expected three widths such as 16,32,64", param_hint="--channels")
    full, half, quarter = (int(part) for part in parts)
    return full, half, quarter


def command_line(context: click.Context) -> str:
    """The command that makes this pack again: the options as given, without the output's place."""
    parts = ["pastiche", context.command.name or ""]
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        given = source is not None and source.name == "COMMANDLINE"
        if not given or name in {"output", "resume", "checkpoint_minutes", "sample_every"}:
            continue
        value = context.params[name]
        for item in value if isinstance(value, tuple) else (value,):
            parts += [parameter.opts[-1], str(item)]
    return shlex.join(parts)
