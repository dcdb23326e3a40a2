"""`pastiche serve`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import click

from pastiche_daemon.cli.parameters import ByteSize, FiniteRange
from pastiche_daemon.nn.runtime_switches import DeviceChoice, PrecisionChoice
from pastiche_daemon.sizes import LEAST_MEMORY

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command(
    epilog="""
\b
Examples:
  pastiche serve
  pastiche serve --idle-exit 0
  pastiche serve --device cpu --precision float32
  pastiche serve --memory 1GiB --spool-folder /var/tmp/pastiche
  PASTICHE_TOKEN=... pastiche serve --host 0.0.0.0 --port 7433 \\
      --tls-certificate server.pem --tls-key server.key
"""
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Other than this computer only with TLS and PASTICHE_TOKEN.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Default: any free port.", metavar="N"
)
@click.option(
    "--idle-exit",
    type=FiniteRange(0),
    default=900.0,
    show_default=True,
    metavar="SECONDS",
    help="End after this time without a call; 0: never.",
)
@click.option("--tls-certificate", type=_FILE, help="PEM file with the certificate chain.")
@click.option("--tls-key", type=_FILE, help="PEM file with its private key.")
@click.option("--threads", type=click.IntRange(1), metavar="N", help="Default: one per core.")
@click.option(
    "--device",
    type=click.Choice(get_args(DeviceChoice)),
    help="What networks run on. Default: what the settings say, or else the fastest that is there.",
)
@click.option(
    "--precision",
    type=click.Choice(get_args(PrecisionChoice)),
    help="How finely they compute. Default: what the settings say, or else the fastest that the "
    "device has in hardware.",
)
@click.option(
    "--memory",
    type=ByteSize(least=LEAST_MEMORY),
    metavar="SIZE",
    help="What one layer may take, such as 1.5GiB; larger layers are worked on in strips, with the "
    "same result. Default: what the settings say, or else 2GiB or a quarter of what is free.",
)
@click.option(
    "--spool-folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where the rest of large layers is kept meanwhile. Default: what the settings say, or "
    "else the data folder.",
)
@click.option(
    "--max-queued",
    type=click.IntRange(1),
    default=32,
    show_default=True,
    metavar="N",
    help="Calls that may wait for the device.",
)
@click.option(
    "--packs-folder",
    "packs_folders",
    multiple=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Shared folder of style packs, which is only read; may be given several times.",
)
@click.option(
    "--trusted-packs-only",
    is_flag=True,
    help="Use only packs that are built in or signed by a key of `packs trust`.",
)
@click.pass_context
def serve(
    context: click.Context,
    *,
    host: str,
    port: int,
    idle_exit: float,
    tls_certificate: Path | None,
    tls_key: Path | None,
    threads: int | None,
    device: DeviceChoice | None,
    precision: PrecisionChoice | None,
    memory: int | None,
    spool_folder: Path | None,
    max_queued: int,
    packs_folders: tuple[Path, ...],
    trusted_packs_only: bool,
) -> None:
    """Run the daemon in the foreground. Other commands start it by themselves.

    Only one runs for a data folder; a second one ends with exit code 3. With PASTICHE_TOKEN in
    the environment, that is the token instead of a random one.

    `pastiche packs settings` keeps shared folders and the policy for every start, also by editors;
    PASTICHE_PACKS_FOLDERS and PASTICHE_TRUSTED_PACKS_ONLY add to them. `pastiche settings` keeps
    device, precision, memory and spool folder; PASTICHE_DEVICE, PASTICHE_PRECISION,
    PASTICHE_MEMORY and PASTICHE_SPOOL_FOLDER go before them.
    """
    if (tls_certificate is None) != (tls_key is None):
        raise click.UsageError("--tls-certificate and --tls-key belong together.")

    from pastiche_client.launcher import ALREADY_RUNNING_EXIT_CODE
    from pastiche_client.paths import data_paths
    from pastiche_daemon.server import AlreadyRunningError, ServeOptions
    from pastiche_daemon.server import serve as run

    try:
        options = ServeOptions(
            paths=data_paths(),
            host=host,
            port=port,
            idle_exit_seconds=idle_exit,
            token=os.environ.get("PASTICHE_TOKEN") or None,
            tls_certificate=tls_certificate,
            tls_key=tls_key,
            max_queued=max_queued,
            threads=threads,
            device=device,
            precision=precision,
            memory=memory,
            spool_folder=spool_folder,
            packs_folders=packs_folders,
            trusted_packs_only=trusted_packs_only,
        )
        run(options)
    except AlreadyRunningError as error:
        click.echo(str(error), err=True)
        context.exit(ALREADY_RUNNING_EXIT_CODE)
    except (ValueError, OSError) as error:
        raise click.ClickException(str(error)) from error
