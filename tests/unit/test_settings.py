"""What the daemon runs networks on: the start's options, then the environment, then the file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from pastiche_daemon.cli import cli
from pastiche_daemon.packs.listfile import ListFile
from pastiche_daemon.settings import (
    MemorySettings,
    RuntimeSettings,
    Settings,
    memory_settings,
    runtime_settings,
)


def run(home: Path, *arguments: str):
    return CliRunner().invoke(cli, arguments, env={"PASTICHE_HOME": str(home)})


def test_nothing_set_is_auto(tmp_path: Path) -> None:
    assert runtime_settings(tmp_path / "none.toml", environ={}) == RuntimeSettings("auto", "auto")


def test_what_is_given_goes_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('device = "mps"\nprecision = "float32"\n')
    assert runtime_settings(file, environ={}) == RuntimeSettings("mps", "float32")
    environ = {"PASTICHE_DEVICE": "CUDA", "PASTICHE_PRECISION": " "}
    assert runtime_settings(file, environ=environ) == RuntimeSettings("cuda", "float32")
    given = runtime_settings(file, "cpu", "bfloat16", environ)
    assert given == RuntimeSettings("cpu", "bfloat16")


@pytest.mark.parametrize(
    ("content", "environ", "told"),
    [
        ("device = 3", {}, "device"),
        ('device = "gpu"', {}, "device"),
        ("", {"PASTICHE_DEVICE": "gpu"}, "PASTICHE_DEVICE is 'gpu'.*cpu, cuda, mps"),
        ("", {"PASTICHE_PRECISION": "int8"}, "PASTICHE_PRECISION is 'int8'.*bfloat16"),
    ],
)
def test_what_makes_no_sense_is_named_and_ignored(
    tmp_path: Path, content: str, environ: dict[str, str], told: str
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(content)
    found = runtime_settings(file, environ=environ)
    assert (found.device, found.precision) == ("auto", "auto")
    assert found.problem is not None
    assert re.search(told, found.problem)


def test_what_a_layer_may_take_is_given_or_in_the_environment_or_in_the_file(
    tmp_path: Path,
) -> None:
    file = tmp_path / "settings.toml"
    assert memory_settings(file, environ={}) == MemorySettings()
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    set_up = run(tmp_path, "settings", "--memory", "1.5GiB", "--spool-folder", one)
    assert f"Memory: 1.5 GiB\nSpool folder: {one}\n" in set_up.output
    assert memory_settings(file, environ={}) == MemorySettings(3 * 2**29, Path(one))
    environ = {"PASTICHE_MEMORY": "300m", "PASTICHE_SPOOL_FOLDER": two}
    assert memory_settings(file, environ=environ) == MemorySettings(300 * 2**20, Path(two))
    given = memory_settings(file, 2**30, tmp_path, environ)
    assert given == MemorySettings(2**30, tmp_path)
    reset = run(tmp_path, "settings", "--memory", "auto", "--spool-folder", "auto")
    assert "Memory: auto\nSpool folder: auto\n" in reset.output
    assert memory_settings(file, environ={}) == MemorySettings()
    assert run(tmp_path, "settings", "--memory", "1MiB").exit_code == 2


@pytest.mark.parametrize(
    ("content", "value", "told"),
    [
        ("memory = 1000", "", "memory"),
        ('memory = "much"', "", "memory"),
        ("", "much", "PASTICHE_MEMORY: 'much' is not a size"),
        ("", "1M", "PASTICHE_MEMORY is 1M, which is less than 128 MiB"),
    ],
)
def test_what_a_layer_cannot_take_is_named_and_ignored(
    tmp_path: Path, content: str, value: str, told: str
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(content)
    found = memory_settings(file, environ={"PASTICHE_MEMORY": value})
    assert found.memory is None
    assert found.problem is not None
    assert told in found.problem


def test_the_command_changes_its_own_settings_and_keeps_the_others(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    assert run(tmp_path, "packs", "settings", "--add-folder", str(shared)).exit_code == 0
    result = run(tmp_path, "settings", "--device", "cpu", "--precision", "float32")
    assert result.exit_code == 0, result.output
    assert "Device: cpu\nPrecision: float32\n" in result.output
    assert run(tmp_path, "packs", "settings", "--trusted-only").exit_code == 0
    found = ListFile(tmp_path / "settings.toml", Settings).read()
    assert found == Settings(
        packs_folders=[str(shared)], trusted_packs_only=True, device="cpu", precision="float32"
    )
    assert run(tmp_path, "settings", "--device", "auto").exit_code == 0
    assert "Precision: float32" in run(tmp_path, "settings").output


def test_a_damaged_file_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text("nonsense")
    result = run(tmp_path, "settings", "--device", "cpu")
    assert result.exit_code == 1
    assert str(file) in result.output
    assert file.read_text() == "nonsense"
