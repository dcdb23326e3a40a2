"""Which cells a sweep has: what was asked for, less what the encoders cannot do."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pastiche_client.optimize_options import OptimizeOptions
    from pastiche_daemon.cli.sweep_grids import Axis, Grid
    from pastiche_daemon.encoder_store import EncoderFile, EncoderStore

_DEFAULT_CONTENT = ("relu4_2",)
_DEFAULT_STYLE = tuple(f"relu{block}_1" for block in range(1, 6))


class SweepError(ValueError):
    """A sweep that makes no sense; the message says what to change."""


@dataclass(frozen=True)
class Cell:
    """``key`` tells apart everything that decides the picture."""

    row: str
    column: str
    options: OptimizeOptions
    key: str


@dataclass(frozen=True)
class Plan:
    """``cells`` row by row. ``notes`` say what was left out."""

    row_labels: tuple[str, ...]
    column_labels: tuple[str, ...]
    cells: tuple[Cell, ...]
    notes: tuple[str, ...]


def plan(
    grid: Grid,
    options: OptimizeOptions,
    store: EncoderStore,
    pictures: Sequence[bytes],
    *,
    rows: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> Plan:
    """The cells of a grid, or of other ``rows`` and ``columns`` than the literature's.

    ``pictures`` are the bytes of content and style. Values of the literature that the encoders
    here cannot do are left out. Raises `SweepError`, also for values that were asked for.
    """
    chosen_rows, chosen_columns = rows or grid.rows.values, columns or grid.columns.values
    digest = _Digest(store, pictures)
    found: dict[tuple[str, str], Cell | str] = {}
    for row in chosen_rows:
        for column in chosen_columns:
            found[row, column] = _cell(grid, options, row, column, digest)
    notes: list[str] = []

    def usable(
        values: Sequence[str], troubles: Callable[[str], list[str]], asked: bool
    ) -> list[str]:
        kept: list[str] = []
        for value in values:
            if not (trouble := troubles(value)):
                kept.append(value)
            elif asked:
                raise SweepError(trouble[0])
            else:
                notes.append(f"without {value or 'it'}: {trouble[0]}")
        return kept

    def of_row(row: str) -> list[str]:
        cells = [found[row, column] for column in chosen_columns]
        return [] if any(isinstance(cell, Cell) for cell in cells) else _troubles(cells)

    kept_rows = usable(chosen_rows, of_row, bool(rows))
    if not kept_rows:
        raise SweepError(_troubles(list(found.values()))[0])
    kept_columns = usable(
        chosen_columns,
        lambda column: _troubles([found[row, column] for row in kept_rows]),
        bool(columns),
    )
    if not kept_columns:
        raise SweepError(_troubles(list(found.values()))[0])
    cells = [found[row, column] for row in kept_rows for column in kept_columns]
    return Plan(
        tuple(_label(grid.rows, row) for row in kept_rows),
        tuple(_label(grid.columns, column) for column in kept_columns),
        tuple(cell for cell in cells if isinstance(cell, Cell)),
        tuple(notes),
    )


def _troubles(cells: Sequence[Cell | str]) -> list[str]:
    return [cell for cell in cells if isinstance(cell, str)]


def _label(axis: Axis, value: str) -> str:
    return axis.label(value) if value else ""


def _cell(
    grid: Grid, options: OptimizeOptions, row: str, column: str, digest: _Digest
) -> Cell | str:
    """A cell, or why the encoder cannot do it."""
    try:
        chosen = grid.cell(options, row, column)
    except ValueError as error:
        raise SweepError(str(error)) from error
    file = digest.encoder(chosen.encoder)
    if isinstance(file, str):
        return file
    for layer in _used_layers(chosen):
        if layer not in file.layers:
            return f"{file.name} has no layer {layer!r}; it has {', '.join(file.layers)}"
    return Cell(row, column, chosen, digest.key(chosen))


def _used_layers(options: OptimizeOptions) -> list[str]:
    terms = options.terms
    content = list(terms.content_layers or _DEFAULT_CONTENT) if terms.content != 0 else []
    style = list(terms.style_layers or _DEFAULT_STYLE) if terms.style != 0 else []
    return [*content, *style]


class _Digest:
    """Keys of cells. Reads every encoder once."""

    def __init__(self, store: EncoderStore, pictures: Sequence[bytes]) -> None:
        self._store = store
        self._pictures = [hashlib.sha256(picture).hexdigest() for picture in pictures]
        self._encoders: dict[str, tuple[EncoderFile, str] | str] = {}

    def encoder(self, name: str) -> EncoderFile | str:
        """The encoder, or why there is none."""
        found = self._found(name)
        return found if isinstance(found, str) else found[0]

    def key(self, options: OptimizeOptions) -> str:
        found = self._found(options.encoder)
        told: dict[str, Any] = {
            "options": asdict(replace(options, preview_size=0)),
            "pictures": self._pictures,
            "encoder": found if isinstance(found, str) else found[1],
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:20]

    def _found(self, name: str) -> tuple[EncoderFile, str] | str:
        from pastiche_daemon.encoders import EncoderFileError

        if name not in self._encoders:
            try:
                file = self._store.find(name)
                digest = hashlib.sha256(file.path.read_bytes()).hexdigest()
                self._encoders[name] = file, digest
            except EncoderFileError as error:
                self._encoders[name] = str(error)
        return self._encoders[name]
