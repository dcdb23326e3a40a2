"""`pastiche batch` against a real daemon process: folders, frames, videos, and going on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pastiche_client.paths import DataPaths
from tests.contract.conftest import make_home
from tests.contract.daemons import end_daemons
from tests.contract.test_cli import names, pastiche, photo, pixels_of, succeeds
from tests.contract.test_optimize_cli import started
from tests.support.daemon_process import wait_until

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, packs: Path) -> Iterator[DataPaths]:
    paths = DataPaths(make_home(tmp_path_factory.mktemp("batch") / "data", packs))
    yield paths
    end_daemons(paths)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    (folder / "sub").mkdir(parents=True)
    for number, name in enumerate(("a.png", "b.jpg", "sub/c.png")):
        photo(folder / name, 40 + number, 30)
    (folder / "note.txt").write_text("not a picture", "utf-8")
    return folder


def done(folder: Path) -> dict[str, dict[str, Any]]:
    """The finished records of a manifest, by target."""
    lines = (folder / "batch.jsonl").read_text("utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    return {record["target"]: record for record in records if "digest" in record}


def test_a_folder_is_made_as_single_pictures_are(home, photos, tmp_path):
    out = tmp_path / "out"
    arguments = ["--style", "one", "--strength", "0.8", "-o", out]
    result = pastiche(home, "batch", photos, "-r", *arguments)
    assert result.exit_code == 0, result.output
    assert "1 other files were passed over" in result.stderr
    assert "[3/3]" in result.stderr
    assert names(out) == ["a.png", "b.jpg", "batch.jsonl", "sub"]
    single = tmp_path / "single.png"
    succeeds(home, "stylize", photos / "sub/c.png", *arguments[:-1], single)
    assert (pixels_of(out / "sub/c.png") == pixels_of(single)).all()
    records = done(out)
    assert set(records) == {"a.png", "b.jpg", "sub/c.png"}
    assert records["a.png"]["source"] == str(photos / "a.png")
    assert records["a.png"]["styles"] == {"packs/tiny/styles/one": 1.0}
    assert records["a.png"]["pack_versions"] == {"tiny": "1.0.0"}
    assert records["a.png"]["strength"] == 0.8


def test_what_is_there_is_made_again_only_if_something_changed(home, photos, tmp_path):
    out = tmp_path / "out"
    arguments = ["batch", photos, "--style", "one", "-o", out]
    succeeds(home, *arguments)
    before = {name: (out / name).stat().st_mtime_ns for name in ("a.png", "b.jpg")}
    again = pastiche(home, *arguments)
    assert "2 of 2 pictures are there already" in again.stderr
    assert {name: (out / name).stat().st_mtime_ns for name in before} == before
    photo(photos / "a.png", 50, 30)
    assert "1 of 2 pictures are there already" in pastiche(home, *arguments).stderr
    with Image.open(out / "a.png") as picture:
        assert picture.size == (50, 30)
    (out / "b.jpg").unlink()
    assert "1 of 2 pictures are there already" in pastiche(home, *arguments).stderr
    assert "there already" not in pastiche(home, *arguments, "--strength", "0.5").stderr
    assert "there already" not in pastiche(home, *arguments, "--strength", "0.5", "-f").stderr


def test_styles_are_assigned_and_told(home, photos, tmp_path):
    each = tmp_path / "each"
    succeeds(home, "batch", photos, "--style", "tiny/*", "--assign", "each", "-o", each)
    assert {"a-one.png", "a-two.png", "b-one.jpg", "b-two.jpg"} < set(names(each))
    mixed = tmp_path / "mixed"
    arguments = ["--style", "tiny/*", "--assign", "random-mix", "--seed", "3"]
    succeeds(home, "batch", photos, *arguments, "-o", mixed, "--format", "png")
    shares = [record["styles"]["packs/tiny/styles/one"] for record in done(mixed).values()]
    assert len(shares) == len(set(shares)) == 2
    alone = tmp_path / "alone"
    succeeds(home, "batch", photos / "b.jpg", *arguments, "-o", alone, "--format", "png")
    assert (alone / "b.png").read_bytes() == (mixed / "b.png").read_bytes()


def test_numbered_frames_become_numbered_frames(home, tmp_path):
    for number in (8, 9, 10):
        photo(tmp_path / f"in_{number:04d}.png", 40, 30)
    target = tmp_path / "out" / "made_%03d.jpg"
    succeeds(home, "batch", tmp_path / "in_%04d.png", "--style", "one", "-o", target)
    assert names(tmp_path / "out") == [
        "batch.jsonl",
        "made_008.jpg",
        "made_009.jpg",
        "made_010.jpg",
    ]


def test_a_picture_that_cannot_be_read_stops_no_other(home, photos, tmp_path):
    (photos / "aa.png").write_bytes(b"no picture")
    out = tmp_path / "out"
    result = pastiche(home, "batch", photos, "--style", "one", "-o", out)
    assert result.exit_code == 1
    assert "aa.png: not a readable picture" in result.stderr
    assert "1 failed; the same command tries them again" in result.stderr
    assert names(out) == ["a.png", "b.jpg", "batch.jsonl"]
    photo(photos / "aa.png")
    repaired = pastiche(home, "batch", photos, "--style", "one", "-o", out)
    assert repaired.exit_code == 0
    assert "2 of 3 pictures are there already" in repaired.stderr


def test_it_goes_on_after_a_kill(home, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    for number in range(12):
        photo(folder / f"{number}.png", 320, 240 + number)
    arguments = ["batch", folder, "--style", "slow", "-o", out]
    process = started(home, *arguments)
    wait_until(lambda: len(list(out.glob("*.png"))) >= 2, "that two pictures are there")
    process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
    process.communicate(timeout=60)
    finished = {name: (out / name).stat().st_mtime_ns for name in done(out)}
    assert 1 <= len(finished) < 12
    # As a crash in the middle of a line leaves it.
    with (out / "batch.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"target": "9.p')
    result = pastiche(home, *arguments)
    assert result.exit_code == 0, result.output
    assert f"{len(finished)} of 12 pictures are there already" in result.stderr
    assert {name: (out / name).stat().st_mtime_ns for name in finished} == finished
    assert len(done(out)) == 12
    for number in range(12):
        with Image.open(out / f"{number}.png") as picture:
            assert picture.size == (320, 240 + number)
            picture.load()
    assert set(names(out)) == {"batch.jsonl", *(f"{number}.png" for number in range(12))}


def test_nothing_foreign_is_replaced(home, photos, tmp_path):
    out = tmp_path / "out"
    photo(out.parent / "keep.png")
    out.mkdir()
    shutil.copy(tmp_path / "keep.png", out / "a.png")
    before = (out / "a.png").read_bytes()
    refused = pastiche(home, "batch", photos, "--style", "one", "-o", out)
    assert refused.exit_code == 1
    assert "a.png exists already and is not of this batch" in refused.stderr
    assert names(out) == ["a.png"]
    assert (out / "a.png").read_bytes() == before
    itself = pastiche(home, "batch", photos, "--style", "one", "-o", photos)
    assert "is one of the sources" in itself.stderr
    clash = pastiche(home, "batch", photos, photos / "sub", "--style", "one", "-o", tmp_path / "x")
    assert clash.exit_code == 0, clash.output
    (tmp_path / "more").mkdir()
    photo(tmp_path / "more" / "a.png", 31, 31)
    same = pastiche(
        home, "batch", photos, tmp_path / "more", "--style", "one", "-o", tmp_path / "y"
    )
    assert "would both become a.png" in same.stderr
    assert not (tmp_path / "y").exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_ends_it(home, photos, tmp_path):
    out = tmp_path / "out"
    out.mkdir(mode=0o500)
    result = pastiche(home, "batch", photos, "--style", "one", "-o", out)
    assert result.exit_code == 1
    assert "out" in result.stderr


# Every file is cut at 4 kB, as a full disk would.
_LIMITED = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
from pastiche_daemon.cli import main
main()
"""


