"""`pastiche packs`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pastiche_daemon.cli.packs_keys import keygen, sign, trust, verify

if TYPE_CHECKING:
    from pastiche_client.results import Pack, SliderRange

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


for _command in (keygen, sign, trust, verify):
    packs.add_command(_command)


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
            for heading in ("Pack", "Version", "Styles", "Name", "License", "Size", ""):
                table.add_column(heading, overflow="fold")
            for pack in client.list_packs():
                table.add_row(
                    pack.id,
                    pack.version,
                    str(pack.style_count),
                    pack.display_name,
                    pack.license,
                    _size(pack.size_bytes),
                    "built in" if pack.built_in else "",
                )
    console.print(table)


@packs.command(
    epilog="""
\b
Examples:
  pastiche packs show masters
  pastiche packs show masters --provenance
"""
)
@click.argument("pack_id", metavar="PACK")
@click.option("--provenance", is_flag=True, help="Print how it was made, as JSON.")
def show(pack_id: str, *, provenance: bool) -> None:
    """Show a pack and its styles."""
    import json

    from rich.console import Console
    from rich.table import Table

    from pastiche_daemon.cli.connect import output_console, running_daemon

    with running_daemon(Console(stderr=True)) as client:
        pack = client.get_pack(pack_id)
        styles = client.list_styles(pack_id)
    if provenance:
        click.echo(json.dumps(pack.provenance, indent=2, ensure_ascii=False))
        return
    console = output_console()
    facts = Table(show_header=False, box=None, pad_edge=False)
    for name, value in _facts(pack):
        facts.add_row(name, value)
    console.print(facts)
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
  pastiche packs install moscow-2.pastiche --replace
"""
)
@click.argument("files", metavar="FILE...", type=_PATH, nargs=-1, required=True)
@click.option("--replace", is_flag=True, help="Replace an installed pack of the same id.")
def install(files: tuple[Path, ...], *, replace: bool) -> None:
    """Verify pack files and install them."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    from pastiche_client.errors import AlreadyExistsError
    from pastiche_daemon.cli.connect import running_daemon

    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    with (
        running_daemon(console) as client,
        Progress(
            TextColumn("{task.description}"), BarColumn(), console=console, transient=True
        ) as bar,
    ):
        for file in files:
            task = bar.add_task(f"installing {file.name}", total=1.0)

            def sent(share: float, task: object = task) -> None:
                bar.update(task, completed=share)  # pyright: ignore[reportArgumentType]

            try:
                pack = client.install_pack(file, replace=replace, on_progress=sent)
            except AlreadyExistsError as error:
                raise click.ClickException(f"{error} Use --replace to replace it.") from error
            except OSError as error:
                raise click.ClickException(f"{file}: {error.strerror or error}") from error
            finally:
                bar.remove_task(task)
            console.print(f"Installed {pack.id} {pack.version}, {pack.style_count} styles.")


@packs.command(
    epilog="""
\b
Examples:
  pastiche packs export masters
  pastiche packs export moscow -o backup/moscow.pastiche
"""
)
@click.argument("pack_id", metavar="PACK")
@click.option("-o", "--output", type=_PATH, help="The file. Default: PACK.pastiche.")
@click.option("-f", "--force", is_flag=True, help="Replace a file that exists.")
def export(pack_id: str, *, output: Path | None, force: bool) -> None:
    """Write a pack to a file, as it was installed."""
    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon

    file = output or Path(f"{pack_id.rsplit('/', 1)[-1]}.pastiche")
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
Example:
  pastiche packs remove moscow
"""
)
@click.argument("pack_id", metavar="PACK")
def remove(pack_id: str) -> None:
    """Remove an installed pack. Built-in packs stay."""
    from rich.console import Console

    from pastiche_daemon.cli.connect import running_daemon

    with running_daemon(Console(stderr=True)) as client:
        client.delete_pack(pack_id)
    click.echo(f"Removed {pack_id}.")


def _facts(pack: Pack) -> list[tuple[str, str]]:
    made = pack.provenance
    facts = [
        ("Pack", f"{pack.id} {pack.version}{' (built in)' if pack.built_in else ''}"),
        ("Name", pack.display_name),
        ("Description", pack.description),
        ("License", pack.license),
        ("Attribution", pack.attribution),
        ("Network", pack.architecture),
        ("Size", _size(pack.size_bytes)),
        ("Strength", _range(pack.strength)),
        ("Stroke size", _range(pack.stroke_size)),
        ("Trained", f"{made.get('date', 'unknown')}, {made.get('steps', 'unknown')} steps"),
    ]
    return [(name, value) for name, value in facts if value]


def _range(slider: SliderRange) -> str:
    return f"{slider.minimum:g} to {slider.maximum:g}, by default {slider.default:g}"


def _size(count: int) -> str:
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"
