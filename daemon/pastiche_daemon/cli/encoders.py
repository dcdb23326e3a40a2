"""`pastiche encoders`."""

from __future__ import annotations

from pathlib import Path

import click

_PATH = click.Path(path_type=Path, dir_okay=False)


@click.group(
    epilog="""
\b
Examples:
  pastiche encoders list
  pastiche encoders fetch vgg19
  pastiche encoders add vgg19 vgg19.caffe.pth --input caffe
"""
)
def encoders() -> None:
    """See, fetch and add networks for optimizing, training and dreaming."""


@encoders.command(
    "list",
    epilog="""
\b
Example:
  pastiche encoders list
""",
)
def list_encoders() -> None:
    """List the encoders, and which of them are on this computer."""
    from rich.table import Table

    from pastiche_client.paths import data_paths
    from pastiche_daemon.cli.connect import output_console
    from pastiche_daemon.encoder_store import EncoderStore
    from pastiche_daemon.encoders import EncoderFileError, MissingEncoderError

    store = EncoderStore.of(data_paths())
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Encoder", "", "Deepest layer", "Size"):
        table.add_column(heading, overflow="fold")
    for name in store.names():
        try:
            found = store.find_network(name)
        except MissingEncoderError:
            table.add_row(name, "not on this computer", "", "")
            continue
        except EncoderFileError as error:
            table.add_row(name, f"damaged: {error}", "", "")
            continue
        table.add_row(
            name,
            found.source.replace("-", " "),
            next(layer for layer in reversed(found.layers) if "pool" not in layer),
            f"{found.path.stat().st_size / 1e6:.1f} MB",
        )
    output_console().print(table)


@encoders.command(
    epilog="""
\b
Example:
  pastiche encoders fetch vgg19
"""
)
@click.argument("names", metavar="ENCODER...", nargs=-1, required=True)
@click.option("-f", "--force", is_flag=True, help="Fetch again what is there.")
def fetch(names: tuple[str, ...], *, force: bool) -> None:
    """Fetch torchvision's ImageNet weights: vgg11 to vgg19, googlenet or inception_v3.

    About 530 MB go over the network for each VGG; their convolutions are kept, at most 80 MB.
    GoogLeNet (50 MB) and Inception v3 (104 MB) are for dreams.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    from pastiche_client.paths import data_paths
    from pastiche_daemon.encoder_adding import FetchError, fetch_encoder, source_of
    from pastiche_daemon.encoder_store import EncoderStore
    from pastiche_daemon.encoders import EncoderFileError
    from pastiche_daemon.packs.errors import StorageError, StorageFullError

    store = EncoderStore.of(data_paths())
    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        for name in names:
            try:
                path = store.path_for(name)
                source = source_of(name)
                if path.exists() and not force:
                    console.print(f"{name} is there already; --force fetches it again.")
                    continue
                task = bar.add_task(f"fetching {name}", total=None)

                def show(done: int, total: int | None, task: int = task) -> None:
                    bar.update(task, completed=done, total=total)  # pyright: ignore[reportArgumentType]

                console.print(f"{source.url} ->")
                click.echo(fetch_encoder(store, name, source, show))
            except (FetchError, EncoderFileError, StorageError, StorageFullError) as error:
                raise click.ClickException(str(error)) from error


@encoders.command(
    epilog="""
\b
Examples:
  pastiche encoders add vgg19 vgg19-dcbb9e9d.pth
  pastiche encoders add vgg16 vgg16.safetensors --input caffe --mean-activation photos
"""
)
@click.argument("name", metavar="ENCODER")
@click.argument("file", type=_PATH)
@click.option(
    "--input",
    "preprocessing",
    type=click.Choice(["torchvision", "caffe", "caffe-bgr"]),
    help="What the weights take; caffe-bgr is blue first, as in jcjohnson's pytorch-vgg. "
    "Default: as the file says, else torchvision's.",
)
@click.option(
    "--mean-activation",
    "photographs",
    type=click.Path(path_type=Path),
    metavar="PHOTOS",
    help="Scale the weights to a mean activation of 1 over a folder of photographs, as in Gatys' "
    "method.",
)
@click.option("-f", "--force", is_flag=True, help="Replace weights that are there.")
def add(
    name: str, file: Path, *, preprocessing: str | None, photographs: Path | None, force: bool
) -> None:
    """Add an encoder's weights from a file: a safetensors file or a torch state dict.

    Files are read without running code in them. Their convolutions are copied.
    """
    from pastiche_client.paths import data_paths
    from pastiche_daemon.encoder_adding import add_encoder
    from pastiche_daemon.encoder_store import EncoderStore
    from pastiche_daemon.encoders import EncoderFileError
    from pastiche_daemon.packs.errors import StorageError, StorageFullError
    from pastiche_daemon.photographs import PictureError

    store = EncoderStore.of(data_paths())
    try:
        if store.path_for(name).exists() and not force:
            raise click.UsageError(f"{name} is there already; use --force to replace it.")
        added = add_encoder(
            store,
            name,
            file,
            preprocessing=preprocessing and preprocessing.removesuffix("-bgr"),  # pyright: ignore[reportArgumentType]
            bgr=preprocessing == "caffe-bgr",
            photographs=photographs,
        )
        click.echo(added)
    except (EncoderFileError, PictureError, StorageError, StorageFullError) as error:
        raise click.ClickException(str(error)) from error


@encoders.command(
    epilog="""
\b
Example:
  pastiche encoders remove vgg19
"""
)
@click.argument("name", metavar="ENCODER")
def remove(name: str) -> None:
    """Remove an encoder that was fetched or added."""
    from pastiche_client.paths import data_paths
    from pastiche_daemon.encoder_store import EncoderStore
    from pastiche_daemon.encoders import EncoderFileError

    try:
        EncoderStore.of(data_paths()).path_for(name).unlink()
    except EncoderFileError as error:
        raise click.ClickException(str(error)) from error
    except FileNotFoundError as error:
        raise click.ClickException(f"{name} was not fetched or added.") from error
    except OSError as error:
        raise click.ClickException(f"{error.filename}: {error.strerror}") from error
    click.echo(f"Removed {name}.")
