"""`pastiche optimize`, `reconstruct` and `encoders` against a real daemon process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pastiche_client.client import Client
from pastiche_client.paths import DataPaths
from pastiche_daemon.packs.files import PART_SUFFIX
from tests.contract.conftest import make_home
from tests.contract.daemons import end_daemons
from tests.contract.test_cli import names, pastiche, photo, pixels_of, succeeds
from tests.support.daemon_process import wait_until
from tests.support.tiny_training import write_encoder

QUICK = ("--encoder", "vgg19-quarter", "--optimizer", "adam", "--steps", "3", "--scales", "1")
FROM_NOISE = QUICK[:-2]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, packs: Path) -> Iterator[DataPaths]:
    paths = DataPaths(make_home(tmp_path_factory.mktemp("optimize") / "data", packs))
    yield paths
    end_daemons(paths)


@pytest.fixture
def content(tmp_path: Path) -> Path:
    return photo(tmp_path / "photo.png")


@pytest.fixture
def style(tmp_path: Path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 3)).astype(np.uint8)
    path = tmp_path / "style.png"
    Image.fromarray(pixels).resize((40, 36), Image.Resampling.BICUBIC).save(path)
    return path


def mask(path: Path, left: int, right: int) -> Path:
    pixels = np.full((36, 48), right, np.uint8)
    pixels[:, :24] = left
    Image.fromarray(pixels).save(path)
    return path


def difference(first: Path, second: Path) -> np.ndarray:
    return np.abs(pixels_of(first).astype(int) - pixels_of(second)).mean(axis=2)


def test_optimize_writes_a_picture_and_tells_how_it_went(home, content, style, tmp_path):
    target = tmp_path / "sub" / "out.png"
    result = pastiche(home, "optimize", content, "--style", style, "-o", target, *QUICK)
    assert result.exit_code == 0, result.output
    assert re.search(r"out\.png  3 steps in .* s, loss .*: all steps were made", result.stderr)
    assert pixels_of(target).shape == (36, 48, 3)
    assert difference(target, content).mean() > 1


def test_what_is_asked_for_makes_a_difference(home, content, style, tmp_path):
    other = photo(tmp_path / "other.png", 40, 40)
    variants: dict[str, Sequence[object]] = {
        "plain": [],
        "two": ["--style", other],
        "weighted": ["--style", f"{other}:0.2"],
        "layers": ["--style-layers", "conv1_1,conv2_1:0.5"],
        "content": ["--content-weight", "5", "--content-layers", "relu2_2"],
        "smooth": ["--tv-weight", "0.5", "--tv-exponent", "1"],
        "moments": ["--statistic", "moments", "--distance", "l1", "--normalization", "gatys"],
        "average": ["--pooling", "average"],
        "precise": ["--precision", "float32"],
        "small": ["--size", "40"],
        "large style": ["--style-scale", "2"],
        "grey": ["--colors", "luminance"],
        "noise": ["--start", "noise"],
        "seeded": ["--start", "noise", "--seed", "9"],
        "file": ["--start", other],
        "pack": ["--start", "tiny/one"],
        "weak": ["--strength", "0.3"],
        "sgd": ["--optimizer", "sgd"],
        "pixels": ["--variables", "pixels"],
        "fast": ["--learning-rate", "0.005"],
        "two steps": ["--steps", "2", "--max-seconds", "60", "--tolerance", "0.1", "--free-pixels"],
    }
    pictures: dict[str, bytes] = {}
    for name, options in variants.items():
        target = tmp_path / f"{name}.png"
        arguments = ["optimize", content, "--style", style, "-o", target, *QUICK, *options]
        succeeds(home, *arguments)
        pictures[name] = pixels_of(target).tobytes()
    same = {name for name, data in pictures.items() if list(pictures.values()).count(data) > 1}
    assert not same


def test_masks_and_regions_limit_it(home, content, style, tmp_path):
    target = tmp_path / "masked.png"
    left = mask(tmp_path / "left.png", 255, 0)
    succeeds(home, "optimize", content, "--style", style, "--mask", left, "-o", target, *QUICK)
    changed = difference(target, content)
    assert changed[:, 24:].max() == 0
    assert changed[:, :24].mean() > 1
    pictures: list[bytes] = []
    for name, region in (("r.png", left), ("l.png", mask(tmp_path / "right.png", 0, 255))):
        target = tmp_path / name
        regions = ["--region", region, "--region", "-"]
        styles = ["--style", style, "--style", photo(tmp_path / "b.png")]
        succeeds(home, "optimize", content, *styles, *regions, "-o", target, *QUICK)
        pictures.append(pixels_of(target).tobytes())
    assert pictures[0] != pictures[1]


def test_a_colon_may_be_in_a_files_name(home, content, tmp_path):
    style = tmp_path / "odd:2.png"
    photo(tmp_path / "plain.png").rename(style)
    target = tmp_path / "out.png"
    succeeds(home, "optimize", content, "--style", style, "-o", target, *QUICK)
    assert target.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--style", "{style}:x"], "after the colon must be a number"),
        (["--style", "{style}:-1"], "after the colon must be a number"),
        (["--style", "{style}:nan"], "after the colon must be a number"),
        (["--style", "{folder}/missing.png"], "missing.png: No such file"),
        ([], "--style"),
        (["--style", "{style}", "--region", "-", "--region", "-"], "give one for every --style"),
        (["--style", "{style}", "--region", "{style}"], "must have the content's 48 x 36"),
        (["--style", "{style}", "--style-layers", "conv9_9"], "it has conv1_1, relu1_1"),
        (["--style", "{style}", "--style-layers", "conv1_1,conv1_1"], "given twice"),
        (["--style", "{style}", "--style-layers", ""], "name layers"),
        (["--style", "{style}", "--encoder", "vgg18"], "choose one of vgg11"),
        (["--style", "{style}", "--encoder", "vgg16"], "pastiche encoders fetch vgg16"),
        (["--style", "{style}", "--start", "nonsense"], "neither content, style nor noise"),
        (["--style", "{style}", "--style-weight", "-1"], "--style-weight"),
        (["--style", "{style}", "--tv-weight", "nan"], "--tv-weight"),
        (["--style", "{style}", "-o", "{content}", "--force"], "would be replaced"),
        (["--style", "{style}", "-o", "{folder}/out.bmp"], "must end in"),
        (["--style", "{style}", "-o", "{style}"], "would be replaced"),
    ],
)
def test_mistakes_are_told(home, content, style, tmp_path, arguments, message):
    filled = [
        argument.format(style=style, content=content, folder=tmp_path) for argument in arguments
    ]
    before = names(tmp_path)
    result = pastiche(home, "optimize", content, "-o", tmp_path / "out.png", *QUICK, *filled)
    assert result.exit_code != 0
    assert message in " ".join(result.stderr.split())
    assert names(tmp_path) == before


def test_files_are_not_replaced_without_force(home, content, style, tmp_path):
    target = tmp_path / "out.png"
    target.write_bytes(b"precious")
    arguments = ["optimize", content, "--style", style, "-o", target, *QUICK]
    assert "use --force" in pastiche(home, *arguments).stderr
    assert target.read_bytes() == b"precious"
    succeeds(home, *arguments, "--force")
    assert pixels_of(target).shape == (36, 48, 3)


def test_content_is_reconstructed_from_a_layer(home, content, tmp_path):
    target = tmp_path / "seen.png"
    quick = ("--encoder", "vgg19-quarter", "--steps", "60", "--precision", "float32")
    succeeds(home, "reconstruct", "content", content, "--layer", "relu1_1", "-o", target, *quick)
    assert difference(target, content).mean() < 25
    result = pastiche(home, "reconstruct", "content", content, "--layer", "x", "-o", target, "-f")
    assert result.exit_code == 1


def test_textures_have_any_size(home, style, tmp_path):
    target = tmp_path / "texture.png"
    succeeds(home, "reconstruct", "style", style, "-o", target, "--up-to", "conv3_1", *FROM_NOISE)
    assert pixels_of(target).shape == (36, 40, 3)
    wide = tmp_path / "wide.png"
    size = ("--width", "90", "--height", "48")
    arguments = ["reconstruct", "style", style, "-o", wide, *size, *FROM_NOISE]
    succeeds(home, *arguments, "--layers", "relu1_1,relu2_1:0.5")
    assert pixels_of(wide).shape == (48, 90, 3)
    result = pastiche(home, *arguments, "--up-to", "conv3_2", "--force")
    assert "the first layer of a block" in result.stderr


def started(home: DataPaths, *arguments: object) -> subprocess.Popen[str]:
    """A `pastiche` command that runs."""
    return subprocess.Popen(
        [sys.executable, "-m", "pastiche_daemon", *map(str, arguments)],
        env={**os.environ, "PASTICHE_HOME": str(home.root)},
        stderr=subprocess.PIPE,
        text=True,
    )


def endless(home: DataPaths, content: Path, style: Path, target: Path) -> subprocess.Popen[str]:
    arguments = ["optimize", content, "--style", style, "-o", target, *QUICK]
    return started(home, *arguments, "--steps", "100000")


def works(home: DataPaths) -> bool:
    with Client(home, start=False) as client:
        return client.info().running == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl+C reaches the tests, too")
def test_ctrl_c_stops_and_keeps(home, content, style, tmp_path):
    succeeds(home, "encoders", "list")
    target = tmp_path / "out.png"
    succeeds(home, "optimize", content, "--style", style, "-o", tmp_path / "a.png", *QUICK)
    process = endless(home, content, style, target)
    wait_until(lambda: works(home), "that it works")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "Ctrl+C again cancels" in errors
    assert "stopped, and kept as it stood" in errors
    assert pixels_of(target).shape == (36, 48, 3)


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl+C reaches the tests, too")
def test_a_second_ctrl_c_cancels(home, content, style, tmp_path):
    # Another call holds the device, so that the stop has nothing to keep yet.
    succeeds(home, "optimize", content, "--style", style, "-o", tmp_path / "a.png", *QUICK)
    blocker = endless(home, content, style, tmp_path / "b.png")
    wait_until(lambda: works(home), "that it works")
    target = tmp_path / "out.png"
    process = endless(home, content, style, target)
    with Client(home, start=False) as client:
        wait_until(lambda: client.info().waiting == 1, "that it waits")
    process.send_signal(signal.SIGINT)
    told = threading.Event()
    lines: list[str] = []
    assert process.stderr is not None

    def read() -> None:
        assert process.stderr is not None
        for line in process.stderr:
            lines.append(line)
            if "again cancels" in line:
                told.set()

    reader = threading.Thread(target=read)
    reader.start()
    assert told.wait(60)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    reader.join()
    process.stderr.close()
    assert "Cancelled." in "".join(lines)
    assert not target.exists()
    blocker.send_signal(signal.SIGINT)
    blocker.communicate(timeout=60)
    wait_until(lambda: not works(home), "that the device is free")


def test_encoders_are_listed_added_and_removed(tmp_path):
    home = DataPaths(tmp_path / "home")
    file = write_encoder(tmp_path / "weights.safetensors")
    assert re.search(r"vgg19-quarter +not on this computer", succeeds(home, "encoders", "list"))
    path = Path(succeeds(home, "encoders", "add", "vgg19-quarter", file).strip())
    assert path == home.root / "encoders" / "vgg19-quarter.safetensors"
    assert re.search(r"vgg19-quarter +added +relu5_1", succeeds(home, "encoders", "list"))
    result = pastiche(home, "encoders", "add", "vgg19-quarter", file)
    assert "use --force" in result.stderr
    succeeds(home, "encoders", "add", "vgg19-quarter", file, "--force")
    assert not [name for name in names(path.parent) if name.endswith(PART_SUFFIX)]
    succeeds(home, "encoders", "remove", "vgg19-quarter")
    assert names(path.parent) == []
    for arguments, message in (
        (["remove", "vgg19-quarter"], "was not fetched or added"),
        (["remove", "vgg18"], "choose one of vgg11"),
        (["add", "vgg19", file], "conv1_1.weight has shape"),
        (["add", "vgg19", tmp_path / "missing"], "does not exist"),
        (["fetch", "compact"], "torchvision has no weights"),
        (["fetch", "vgg18"], "choose one of vgg11"),
    ):
        result = pastiche(home, "encoders", *arguments)
        assert result.exit_code == 1
        assert message in result.stderr
