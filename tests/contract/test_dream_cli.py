"""`pastiche dream` against a real daemon process."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pastiche_client.client import Client
from pastiche_client.paths import DataPaths
from tests.contract.conftest import make_home
from tests.contract.daemons import end_daemons
from tests.contract.test_cli import names, pastiche, photo, pixels_of, succeeds
from tests.contract.test_optimize_cli import difference, mask, started
from tests.support.daemon_process import wait_until

QUICK = ("--encoder", "vgg19-quarter", "--steps", "2", "--octaves", "1")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, packs: Path) -> Iterator[DataPaths]:
    paths = DataPaths(make_home(tmp_path_factory.mktemp("dream") / "data", packs))
    yield paths
    end_daemons(paths)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    return photo(tmp_path / "photo.png")


def test_dream_writes_a_picture_and_tells_how_it_went(home, content, tmp_path):
    target = tmp_path / "sub" / "out.png"
    result = pastiche(home, "dream", content, "-o", target, *QUICK)
    assert result.exit_code == 0, result.output
    assert re.search(r"out\.png  2 steps in .* s: relu5_1", result.stderr)
    assert pixels_of(target).shape == (36, 48, 3)
    assert difference(target, content).mean() > 0.5


def test_what_is_asked_for_makes_a_difference(home, content, tmp_path):
    guide = photo(tmp_path / "guide.png", 40, 30)
    variants = {
        "plain": [],
        "layers": ["--layers", "relu2_1,relu3_1:0.5"],
        "guided": ["--guide", guide],
        "small": ["--size", "40"],
        "weak": ["--strength", "0.4"],
        "more": ["--steps", "4"],
        "larger": ["--step-size", "0.02"],
        "unsmoothed": ["--smoothing", "none"],
        "laplacian": ["--smoothing", "laplacian"],
        "two levels": ["--smoothing", "laplacian", "--levels", "2"],
        "smoother": ["--sigma", "3"],
        "rms": ["--normalization", "rms"],
        "still": ["--jitter", "0"],
        "seeded": ["--seed", "4"],
        "average": ["--pooling", "average"],
    }
    pictures: dict[str, bytes] = {}
    for name, options in variants.items():
        target = tmp_path / f"{name}.png"
        succeeds(home, "dream", content, "-o", target, *QUICK, *options)
        pictures[name] = pixels_of(target).tobytes()
    same = {name for name, data in pictures.items() if list(pictures.values()).count(data) > 1}
    assert not same


def test_octaves_and_tiles(home, tmp_path):
    large = tmp_path / "large.png"
    with Image.open(photo(tmp_path / "small.png")) as small:
        small.resize((200, 150), Image.Resampling.BICUBIC).save(large)
    pictures: list[bytes] = []
    for index, options in enumerate(
        ([], ["--octaves", "2"], ["--octaves", "2", "--octave-scale", "2"], ["--tile", "128"])
    ):
        target = tmp_path / f"{index}.png"
        succeeds(home, "dream", large, "-o", target, *QUICK, *options)
        pictures.append(pixels_of(target).tobytes())
    assert len(set(pictures)) == 4


def test_a_mask_limits_it(home, content, tmp_path):
    target = tmp_path / "masked.png"
    left = mask(tmp_path / "left.png", 255, 0)
    succeeds(home, "dream", content, "--mask", left, "-o", target, *QUICK)
    changed = difference(target, content)
    assert changed[:, 24:].max() == 0
    assert changed[:, :24].mean() > 0.5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--layers", "relu9_1"], "it has conv1_1, relu1_1"),
        (["--layers", "relu1_1,relu1_1"], "given twice"),
        (["--layers", "relu1_1:x"], "must be a number"),
        (["--octaves", "17"], "--octaves"),
        (["--step-size", "nan"], "--step-size"),
        (["--encoder", "googlenet"], "pastiche encoders fetch googlenet"),
        (["--encoder", "alexnet"], "googlenet, inception_v3"),
        (["--guide", "{folder}/missing.png"], "missing.png: No such file"),
        (["--mask", "{folder}/tiny.png"], "must have the content's 48 x 36"),
        (["--guide", "{folder}/tiny.png"], "a guide needs at least 16"),
        (["-o", "{content}", "--force"], "would be replaced"),
        (["-o", "{folder}/tiny.png"], "use --force"),
    ],
)
def test_mistakes_are_told(home, content, tmp_path, arguments, message):
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "tiny.png")
    filled = [argument.format(content=content, folder=tmp_path) for argument in arguments]
    before = names(tmp_path)
    result = pastiche(home, "dream", content, "-o", tmp_path / "out.png", *QUICK, *filled)
    assert result.exit_code != 0
    assert message in " ".join(result.stderr.split())
    assert names(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl+C reaches the tests, too")
def test_ctrl_c_stops_and_keeps(home, content, tmp_path):
    succeeds(home, "dream", content, "-o", tmp_path / "a.png", *QUICK)
    target = tmp_path / "out.png"
    process = started(home, "dream", content, "-o", target, *QUICK, "--steps", "10000")

    def works() -> bool:
        with Client(home, start=False) as client:
            return client.info().running == 1

    wait_until(works, "that it works")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Ctrl+C again cancels" in errors
    assert "stopped, and kept as it stood" in errors
    assert pixels_of(target).shape == (36, 48, 3)
