"""`pastiche packs versions`, `pin`, `unpin` and `rollback`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pastiche_client.results import Pack


@click.command(
    epilog="""
\b
Example:
  pastiche packs versions moscow
"""
)
@click.argument("pack_id", metavar="PACK")
def versions(pack_id: str) -> None:
    """List the versions of a pack, the newest first."""
    from rich.console import Console
    from rich.table import Table

    from pastiche_daemon.cli.connect import output_console, running_daemon
    from pastiche_daemon.cli.packs_facts import origin, size

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Version", "In use", "Size", "Origin"):
        table.add_column(heading, overflow="fold")
    with running_daemon(Console(stderr=True)) as client:
        for pack in client.list_pack_versions(pack_id):
            used = "pinned" if pack.pinned else "yes" if pack.current else ""
            table.add_row(pack.version, used, size(pack.size_bytes), origin(pack))
    output_console().print(table)


@click.command(
    epilog="""
\b
Examples:
  pastiche packs pin moscow 1.2.0
  pastiche stylize photo.jpg --style moscow@1.2.0/river -o out.png    # once, without a pin
"""
)
@click.argument("pack_id", metavar="PACK")
@click.argument("version")
def pin(pack_id: str, version: str) -> None:
    """Keep a pack at one version when newer ones come."""
    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon

    with running_daemon(Console(stderr=True)) as client:
        _tell(client.pin_pack(pack_id, version))


@click.command(
    epilog="""
\b
Example:
  pastiche packs unpin moscow
"""
)
@click.argument("pack_id", metavar="PACK")
def unpin(pack_id: str) -> None:
    """Use the newest version of a pack again."""
    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon

    with running_daemon(Console(stderr=True)) as client:
        _tell(client.unpin_pack(pack_id))


@click.command(
    epilog="""
\b
Example:
  pastiche packs rollback moscow
"""
)
@click.argument("pack_id", metavar="PACK")
def rollback(pack_id: str) -> None:
    """Go back to the version before the one that is in use, and pin it."""
    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon

    with running_daemon(Console(stderr=True)) as client:
        _tell(client.roll_back_pack(pack_id))


def _tell(pack: Pack) -> None:
    click.echo(f"{pack.id} is version {pack.version} now{', pinned' if pack.pinned else ''}.")
