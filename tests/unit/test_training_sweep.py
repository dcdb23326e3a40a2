"""``pastiche sweep train``: its figure, curves and table, and going on after an interruption."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner, Result
from PIL import Image

from pastiche_daemon.checkpoints import CHECKPOINT
from pastiche_daemon.cli.sweep import sweep
from pastiche_daemon.cli.sweep_train import GRIDS
from pastiche_daemon.nn.objective import ObjectiveWeights
from pastiche_daemon.nn.transformer import TransformerSpec
from pastiche_daemon.train import TrainConfig, Training
from pastiche_daemon.training_sweep import training_grids
from tests.support.tiny_training import training_arguments


def arguments(folder: Path, comparison: str, *extra: str) -> list[str]:
    tiny = training_arguments(folder, "unused")
    given = dict(zip(tiny[1::2], tiny[2::2], strict=True))
    given["--style"] = str(folder / "styles" / "photo0.png")
    given["--output"] = str(folder / "figure.png")
    given |= {"--sample": str(folder / "photos" / "photo1.png"), "--size": "48", "--steps": "3"}
    options = [text for pair in given.items() for text in pair]
    return ["train", comparison, *options, *extra]


def run(folder: Path, comparison: str, *extra: str) -> Result:
    result = CliRunner().invoke(sweep, arguments(folder, comparison, *extra))
    assert not isinstance(result.exception, AssertionError), result.exception
    return result


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "figure.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_the_command_knows_all_grids() -> None:
    assert set(GRIDS) == set(training_grids())


@pytest.mark.parametrize("comparison", GRIDS)
def test_every_grid_makes_a_figure_curves_and_a_table(tmp_path: Path, comparison: str) -> None:
    result = run(tmp_path, comparison)
    assert result.exit_code == 0, result.output
    values = training_grids()[comparison].values
    rows = table(tmp_path)
    assert [row["value"] for row in rows] == list(values)
    pictures = {
        (tmp_path / row["folder"] / "sample0.png").read_bytes()  # one training differs from another
        for row in rows
    }
    assert len(pictures) == len(values)
    for row in rows:
        assert row["steps"] == "3"
        assert float(row["judged_content"]) > 0
        assert float(row["judged_style"]) > 0
    with Image.open(tmp_path / "figure.png") as figure:
        assert figure.width > 48 * (len(values) + 1)
    with Image.open(tmp_path / "figure.losses.png") as curves:
        assert curves.format == "PNG"
    assert f"cell {len(values)}/{len(values)}" in result.stderr


def test_grids_change_what_they_compare_and_nothing_else() -> None:
    config = TrainConfig(TransformerSpec(), ObjectiveWeights())
    changed = {
        name: grid.change(config, grid.values[-1]) for name, grid in training_grids().items()
    }
    assert changed["norm"].spec.norm == "instance"
    assert changed["distance"].weights.content_distance == "l1"
    assert changed["distance"].weights.statistic.distance == "l1"
    assert changed["tv"].weights.tv == 0.001
    assert changed["ratio"].weights.style / changed["ratio"].weights.content == 10_000
    assert changed["norm"].weights == config.weights
    assert changed["tv"].spec == config.spec


def test_an_interrupted_sweep_goes_on_in_the_middle_of_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = tmp_path / "whole"
    assert run(whole, "norm").exit_code == 0
    steps: list[int] = []
    real = Training._run_step

    def interrupted(self: Training, batch: torch.Tensor):
        if len(steps) == 4:
            raise KeyboardInterrupt
        steps.append(1)
        return real(self, batch)

    with monkeypatch.context() as patched:
        patched.setattr(Training, "_run_step", interrupted)
        stopped = run(tmp_path, "norm")
    assert stopped.exit_code != 0
    assert not (tmp_path / "figure.png").exists()
    assert len(list((tmp_path / "figure.cells").glob(f"*/{CHECKPOINT}"))) == 2
    counted: list[int] = []

    def counting(self: Training, batch: torch.Tensor):
        counted.append(1)
        return real(self, batch)

    monkeypatch.setattr(Training, "_run_step", counting)
    again = run(tmp_path, "norm")
    assert again.exit_code == 0, again.output
    assert "1 of 2 trainings are there already" in again.stderr
    assert len(counted) == 2
    assert (tmp_path / "figure.png").read_bytes() == (whole / "figure.png").read_bytes()
    more = run(tmp_path, "norm", "--values", "batch,instance,conditional_instance", "--force")
    assert more.exit_code == 0, more.output
    assert "2 of 3 trainings are there already" in more.stderr


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (("--values", "1,much"), "'much' is neither a number"),
        (("--values", "1/0"), "'1/0' is neither a number"),
        (("--values", "1,1"), "a value is given twice"),
        (("--output", "figure.jpg"), "must end in .png"),
        (("--content-layer", "relu9_9"), "has no layer 'relu9_9'"),
        (("--style", "missing.jpg"), "missing.jpg"),
    ],
)
def test_mistakes_are_told_before_anything_is_trained(
    tmp_path: Path, extra: tuple[str, ...], message: str
) -> None:
    result = run(tmp_path, "tv", *extra)
    assert result.exit_code in (1, 2)
    assert message in " ".join(result.output.split())
    assert not (tmp_path / "figure.cells").exists()
