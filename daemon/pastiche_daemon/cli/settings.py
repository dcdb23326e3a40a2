"""`pastiche settings`."""

from __future__ import annotations

from typing import get_args

import click

from pastiche_daemon.nn.runtime_switches import DeviceChoice, PrecisionChoice


@click.command(
    epilog="""
\b
Examples:
  pastiche settings
  pastiche settings --device cpu --precision float32
  pastiche settings --device auto --precision auto
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
def settings(*, device: DeviceChoice | None, precision: PrecisionChoice | None) -> None:
    """Show or change what the daemon runs networks on, whoever starts it.

    Counts from its next start. PASTICHE_DEVICE and PASTICHE_PRECISION go before these settings,
    and the options of `serve` before both. `packs settings` has those of style packs.
    """
    from pastiche_client.paths import data_paths
    from pastiche_daemon.packs.errors import PackError
    from pastiche_daemon.packs.listfile import FileProblemError, ListFile
    from pastiche_daemon.settings import Settings, runtime_settings

    path = data_paths().settings_file
    file = ListFile(path, Settings)
    try:
        if device is not None or precision is not None:
            with file.changing() as write:
                now = file.read()
                changed = {
                    "device": device or now.device,
                    "precision": precision or now.precision,
                }
                write(now.model_copy(update=changed))
    except (FileProblemError, PackError) as error:
        raise click.ClickException(str(error)) from error
    counts = runtime_settings(path)
    if counts.problem:
        raise click.ClickException(counts.problem)
    click.echo(f"Device: {counts.device}")
    click.echo(f"Precision: {counts.precision}")
