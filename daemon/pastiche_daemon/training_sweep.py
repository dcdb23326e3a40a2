"""Comparisons of trainings: one small training for every value, a figure, curves and a table.

The comparisons are those of Barnes, "Fast Neural Style Transfer", a thesis after Johnson et al.,
ECCV 2016: batch against instance norm, squared against absolute differences, the weight of total
variation, and the ratio of style to content.
"""

from __future__ import annotations

import copy
import csv
import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from io import StringIO
from pathlib import Path

import torch
from PIL import Image

from pastiche_daemon.contact_sheet import contact_sheet
from pastiche_daemon.encoders import LoadedEncoder
from pastiche_daemon.loss_curves import draw_comparison
from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.objective import ObjectiveWeights, PerceptualObjective
from pastiche_daemon.nn.runtime import channels_last
from pastiche_daemon.packs.files import whole_file
from pastiche_daemon.photographs import (
    RandomCrops,
    fit_long_side,
    load_picture,
    picture_tensor,
    tensor_picture,
)
from pastiche_daemon.provenance import file_sha256
from pastiche_daemon.train import TrainConfig, Training
from pastiche_daemon.training_losses import LOSSES, StepReport, read_losses

_OUTCOME = "outcome.json"
_CHECKPOINT_SECONDS = 30.0
# Of the last steps, whose mean is a training's final loss.
_LAST_SHARE = 0.1


@dataclass(frozen=True)
class TrainingGrid:
    """``values`` are the columns; ``change`` raises ValueError where one makes no sense."""

    about: str
    values: tuple[str, ...]
    change: Callable[[TrainConfig, str], TrainConfig]
    label: Callable[[str], str] = str


def training_grids() -> Mapping[str, TrainingGrid]:
    """By name."""
    return {
        "norm": TrainingGrid("Batch against instance norm.", ("batch", "instance"), _norm, _normed),
        "distance": TrainingGrid(
            "Squared against absolute differences of content and style.",
            ("l2", "l1"),
            _distance,
            str.upper,
        ),
        "tv": TrainingGrid(
            "The weight of total variation, 1 to 1/1000.",
            ("1", "1/10", "1/100", "1/1000"),
            lambda config, value: _weights(config, tv=_number(value)),
            lambda value: f"TV {value}",
        ),
        "ratio": TrainingGrid(
            "Style weight over content weight, with Johnson's normalization of the style.",
            ("100", "1000", "10000"),
            _ratio,
            lambda value: f"β/α {value}",  # noqa: RUF001 - the papers' letters
        ),
    }


def _weights(config: TrainConfig, **changes: object) -> TrainConfig:
    weights = replace(config.weights, **changes)  # pyright: ignore[reportArgumentType]
    return replace(config, weights=weights)


def _norm(config: TrainConfig, value: str) -> TrainConfig:
    return replace(config, spec=replace(config.spec, norm=value))  # pyright: ignore[reportArgumentType]


def _normed(value: str) -> str:
    return f"{value.replace('_', ' ')} norm"


def _distance(config: TrainConfig, value: str) -> TrainConfig:
    if value not in {"l1", "l2"}:
        raise ValueError(f"{value!r} is neither l1 nor l2")
    statistic = replace(config.weights.statistic, distance=value)  # pyright: ignore[reportArgumentType]
    return _weights(config, content_distance=value, statistic=statistic)


def _ratio(config: TrainConfig, value: str) -> TrainConfig:
    # The literature's ratios are of losses that do not divide by the style's own size; and of VGG
    # networks of full width, because these losses are the smaller the wider a layer is.
    statistic = replace(config.weights.statistic, normalization="johnson")
    return _weights(config, content=1.0, style=_number(value), statistic=statistic)


def _number(value: str) -> float:
    above, slash, below = value.partition("/")
    try:
        number = float(above) / (float(below) if slash else 1.0)
    except (ValueError, ZeroDivisionError):
        number = math.nan
    if not (math.isfinite(number) and number >= 0):
        raise ValueError(f"{value!r} is neither a number of at least 0 nor a fraction")
    return number


@dataclass(frozen=True)
class SweepMaterial:
    """What all trainings of a sweep share. ``samples`` are stylized, one row of the figure each."""

    photographs: tuple[Path, ...]
    style: Path
    style_size: int
    samples: tuple[Path, ...]
    sample_size: int
    loaded: LoadedEncoder[Encoder]
    device: torch.device


@dataclass(frozen=True)
class TrainingCell:
    """One training; ``key`` tells apart everything that decides its pictures."""

    value: str
    label: str
    config: TrainConfig
    key: str


@dataclass(frozen=True)
class TrainingOutcome:
    """A row of the table.

    ``total``, ``content``, ``style`` and ``tv`` are means over the last steps, weighted as they
    were trained. ``judged_*`` are the losses of the sample pictures with the default objective and
    weights of 1, which compare trainings of different losses.
    """

    steps: int
    seconds: float
    total: float
    content: float
    style: float
    tv: float
    judged_content: float
    judged_style: float
    judged_tv: float


def plan_cells(
    grid: TrainingGrid, values: Sequence[str], config: TrainConfig, material: SweepMaterial
) -> tuple[TrainingCell, ...]:
    """A cell for each of ``values``, or of the literature's. Raises ValueError for a bad one."""
    told = {
        "photographs": [path.name for path in material.photographs],
        "style": file_sha256(material.style),
        "style_size": material.style_size,
        "samples": [file_sha256(path) for path in material.samples],
        "sample_size": material.sample_size,
        "encoder": material.loaded.sha256,
    }
    cells: list[TrainingCell] = []
    for value in values or grid.values:
        changed = grid.change(config, value)
        text = json.dumps({**told, "config": asdict(changed)}, sort_keys=True)
        key = hashlib.sha256(text.encode()).hexdigest()[:20]
        cells.append(TrainingCell(value, grid.label(value), changed, key))
    return tuple(cells)


