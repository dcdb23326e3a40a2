"""`pastiche sweep` against a real daemon process: figures, tables, and going on after a kill."""

from __future__ import annotations

import csv
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from pastiche_client.paths import DataPaths
from pastiche_daemon.cli.sweep_grids import grids
from tests.contract.conftest import make_home
from tests.contract.daemons import end_daemons
from tests.contract.test_cli import names, pastiche, photo, succeeds
from tests.contract.test_optimize_cli import started
from tests.support.daemon_process import wait_until

QUICK = ("--encoder", "vgg19-quarter", "--steps", "2", "--size", "48", "--precision", "float32")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, packs: Path) -> Iterator[DataPaths]:
    paths = DataPaths(make_home(tmp_path_factory.mktemp("sweep") / "data", packs))
    yield paths
    end_daemons(paths)


@pytest.fixture
def pictures(tmp_path: Path) -> tuple[Path, Path]:
    return photo(tmp_path / "photo.png"), photo(tmp_path / "style.png", 40, 40)


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_sweep_makes_a_figure_and_a_table(home, pictures, tmp_path):
    figure = tmp_path / "sub" / "tv.png"
    result = pastiche(home, "sweep", "tv", *pictures, "-o", figure, "--values", "0,2,50", *QUICK)
    assert result.exit_code == 0, result.output
    assert "cell 3/3  50  loss" in result.stderr
    assert "0:00 left" in result.stderr
    rows = table(tmp_path / "sub" / "tv.csv")
    assert [row["column"] for row in rows] == ["0", "2", "50"]
    for row in rows:
        parts = sum(float(row[term]) for term in ("content", "style", "tv"))
        assert float(row["total"]) == pytest.approx(parts, rel=1e-4)
        assert (row["steps"], row["encoder"]) == ("2", "vgg19-quarter")
        with Image.open(figure.parent / row["picture"]) as picture:
            assert picture.size == (48, 36)
    assert float(rows[0]["tv"]) == 0 < float(rows[1]["tv"])
    with Image.open(figure) as sheet:
        assert sheet.width > 3 * 48
        assert sheet.height > 36


@pytest.mark.parametrize(
    ("grid", "arguments", "cells"),
    [
        ("alpha-beta", ["--values", "1e-4,1", "--rows", "conv1_1,conv3_1"], 4),
        ("content-layer", ["--values", "conv1_1,relu4_2"], 4),
        ("style-layers", ["--values", "relu1_1,relu5_1", "--rows", "style alone"], 2),
        ("encoder", ["--values", "vgg19-quarter"], 1),
        ("optimizer", [], 3),
        ("start", ["--values", "content,style,noise:0,noise:1"], 4),
    ],
)
def test_every_grid_has_cells_of_its_own(home, pictures, tmp_path, grid, arguments, cells):
    figure = tmp_path / "figure.png"
    succeeds(home, "sweep", grid, *pictures, "-o", figure, *QUICK, "--steps", "8", *arguments)
    rows = table(tmp_path / "figure.csv")
    assert len(rows) == cells
    assert len({(figure.parent / row["picture"]).read_bytes() for row in rows}) == cells


def test_all_grids_are_tested():
    assert set(grids()) == {
        *("alpha-beta", "content-layer", "style-layers", "encoder", "optimizer", "tv", "start"),
    }


def test_what_is_there_is_not_computed_again(home, pictures, tmp_path):
    figure = tmp_path / "tv.png"
    arguments = ["sweep", "tv", *pictures, "-o", figure, *QUICK]
    succeeds(home, *arguments, "--values", "0,2")
    first = figure.read_bytes()
    assert "use --force" in pastiche(home, *arguments, "--values", "0,2").stderr
    again = pastiche(home, *arguments, "--values", "0,2", "--force")
    assert "2 of 2 cells are there already" in again.stderr
    assert "cell 1/" not in again.stderr
    assert figure.read_bytes() == first
    more = pastiche(home, *arguments, "--values", "0,2,9", "--force")
    assert "2 of 3 cells are there already" in more.stderr
    assert "cell 1/1  9" in more.stderr
    # What decides the picture makes it another cell.
    for other in (["--steps", "3"], ["--seed", "4"], ["--size", "40"], ["--pooling", "average"]):
        changed = pastiche(home, *arguments, "--values", "0,2", "--force", *other)
        assert "there already" not in changed.stderr


