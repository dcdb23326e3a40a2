"""`pastiche packs card`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pastiche_daemon.loss_curves import Report

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_PHOTOGRAPH = "coffee.jpg"
_PHOTOGRAPH_TOLD = (
    "A cup of coffee, Rachel Michetti, courtesy of Pikolo Espresso Bar (CC0); from scikit-image"
)


@click.command(
    epilog="""
\b
Examples:
  pastiche packs card masters -o masters.html
  pastiche packs card runs/mine/mine.pastiche -o card.html --photo holiday.jpg
  pastiche packs card moscow@1.2.0 -o card.html --style river --size 512
"""
)
@click.argument("pack", metavar="PACK")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="HTML."
)
@click.option("-f", "--force", is_flag=True, help="Replace a file that exists.")
@click.option("--photo", type=_FILE, help="The photograph of the previews. Default: a cup.")
@click.option(
    "--size",
    "sizes",
    type=click.IntRange(16, 4096),
    multiple=True,
    help="Longer side of previews in pixels; may be given several times. Default: 256, 512, 1024.",
)
@click.option("--style", "styles", multiple=True, help="Show this style; default: every one.")
@click.option(
    "--run",
    "run_folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder of the training, for its loss curves. Default: the pack file's own folder.",
)
def card(
    pack: str,
    *,
    output: Path,
    force: bool,
    photo: Path | None,
    sizes: tuple[int, ...],
    styles: tuple[str, ...],
    run_folder: Path | None,
) -> None:
    """Make a page that shows a pack: previews, losses, license, provenance, signature.

    PACK is a file, or an installed pack as PACK or PACK@VERSION. The previews are made by the
    pack's network; the page needs no other file.
    """
    from rich.console import Console

    from pastiche_client.paths import data_paths
    from pastiche_daemon.cli.packs_found import find_pack
    from pastiche_daemon.learn_run import BUILT_IN_PHOTOGRAPHS
    from pastiche_daemon.pack_card import SIZES, card_page, make_previews
    from pastiche_daemon.packs.errors import PackError
    from pastiche_daemon.packs.files import part_file
    from pastiche_daemon.packs.store import BUILT_IN_FOLDER
    from pastiche_daemon.packs.trust import Origin, Trust, TrustStore
    from pastiche_daemon.photographs import PictureError, load_picture

    if output.exists() and not force:
        raise click.ClickException(f"{output} exists already; use --force to replace it.")
    console = Console(stderr=True, markup=False, highlight=False)
    found = find_pack(pack)
    if found.path.parent == BUILT_IN_FOLDER:
        origin = Origin(Trust.BUILT_IN)
    else:
        origin = TrustStore(data_paths().trusted_keys_file).origin(found.manifest.signature)
    try:
        with console.status("Making previews ...") as status:
            rows = make_previews(
                found,
                load_picture(photo or BUILT_IN_PHOTOGRAPHS / _PHOTOGRAPH),
                lambda name, number, count: status.update(f"Preview {number} of {count}: {name}"),
                sizes=sizes or SIZES,
                styles=styles or None,
            )
        told = photo.name if photo else _PHOTOGRAPH_TOLD
        page = card_page(found, origin, rows, told, _losses(found.path, run_folder))
        with part_file(output) as part:
            part.file.write(page.encode())
            part.finish()
            part.move_to(output)
    except (PackError, PictureError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(output)


def _losses(pack: Path, run_folder: Path | None) -> Sequence[Report]:
    """What a training has logged: in the folder that is named, or beside the pack."""
    from pastiche_daemon.training_losses import LOSSES, read_losses

    path = (run_folder or pack.parent) / LOSSES
    if not path.is_file():
        if run_folder is not None:
            raise click.ClickException(f"{run_folder} has no {LOSSES}; name a training's folder.")
        return ()
    return read_losses(path)
