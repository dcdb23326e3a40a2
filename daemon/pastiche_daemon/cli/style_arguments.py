"""What `stylize` and `batch` are told of styles, as people type it."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pastiche_client.style_names import style_name
from pastiche_daemon.cli.parameters import FiniteRange

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pastiche_client.results import Style

Command = TypeVar("Command", bound="Callable[..., Any] | click.Command")


def look_options(command: Command) -> Command:
    """--strength, --preserve-colors, --stroke-size and --quality."""
    for option in (
        click.option(
            "--quality",
            type=click.IntRange(1, 100),
            default=92,
            show_default=True,
            help="Of JPEG and WebP.",
        ),
        click.option(
            "--stroke-size",
            type=FiniteRange(0.25, 4),
            default=1.0,
            show_default=True,
            help="Factor of the style's own size of strokes.",
        ),
        click.option("--preserve-colors", is_flag=True, help="Keep the photo's colours."),
        click.option(
            "--strength",
            type=FiniteRange(0, 1),
            default=1.0,
            show_default=True,
            help="0 is the photo, 1 the full style.",
        ),
    ):
        command = option(command)
    return command


def resolve_styles(arguments: Sequence[str], known: Sequence[Style]) -> dict[str, float]:
    """Full style names with their shares, from texts such as `starry_night` or `pack/style:0.3`.

    Raises:
        click.UsageError: an unknown or ambiguous style, a share that is no number, or styles of
            several packs.
    """
    shares: dict[str, float] = {}
    for argument in arguments:
        text, share = _split(argument)
        name = _resolve(text, known)
        if name in shares:
            raise click.UsageError(f"--style {text} is given twice.")
        shares[name] = share
    if sum(shares.values()) <= 0:
        raise click.UsageError("--style: the shares of a mix must not all be 0.")
    packs = {name.split("/")[1] for name in shares}
    if len(packs) > 1:
        raise click.UsageError(
            f"--style: only styles of one pack can be mixed, not of {' and '.join(sorted(packs))}."
        )
    return shares


def _split(argument: str) -> tuple[str, float]:
    text, colon, number = argument.partition(":")
    if not colon:
        return text, 1.0
    try:
        share = float(number)
    except ValueError:
        share = math.nan
    if not (math.isfinite(share) and share >= 0):
        raise click.UsageError(
            f"--style {argument}: the share after the colon must be a number of at least 0."
        )
    return text, share


def _resolve(text: str, known: Sequence[Style]) -> str:
    if "/" in text:
        try:
            wanted = style_name(text)
        except ValueError as error:
            raise click.UsageError(f"--style: {error}") from error
        if "@" in wanted:  # of one version of a pack; only current ones are listed
            return wanted
        found = [style for style in known if style.name == wanted]
    else:
        found = [style for style in known if style.id == text]
    if len(found) == 1:
        return found[0].name
    if found:
        names = ", ".join(f"{style.pack_id}/{style.id}" for style in found)
        raise click.UsageError(f"--style {text} is in several packs; name one of {names}.")
    ids = sorted({style.id for style in known})
    close = difflib.get_close_matches(text.rsplit("/", 1)[-1], ids)
    hint = (
        f"Did you mean {', '.join(close)}?" if close else f"There are: {', '.join(ids) or 'none'}."
    )
    raise click.UsageError(f"--style: there is no style {text!r}. {hint}")
