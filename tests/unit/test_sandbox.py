"""The client within a flatpak or snap."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pastiche_client import daemon_command as commands
from pastiche_client import launcher
from pastiche_client.daemon_command import daemon_command
from pastiche_client.errors import DaemonStartError
from pastiche_client.paths import DataPaths, data_paths
from pastiche_client.sandbox import (
    Sandbox,
    ask_for_daemon,
    can_ask,
    current_sandbox,
    may_start_outside,
)

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = '["/home/me and you/python", "-m", "pastiche_daemon", "serve"]'


@pytest.fixture
def paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataPaths:
    """Of an installed daemon that is not importable, as in an editor."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    found = DataPaths(tmp_path)
    found.command_file.write_text(COMMAND)
    return found


def test_the_sandbox_is_recognised(tmp_path: Path) -> None:
    info = tmp_path / "info"
    assert current_sandbox({}, info) is Sandbox.NONE
    assert current_sandbox({"SNAP_NAME": "code"}, info) is Sandbox.NONE
    assert current_sandbox({"SNAP_NAME": "krita"}, info) is Sandbox.SNAP
    info.touch()
    assert current_sandbox({}, info) is Sandbox.FLATPAK


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("[Session Bus Policy]\norg.freedesktop.Flatpak=talk\n", True),
        ("[Session Bus Policy]\norg.gtk.vfs.*=talk\n", False),
        ("[Session Bus Policy]\norg.freedesktop.Flatpak=none\n", False),
        ("half a line", False),
    ],
)
def test_the_right_to_start_programs_outside(text: str, allowed: bool, tmp_path: Path) -> None:
    info = tmp_path / "info"
    info.write_text(text)
    assert may_start_outside(info) is allowed


def _in(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, *, may_start: bool = False) -> None:
    monkeypatch.setattr(commands, "current_sandbox", lambda *_: sandbox)
    monkeypatch.setattr(commands, "may_start_outside", lambda: may_start)
    monkeypatch.setattr(launcher, "current_sandbox", lambda *_: sandbox)


def test_outside_a_sandbox_the_command_is_the_installers(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    _in(Sandbox.NONE, monkeypatch)
    assert daemon_command(paths, {}).arguments[0] == "/home/me and you/python"


def test_a_flatpak_with_the_right_starts_it_outside(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    _in(Sandbox.FLATPAK, monkeypatch, may_start=True)
    arguments = daemon_command(paths, {}).arguments
    home = f"--env=PASTICHE_HOME={paths.root}"
    assert arguments[:4] == ("flatpak-spawn", "--host", home, "/home/me and you/python")


@pytest.mark.parametrize("sandbox", [Sandbox.FLATPAK, Sandbox.SNAP])
def test_without_it_the_message_has_the_command_to_run(
    sandbox: Sandbox, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    _in(sandbox, monkeypatch)
    with pytest.raises(DaemonStartError) as caught:
        daemon_command(paths, {})
    assert sandbox.value in str(caught.value)
    assert "'/home/me and you/python' -m pastiche_daemon serve" in str(caught.value)
    assert caught.value.reason == "DAEMON_OUTSIDE_SANDBOX"


def test_where_something_watches_the_daemon_is_asked_for(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    _in(Sandbox.FLATPAK, monkeypatch)
    assert not can_ask(paths)
    with pytest.raises(DaemonStartError):
        launcher._start_process(paths)
    paths.on_request_file.touch()
    assert can_ask(paths)
    started = launcher._start_process(paths)
    assert paths.request_file.exists()
    assert started.exit_code is None
    started.terminate()
    assert not paths.request_file.exists()


def test_a_request_that_cannot_be_written_is_told(
    paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    _in(Sandbox.SNAP, monkeypatch)
    paths.on_request_file.touch()
    paths.request_file.parent.write_text("no folder")
    with pytest.raises(OSError, match="run"):
        ask_for_daemon(paths)
    with pytest.raises(DaemonStartError, match="asked for"):
        launcher._start_process(paths)


def test_an_installed_plugin_may_have_another_data_folder(tmp_path: Path) -> None:
    file = tmp_path / "data-folder.txt"
    usual = data_paths({"HOME": str(tmp_path)}, file)
    file.write_text(f"{tmp_path / 'ä b'}\n", encoding="utf-8")
    assert data_paths({"HOME": str(tmp_path)}, file).root == tmp_path / "ä b"
    chosen = {"HOME": str(tmp_path), "PASTICHE_HOME": str(tmp_path / "c")}
    assert data_paths(chosen, file).root == tmp_path / "c"
    file.write_text("\n")
    assert data_paths({"HOME": str(tmp_path)}, file) == usual