class TrainingCells:
    """The folders of a sweep's trainings: finished, under way, or not there yet."""

    def __init__(self, folder: Path, material: SweepMaterial) -> None:
        self.folder = folder
        self._material = material

    def outcome(self, cell: TrainingCell) -> TrainingOutcome | None:
        """Of a training that is finished and whole."""
        try:
            text = (self.folder / cell.key / _OUTCOME).read_text("utf-8")
            outcome = TrainingOutcome(**json.loads(text))
            self.pictures(cell)
        except (OSError, ValueError, TypeError):
            return None
        return outcome

    def pictures(self, cell: TrainingCell) -> list[Image.Image]:
        """The samples in the cell's style. Raises OSError where one is missing or damaged."""
        found: list[Image.Image] = []
        for number in range(len(self._material.samples)):
            with Image.open(self._picture(cell, number)) as picture:
                found.append(picture.convert("RGB"))
        return found

    def losses(self, cell: TrainingCell) -> list[StepReport]:
        """What the training has logged."""
        return read_losses(self.folder / cell.key / LOSSES)

    def train(self, cell: TrainingCell) -> Iterator[int]:
        """Train a cell, or go on with it, yielding finished steps; its outcome is there then.

        Raises `TrainingError`, and `packs.errors.StorageError` where nothing can be written.
        """
        material, config = self._material, cell.config
        style = fit_long_side(load_picture(material.style), material.style_size)
        training = Training(
            config,
            copy.deepcopy(material.loaded.encoder),
            RandomCrops(material.photographs, config.crop_size, config.seed),
            [picture_tensor(style)],
            self.folder / cell.key,
            fingerprint={"cell": cell.key},
            device=material.device,
        )
        try:
            for report in training.steps(checkpoint_seconds=_CHECKPOINT_SECONDS):
                yield report.step
        except KeyboardInterrupt:
            training.save()
            raise
        self._finish(cell, training)

    def _finish(self, cell: TrainingCell, training: Training) -> None:
        material = self._material
        network = training.averaged_network()
        judge = PerceptualObjective(
            channels_last(copy.deepcopy(material.loaded.encoder).cpu()),
            ObjectiveWeights(content=1.0, style=1.0, tv=1.0),
        )
        style = picture_tensor(fit_long_side(load_picture(material.style), material.style_size))
        styles = judge.style_targets(style)
        judged = torch.zeros(3, dtype=torch.float64)
        for number, path in enumerate(material.samples):
            photograph = picture_tensor(fit_long_side(load_picture(path), material.sample_size))
            with torch.no_grad():
                pastiche = network(photograph, torch.ones(1, 1))
                losses = judge.losses(pastiche, judge.content_targets(photograph), styles)
            judged += torch.stack([losses.content, losses.style, losses.tv]).double()
            with whole_file(self._picture(cell, number)) as file:
                tensor_picture(pastiche[0]).save(file, format="PNG")
        content, style_loss, tv = (judged / len(material.samples)).tolist()
        reports = self.losses(cell)
        last = reports[-max(1, round(_LAST_SHARE * len(reports))) :]
        means = {
            term: sum(getattr(report, term) for report in last) / len(last)
            for term in ("total", "content", "style", "tv")
        }
        outcome = TrainingOutcome(
            steps=training.step,
            seconds=round(training.seconds, 2),
            judged_content=content,
            judged_style=style_loss,
            judged_tv=tv,
            **means,
        )
        with whole_file(self.folder / cell.key / _OUTCOME) as file:
            file.write(json.dumps(asdict(outcome), indent=1).encode())

    def _picture(self, cell: TrainingCell, number: int) -> Path:
        return self.folder / cell.key / f"sample{number}.png"


def write_training_figure(
    file: Path, cells: Sequence[TrainingCell], folder: TrainingCells, material: SweepMaterial
) -> None:
    """The samples, a row each, in every cell's style. Raises OSError and `packs.files`' errors."""
    columns = [folder.pictures(cell) for cell in cells]
    rows = [
        [
            fit_long_side(load_picture(path), material.sample_size),
            *(pictures[number] for pictures in columns),
        ]
        for number, path in enumerate(material.samples)
    ]
    sheet = contact_sheet(
        rows,
        row_labels=["" for _ in rows],
        column_labels=["photograph", *(cell.label for cell in cells)],
        cell=material.sample_size,
    )
    with whole_file(file) as out:
        sheet.save(out, format="PNG")


def write_training_curves(file: Path, cells: Sequence[TrainingCell], folder: TrainingCells) -> None:
    """The losses of all cells, a panel for each term."""
    draw_comparison({cell.label: folder.losses(cell) for cell in cells}, file)


def write_training_table(
    file: Path, cells: Sequence[TrainingCell], outcomes: Mapping[str, TrainingOutcome], folder: Path
) -> None:
    """A line for every cell, as CSV."""
    text = StringIO(newline="")
    names = [field.name for field in fields(TrainingOutcome)]
    table = csv.writer(text)
    table.writerow(["value", *names, "folder"])
    for cell in cells:
        outcome = asdict(outcomes[cell.key])
        table.writerow(
            [cell.value, *(outcome[name] for name in names), f"{folder.name}/{cell.key}"]
        )
    with whole_file(file) as out:
        out.write(text.getvalue().encode())