@pytest.mark.skipif(os.name != "posix", reason="limits of files are POSIX's")
def test_a_full_disk_ends_it_and_what_is_finished_stays(home, tmp_path):
    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    photo(folder / "1.png", 12, 12)
    photo(folder / "2.png", 120, 90)
    photo(folder / "3.png", 12, 12)
    succeeds(home, "packs", "list")  # the daemon has no such limit
    done_process = subprocess.run(
        [sys.executable, "-c", _LIMITED, "batch", folder, "--style", "one", "-o", out],
        env={**os.environ, "PASTICHE_HOME": str(home.root)},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done_process.returncode == 1
    assert "2.png: File too large" in done_process.stderr
    assert names(out) == ["1.png", "batch.jsonl"]
    result = pastiche(home, "batch", folder, "--style", "one", "-o", out)
    assert "1 of 3 pictures are there already" in result.stderr
    assert names(out) == ["1.png", "2.png", "3.png", "batch.jsonl"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "out.png"], "must be a folder"),
        (["-o", "out_%04d.png"], "has no number"),
        (["-o", "out", "--style", "nothing"], "there is no style"),
        (["-o", "out", "--assign", "shuffled"], "is not one of"),
        (["-o", "out", "--strength", "2"], "strength"),
    ],
)
def test_what_cannot_be_done_is_refused(home, photos, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    result = pastiche(home, "batch", photos, "--style", "one", *arguments)
    assert result.exit_code != 0
    assert message in result.stderr
    assert names(tmp_path) == ["photos"]


def film(folder: Path) -> Path:
    """A second of a moving picture with a tone."""
    for number in range(5):
        photo(folder / f"s{number}.png", 61, 41)
    path = folder / "film.mkv"
    subprocess.run(
        [
            *("ffmpeg", "-v", "error", "-framerate", "5", "-i", str(folder / "s%d.png")),
            *("-f", "lavfi", "-i", "sine=frequency=440:duration=1"),
            *("-c:v", "ffv1", "-c:a", "flac", str(path)),
        ],
        check=True,
    )
    return path


def streams(path: Path) -> list[dict[str, Any]]:
    command = ["ffprobe", "-v", "error", "-count_frames", "-show_streams", "-of", "json", str(path)]
    return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["streams"]


@needs_ffmpeg
def test_a_video_becomes_a_video_with_its_sound(home, tmp_path):
    source = film(tmp_path)
    target = tmp_path / "made.mkv"
    result = pastiche(home, "batch", source, "--style", "one", "-o", target, "--keep-frames")
    assert result.exit_code == 0, result.output
    video, sound = streams(target)
    assert (video["codec_type"], video["avg_frame_rate"]) == ("video", "5/1")
    assert (video["width"], video["height"], video["nb_read_frames"]) == (62, 42, "5")
    assert sound["codec_type"] == "audio"
    frames = tmp_path / "made.mkv.frames"
    succeeds(
        home, "stylize", frames / "source/000003.png", "--style", "one", "-o", tmp_path / "3.png"
    )
    assert (pixels_of(frames / "stylized/000003.png") == pixels_of(tmp_path / "3.png")).all()
    refused = pastiche(home, "batch", source, "--style", "one", "-o", target)
    assert "exists already" in refused.stderr
    again = pastiche(home, "batch", source, "--style", "one", "-o", target, "-f")
    assert "5 of 5 pictures are there already" in again.stderr
    assert not frames.exists()


@needs_ffmpeg
def test_a_video_that_is_none_is_refused(home, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video at all")
    result = pastiche(home, "batch", broken, "--style", "one", "-o", tmp_path / "out.mp4")
    assert result.exit_code == 1
    assert "broken.mp4" in result.stderr
    assert names(tmp_path) == ["broken.mp4"]


def test_without_ffmpeg_videos_are_refused_with_advice(home, tmp_path, monkeypatch):
    source = tmp_path / "film.mp4"
    source.write_bytes(b"")
    pastiche(home, "status")
    monkeypatch.setattr("pastiche_daemon.cli.video.shutil.which", lambda _: None)
    result = pastiche(home, "batch", source, "--style", "one", "-o", tmp_path / "out.mp4")
    assert result.exit_code == 1
    assert "install ffmpeg" in result.stderr
