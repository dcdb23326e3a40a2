"""`pastiche sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pastiche_daemon.cli.optimize_arguments import encoder_options, layer_weights
from pastiche_daemon.cli.sweep_grids import Grid, grids
from pastiche_daemon.cli.sweep_train import train

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pastiche_client.layer import Layer
    from pastiche_client.optimize_options import OptimizeOptions

_PATH = click.Path(path_type=Path, dir_okay=False)


@click.group(
    epilog="""
\b
Examples:
  pastiche sweep alpha-beta photo.jpg painting.jpg -o figure3.png
  pastiche sweep encoder photo.jpg painting.jpg --values vgg16,vgg19 --size 384 -o vgg.png
  pastiche sweep tv photo.jpg painting.jpg --values 0,1,10,100 --steps 100 -o tv.png
  pastiche sweep train norm --photos photos --style painting.jpg --sample cat.jpg -o norm.png
"""
)
def sweep() -> None:
    """Render a grid of the literature: one labelled figure, and a table.

    Finished cells are kept in a folder beside the figure: after an interruption the same command
    goes on where it was, and more values cost only their own cells.
    """


def _grid_command(name: str, grid: Grid) -> click.Command:
    values = ",".join(grid.columns.values[:2])
    command = click.Command(
        name,
        callback=lambda **options: _sweep(name, grid, options),
        help=f"""{grid.about}

        CONTENT is repainted in the manner of STYLE once for every cell: many optimizations. What
        is finished is kept in a folder beside the figure, and not computed again.
        """,
        short_help=grid.about,
        epilog=f"""
\b
Examples:
  pastiche sweep {name} photo.jpg painting.jpg -o {name}.png
  pastiche sweep {name} photo.jpg painting.jpg --values {values} --size 384 -o {name}.png
""",
    )
    for option in _OPTIONS:
        option(command)
    return encoder_options(command)


_OPTIONS = (
    click.argument("content", type=_PATH),
    click.argument("style", type=_PATH),
    click.option(
        "-o",
        "--output",
        type=_PATH,
        required=True,
        help="The figure to write, a PNG; a table of losses is written beside it, as CSV.",
    ),
    click.option("-f", "--force", is_flag=True, help="Replace a figure and a table that exist."),
    click.option("--values", metavar="A,B,...", help="The columns. Default: the literature's."),
    click.option("--rows", metavar="A,B,...", help="The rows. Default: the literature's."),
    click.option(
        "--size",
        type=click.IntRange(32, 4096),
        default=256,
        show_default=True,
        help="Longer side of a cell's picture, in pixels.",
    ),
    click.option(
        "--steps",
        type=click.IntRange(1, 100_000),
        default=300,
        show_default=True,
        help="Of every cell.",
    ),
    click.option(
        "--optimizer",
        type=click.Choice(["lbfgs", "adam", "sgd"]),
        default="lbfgs",
        show_default=True,
    ),
    click.option(
        "--content-layers", metavar="LAYER[:WEIGHT],...", help="Where the grid has no other."
    ),
    click.option(
        "--style-layers", metavar="LAYER[:WEIGHT],...", help="Where the grid has no other."
    ),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of noise."),
)


def _sweep(name: str, grid: Grid, options: Mapping[str, Any]) -> None:
    from rich.console import Console

    from pastiche_client.paths import data_paths
    from pastiche_daemon.cli.connect import running_daemon
    from pastiche_daemon.cli.sweep_cells import CellFolder, write_figure, write_table
    from pastiche_daemon.cli.sweep_plan import SweepError, plan
    from pastiche_daemon.cli.sweep_run import compute
    from pastiche_daemon.encoder_store import EncoderStore
    from pastiche_daemon.packs.errors import StorageError, StorageFullError

    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    figure: Path = options["output"]
    table = figure.with_suffix(".csv")
    check_outputs([figure, table], [options["content"], options["style"]], force=options["force"])
    content, style = (_picture(options[name], options["size"]) for name in ("content", "style"))
    try:
        planned = plan(
            grid,
            _options(options),
            EncoderStore.of(data_paths()),
            [bytes(content.data), bytes(style.data)],
            rows=split_values(options["rows"], "--rows"),
            columns=split_values(options["values"], "--values"),
        )
    except SweepError as error:
        raise click.UsageError(f"{name}: {error}.".replace("..", ".")) from error
    for note in planned.notes:
        console.print(f"  note: {note}")
    cells = CellFolder(figure.with_suffix(".cells"))
    try:
        cells.folder.mkdir(parents=True, exist_ok=True)
        with running_daemon(console) as client:
            outcomes = compute(console, client, planned, cells, content, style)
        write_figure(figure, planned, cells, options["size"])
        write_table(table, planned, outcomes, cells.folder)
    except (StorageError, StorageFullError, OSError) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        console.print(f"Finished cells are kept in {cells.folder}; the same command goes on.")
        raise
    console.print(f"{figure}  {len(planned.cells)} cells; losses in {table}")


def check_outputs(files: Sequence[Path], inputs: Sequence[Path], *, force: bool) -> None:
    """Refuse a figure, the first of ``files``, that is none, and what would be lost."""
    if files[0].suffix.lower() != ".png":
        raise click.UsageError(f"{files[0]}: the figure must end in .png.")
    resolved = {path.resolve() for path in inputs}
    for file in files:
        if file.resolve() in resolved:
            raise click.UsageError(f"{file} is one of the pictures and would be replaced.")
        if file.exists() and not force:
            raise click.UsageError(f"{file} exists already; use --force to replace it.")


def _picture(path: Path, size: int) -> Layer:
    """The picture with a longer side of at most `size` pixels."""
    from PIL import Image

    from pastiche_client.images import layer_from_image
    from pastiche_daemon.photographs import PictureError, load_picture

    try:
        picture = load_picture(path)
    except PictureError as error:
        raise click.ClickException(str(error)) from error
    picture.thumbnail((size, size), Image.Resampling.LANCZOS)
    return layer_from_image(picture)


def split_values(values: str | None, option: str) -> list[str]:
    """``A,B,...`` as a list; none where nothing was given."""
    if values is None:
        return []
    found = [value.strip() for value in values.split(",")]
    if not all(found):
        raise click.UsageError(f"{option} {values}: give values, separated by commas.")
    if len(set(found)) < len(found):
        raise click.UsageError(f"{option} {values}: a value is given twice.")
    return found


def _options(options: Mapping[str, Any]) -> OptimizeOptions:
    from pastiche_client.optimize_options import Minimizer, OptimizeOptions, Terms

    return OptimizeOptions(
        terms=Terms(
            content_layers=layer_weights(options["content_layers"], "--content-layers"),
            style_layers=layer_weights(options["style_layers"], "--style-layers"),
        ),
        # The literature's variables, for every optimizer.
        minimizer=Minimizer(
            algorithm=options["optimizer"], steps=options["steps"], variables="pixels"
        ),
        encoder=options["encoder"],
        pooling=options["pooling"],
        precision=options["precision"],
        size=0,
        # One scale, whose losses can be compared.
        scales=1,
        seed=options["seed"],
    )


for _name, _grid in grids().items():
    sweep.add_command(_grid_command(_name, _grid))
sweep.add_command(train)
