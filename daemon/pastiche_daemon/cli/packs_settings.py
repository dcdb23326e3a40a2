"""`pastiche packs settings`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(
    epilog="""
\b
Examples:
  pastiche packs settings
  pastiche packs settings --add-folder /mnt/studio/packs --trusted-only
  pastiche packs settings --remove-folder /mnt/studio/packs --any
"""
)
@click.option(
    "--add-folder",
    "added",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Use the packs of this folder, too; it is only read.",
)
@click.option(
    "--remove-folder",
    "removed",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Use them no longer.",
)
@click.option(
    "--trusted-only/--any",
    "trusted_only",
    default=None,
    help="Use only packs that are built in or signed by a trusted key; or any, the default.",
)
def settings(
    *, added: tuple[Path, ...], removed: tuple[Path, ...], trusted_only: bool | None
) -> None:
    """Show or change which packs the daemon uses, whoever starts it. Counts at once."""
    from pastiche_client.paths import data_paths
    from pastiche_daemon.packs.errors import PackError
    from pastiche_daemon.packs.listfile import FileProblemError
    from pastiche_daemon.packs.policy import PolicySource

    source = PolicySource(data_paths().settings_file)
    try:
        if added or removed or trusted_only is not None:
            with source.file.changing() as write:
                now = source.file.read()
                folders = dict.fromkeys([*now.packs_folders, *(str(f.absolute()) for f in added)])
                for folder in removed:
                    folders.pop(str(folder.absolute()), None)
                policy = now.trusted_packs_only if trusted_only is None else trusted_only
                changed = {"packs_folders": list(folders), "trusted_packs_only": policy}
                write(now.model_copy(update=changed))
    except (FileProblemError, PackError) as error:
        raise click.ClickException(str(error)) from error
    policy = source()
    if policy.problem:
        raise click.ClickException(policy.problem)
    for folder in policy.shared_folders:
        click.echo(f"Shared folder: {folder}{'' if folder.is_dir() else ' (not there)'}")
    used = "only of trusted keys, and built-in ones" if policy.trusted_only else "any"
    click.echo(f"Packs that are used: {used}")
