"""``pastiche bench train``: the plain loop does what our training does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pastiche_daemon.bench.train import TrainBenchRequest, our_losses, plain_losses
from pastiche_daemon.cli.bench import bench
from tests.support.tiny_training import write_photographs


def request(folder: Path) -> TrainBenchRequest:
    photographs = write_photographs(folder / "photos")
    return TrainBenchRequest(
        photographs, photographs / "photo0.png", batch_size=2, crop_size=48, style_size=48
    )


def test_both_trainings_take_the_same_steps(tmp_path: Path) -> None:
    told = request(tmp_path)
    ours = our_losses(told, "float32", tmp_path / "run")
    plain = plain_losses(told)
    for step in range(4):
        got, wanted = next(ours), next(plain)
        # Adam's first steps are of full size in every direction, however small the gradient:
        # rounding grows from step to step.
        assert got == pytest.approx(wanted, rel=1e-4 if step == 0 else 2e-2), step


def test_the_table_has_both_and_tells_that_they_do_the_same(tmp_path: Path) -> None:
    photographs = request(tmp_path).photographs
    out = tmp_path / "train.json"
    arguments = ["train", "--photos", str(photographs), "--style", str(photographs / "photo0.png")]
    arguments += ["--batch-size", "1", "--crop", "32", "--rounds", "2", "--steps", "1"]
    result = CliRunner().invoke(bench, [*arguments, "--json", str(out)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    report = json.loads(out.read_text())
    rows = {row[0]: dict(zip(report["columns"], row, strict=True)) for row in report["rows"]}
    plain, ours = rows["plain loop"], rows["pastiche float32"]
    assert plain["times faster"] == plain["share of plain"] == 1
    assert ours["loss at the start"] == pytest.approx(plain["loss at the start"], rel=1e-3)
    for row in rows.values():
        assert row["images / s"] > 0
        assert row["peak MiB"] > 1
        assert row["least"] <= row["times faster"] <= row["most"]


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    photographs = request(tmp_path).photographs
    arguments = ["train", "--style", str(photographs / "photo0.png"), "--photos"]
    result = CliRunner().invoke(bench, [*arguments, str(tmp_path / "none")])
    assert result.exit_code == 1
    assert "is not a folder" in result.output
