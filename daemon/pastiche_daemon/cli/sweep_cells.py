"""Finished cells of a sweep, kept in a folder: a picture each, and what it took."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from pastiche_daemon.packs.files import whole_file

if TYPE_CHECKING:
    from pastiche_client.results import OptimizeResult
    from pastiche_daemon.cli.sweep_plan import Plan


@dataclass(frozen=True)
class Outcome:
    """A row of the table. Losses are weighted, of the picture that was kept."""

    total: float
    content: float
    style: float
    tv: float
    steps: int
    reason: str
    seconds: float
    width: int
    height: int
    encoder: str
    encoder_sha256: str


class CellFolder:
    """A cell is there when its outcome is, which is written last: a kill leaves no half of one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def picture(self, key: str) -> Path:
        return self.folder / f"{key}.png"

    def load(self, key: str) -> Outcome | None:
        """The outcome of a cell that is there, whole."""
        try:
            outcome = Outcome(**json.loads(self._outcome(key).read_text("utf-8")))
            with Image.open(self.picture(key)) as picture:
                picture.load()
        except (OSError, ValueError, TypeError):
            return None
        return outcome

    def save(self, key: str, result: OptimizeResult) -> Outcome:
        """Raises `packs.errors.StorageError` and `StorageFullError`."""
        from pastiche_client.images import layer_to_image

        summary, losses = result.summary, result.summary.losses
        outcome = Outcome(
            total=0.0 if losses is None else losses.total,
            content=0.0 if losses is None else losses.content,
            style=0.0 if losses is None else losses.style,
            tv=0.0 if losses is None else losses.tv,
            steps=summary.steps,
            reason=summary.reason.name.lower(),
            seconds=round(summary.compute_seconds, 3),
            width=summary.width,
            height=summary.height,
            encoder=summary.encoder,
            encoder_sha256=summary.encoder_sha256,
        )
        with whole_file(self.picture(key)) as file:
            layer_to_image(result.layer).save(file, format="PNG")
        _write(self._outcome(key), json.dumps(asdict(outcome), indent=1))
        return outcome

    def _outcome(self, key: str) -> Path:
        return self.folder / f"{key}.json"


def write_figure(file: Path, plan: Plan, cells: CellFolder, cell_pixels: int) -> None:
    """All pictures in one, labelled. Raises OSError and the errors of `packs.files`."""
    from pastiche_daemon.contact_sheet import contact_sheet

    pictures: list[Image.Image] = []
    for cell in plan.cells:
        with Image.open(cells.picture(cell.key)) as picture:
            pictures.append(picture.convert("RGB"))
    width = len(plan.column_labels)
    sheet = contact_sheet(
        [pictures[start : start + width] for start in range(0, len(pictures), width)],
        row_labels=plan.row_labels,
        column_labels=plan.column_labels,
        cell=cell_pixels,
    )
    with whole_file(file) as out:
        sheet.save(out, format="PNG")


def write_table(file: Path, plan: Plan, outcomes: Mapping[str, Outcome], folder: Path) -> None:
    """A line for every cell. Raises the errors of `packs.files`."""
    text = StringIO(newline="")
    names = [field.name for field in fields(Outcome)]
    table = csv.writer(text)
    table.writerow(["row", "column", *names, "picture"])
    for cell in plan.cells:
        outcome = asdict(outcomes[cell.key])
        picture = f"{folder.name}/{cell.key}.png"
        table.writerow([cell.row, cell.column, *(outcome[name] for name in names), picture])
    _write(file, text.getvalue())


def _write(file: Path, text: str) -> None:
    with whole_file(file) as out:
        out.write(text.encode())
