"""`pastiche sweep train`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pastiche_daemon.cli.training_options import chosen_config, chosen_preset, training_options

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

    from pastiche_daemon.training_sweep import SweepMaterial, TrainingCell, TrainingCells

_PATH = click.Path(path_type=Path)
GRIDS = ("norm", "distance", "tv", "ratio")
# What a comparison needs, not what a good pack does.
_SMALL = {"steps": 400, "batch_size": 4, "crop_size": 128}
_STYLE_SIZE = 256


@click.command(
    epilog="""
\b
Grids:
  norm      batch against instance norm
  distance  squared against absolute differences of content and style
  tv        the weight of total variation, 1 to 1/1000
  ratio     style weight over content weight, 100 to 10000: for VGG-16 and VGG-19;
            0.1 to 10 for vgg19-quarter and compact

\b
Examples:
  pastiche sweep train norm --photos photos --style wave.jpg --sample cat.jpg -o norm.png
  pastiche sweep train tv --photos photos --style wave.jpg --sample cat.jpg -o tv.png \\
      --values 1,10,100 --like johnson --norm instance --encoder vgg16 --steps 2000
"""
)
@click.argument("comparison", type=click.Choice(GRIDS), metavar="GRID")
@click.option("--photos", type=_PATH, required=True, help="Folder of photographs to train on.")
@click.option("--style", type=_PATH, required=True, help="A painting.")
@click.option(
    "--sample",
    "samples",
    type=_PATH,
    multiple=True,
    required=True,
    help="Photograph for a row of the figure; may be given several times.",
)
@click.option(
    "-o",
    "--output",
    type=_PATH,
    required=True,
    help="The figure to write, a PNG. The curves and a table are written beside it.",
)
@click.option("-f", "--force", is_flag=True, help="Replace a figure, curves and a table.")
@click.option("--values", metavar="A,B,...", help="The columns. Default: the literature's.")
@click.option(
    "--size",
    type=click.IntRange(32, 4096),
    default=256,
    show_default=True,
    help="Longer side of the samples in pixels.",
)
@click.option(
    "--style-size",
    type=click.IntRange(32),
    default=_STYLE_SIZE,
    show_default=True,
    help="Longer side of the painting in pixels.",
)
@click.option("--encoder", help="Loss network.  [default: that of --like]")
@click.option("--encoder-weights", type=_PATH, help="Its weights file.")
@click.option("--pooling", type=click.Choice(["max", "avg"]), help="Pooling of the loss network.")
@click.option("--device", help="cpu, cuda or mps. Default: the best of this machine.")
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]), help="Default: the fast.")
@training_options
def train(**options: Any) -> None:
    """Compare trainings: one small training for every value of a grid.

    Writes the samples in every training's style as one figure, NAME.losses.png with the curves, and
    NAME.csv. By default trainings are small, whatever is said below: 400 steps of 4 crops of
    128 px. Trainings are kept in a folder beside the figure: after an interruption the same command
    goes on in the middle of one, and more values cost only their own.
    """
    from rich.console import Console

    from pastiche_daemon.encoders import EncoderFileError
    from pastiche_daemon.packs.errors import PackError
    from pastiche_daemon.photographs import PictureError
    from pastiche_daemon.training_schedule import TrainingError

    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    try:
        _run(options, console)
    except (TrainingError, PictureError, EncoderFileError, PackError, OSError) as error:
        raise click.ClickException(str(error)) from error


def _run(options: Mapping[str, Any], console: Console) -> None:
    from pastiche_daemon.cli.sweep import check_outputs, split_values
    from pastiche_daemon.cli.train import chosen_device
    from pastiche_daemon.nn.runtime import fast_precision, keep_freed_memory
    from pastiche_daemon.training_sweep import (
        TrainingCells,
        plan_cells,
        training_grids,
        write_training_curves,
        write_training_figure,
        write_training_table,
    )

    figure: Path = options["output"]
    curves, table = figure.with_suffix(".losses.png"), figure.with_suffix(".csv")
    inputs = [options["style"], *options["samples"]]
    check_outputs([figure, curves, table], inputs, force=options["force"])
    device = chosen_device(options["device"])
    small = {name: value for name, value in _SMALL.items() if options[name] is None}
    config = replace(
        chosen_config(options),
        precision=options["precision"] or fast_precision(device),
        **small,
    )
    keep_freed_memory()
    material = _material(options, device)
    try:
        cells = plan_cells(
            training_grids()[options["comparison"]],
            split_values(options["values"], "--values"),
            config,
            material,
        )
    except ValueError as error:
        raise click.UsageError(f"{options['comparison']}: {error}.") from error
    folder = TrainingCells(figure.with_suffix(".cells"), material)
    folder.folder.mkdir(parents=True, exist_ok=True)
    try:
        _train_missing(console, folder, cells)
    except KeyboardInterrupt:
        console.print(f"Trainings are kept in {folder.folder}; the same command goes on.")
        raise
    outcomes = {cell.key: outcome for cell in cells if (outcome := folder.outcome(cell))}
    write_training_figure(figure, cells, folder, material)
    write_training_curves(curves, cells, folder)
    write_training_table(table, cells, outcomes, folder.folder)
    console.print(f"{figure}  {len(cells)} trainings; curves in {curves}, losses in {table}")


def _material(options: Mapping[str, Any], device: Any) -> SweepMaterial:
    from pastiche_daemon.cli.train import added_weights
    from pastiche_daemon.encoders import load_encoder
    from pastiche_daemon.nn.encoder import UnknownLayerError
    from pastiche_daemon.nn.objective import default_content_layers, default_style_layers
    from pastiche_daemon.photographs import find_photographs, load_picture
    from pastiche_daemon.training_schedule import TrainingError
    from pastiche_daemon.training_sweep import SweepMaterial

    for path in (options["style"], *options["samples"]):
        load_picture(path)  # what is wrong with it must not be found out after hours
    name = options["encoder"] or chosen_preset(options).encoder
    weights = options["encoder_weights"] or added_weights(name)
    loaded = load_encoder(name, weights, pooling=options["pooling"])
    config = chosen_config(options)
    try:
        loaded.encoder.check_layers(
            [
                *config.weights.content_layers,
                *config.weights.style_layers,
                *default_content_layers(),
                *default_style_layers(),
            ]
        )
    except UnknownLayerError as error:
        raise TrainingError(f"encoder weights: {error}") from error
    return SweepMaterial(
        photographs=find_photographs(options["photos"]).paths,
        style=options["style"],
        style_size=options["style_size"],
        samples=options["samples"],
        sample_size=options["size"],
        loaded=loaded,
        device=device,
    )


def _train_missing(
    console: Console, folder: TrainingCells, cells: tuple[TrainingCell, ...]
) -> None:
    from pastiche_daemon.cli.sweep_progress import SweepProgress

    missing = [cell for cell in cells if folder.outcome(cell) is None]
    if len(missing) < len(cells):
        console.print(f"{len(cells) - len(missing)} of {len(cells)} trainings are there already.")
    progress = SweepProgress(console, [cell.config.steps for cell in missing])
    with progress.bar:
        for cell in missing:
            progress.begin(cell.label)
            for step in folder.train(cell):
                progress.at(step)
            outcome = folder.outcome(cell)
            assert outcome is not None
            progress.finish(cell.label, f"loss {outcome.total:.4g}  {outcome.seconds:.1f} s")
