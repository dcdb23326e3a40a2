"""``pastiche train-upscaler``: a pack that upscales, from photographs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from rich.console import Console

from pastiche_daemon.cli.parameters import FiniteRange
from pastiche_daemon.cli.train import added_weights, chosen_device, command_line, named_numbers
from pastiche_daemon.cli.training_options import run_options
from pastiche_daemon.cli.training_progress import training_progress
from pastiche_daemon.nn.upscaler_switches import Factor

_PATH = click.Path(path_type=Path)
_FACTORS: dict[str, Factor] = {"2": 2, "4": 4, "8": 8}


@click.command(
    name="train-upscaler",
    epilog="""
\b
Examples:
  pastiche train-upscaler --photos photos -o runs/fourfold
  pastiche train-upscaler --photos photos -o runs/double --factor 2 --sample cat.jpg
  pastiche train-upscaler ... --resume          continue after an interruption
""",
)
@click.option("--photos", type=_PATH, required=True, help="Folder of photographs to train on.")
@click.option("-o", "--output", type=_PATH, required=True, help="Folder of this training.")
@click.option(
    "--factor",
    type=click.Choice(list(_FACTORS)),
    default="4",
    show_default=True,
    help="How many times as wide and high the results are.",
)
@click.option("--encoder", default="vgg19", show_default=True, help="Loss network.")
@click.option(
    "--encoder-weights",
    type=_PATH,
    help="Its weights file. Default: those of `pastiche encoders list`.",
)
@click.option("--pooling", type=click.Choice(["max", "avg"]), help="Pooling of the loss network.")
@click.option("--about", type=_PATH, help="TOML file with the pack's name and licences.")
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
    default=288,
    show_default=True,
    help="Side of the random crops in pixels; a multiple of the factor.",
)
@click.option(
    "--channels",
    help="Widths of the network at the low resolution and after each doubling. "
    "Default: 64 everywhere.",
)
@click.option(
    "--blocks", type=click.IntRange(0), default=4, show_default=True, help="Residual blocks."
)
@click.option(
    "--end-kernel",
    type=click.IntRange(1),
    default=9,
    show_default=True,
    help="Side of the first and the last convolution; odd.",
)
@click.option(
    "--upsampling",
    type=click.Choice(["nearest", "bilinear", "transposed"]),
    default="bilinear",
    show_default=True,
    help="Resize, then convolve; or a transposed convolution.",
)
@click.option(
    "--norm",
    type=click.Choice(["none", "batch"]),
    default="none",
    show_default=True,
    help="After every convolution but the last.",
)
@click.option(
    "--padding",
    type=click.Choice(["reflect", "zero"]),
    default="reflect",
    show_default=True,
    help="What convolutions see beyond the border.",
)
@click.option(
    "--network-output",
    type=click.Choice(["residual", "direct"]),
    default="residual",
    show_default=True,
    help="What the network adds to bicubic interpolation, or the picture itself.",
)
@click.option(
    "--feature-layer",
    "feature_layers",
    multiple=True,
    help="Layer of the feature loss, with an optional weight: relu2_2 or relu2_2:0.5. "
    "Default: relu2_2.",
)
@click.option(
    "--feature-weight",
    type=float,
    default=1.0,
    show_default=True,
    help="Larger: sharper, in the loss network's eyes.",
)
@click.option(
    "--pixel-weight",
    type=float,
    default=1.0,
    show_default=True,
    help="Larger: closer to the photograph, and softer.",
)
@click.option(
    "--pixel-distance",
    type=click.Choice(["l2", "l1"]),
    default="l1",
    show_default=True,
    help="Squared or absolute differences.",
)
@click.option(
    "--tv-weight", type=float, default=0.0, show_default=True, help="Larger: smoother areas."
)
@click.option(
    "--grid-weight",
    type=float,
    default=300.0,
    show_default=True,
    help="Weight of a loss against patterns that repeat with the factor as their period.",
)
@click.option(
    "--blur",
    type=FiniteRange(0),
    default=1.0,
    show_default=True,
    help="Sigma of the blur before the reduction, in pixels of the photograph.",
)
@click.option(
    "--least-blur",
    type=FiniteRange(0),
    help="Train on every blur from this one to --blur. Default: --blur alone.",
)
@click.option(
    "--antialias/--no-antialias",
    default=True,
    show_default=True,
    help="Reduce with a bicubic kernel as wide as the factor.",
)
@click.option(
    "--learning-rate",
    type=float,
    default=5e-4,
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
@run_options
@click.pass_context
def train_upscaler(context: click.Context, **options: Any) -> None:
    """Train a pack that makes photographs 2, 4 or 8 times as large.

    Writes checkpoints, losses.png, sample pictures and at last NAME.pastiche into the output
    folder. An interrupted training continues with --resume.
    """
    from pastiche_daemon.encoders import EncoderFileError
    from pastiche_daemon.packs.errors import PackError
    from pastiche_daemon.photographs import PictureError
    from pastiche_daemon.training_schedule import TrainingError

    console = Console(stderr=True)
    try:
        _train(context, options, console)
    except (TrainingError, PictureError, EncoderFileError, PackError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _train(context: click.Context, options: dict[str, Any], console: Console) -> None:
    from pastiche_daemon.nn.runtime import fast_precision
    from pastiche_daemon.nn.upscaler import UpscalerSpec
    from pastiche_daemon.train_upscaler import UpscaleWeights, default_feature_layers
    from pastiche_daemon.training_schedule import TrainingError
    from pastiche_daemon.upscaler_run import UpscalerRequest, UpscalerRun

    device = chosen_device(options["device"])
    precision = options["precision"] or fast_precision(device)
    factor = _FACTORS[options["factor"]]
    try:
        spec = UpscalerSpec(
            factor=factor,
            channels=_channels(options["channels"], factor),
            residual_blocks=options["blocks"],
            end_kernel=options["end_kernel"],
            upsampling=options["upsampling"],
            norm=options["norm"],
            padding=options["padding"],
            output=options["network_output"],
        )
        weights = UpscaleWeights(
            feature=options["feature_weight"],
            pixel=options["pixel_weight"],
            tv=options["tv_weight"],
            grid=options["grid_weight"],
            pixel_distance=options["pixel_distance"],
            layers=named_numbers(options["feature_layers"], "--feature-layer")
            or default_feature_layers(),
        )
    except ValueError as error:
        raise TrainingError(str(error)) from error
    largest = options["blur"]
    least = options["least_blur"]
    request = UpscalerRequest(
        photographs=options["photos"],
        folder=options["output"],
        encoder=options["encoder"],
        encoder_weights=options["encoder_weights"] or added_weights(options["encoder"]),
        command=command_line(context),
        about=options["about"],
        pooling=options["pooling"],
        samples=options["samples"],
        spec=spec,
        weights=weights,
        steps=options["steps"],
        batch_size=options["batch_size"],
        crop_size=options["crop_size"],
        learning_rate=options["learning_rate"],
        blur=(largest if least is None else least, largest),
        antialias=options["antialias"],
        seed=options["seed"],
        precision=precision,
        resume=options["resume"],
    )
    run = UpscalerRun(request, device)
    for skipped in run.skipped:
        console.print(f"skipped: {skipped}", style="yellow", markup=False)
    console.print(
        f"{run.photograph_count} photographs, x{factor}, {device}, {precision};"
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


def _channels(text: str | None, factor: int) -> tuple[int, ...]:
    count = factor.bit_length()
    if text is None:
        return (64,) * count
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != count or not all(part.isdigit() for part in parts):
        example = ",".join(["64", "32", "32", "16"][:count])
        raise click.BadParameter(
            f"expected {count} widths for the factor {factor}, such as {example}",
            param_hint="--channels",
        )
    return tuple(int(part) for part in parts)
