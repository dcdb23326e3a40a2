"""Packs that commands name: files, or installed ones."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pastiche_daemon.packs.archive import Pack


def find_pack(text: str) -> Pack:
    """The pack of a file, or an installed, shared or built-in one named `PACK` or `PACK@VERSION`.

    Raises:
        click.ClickException: there is none, or it is damaged.
    """
    from pastiche_client.paths import data_paths
    from pastiche_daemon.packs.archive import read_pack
    from pastiche_daemon.packs.errors import PackError
    from pastiche_daemon.packs.store import PACK_SUFFIX, PackStore

    path = Path(text)
    try:
        if path.is_file():
            return read_pack(path)
        if path.suffix == PACK_SUFFIX or len(path.parts) > 2:
            raise click.ClickException(f"There is no file {text}.")
        pack_id, _, version = text.removeprefix("packs/").partition("@")
        return PackStore.of(data_paths()).get(pack_id, version or None)
    except PackError as error:
        raise click.ClickException(f"{text}: {error}") from error
    except OSError as error:
        raise click.ClickException(f"{text}: {error.strerror or error}") from error
