"""`pastiche demo` from end to end: command line, client, daemon process, network."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import pastiche_daemon.packs
from pastiche_client.client import Client
from pastiche_client.errors import DaemonNotRunningError
from pastiche_client.paths import DataPaths
from pastiche_daemon.packs.archive import read_pack
from tests.support.tiny_pack import write_tiny_pack

STYLES = ("one", "two")


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[DataPaths]:
    """A data folder of its own with a tiny pack; a daemon that was left running is stopped."""
    found = DataPaths(tmp_path / "data")
    found.packs.mkdir(parents=True)
    write_tiny_pack(found.packs / "tiny-1.0.0.pastiche", styles=STYLES)
    yield found
    if runs(found):
        with Client(found, start=False) as client:
            client.stop_daemon()


def runs(paths: DataPaths) -> bool:
    try:
        Client.connect(paths, start=False).close()
    except DaemonNotRunningError:
        return False
    return True


def demo(paths: DataPaths, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pastiche_daemon", "demo", *arguments],
        cwd=paths.root.parent,
        env={**os.environ, "PASTICHE_HOME": str(paths.root), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )


def photograph(path: Path, size: tuple[int, int]) -> Path:
    samples = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(samples).save(path)
    return path


def test_it_stylizes_its_own_photograph_and_leaves_no_daemon(paths: DataPaths) -> None:
    done = demo(paths, "--style", "tiny/one", "--style", "two")
    assert done.returncode == 0, done.stderr
    folder = paths.root.parent / "pastiche-demo"
    assert {path.name for path in folder.iterdir()} == {
        "contact-sheet.png",
        "tiny-one.png",
        "tiny-two.png",
    }
    pictures = [np.asarray(Image.open(folder / f"tiny-{style}.png")) for style in STYLES]
    assert {picture.shape for picture in pictures} == {(300, 451, 4)}
    assert all((picture[:, :, 3] == 255).all() for picture in pictures)
    assert not np.array_equal(pictures[0], pictures[1])
    with Image.open(folder / "contact-sheet.png") as sheet:
        assert sheet.width > 3 * 256
    assert str(folder / "contact-sheet.png") in done.stdout
    for label in ("One", "Two"):
        assert label in done.stdout
    assert not runs(paths)


def test_it_shows_every_built_in_style_and_no_installed_one(paths: DataPaths) -> None:
    built_in = Path(pastiche_daemon.packs.__file__).parent / "builtin"
    styles = {
        f"{pack.manifest.id}-{style.id}.png"
        for pack in map(read_pack, built_in.glob("*.pastiche"))
        for style in pack.manifest.styles
    }
    assert styles, f"{built_in} holds no pack"
    photo = photograph(paths.root.parent / "mine.png", (64, 48))
    done = demo(paths, "--photo", str(photo))
    assert done.returncode == 0, done.stderr
    written = {path.name for path in (paths.root.parent / "pastiche-demo").iterdir()}
    assert written == styles | {"contact-sheet.png"}


def test_it_takes_a_photograph_and_a_running_daemon_and_leaves_both(paths: DataPaths) -> None:
    photo = photograph(paths.root.parent / "mine.png", (40, 30))
    before = photo.read_bytes()
    with Client.connect(paths) as client:
        running = client.info().instance_id
    done = demo(paths, "--photo", str(photo), "--output", "new/folder", "--style", "tiny/two")
    assert done.returncode == 0, done.stderr
    with Image.open(paths.root.parent / "new" / "folder" / "tiny-two.png") as picture:
        assert picture.size == (40, 30)
        assert picture.mode == "RGBA"
    assert photo.read_bytes() == before
    with Client.connect(paths, start=False) as client:
        assert client.info().instance_id == running


def test_it_does_not_replace_the_photograph(paths: DataPaths) -> None:
    folder = paths.root.parent / "own"
    folder.mkdir()
    photo = photograph(folder / "tiny-one.png", (8, 8))
    before = photo.read_bytes()
    done = demo(paths, "--photo", str(photo), "--output", str(folder), "--style", "tiny/one")
    assert done.returncode == 2
    assert "would be replaced" in done.stderr
    assert photo.read_bytes() == before
    assert not runs(paths)


def test_mistakes_are_said_in_a_line(paths: DataPaths) -> None:
    unknown = demo(paths, "--style", "tiny/three")
    assert unknown.returncode == 2
    assert "three" in unknown.stderr
    damaged = paths.root.parent / "damaged.jpg"
    damaged.write_bytes(b"no picture")
    refused = demo(paths, "--photo", str(damaged))
    assert refused.returncode == 1
    assert "damaged.jpg" in refused.stderr
    assert "Traceback" not in unknown.stderr + refused.stderr
    assert not runs(paths)
