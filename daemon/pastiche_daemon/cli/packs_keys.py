"""`pastiche packs keygen`, `sign`, `verify` and `trust`: none of them needs a daemon."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pastiche_daemon.packs.trust import Origin, TrustStore

_PATH = click.Path(path_type=Path)
_PASSPHRASE = click.option(
    "--passphrase",
    "ask",
    is_flag=True,
    help="Ask for the key's passphrase. PASTICHE_KEY_PASSPHRASE gives it to scripts.",
)


@click.command(
    epilog="""
\b
Examples:
  pastiche packs keygen studio.pem
  pastiche packs keygen studio.pem --passphrase
  openssl genpkey -algorithm ed25519 -out studio.pem    # the same without Pastiche
"""
)
@click.argument("file", type=_PATH)
@_PASSPHRASE
def keygen(file: Path, *, ask: bool) -> None:
    """Make a key to sign packs with, and print its public half.

    FILE is PEM (PKCS #8) and must stay with you; give others what is printed.
    """
    from pastiche_daemon.packs.signing import public_text, write_new_key

    with _told():
        key = write_new_key(file, _passphrase(ask=ask, confirm=True))
    click.echo(public_text(key))


@click.command(
    epilog="""
\b
Examples:
  pastiche packs sign moscow.pastiche --key studio.pem
  pastiche packs sign moscow.pastiche --key studio.pem -o signed/moscow.pastiche
"""
)
@click.argument("file", type=_PATH)
@click.option("--key", "key_file", type=_PATH, required=True, help="PEM file with the key.")
@click.option("-o", "--output", type=_PATH, help="Write the signed pack there, not into FILE.")
@click.option("-f", "--force", is_flag=True, help="Replace an output file that exists.")
@_PASSPHRASE
def sign(file: Path, *, key_file: Path, output: Path | None, force: bool, ask: bool) -> None:
    """Verify a pack file and sign it, in place of a signature that it may have.

    FILE is replaced as a whole or stays as it is.
    """
    from pastiche_daemon.packs.signing import public_text, read_private_key, sign_pack

    target = output or file
    if output is not None and output.exists() and not force:
        raise click.ClickException(f"{output} exists already; use --force to replace it.")
    with _told(file):
        key = read_private_key(key_file, _passphrase(ask=ask))
        manifest = sign_pack(file, target, key)
    click.echo(f"{target}: {manifest.id} {manifest.version}, signed by {public_text(key)}")


@click.command(
    epilog="""
\b
Examples:
  pastiche packs verify moscow.pastiche
  pastiche packs verify --trusted runs/*/*.pastiche
"""
)
@click.argument("files", metavar="FILE...", type=_PATH, nargs=-1, required=True)
@click.option("--trusted", is_flag=True, help="Fail unless a trusted key has signed every file.")
@click.pass_context
def verify(context: click.Context, files: tuple[Path, ...], *, trusted: bool) -> None:
    """Check pack files completely, without installing them or a daemon."""
    keys = _trust_store()
    if problem := keys.problem():
        click.echo(problem, err=True)
    problems = 0
    for file in files:
        origin = _verified(file, keys)
        bad = isinstance(origin, str) or (trusted and not origin.trusted)
        problems += bad
        told = origin if isinstance(origin, str) else f"good, {origin.told()}"
        click.echo(f"{file}: {told}", err=bad)
    if problems:
        context.exit(1)


@click.group(
    epilog="""
\b
Examples:
  pastiche packs trust add studio.pub.pem --name "Studio Nord"
  pastiche packs trust list
"""
)
def trust() -> None:
    """Whose signatures of packs you trust."""


@trust.command(
    epilog="""
\b
Examples:
  pastiche packs trust add 'mHbRFd2v...=' --name "Studio Nord"
  pastiche packs trust add studio.pub.pem --name "Studio Nord"
"""
)
@click.argument("public_key", metavar="PUBLICKEY")
@click.option("--name", required=True, help="Whose key it is; shown with the packs.")
def add(public_key: str, *, name: str) -> None:
    """Trust a key: as `keygen` prints it, or a PEM file with it."""
    from pastiche_daemon.packs.signing import parse_public_key

    with _told():
        added = _trust_store().add(parse_public_key(public_key), name)
    click.echo(f"Packs signed by {added.public_key} are trusted as {added.name!r} from now on.")


@trust.command(
    "list",
    epilog="""
\b
Example:
  pastiche packs trust list
""",
)
def list_keys() -> None:
    """List the trusted keys."""
    from rich.table import Table

    from pastiche_daemon.cli.connect import output_console

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("Name", "Key", "Since"):
        table.add_column(heading, overflow="fold")
    with _told():
        for key in _trust_store().all():
            table.add_row(key.name, key.public_key, key.added)
    output_console().print(table)


@trust.command(
    epilog="""
\b
Example:
  pastiche packs trust remove "Studio Nord"
"""
)
@click.argument("key", metavar="NAME|PUBLICKEY")
def remove(key: str) -> None:
    """Trust a key no longer. Packs that it has signed stay where they are."""
    with _told():
        removed = _trust_store().remove(key)
    click.echo(f"{removed.name} ({removed.public_key}) is not trusted any more.")


def _trust_store() -> TrustStore:
    from pastiche_client.paths import data_paths
    from pastiche_daemon.packs.trust import TrustStore

    return TrustStore(data_paths().trusted_keys_file)


def _verified(file: Path, keys: TrustStore) -> Origin | str:
    """A pack file's origin, or what is wrong with the file."""
    from pastiche_daemon.packs.archive import read_pack
    from pastiche_daemon.packs.errors import PackError

    try:
        return keys.origin(read_pack(file).manifest.signature)
    except PackError as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)


def _passphrase(*, ask: bool, confirm: bool = False) -> bytes | None:
    from pastiche_daemon.packs.signing import passphrase_of_environment

    if not ask:
        return passphrase_of_environment()
    text: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return text.encode()


@contextmanager
def _told(file: Path | None = None) -> Iterator[None]:
    """Errors of packs, keys and files as the command's own."""
    from pastiche_daemon.packs.errors import PackError

    try:
        yield
    except PackError as error:
        raise click.ClickException(f"{file}: {error}" if file else str(error)) from error
    except OSError as error:
        name = error.filename or file
        raise click.ClickException(f"{name}: {error.strerror or error}") from error
