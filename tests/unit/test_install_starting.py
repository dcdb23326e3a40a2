"""How editors in a sandbox get their daemon: units of systemd, and what a flatpak may do."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path

import pytest

from installer.starting import (
    COMMAND_FILE,
    ON_REQUEST_FILE,
    REQUEST_FILE,
    Units,
    flatpak_access,
    read_command,
    write_command,
)
from pastiche_client.daemon_command import daemon_command
from pastiche_client.paths import DataPaths
from tests.support.homes import Layout

HOST = "[Context]\nshared=network;ipc;\nfilesystems=host;xdg-run/gvfs;\n"


def test_the_files_have_the_names_that_the_client_knows(tmp_path: Path) -> None:
    paths = DataPaths(tmp_path)
    assert tmp_path / COMMAND_FILE == paths.command_file
    assert tmp_path / ON_REQUEST_FILE == paths.on_request_file
    assert tmp_path / REQUEST_FILE == paths.request_file


def test_the_client_reads_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / 'Zoë\'s, "2nd" home' / "python"
    folder = tmp_path / "dä ta"
    write_command(folder, python)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    expected = (str(python), "-m", "pastiche_daemon", "serve")
    assert daemon_command(DataPaths(folder), {}).arguments == expected
    assert read_command(folder) == list(expected)
    (folder / COMMAND_FILE).write_text("{half")
    assert read_command(folder) is None
    assert read_command(tmp_path / "none") is None


# --- Units ---


def test_the_units_name_the_files(tmp_path: Path) -> None:
    units = Units("pastiche-daemon", tmp_path, tmp_path / "python")
    files = units.files()
    assert sorted(files) == ["pastiche-daemon.path", "pastiche-daemon.service"]
    assert f"PathExists={tmp_path}/run/start-request\n" in files["pastiche-daemon.path"]
    service = files["pastiche-daemon.service"]
    assert f'ExecStart="{tmp_path}/python" -m pastiche_daemon serve\n' in service
    # Without it the unit would start the daemon again and again.
    assert f'ExecStartPre=/bin/rm -f "{tmp_path}/run/start-request"\n' in service


def test_what_is_special_to_systemd_is_escaped() -> None:
    units = Units("x", Path('/a 100%/"b"\\$c'), Path("/$p%/python"))
    path, service = units.files().values()
    assert 'PathExists=/a 100%%/"b"\\$c/run/start-request\n' in path
    assert 'Environment="PASTICHE_HOME=/a 100%%/\\"b\\"\\\\$c"\n' in service
    assert 'ExecStart="/$$p%%/python" -m pastiche_daemon serve\n' in service


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    python = tmp_path / "Zoë's 100% home" / "python"
    python.parent.mkdir()
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    units = Units("pastiche-daemon", tmp_path / "dä ta 50%", python)
    for name, text in units.files().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    checked = subprocess.run(
        ["systemd-analyze", "--user", "verify", str(tmp_path / units.watcher)],
        capture_output=True,
        text=True,
        check=False,
        env={"XDG_RUNTIME_DIR": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert checked.returncode == 0, checked.stderr


# --- Flatpak ---


@pytest.mark.parametrize(
    ("metadata", "overrides", "expected"),
    [
        (HOST, "", "network sees"),
        ("[Context]\nshared=ipc;\nfilesystems=home;\n", "", "sees"),
        ("[Context]\nshared=network;\n", "", "network"),
        (
            "[Context]\nshared=network;\nfilesystems=xdg-pictures;~/.local/share/pastiche:rw;\n",
            "",
            "network sees",
        ),
        (
            "[Context]\nshared=network;\nfilesystems=xdg-data/pastiche;\n",
            "",
            "network sees",
        ),
        (HOST, "[Context]\nfilesystems=!host;\n", "network"),
        (HOST, "[Context]\nshared=!network;\n", "sees"),
        (
            HOST,
            "[Session Bus Policy]\norg.freedesktop.Flatpak=talk\n",
            "network sees spawns",
        ),
    ],
)
def test_what_a_flatpak_may_do(
    metadata: str, overrides: str, expected: str, tmp_path: Path
) -> None:
    own = "flatpak/overrides/org.gimp.GIMP"
    layout = Layout("x", "linux", files={f".local/share/{own}": overrides})
    system = layout.make(tmp_path)
    deployed = system.top / "var/lib/flatpak/app/org.gimp.GIMP/current/active"
    deployed.mkdir(parents=True)
    (deployed / "metadata").write_text(f"[Application]\nname=org.gimp.GIMP\n\n{metadata}")
    access = flatpak_access(system, "gimp", system.data_folder)
    assert access is not None
    assert [name for name, granted in asdict(access).items() if granted] == expected.split()
    assert flatpak_access(system, "krita", system.data_folder) is None


def test_a_flatpak_always_sees_its_own_folder(tmp_path: Path) -> None:
    system = Layout("x", "linux").make(tmp_path)
    deployed = system.home / ".local/share/flatpak/app/org.gimp.GIMP/current/active"
    deployed.mkdir(parents=True)
    (deployed / "metadata").write_text("[Context]\nshared=network;\n")
    own = system.home / ".var/app/org.gimp.GIMP/data/pastiche"
    access = flatpak_access(system, "gimp", own)
    assert access is not None
    assert access.sees
