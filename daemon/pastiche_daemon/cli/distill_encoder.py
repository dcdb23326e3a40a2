"""``pastiche distill-encoder``: a small loss network from large ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from pastiche_daemon.cli.training_progress import training_progress

if TYPE_CHECKING:
    from pastiche_daemon.distill_run import TeacherFile

_PATH = click.Path(path_type=Path)


@click.command(
    name="distill-encoder",
    epilog="""
\b
Example:
  pastiche distill-encoder --photos photos -o runs/compact \\
      --teacher vgg19:vgg19_caffe.safetensors:relu1_1,relu2_1,relu3_1 \\
      --teacher vgg19-quarter:vgg19_16x.safetensors:relu4_1,relu5_1
""",
)
@click.option("--photos", type=_PATH, required=True, help="Folder of photographs to learn on.")
@click.option(
    "--teacher",
    "teachers",
    multiple=True,
    required=True,
    metavar="NAME:FILE:LAYERS",
    help="An encoder, its weights, and the layers to learn from it; may be given several times.",
)
@click.option("-o", "--output", type=_PATH, required=True, help="Folder of this training.")
@click.option("--licence", default="", help="What the teachers' licences ask to be said.")
@click.option("--steps", type=click.IntRange(1), default=10_000, show_default=True, help="In all.")
@click.option("--batch-size", type=click.IntRange(1), default=4, show_default=True)
@click.option("--crop", "crop_size", type=click.IntRange(64), default=224, show_default=True)
@click.option("--learning-rate", type=float, default=1e-3, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="Default: bfloat16 where the CPU multiplies it in hardware.",
)
@click.option(
    "--held-out",
    type=_PATH,
    multiple=True,
    help="Photograph, not among the others, to compare Gram matrices on at the end.",
)
@click.option("--resume", is_flag=True, help="Continue from the checkpoint in the folder.")
@click.pass_context
def distill_encoder(context: click.Context, **options: Any) -> None:
    """Train the compact encoder, a loss network of a few megabytes, from large ones' features.

    Writes checkpoints, losses.csv and at last compact.safetensors into the output folder.
    """
    from pastiche_daemon.cli.train import command_line
    from pastiche_daemon.distill_run import DistillRequest, distill
    from pastiche_daemon.encoders import EncoderFileError
    from pastiche_daemon.photographs import PictureError
    from pastiche_daemon.training_schedule import TrainingError

    console = Console(stderr=True)
    teachers = tuple(_teacher(text) for text in options.pop("teachers"))
    options["precision"] = options["precision"] or _fast_precision()
    request = DistillRequest(
        photographs=options.pop("photos"),
        teachers=teachers,
        folder=options.pop("output"),
        command=command_line(context),
        **options,
    )
    try:
        with training_progress(console, request.steps) as show:
            finished = distill(request, show)
    except (TrainingError, PictureError, EncoderFileError, OSError) as error:
        raise click.ClickException(str(error)) from error
    for layer, cosine in finished.gram_cosines.items():
        click.echo(f"{layer}: cosine of the Gram matrices {cosine:.4f}", err=True)
    click.echo(finished.path)


def _teacher(text: str) -> TeacherFile:
    from pastiche_daemon.distill_run import TeacherFile

    name, _, rest = text.partition(":")
    path, _, layers = rest.rpartition(":")
    if not (name and path and layers):
        raise click.BadParameter(
            f"{text!r}: expected NAME:FILE:LAYERS such as vgg19:vgg19.pth:relu1_1,relu2_1",
            param_hint="--teacher",
        )
    return TeacherFile(name, Path(path), tuple(layers.split(",")))


def _fast_precision() -> str:
    import torch

    from pastiche_daemon.nn.runtime import fast_precision

    return fast_precision(torch.device("cpu"))
