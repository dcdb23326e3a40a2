"""`pastiche settings`."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import click

from pastiche_daemon.cli.parameters import ByteSize
from pastiche_daemon.nn.runtime_switches import DeviceChoice, PrecisionChoice
from pastiche_daemon.sizes import LEAST_MEMORY


@click.command(
    epilog="""
\b
Examples:
  pastiche settings
  pastiche settings --device cpu --precision float32
  pastiche settings --device auto --precision auto
  pastiche settings --memory 1GiB --spool-folder /var/tmp/pastiche
"""
)
@click.option(
    "--device",
    type=click.Choice(get_args(DeviceChoice)),
    help="What networks run on; auto: the fastest that is there.",
)
@click.option(
    "--precision",
    type=click.Choice(get_args(PrecisionChoice)),
    help="How finely they compute; auto: the fastest that the device has in hardware.",
)
@click.option(
    "--memory",
    type=ByteSize(least=LEAST_MEMORY, automatic="auto"),
    metavar="SIZE",
    help="What one layer may take, such as 1.5GiB; auto: 2GiB, or a quarter of what is free.",
)
@click.option(
    "--spool-folder",
    metavar="FOLDER",
    help="Where the rest of large layers is kept meanwhile; auto: the data folder.",
)
def settings(
    *,
    device: DeviceChoice | None,
    precision: PrecisionChoice | None,
    memory: int | None,
    spool_folder: str | None,
) -> None:
    """Show or change what the daemon runs networks on and what they may take, whoever starts it.

    Counts from its next start. PASTICHE_DEVICE, PASTICHE_PRECISION, PASTICHE_MEMORY and
    PASTICHE_SPOOL_FOLDER go before these settings, and the options of `serve` before both.
    `packs settings` has those of style packs.
    """
    from pastiche_client.paths import data_paths
    from pastiche_daemon.packs.errors import PackError
    from pastiche_daemon.packs.listfile import FileProblemError, ListFile
    from pastiche_daemon.settings import Settings, memory_settings, runtime_settings
    from pastiche_daemon.sizes import size_text

    path = data_paths().settings_file
    file = ListFile(path, Settings)
    try:
        changed: dict[str, object] = {}
        if device is not None:
            changed["device"] = device
        if precision is not None:
            changed["precision"] = precision
        if memory is not None:
            changed["memory"] = memory or None
        if spool_folder is not None:
            folder = Path(spool_folder).expanduser().absolute()
            changed["spool_folder"] = None if spool_folder == "auto" else str(folder)
        if changed:
            with file.changing() as write:
                write(file.read().model_copy(update=changed))
    except (FileProblemError, PackError) as error:
        raise click.ClickException(str(error)) from error
    counts, room = runtime_settings(path), memory_settings(path)
    if problem := counts.problem or room.problem:
        raise click.ClickException(problem)
    click.echo(f"Device: {counts.device}")
    click.echo(f"Precision: {counts.precision}")
    click.echo(f"Memory: {'auto' if room.memory is None else size_text(room.memory)}")
    click.echo(f"Spool folder: {room.spool_folder or 'auto'}")
