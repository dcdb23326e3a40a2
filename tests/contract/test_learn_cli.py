"""`pastiche learn` and `pastiche trainings` against a real daemon process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from pastiche_client.client import Client
from pastiche_client.paths import DataPaths
from tests.contract.conftest import make_home
from tests.contract.daemons import end_daemons
from tests.contract.test_cli import pastiche, succeeds
from tests.support.daemon_process import wait_until
from tests.support.tiny_training import write_photographs

QUICK = ("--base", "tiny", "--crop", 64, "--style-size", 64)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, packs: Path) -> Iterator[DataPaths]:
    paths = DataPaths(make_home(tmp_path_factory.mktemp("learn") / "data", packs))
    yield paths
    end_daemons(paths)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_photographs(tmp_path_factory.mktemp("pictures") / "photos")


def endless(home: DataPaths, picture: Path, name: str) -> subprocess.Popen[str]:
    arguments = ["learn", picture, "--name", name, *QUICK, "--steps", "100000"]
    return subprocess.Popen(
        [sys.executable, "-m", "pastiche_daemon", *map(str, arguments)],
        env={**os.environ, "PASTICHE_HOME": str(home.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def makes_steps(home: DataPaths, name: str) -> bool:
    with Client(home) as client:
        return any(t.display_name == name and t.step for t in client.trainings())


def test_a_picture_becomes_a_style(home: DataPaths, pictures: Path, tmp_path: Path) -> None:
    output = succeeds(
        home, "learn", pictures / "photo0.png", "--photos", pictures, "--steps", 2, *QUICK
    )
    assert "Photo0 is learned: 2 steps" in output
    assert "pastiche stylize PHOTO --style photo0/photo0 -o OUTPUT" in output
    target = tmp_path / "out.png"
    succeeds(home, "stylize", pictures / "photo1.png", "--style", "photo0", "-o", target)
    with Image.open(target) as picture:
        assert picture.size == (64, 48)
    assert "3 photographs of the user's" in succeeds(
        home, "packs", "show", "photo0", "--provenance"
    )
    listed = succeeds(home, "trainings", "list")
    (row,) = re.findall(r"^(\S+) +Photo0 +done +2/2 +photo0/photo0", listed, re.MULTILINE)
    refused = pastiche(home, "trainings", "cancel", row)
    assert refused.exit_code == 1
    assert "pastiche packs remove photo0" in refused.output
    again = pastiche(home, "learn", pictures / "photo0.png", "--steps", 2, *QUICK)
    assert again.exit_code == 1
    assert "display_name: a pack 'photo0' is installed already" in again.output


def test_a_training_in_the_background(home: DataPaths, pictures: Path) -> None:
    output = succeeds(
        home,
        *("learn", pictures / "photo0.png", "--name", "Behind"),
        *("--steps", 100_000, "--background"),
        *QUICK,
    )
    training = re.findall(r"trainings follow (\S+)`", output)[0]
    wait_until(lambda: makes_steps(home, "Behind"), "a step")
    assert re.search(
        rf"{training} +Behind +learning +\d+/100000", succeeds(home, "trainings", "list")
    )
    assert "Behind is learned" in succeeds(home, "trainings", "finish", training)
    output = succeeds(
        home,
        *("learn", pictures / "photo0.png", "--name", "Never"),
        *("--minutes", 5, "--background"),
        *QUICK,
    )
    training = re.findall(r"trainings follow (\S+)`", output)[0]
    assert "Never: cancelled and removed" in succeeds(home, "trainings", "cancel", training)
    with Client(home) as client:
        wait_until(lambda: client.training(training).done, "the end")
        assert "never" not in {pack.id for pack in client.list_packs()}


@pytest.mark.skipif(sys.platform == "win32", reason="there Ctrl+C reaches the tests, too")
def test_ctrl_c_keeps_what_is_learned(home: DataPaths, pictures: Path) -> None:
    process = endless(home, pictures / "photo0.png", "Early")
    wait_until(lambda: makes_steps(home, "Early"), "a step")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert "Ctrl+C again cancels" in output
    assert "Early is learned" in output


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_a_training_goes_on_when_the_command_is_killed(home: DataPaths, pictures: Path) -> None:
    process = endless(home, pictures / "photo0.png", "Left Alone")
    wait_until(lambda: makes_steps(home, "Left Alone"), "a step")
    process.kill()
    process.communicate(timeout=60)
    with Client(home) as client:
        (training,) = [t for t in client.trainings() if t.display_name == "Left Alone"]
        before = client.training(training.name).step
        wait_until(lambda: client.training(training.name).step > before, "another step")
        client.cancel_training(training.name)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such.png"], "no-such.png: No such file"),
        (["PICTURE", "--photos", "no-such-folder"], "--photos: no-such-folder does not exist"),
        (["PICTURE", "--photos", "EMPTY"], "holds no picture"),
        (["PICTURE", "--minutes", "3", "--steps", "3"], "give one of them"),
        (["PICTURE", "--minutes", "nan"], "not a finite number"),
        (["PICTURE", "--minutes", "0"], "--minutes"),
        (["PICTURE", "--base", "nowhere"], "there is no pack 'nowhere'"),
        (["PICTURE", "--license", "all\nmine"], "license: must be an SPDX"),
    ],
)
def test_what_is_wrong_is_said(
    home: DataPaths, pictures: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    places = {"PICTURE": str(pictures / "photo0.png"), "EMPTY": str(tmp_path)}
    result = pastiche(home, "learn", "--name", "New", *(places.get(a, a) for a in arguments))
    assert result.exit_code in {1, 2}
    assert said in result.output