def test_damaged_cells_are_computed_again(home, pictures, tmp_path):
    figure = tmp_path / "tv.png"
    arguments = ["sweep", "tv", *pictures, "-o", figure, "--values", "0,2,8", *QUICK]
    succeeds(home, *arguments)
    first = figure.read_bytes()
    one, two, _ = sorted((tmp_path / "tv.cells").glob("*.png"))
    one.write_bytes(one.read_bytes()[:-40])
    two.with_suffix(".json").write_text("{", "utf-8")
    result = pastiche(home, *arguments, "--force")
    assert "1 of 3 cells are there already" in result.stderr
    assert figure.read_bytes() == first


def test_it_goes_on_after_a_kill(home, pictures, tmp_path):
    figure, folder = tmp_path / "tv.png", tmp_path / "tv.cells"
    values = ",".join(str(value) for value in range(12))
    arguments = ["sweep", "tv", *pictures, "-o", figure, "--values", values, *QUICK]
    arguments += ["--steps", "40"]
    process = started(home, *arguments)
    wait_until(lambda: len(list(folder.glob("*.json"))) >= 2, "that two cells are done")
    process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    process.communicate(timeout=60)
    assert not figure.exists()
    done = {path: path.stat().st_mtime_ns for path in folder.glob("*.json")}
    assert 2 <= len(done) < 12
    result = pastiche(home, *arguments)
    assert result.exit_code == 0, result.output
    assert f"{len(done)} of 12 cells are there already" in result.stderr
    assert {path: path.stat().st_mtime_ns for path in done} == done
    assert len(table(tmp_path / "tv.csv")) == 12
    whole = tmp_path / "whole.png"
    succeeds(home, *(whole if part == figure else part for part in arguments))
    assert whole.read_bytes() == figure.read_bytes()


def test_layers_that_the_encoder_lacks_are_left_out_and_told(home, pictures, tmp_path):
    figure = tmp_path / "content.png"
    arguments = ["sweep", "content-layer", *pictures, "-o", figure, *QUICK]
    result = pastiche(home, *arguments, "--rows", "content alone", "--steps", "1")
    assert result.exit_code == 0, result.output
    assert "without conv5_2: vgg19-quarter has no layer 'conv5_2'; it has conv1_1" in result.stderr
    columns = [row["column"] for row in table(tmp_path / "content.csv")]
    assert columns == ["conv1_1", "conv2_1", "conv3_1", "conv4_2", "conv5_1"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tv", "--values", "0,x"], "'x' is not a number of at least 0"),
        (["tv", "--values", "-1"], "'-1' is not a number"),
        (["tv", "--values", "nan"], "'nan' is not a number"),
        (["tv", "--values", "1,,2"], "give values, separated by commas"),
        (["tv", "--values", "1,1"], "given twice"),
        (["content-layer", "--values", "conv5_2"], "has no layer 'conv5_2'; it has conv1_1"),
        (["style-layers", "--values", "conv3_2"], "not the first layer of a block"),
        (["style-layers", "--rows", "nonsense"], "no row of this grid"),
        (["optimizer", "--values", "newton"], "none of lbfgs, adam, sgd"),
        (["start", "--values", "noise:x"], "neither content, style, noise"),
        (["encoder"], "pastiche encoders fetch vgg11"),
        (["encoder", "--values", "vgg19-quarter,vgg16"], "pastiche encoders fetch vgg16"),
        (["encoder", "--values", "googlenet"], "googlenet is only for dreams"),
        (["tv", "--encoder", "vgg18"], "choose one of vgg11"),
        (["tv", "--style-layers", "relu9_1"], "has no layer 'relu9_1'"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
)
def test_mistakes_are_told_before_anything_is_written(home, pictures, tmp_path, arguments, message):
    before = names(tmp_path)
    figure = tmp_path / "figure.png"
    grid, *rest = arguments
    result = pastiche(home, "sweep", grid, *pictures, "-o", figure, *QUICK, *rest)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert names(tmp_path) == before


def test_pictures_are_not_overwritten(home, pictures, tmp_path):
    content, style = pictures
    before = content.read_bytes()
    result = pastiche(home, "sweep", "tv", content, style, "-o", content, "--force", *QUICK)
    assert "would be replaced" in result.stderr
    assert content.read_bytes() == before
    figure = tmp_path / "figure.jpg"
    result = pastiche(home, "sweep", "tv", content, style, "-o", figure, *QUICK)
    assert "must end in .png" in result.stderr
