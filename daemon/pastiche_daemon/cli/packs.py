"""`pastiche packs`."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pastiche_daemon.cli.packs_card import card
from pastiche_daemon.cli.packs_diff import diff
from pastiche_daemon.cli.packs_import import import_network
from pastiche_daemon.cli.packs_keys import keygen, sign, trust, verify
from pastiche_daemon.cli.packs_settings import settings
from pastiche_daemon.cli.packs_versions import pin, rollback, unpin, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from pastiche_client.client import Client
    from pastiche_client.results import Pack

_PATH = click.Path(path_type=Path)


@click.group(
    epilog="""
\b
Examples:
  pastiche packs list --styles
  pastiche packs show masters
  pastiche packs install moscow.pastiche
"""
)
def packs() -> None:
    """See, install, sign and remove style packs."""


for _command in (versions, pin, unpin, rollback, diff, card, keygen, sign, verify, trust, settings):
    packs.add_command(_command)
packs.add_command(import_network)


@packs.command(
    "list",
    epilog="""
\b
Examples:
  pastiche packs list
  pastiche packs list --styles
""",
)
@click.option("--styles", "with_styles", is_flag=True, help="List the styles of every pack.")
def list_packs(*, with_styles: bool) -> None:
    """List the packs: built in, and installed."""
    from rich.console import Console
    from rich.table import Table

    from pastiche_daemon.cli.connect import output_console, running_daemon
    from pastiche_daemon.cli.packs_facts import origin, size

    console = output_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    with running_daemon(Console(stderr=True)) as client:
        if with_styles:
            for heading in ("Style", "Name", "Artist", "License"):
                table.add_column(heading, overflow="fold")
            for style in client.list_styles():
                table.add_row(
                    f"{style.pack_id}/{style.id}", style.display_name, style.artist, style.license
                )
        else:
            for heading in ("Pack", "Version", "Styles", "Name", "License", "Size", "Origin"):
                table.add_column(heading, overflow="fold")
            for pack in client.list_packs():
                table.add_row(
                    pack.id,
                    f"{pack.version}, pinned" if pack.pinned else pack.version,
                    str(pack.style_count),
                    pack.display_name,
                    pack.license,
                    size(pack.size_bytes),
                    origin(pack),
                )
    console.print(table)


@packs.command(
    epilog="""
\b
Examples:
  pastiche packs show masters
  pastiche packs show masters@1.0.0 --provenance
"""
)
@click.argument("pack_id", metavar="PACK[@VERSION]")
@click.option("--provenance", is_flag=True, help="Print how it was made, as JSON.")
def show(pack_id: str, *, provenance: bool) -> None:
    """Show a pack and its styles."""
    import json

    from rich.console import Console
    from rich.table import Table

    from pastiche_daemon.cli.connect import output_console, running_daemon
    from pastiche_daemon.cli.packs_facts import facts, facts_table

    with running_daemon(Console(stderr=True)) as client:
        pack = client.get_pack(pack_id)
        styles = client.list_styles(pack_id)
    if provenance:
        click.echo(json.dumps(pack.provenance, indent=2, ensure_ascii=False))
        return
    console = output_console()
    console.print(facts_table(facts(pack)))
    console.print()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Style", "Name", "Artist", "License"):
        table.add_column(heading, overflow="fold")
    for style in styles:
        table.add_row(style.id, style.display_name, style.artist, style.license)
    console.print(table)


@packs.command(
    epilog="""
\b
Examples:
  pastiche packs install moscow.pastiche
  pastiche packs install moscow-2.pastiche --yes
"""
)
@click.argument("files", metavar="FILE...", type=_PATH, nargs=-1, required=True)
@click.option("--replace", is_flag=True, help="Replace an installed pack of the same version.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask. Without a terminal nothing is asked.")
def install(files: tuple[Path, ...], *, replace: bool, yes: bool) -> None:
    """Verify pack files, show their licenses, and install them beside other versions.

    On a terminal it asks before anything is installed; a script is told the same and not asked.
    """
    import sys

    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon
    from pastiche_daemon.cli.packs_facts import facts_table, license_facts

    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    asks = not yes and sys.stdin.isatty() and console.is_terminal
    with running_daemon(console) as client:
        for file in files:
            found = _send(client, console, file, replace=replace, validate_only=True)
            console.print(facts_table(license_facts(found)))
            if asks and not click.confirm("Install it?", default=True, err=True):
                raise click.Abort
            pack = _send(client, console, file, replace=replace, validate_only=False)
            console.print(f"Installed {pack.id} {pack.version}, {pack.style_count} styles.")
            if not pack.current:
                now = client.get_pack(pack.id).version
                console.print(
                    f"In use stays version {now}; `pastiche packs pin {pack.id} {pack.version}` "
                    "uses this one."
                )


@packs.command(
    epilog="""
\b
Examples:
  pastiche packs export masters
  pastiche packs export moscow -o backup/moscow.pastiche
"""
)
@click.argument("pack_id", metavar="PACK[@VERSION]")
@click.option("-o", "--output", type=_PATH, help="The file. Default: PACK.pastiche.")
@click.option("-f", "--force", is_flag=True, help="Replace a file that exists.")
def export(pack_id: str, *, output: Path | None, force: bool) -> None:
    """Write a pack to a file, as it was installed."""
    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon

    file = output or Path(f"{pack_id.rsplit('/', 1)[-1].replace('@', '-')}.pastiche")
    with running_daemon(Console(stderr=True)) as client:
        try:
            client.export_pack(pack_id, file, replace=force)
        except FileExistsError as error:
            raise click.ClickException(f"{error}; use --force to replace it.") from error
        except OSError as error:
            raise click.ClickException(f"{file}: {error.strerror or error}") from error
    click.echo(file)


@packs.command(
    epilog="""
\b
Examples:
  pastiche packs remove moscow
  pastiche packs remove moscow@1.2.0
"""
)
@click.argument("pack_id", metavar="PACK[@VERSION]")
def remove(pack_id: str) -> None:
    """Remove an installed pack, or one version. Built-in and shared packs stay."""
    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon

    with running_daemon(Console(stderr=True)) as client:
        client.delete_pack(pack_id)
    click.echo(f"Removed {pack_id}.")


def _send(
    client: Client, console: Console, file: Path, *, replace: bool, validate_only: bool
) -> Pack:
    from pastiche_client.errors import AlreadyExistsError

    doing = "verifying" if validate_only else "installing"
    try:
        with _sending(console, f"{doing} {file.name}") as sent:
            return client.install_pack(
                file, replace=replace, validate_only=validate_only, on_progress=sent
            )
    except AlreadyExistsError as error:
        raise click.ClickException(f"{error} Use --replace to replace it.") from error
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror or error}") from error


@contextmanager
def _sending(console: Console, label: str) -> Iterator[Callable[[float], None]]:
    """A bar while a file is sent; it takes the share that was sent."""
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=1.0)
        yield lambda share: bar.update(task, completed=share)
