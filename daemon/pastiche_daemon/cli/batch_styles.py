"""Which style a picture of a batch gets."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import click

from pastiche_daemon.cli.style_arguments import resolve_styles

if TYPE_CHECKING:
    from pastiche_client.results import Style

Assignment = Literal["mix", "each", "random", "random-mix"]
ASSIGNMENTS: tuple[str, ...] = get_args(Assignment)
_ALL = "/*"


@dataclass(frozen=True)
class Assigned:
    """Full style names with their shares, and what tells the file's name from others'.

    `label` is empty where a picture gets only one.
    """

    styles: Mapping[str, float]
    label: str = ""


@dataclass(frozen=True)
class StyleChooser:
    """Assigns styles by a picture's name.

    The draw depends on `seed` and the name alone, so that pictures that come or go later change
    nothing for the others.
    """

    styles: Mapping[str, float]
    assignment: Assignment
    seed: int

    def of(self, name: str) -> list[Assigned]:
        """What is made of the picture called `name`.

        `mix`: the styles by their shares; `each`: one result in every style; `random`: one of the
        styles, drawn by their shares; `random-mix`: shares drawn evenly from all mixes (a flat
        Dirichlet distribution).
        """
        if self.assignment == "mix":
            return [Assigned(self.styles)]
        if self.assignment == "each":
            return [Assigned({style: 1.0}, _label(style)) for style in self.styles]
        draw = random.Random(f"{self.seed}/{name}")  # noqa: S311 - nothing secret
        if self.assignment == "random":
            (chosen,) = draw.choices(list(self.styles), weights=list(self.styles.values()))
            return [Assigned({chosen: 1.0})]
        lengths = {style: draw.expovariate(1.0) for style in self.styles}
        whole = sum(lengths.values())
        return [Assigned({style: round(part / whole, 4) for style, part in lengths.items()})]


def chooser(
    arguments: Sequence[str], assignment: Assignment, seed: int, known: Sequence[Style]
) -> StyleChooser:
    """A chooser among the styles that people typed; `pack/*` is every style of a pack.

    Raises:
        click.UsageError: see `resolve_styles`; a mix of styles of several packs.
    """
    expanded = [single for argument in arguments for single in _expanded(argument, known)]
    if assignment in {"mix", "random-mix"}:
        return StyleChooser(resolve_styles(expanded, known), assignment, seed)
    shares: dict[str, float] = {}
    for argument in expanded:
        ((name, share),) = resolve_styles([argument], known).items()
        if name in shares:
            raise click.UsageError(f"--style {argument} is given twice.")
        shares[name] = share
    return StyleChooser(shares, assignment, seed)


def _expanded(argument: str, known: Sequence[Style]) -> list[str]:
    if not argument.endswith(_ALL):
        return [argument]
    pack = argument.removesuffix(_ALL)
    found = [f"{style.pack_id}/{style.id}" for style in known if style.pack_id == pack]
    if not found:
        packs = ", ".join(sorted({style.pack_id for style in known}))
        raise click.UsageError(
            f"--style {argument}: there is no pack {pack!r}; there are: {packs}."
        )
    return found


def _label(style: str) -> str:
    return style.rsplit("/", 1)[-1]
