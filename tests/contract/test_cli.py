"""The command line against a real daemon process."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from click.testing import CliRunner, Result
from PIL import Image

from pastiche_client.client import Client
from pastiche_client.images import layer_to_array
from pastiche_client.paths import DataPaths
from pastiche_client.runtime_file import RuntimeInfo, write_runtime_file
from pastiche_daemon import __version__
from pastiche_daemon.cli import cli
from pastiche_daemon.cli.imagefile import read_picture
from tests.contract.conftest import make_home
from tests.contract.daemons import end_daemons
from tests.support.daemon_process import wait_until
from tests.support.tiny_pack import write_tiny_pack


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, packs: Path) -> Iterator[DataPaths]:
    """One data folder for all tests that leave its daemon as it was; commands start it."""
    paths = DataPaths(make_home(tmp_path_factory.mktemp("cli") / "data", packs))
    yield paths
    end_daemons(paths)


@pytest.fixture
def own_paths(own_home: Path) -> Iterator[DataPaths]:
    """A data folder for tests that stop or damage something."""
    paths = DataPaths(own_home)
    yield paths
    end_daemons(paths)


def pastiche(home: DataPaths, *arguments: object) -> Result:
    result = CliRunner().invoke(
        cli, [str(argument) for argument in arguments], env={"PASTICHE_HOME": str(home.root)}
    )
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def succeeds(home: DataPaths, *arguments: object) -> str:
    result = pastiche(home, *arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def stylize_command(source: Path, target: Path, style: str = "one") -> list[str]:
    module = [sys.executable, "-m", "pastiche_daemon"]
    return [*module, "stylize", str(source), "--style", style, "-o", str(target)]


def photo(path: Path, width: int = 48, height: int = 36) -> Path:
    y, x = np.mgrid[0:height, 0:width]
    pixels = np.stack([x * 5 % 256, y * 7 % 256, (x + y) * 3 % 256], axis=2).astype(np.uint8)
    Image.fromarray(pixels).save(path, quality=95)
    return path


def pixels_of(path: Path) -> np.ndarray[Any, Any]:
    return layer_to_array(read_picture(path).layer)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_stylize_starts_the_daemon_and_writes_a_picture(
    own_paths: DataPaths, tmp_path: Path
) -> None:
    source = photo(tmp_path / "photo.jpg")
    target = tmp_path / "out.png"
    result = pastiche(own_paths, "stylize", source, "--style", "one", "-o", target)
    assert result.exit_code == 0, result.output
    assert f"{source} -> {target}" in result.stderr
    assert result.stderr.rstrip().endswith(" s")
    before, after = pixels_of(source), pixels_of(target)
    assert after.shape == before.shape
    assert np.abs(after.astype(int) - before).mean() > 5
    assert json.loads(succeeds(own_paths, "status", "--json"))["running"] is not False


def test_the_styles_of_a_pack_differ_and_can_be_mixed(home: DataPaths, tmp_path: Path) -> None:
    source = photo(tmp_path / "photo.png")
    for name, styles in {
        "one": ["one"],
        "two": ["tiny/two"],
        "mix": ["one:0.5", "packs/tiny/styles/two:0.5"],
        "alone": ["one:3", "two:0"],
    }.items():
        arguments = [part for style in styles for part in ("--style", style)]
        succeeds(home, "stylize", source, *arguments, "-o", tmp_path / f"{name}.png")
    one, two, mix, alone = (
        pixels_of(tmp_path / f"{name}.png").astype(int) for name in ("one", "two", "mix", "alone")
    )
    assert np.abs(one - two).mean() > 2
    assert np.abs(mix - one).mean() > 0.5
    assert np.abs(mix - two).mean() > 0.5
    assert np.abs(alone - one).max() <= 1


def test_strength_0_is_the_photo_bit_for_bit(home: DataPaths, tmp_path: Path) -> None:
    source = photo(tmp_path / "photo.png")
    target = tmp_path / "out.png"
    succeeds(home, "stylize", source, "--style", "one", "--strength", 0, "-o", target)
    np.testing.assert_array_equal(pixels_of(target), pixels_of(source))


def test_preserved_colors_keep_grey_grey(home: DataPaths, tmp_path: Path) -> None:
    source = tmp_path / "grey.png"
    Image.fromarray(np.arange(1024, dtype=np.uint32).reshape(32, 32).astype(np.uint8)).save(source)
    for name, options in {"free": [], "kept": ["--preserve-colors"]}.items():
        target = tmp_path / f"{name}.png"
        succeeds(home, "stylize", source, "--style", "one", *options, "-o", target)
    spread = {
        name: int(np.ptp(pixels_of(tmp_path / f"{name}.png").astype(int), axis=2).max())
        for name in ("free", "kept")
    }
    assert spread["free"] > 10
    assert spread["kept"] <= 2


def test_the_size_of_the_strokes_matters(home: DataPaths, tmp_path: Path) -> None:
    source = photo(tmp_path / "photo.png", 64, 64)
    for size in (1, 2):
        target = tmp_path / f"{size}.png"
        succeeds(home, "stylize", source, "--style", "one", "--stroke-size", size, "-o", target)
    difference = pixels_of(tmp_path / "1.png").astype(int) - pixels_of(tmp_path / "2.png")
    assert np.abs(difference).mean() > 0.5


@pytest.mark.parametrize("name", ["deep.png", "deep.tif"])
def test_sixteen_bits_and_alpha_are_kept(home: DataPaths, tmp_path: Path, name: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 65535, (24, 32, 4)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", pixels, photometric="rgb", extrasamples=["unassalpha"])
    target = tmp_path / name
    succeeds(home, "stylize", tmp_path / "in.tif", "--style", "one", "-o", target)
    after = pixels_of(target)
    assert after.dtype == np.uint16
    np.testing.assert_array_equal(after[:, :, 3], pixels[:, :, 3])
    assert np.abs(after[:, :, :3].astype(int) - pixels[:, :, :3]).mean() > 1000
    assert len(np.unique(after[:, :, :3] % 257)) > 100, "8 bits would be multiples of 257"


def test_several_photos_go_into_a_folder(home: DataPaths, tmp_path: Path) -> None:
    sources = [photo(tmp_path / name) for name in ("a.jpg", "b.webp", "c.tif")]
    folder = tmp_path / "stylized"
    result = pastiche(home, "stylize", *sources, "--style", "one", "-o", folder)
    assert result.exit_code == 0, result.output
    assert names(folder) == ["a.jpg", "b.webp", "c.tif"]
    assert "[3/3]" in result.stderr


def test_without_an_output_it_goes_beside_the_photo(home: DataPaths, tmp_path: Path) -> None:
    source = photo(tmp_path / "photo.png")
    before = source.read_bytes()
    succeeds(home, "stylize", source, "--style", "tiny/one", "--style", "two:2")
    assert names(tmp_path) == ["photo-one+two.png", "photo.png"]
    assert source.read_bytes() == before


def test_a_bad_photo_does_not_stop_the_others(home: DataPaths, tmp_path: Path) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    sources = [photo(tmp_path / "a.jpg"), bad, tmp_path / "missing.jpg", photo(tmp_path / "z.jpg")]
    folder = tmp_path / "out"
    result = pastiche(home, "stylize", *sources, "--style", "one", "-o", folder)
    assert result.exit_code == 1
    assert names(folder) == ["a.jpg", "z.jpg"]
    assert f"Error: {bad}: " in result.stderr
    assert f"Error: {tmp_path / 'missing.jpg'}: No such file" in result.stderr
    assert "2 of 4 photos failed" in result.stderr


def test_files_are_not_replaced_without_force(home: DataPaths, tmp_path: Path) -> None:
    source = photo(tmp_path / "photo.png")
    target = tmp_path / "out.png"
    target.write_bytes(b"precious")
    result = pastiche(home, "stylize", source, "--style", "one", "-o", target)
    assert result.exit_code == 2
    assert "exists already; use --force" in result.stderr
    assert target.read_bytes() == b"precious"
    succeeds(home, "stylize", source, "--style", "one", "-o", target, "--force")
    assert pixels_of(target).shape == pixels_of(source).shape


def usage_errors(folder: Path) -> dict[str, tuple[Sequence[object], str]]:
    a, b = folder / "a.jpg", folder / "sub" / "a.jpg"
    return {
        "itself": (["stylize", a, "--style", "one", "-o", a, "--force"], "would be replaced"),
        "clash": (["stylize", a, b, "--style", "one", "-o", folder / "out"], "would both become"),
        "one file": (["stylize", a, b, "--style", "one", "-o", folder / "o.png"], "be a folder"),
        "suffix": (["stylize", a, "--style", "one", "-o", folder / "o.bmp"], "must end in"),
        "strength": (["stylize", a, "--style", "one", "--strength", "1.5"], "--strength"),
        "nan": (["stylize", a, "--style", "one", "--strength", "nan"], "--strength"),
        "strokes": (["stylize", a, "--style", "one", "--stroke-size", "9"], "--stroke-size"),
        "style": (["stylize", a, "--style", "noe"], "Did you mean one?"),
        "no style": (["stylize", a], "--style"),
        "no photo": (["stylize", "--style", "one"], "PHOTOS"),
        "tls": (["serve", "--tls-key", a], "belong together"),
    }


@pytest.mark.parametrize("case", list(usage_errors(Path())))
def test_a_wrong_command_says_what_is_wrong(home: DataPaths, tmp_path: Path, case: str) -> None:
    (tmp_path / "sub").mkdir()
    photo(tmp_path / "a.jpg")
    photo(tmp_path / "sub" / "a.jpg")
    arguments, message = usage_errors(tmp_path)[case]
    result = pastiche(home, *arguments)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert "Traceback" not in result.stderr
    assert names(tmp_path) == ["a.jpg", "sub"]


def test_ctrl_c_cancels_and_leaves_nothing(own_paths: DataPaths, tmp_path: Path) -> None:
    source = photo(tmp_path / "photo.png", 1024, 1024)
    with Client(own_paths) as client:
        client.info()
        process = subprocess.Popen(
            stylize_command(source, tmp_path / "out.png", "slow"),
            env={**os.environ, "PASTICHE_HOME": str(own_paths.root)},
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            wait_until(lambda: client.info().running == 1)
            process.send_signal(signal.SIGINT)
            _, stderr = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
        assert process.returncode == 130, stderr
        assert "Cancelled." in stderr
        assert "Traceback" not in stderr
        assert names(tmp_path) == ["home", "photo.png"]
        wait_until(lambda: client.info().running == 0)


def test_status_and_stop(own_paths: DataPaths) -> None:
    result = pastiche(own_paths, "status")
    assert result.exit_code == 1
    assert "No Pastiche daemon runs" in result.stdout
    assert json.loads(pastiche(own_paths, "status", "--json").stdout) == {"running": False}
    assert "No Pastiche daemon runs" in succeeds(own_paths, "stop")

    with Client.connect(own_paths) as client:
        info = client.info()
    shown = succeeds(own_paths, "status")
    assert f"{__version__}, process {info.pid}" in shown
    assert str(own_paths.log_file) in shown
    as_json = json.loads(succeeds(own_paths, "status", "--json"))
    assert as_json["pid"] == info.pid
    assert "token" not in as_json

    assert "has stopped" in succeeds(own_paths, "stop")
    assert pastiche(own_paths, "status").exit_code == 1


def test_packs_are_listed_and_shown(home: DataPaths) -> None:
    listed = succeeds(home, "packs", "list")
    assert "tiny" in listed
    assert "CC0-1.0" in listed
    styles = succeeds(home, "packs", "list", "--styles")
    assert "tiny/one" in styles
    assert "tiny/two" in styles
    shown = succeeds(home, "packs", "show", "tiny")
    assert "tiny 1.0.0" in shown
    assert "two" in shown
    assert json.loads(succeeds(home, "packs", "show", "tiny", "--provenance"))["steps"] == 0
    unknown = pastiche(home, "packs", "show", "nothing")
    assert unknown.exit_code == 1
    assert "nothing" in unknown.stderr


def test_packs_are_installed_exported_and_removed(own_paths: DataPaths, tmp_path: Path) -> None:
    file = write_tiny_pack(tmp_path / "extra.pastiche", pack_id="extra", styles=("three",))
    assert "Installed extra 1.0.0" in pastiche(own_paths, "packs", "install", file).stderr
    assert "extra/three" in succeeds(own_paths, "packs", "list", "--styles")

    again = pastiche(own_paths, "packs", "install", file)
    assert again.exit_code == 1
    assert "--replace" in again.stderr
    succeeds(own_paths, "packs", "install", file, "--replace")

    copy = tmp_path / "copy.pastiche"
    assert str(copy) in succeeds(own_paths, "packs", "export", "extra", "-o", copy)
    assert copy.read_bytes() == file.read_bytes()
    refused = pastiche(own_paths, "packs", "export", "extra", "-o", copy)
    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    succeeds(own_paths, "packs", "export", "extra", "-o", copy, "--force")

    succeeds(own_paths, "packs", "remove", "extra")
    assert "extra" not in succeeds(own_paths, "packs", "list")
    gone = pastiche(own_paths, "packs", "remove", "extra")
    assert gone.exit_code == 1
    assert "extra" in gone.stderr
    assert names(tmp_path) == ["copy.pastiche", "extra.pastiche", "home"]


@pytest.mark.parametrize("kind", ["truncated", "empty", "text", "missing"])
def test_a_bad_pack_is_neither_verified_nor_installed(
    home: DataPaths, tmp_path: Path, kind: str
) -> None:
    file = write_tiny_pack(tmp_path / "bad.pastiche", pack_id="bad")
    content = file.read_bytes()
    if kind == "missing":
        file.unlink()
    else:
        file.write_bytes({"truncated": content[:-500], "empty": b"", "text": b"hello"}[kind])
    before = names(home.packs)
    for command in ("verify", "install"):
        result = pastiche(home, "packs", command, file)
        assert result.exit_code == 1, result.output
        assert "Traceback" not in result.stderr
        assert result.stderr.strip()
    assert names(home.packs) == before


def test_verify_names_the_bad_ones(home: DataPaths, tmp_path: Path) -> None:
    good = write_tiny_pack(tmp_path / "good.pastiche")
    bad = tmp_path / "bad.pastiche"
    bad.write_bytes(good.read_bytes()[:-1])
    result = pastiche(home, "packs", "verify", good, bad)
    assert result.exit_code == 1
    assert f"{good}: good" in result.stdout
    assert f"{bad}: " in result.stderr
    assert succeeds(home, "packs", "verify", good)


def test_the_doctor_finds_nothing(home: DataPaths) -> None:
    output = succeeds(home, "doctor")
    assert "Everything works." in output
    for name in ("Python", "Torch", "Data folder", "Style packs", "Daemon", "Stylizing", "Log"):
        assert f"ok      {name}: " in output


def test_the_doctor_names_a_damaged_pack(own_paths: DataPaths) -> None:
    bad = own_paths.packs / "bad-1.0.0.pastiche"
    bad.write_bytes(b"no pack")
    result = pastiche(own_paths, "doctor", "--no-start")
    assert result.exit_code == 1
    assert "broken  Style packs" in result.stdout
    assert f"Delete {bad}" in result.stdout
    assert "1 thing is broken" in result.stdout


def test_the_doctor_names_a_data_folder_that_cannot_be_written(own_paths: DataPaths) -> None:
    shutil.rmtree(own_paths.packs)
    own_paths.packs.write_bytes(b"a file where a folder belongs")
    result = pastiche(own_paths, "doctor", "--no-start")
    assert result.exit_code == 1
    assert "broken  Data folder" in result.stdout
    assert "set PASTICHE_HOME" in result.stdout


def test_the_doctor_names_a_daemon_that_cannot_start(
    own_paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASTICHE_DAEMON", f'"{sys.executable}" -c "print(1/0)"')
    result = pastiche(own_paths, "doctor")
    assert result.exit_code == 1
    assert "ZeroDivisionError" in result.stdout
    monkeypatch.setenv("PASTICHE_DAEMON", "no-such-program serve")
    assert "broken  Start command" in pastiche(own_paths, "doctor", "--no-start").stdout


def test_the_doctor_warns_of_a_stale_runtime_file(own_paths: DataPaths) -> None:
    write_runtime_file(
        own_paths.runtime_file, RuntimeInfo("127.0.0.1", 1, 2**22, "old", "old", "0.0.1")
    )
    output = succeeds(own_paths, "doctor", "--no-start")
    assert "warning Daemon: No Pastiche daemon runs: nothing listens" in output
    own_paths.runtime_file.write_text("{", "utf-8")
    assert "warning Runtime file" in succeeds(own_paths, "doctor", "--no-start")


def test_commands_at_the_same_time_share_the_daemon(own_paths: DataPaths, tmp_path: Path) -> None:
    source = photo(tmp_path / "photo.png")
    outcomes: list[int] = []

    def run(index: int) -> None:
        process = subprocess.run(
            stylize_command(source, tmp_path / f"{index}.png"),
            env={**os.environ, "PASTICHE_HOME": str(own_paths.root)},
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
        outcomes.append(process.returncode)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [0, 0]
    np.testing.assert_array_equal(pixels_of(tmp_path / "0.png"), pixels_of(tmp_path / "1.png"))
