"""`pastiche packs diff`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pastiche_daemon.packs.diff import Change, PackDiff, TensorChange

_LONGEST_VALUE = 60


@click.command(
    epilog="""
\b
Examples:
  pastiche packs diff moscow@1.0.0 moscow
  pastiche packs diff old.pastiche new.pastiche --tensors
  pastiche packs diff masters runs/masters/masters.pastiche --json
"""
)
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("--tensors", is_flag=True, help="List every parameter whose numbers moved.")
@click.option("--json", "as_json", is_flag=True, help="Print it for programs.")
@click.option("--exit-code", is_flag=True, help="End with 1 where they differ, as diff does.")
@click.pass_context
def diff(
    context: click.Context,
    *,
    before: str,
    after: str,
    tensors: bool,
    as_json: bool,
    exit_code: bool,
) -> None:
    """Tell what differs from pack A to B: files, or installed ones as PACK or PACK@VERSION."""
    import dataclasses

    from pastiche_daemon.cli.packs_found import find_pack
    from pastiche_daemon.packs.diff import diff_packs
    from pastiche_daemon.packs.errors import PackError

    try:
        found = diff_packs(find_pack(before), find_pack(after))
    except PackError as error:
        raise click.ClickException(str(error)) from error
    if as_json:
        values = {**dataclasses.asdict(found), "same": found.empty}
        click.echo(json.dumps(values, indent=2, ensure_ascii=False))
    else:
        _print(found, every_tensor=tensors)
    if exit_code and not found.empty:
        context.exit(1)


def _print(found: PackDiff, *, every_tensor: bool) -> None:
    if found.empty:
        click.echo("They hold the same.")
    _print_changes("Manifest", found.manifest)
    for mark, styles in (("+", found.styles_added), ("-", found.styles_removed)):
        for style in styles:
            click.echo(f"Style {mark} {style}")
    _print_changes("Styles", found.styles)
    _print_changes("Provenance", found.provenance)
    _print_changes("Files (sha256)", found.files)
    if found.signature is not None:
        _print_changes("Signature", (found.signature,))
    if found.tensors or found.incomparable:
        _print_tensors(found, every=every_tensor)


def _print_changes(title: str, changes: Sequence[Change]) -> None:
    if changes:
        click.echo(f"{title}:")
    for change in changes:
        click.echo(f"  {change.path}: {_shown(change.before)} -> {_shown(change.after)}")


def _print_tensors(found: PackDiff, *, every: bool) -> None:
    click.echo(f"Numbers: {len(found.tensors)} parameters moved, {found.equal_tensors} did not")
    groups: dict[str, list[TensorChange]] = {}
    for tensor in found.tensors:
        _, bracket, style = tensor.name.partition("[")
        groups.setdefault(f"style {style[:-1]}" if bracket else "network", []).append(tensor)
    for group, moved in groups.items():
        click.echo(f"  {group}: {_extent(moved)}")
        for tensor in moved if every else ():
            click.echo(f"    {tensor.name}: {_extent([tensor])}")
    if found.incomparable:
        click.echo(f"  of other names or shapes: {', '.join(found.incomparable)}")


def _extent(moved: Sequence[TensorChange]) -> str:
    largest = max(tensor.largest for tensor in moved)
    shares = [tensor.relative for tensor in moved if tensor.relative is not None]
    relative = f", {max(shares):.2%} of the root mean square" if shares else ""
    return f"by at most {largest:.4g}{relative}"


def _shown(value: Any) -> str:
    if value is None:
        return "(none)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
