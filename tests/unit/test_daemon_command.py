from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from pastiche_client.daemon_command import daemon_command
from pastiche_client.errors import DaemonStartError
from pastiche_client.paths import DataPaths


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path)


@pytest.fixture
def in_an_editor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the daemon's package cannot be imported."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def test_the_users_command_comes_first(paths: DataPaths) -> None:
    command = daemon_command(paths, {"PASTICHE_DAEMON": '"/my python" -m pastiche_daemon serve'})
    assert command.arguments == ("/my python", "-m", "pastiche_daemon", "serve")


def test_this_interpreter_is_used_where_the_daemon_is_installed(paths: DataPaths) -> None:
    command = daemon_command(paths, {"PYTHONPATH": "/somewhere"})
    assert command.arguments == (sys.executable, "-m", "pastiche_daemon", "serve")
    assert command.environment["PYTHONPATH"] == "/somewhere"
    assert command.environment["PASTICHE_HOME"] == str(paths.root)


@pytest.mark.usefixtures("in_an_editor")
def test_an_editor_uses_what_the_installer_wrote(paths: DataPaths) -> None:
    paths.command_file.write_text(json.dumps(["/env/bin/python", "-m", "x", "serve"]), "utf-8")
    command = daemon_command(
        paths,
        {
            "PATH": "/bin",
            "PYTHONHOME": "/editor",
            "PYTHONPATH": "/editor/lib",
            "APPDIR": "/tmp/.mount_editor",
            "LD_LIBRARY_PATH": "/tmp/.mount_editor/usr/lib:/opt/cuda/lib",
        },
    )
    assert command.arguments == ("/env/bin/python", "-m", "x", "serve")
    assert "PYTHONHOME" not in command.environment
    assert "PYTHONPATH" not in command.environment
    assert command.environment["LD_LIBRARY_PATH"] == "/opt/cuda/lib"
    assert command.environment["PATH"] == "/bin"


@pytest.mark.usefixtures("in_an_editor")
@pytest.mark.parametrize("content", [None, "", "{", "[]", '"serve"', '["python", 3]', '[""]'])
def test_without_a_usable_command_it_says_what_to_do(paths: DataPaths, content: str | None) -> None:
    if content is not None:
        paths.command_file.write_text(content, "utf-8")
    with pytest.raises(DaemonStartError, match=r"Run install\.py") as caught:
        daemon_command(paths, {})
    assert str(paths.command_file) in str(caught.value)
    assert caught.value.reason == "DAEMON_NOT_INSTALLED"
