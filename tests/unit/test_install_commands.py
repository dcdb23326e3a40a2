"""`install`, `uninstall` and `package` on computers of every kind, with real bundles."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from installer import installing, kritarc
from installer.errors import InstallError
from installer.installing import InstallOptions, run_install
from installer.manifest import load_manifest, save_manifest
from installer.packaging import run_package, write_archive
from installer.uninstalling import run_uninstall
from pastiche_client.paths import DataPaths
from plugins.bundling.bundle import project_version
from plugins.bundling.contents import folder_digests, read_bundle_file
from tests.support.bundles import needs_wheels
from tests.support.homes import FLATPAK, LAYOUTS, LINUX, SNAP, Layout, tree

if TYPE_CHECKING:
    from installer.system import System

ROOT = Path(__file__).parents[2]
#: The tests' own environment has Pastiche.
READY = InstallOptions(environment=Path(sys.prefix))

pytestmark = needs_wheels


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both plug-ins, made once: making them is most of an installation's time."""
    folder = tmp_path_factory.mktemp("bundles")
    return installing.make_bundles(ROOT, folder, ("gimp", "krita"), sys.executable)


@pytest.fixture(autouse=True)
def _use_bundles(bundles: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "make_bundles", lambda *_: bundles)


def _ignore(_: str) -> None:
    pass


def _install(system: System, options: InstallOptions = READY) -> tuple[int, str]:
    said: list[str] = []
    return run_install(ROOT, system, options, said.append), "\n".join(said)


def _uninstall(system: System, *editors: str, dry_run: bool = False) -> tuple[int, str]:
    said: list[str] = []
    return run_uninstall(system, editors, dry_run=dry_run, say=said.append), "\n".join(said)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_installed_and_uninstalled_leaves_every_layout_as_it_was(
    layout: Layout, tmp_path: Path
) -> None:
    system = layout.make(tmp_path, "Zoë's home, 2nd")
    before = tree(system.home)
    code, said = _install(system)
    assert code == 0, said
    for name in (*layout.gimp, *layout.krita):
        folder = system.home / name
        info = read_bundle_file(folder)
        assert info is not None
        assert info.version == project_version()
        assert folder_digests(folder) == info.files
        assert str(folder) in said
    for name in layout.gimp:
        assert os.access(system.home / name / "pastiche.py", os.X_OK)
    for name in layout.krita:
        assert (system.home / name).with_suffix(".desktop").is_file()
        assert (system.home / name).parents[1].joinpath("actions", "pastiche.action").is_file()
    for name in layout.kritarc:
        assert kritarc.is_enabled((system.home / name).read_bytes())
    code, said = _uninstall(system)
    assert code == 0, said
    assert tree(system.home) == before


def test_a_second_run_is_harmless(tmp_path: Path) -> None:
    system = LINUX.make(tmp_path)
    _install(system)
    before = tree(system.home)
    code, said = _install(system)
    assert code == 0
    assert said.count("was there already") == 3
    assert tree(system.home) == before


def test_the_plugins_find_the_daemon_that_was_installed(tmp_path: Path) -> None:
    system = LINUX.make(tmp_path)
    _install(system)
    command = json.loads((system.data_folder / "daemon-command.json").read_text("utf-8"))
    assert command[1:] == ["-m", "pastiche_daemon", "serve"]
    subprocess.run([command[0], "-c", "import pastiche_daemon"], check=True, cwd=tmp_path)


def test_a_dry_run_changes_nothing_and_says_what_it_would_do(tmp_path: Path) -> None:
    system = LINUX.make(tmp_path)
    before = tree(tmp_path)
    code, said = _install(system, replace(READY, dry_run=True))
    assert code == 0
    for name in (*LINUX.gimp, *LINUX.krita):
        assert str(system.home / name) in said
    assert tree(tmp_path) == before
    _install(system)
    before = tree(tmp_path)
    code, said = _uninstall(system, dry_run=True)
    assert code == 0
    for name in (*LINUX.gimp, *LINUX.krita):
        assert str(system.home / name) in said
    assert tree(tmp_path) == before


def test_only_one_editor(tmp_path: Path) -> None:
    system = LINUX.make(tmp_path)
    before = tree(system.home)
    _install(system, replace(READY, editors=("krita",)))
    assert not (system.home / LINUX.gimp[0]).exists()
    assert (system.home / LINUX.krita[0]).exists()
    _install(system)
    code, _ = _uninstall(system, "krita")
    assert code == 0
    assert (system.home / LINUX.gimp[0]).exists()
    assert not (system.home / LINUX.krita[0]).exists()
    assert (system.data_folder / "daemon-command.json").exists()
    _uninstall(system)
    assert tree(system.home) == before


def test_without_an_editor_nothing_is_installed_and_that_is_said(tmp_path: Path) -> None:
    system = Layout("empty", "linux").make(tmp_path)
    with pytest.raises(InstallError, match=r"No GIMP 3 and no Krita was found[\s\S]*\.config/GIMP"):
        _install(system)
    assert list(system.home.iterdir()) == []


def test_a_foreign_folder_fails_its_editor_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    system = LINUX.make(tmp_path)
    foreign = system.home / LINUX.gimp[0]
    foreign.mkdir(parents=True)
    (foreign / "theirs.py").write_text("precious")
    before = tree(system.home)
    code, _ = _install(system)
    assert code == 1
    assert "was not installed by Pastiche" in capsys.readouterr().err
    assert (system.home / LINUX.krita[0]).exists()
    assert (system.home / LINUX.gimp[1]).exists()
    code, _ = _uninstall(system)
    assert code == 0
    assert tree(system.home) == before


def test_uninstalling_nothing_says_so(tmp_path: Path) -> None:
    code, said = _uninstall(LINUX.make(tmp_path))
    assert code == 0
    assert "Nothing is installed" in said


def test_the_users_packs_and_presets_stay(tmp_path: Path) -> None:
    system = LINUX.make(tmp_path)
    _install(system)
    paths = DataPaths(system.data_folder)
    for file in (paths.packs / "mine.pastiche", paths.root / "editors" / "presets.json"):
        file.parent.mkdir(parents=True)
        file.write_text("x")
    for file in (paths.log_file, paths.start_log_file, paths.lock_file):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
    code, said = _uninstall(system)
    assert code == 0
    assert str(paths.root) in said
    assert set(tree(paths.root)) == {
        "packs",
        "packs/mine.pastiche",
        "editors",
        "editors/presets.json",
    }


def test_another_data_folder_is_told_to_the_plugins(tmp_path: Path) -> None:
    system = LINUX.make(tmp_path)
    chosen = tmp_path / "dä ta"
    system = replace(system, environ={**system.environ, "PASTICHE_HOME": str(chosen)})
    before = tree(tmp_path)
    _, said = _install(system)
    assert f"The plug-ins use {chosen}" in said
    for name in (*LINUX.gimp, *LINUX.krita):
        (file,) = (system.home / name).rglob("data-folder.txt")
        assert file.read_text("utf-8").strip() == str(chosen)
    _uninstall(system)
    assert tree(tmp_path) == before


# --- The environment ---


def test_the_environment_is_made_where_the_prefix_says_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prefix = tmp_path / "big disk, ü"
    made: list[Path] = []

    def make(environment: installing.Environment, *_: object) -> bool:
        made.append(environment.folder)
        venv = [sys.executable, "-m", "venv", "--without-pip", str(environment.folder)]
        subprocess.run(venv, check=True)
        environment.stamp.touch()
        return True

    monkeypatch.setattr(installing, "ensure_environment", make)
    system = LINUX.make(tmp_path)
    before = tree(tmp_path)
    code, said = _install(system, InstallOptions(prefix=prefix))
    assert code == 0
    assert made == [prefix / "environment"]
    assert str(prefix / "environment") in said
    command = daemon_command_of(system)
    assert Path(command[0]).is_relative_to(prefix)
    code, _ = _uninstall(system)
    assert code == 0
    assert tree(tmp_path) == before


def daemon_command_of(system: System) -> list[str]:
    return json.loads((system.data_folder / "daemon-command.json").read_text("utf-8"))


def test_an_environment_that_the_user_named_is_not_removed(tmp_path: Path) -> None:
    system = LINUX.make(tmp_path)
    _install(system)
    manifest = load_manifest(system.data_folder)
    assert manifest is not None
    assert manifest.environment == Path(sys.prefix)
    _uninstall(system)
    assert (Path(sys.prefix) / "pyvenv.cfg").exists()


def test_a_second_environment_does_not_make_the_first_one_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(environment: installing.Environment, *_: object) -> bool:
        environment.folder.mkdir(parents=True)
        environment.stamp.touch()
        return True

    monkeypatch.setattr(installing, "ensure_environment", make)
    system = LINUX.make(tmp_path)
    _install(system, InstallOptions(prefix=tmp_path / "a"))
    for options in (InstallOptions(prefix=tmp_path / "b"), READY):
        with pytest.raises(InstallError, match="uninstall"):
            _install(system, options)


@pytest.mark.parametrize("what", ["files", "an environment", "a file"])
def test_what_the_user_has_at_the_environments_place_is_neither_used_nor_removed(
    what: str, tmp_path: Path
) -> None:
    theirs = tmp_path / "prefix" / "environment"
    theirs.parent.mkdir()
    if what == "a file":
        theirs.write_text("precious")
    elif what == "files":
        theirs.mkdir()
        (theirs / "thesis.txt").write_text("precious")
    else:
        venv = [sys.executable, "-m", "venv", "--without-pip", str(theirs)]
        subprocess.run(venv, check=True)
    system = LINUX.make(tmp_path)
    before = tree(tmp_path)
    with pytest.raises(InstallError, match="was not made by"):
        _install(system, InstallOptions(prefix=theirs.parent))
    assert tree(tmp_path) == before
    # Also if it came there later.
    _install(system)
    manifest = load_manifest(system.data_folder)
    assert manifest is not None
    manifest.environment, manifest.environment_made = theirs, True
    save_manifest(system.data_folder, manifest)
    _uninstall(system)
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    "prefix",
    [
        "C:\\Program Files\\WindowsApps\\PythonSoftwareFoundation.Python.3.12_3.12.1",
        "C:\\Users\\me-zoë\\AppData\\Local\\Microsoft\\WindowsApps",
    ],
)
def test_the_stores_python_is_refused(prefix: str) -> None:
    with pytest.raises(InstallError, match=r"python\.org"):
        installing.check_not_store_python("win32", prefix)


@pytest.mark.parametrize(
    ("platform", "prefix"), [("win32", "C:\\Python312"), ("linux", "/mnt/WindowsApps/python")]
)
def test_other_pythons_are_not(platform: str, prefix: str) -> None:
    installing.check_not_store_python(platform, prefix)


@pytest.mark.parametrize("what", ["nothing", "without Pastiche"])
def test_an_environment_that_cannot_be_used_is_refused(what: str, tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    if what != "nothing":
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    system = LINUX.make(tmp_path)
    before = tree(system.home)
    with pytest.raises(InstallError, match="--environment"):
        _install(system, InstallOptions(environment=folder))
    assert tree(system.home) == before


# --- Editors in a sandbox ---


def _with_systemd(system: System, tmp_path: Path) -> tuple[System, Path]:
    """A computer on which `systemctl` is a program that notes how it is called."""
    (system.top / "run" / "systemd" / "system").mkdir(parents=True)
    tools = tmp_path / "tools"
    tools.mkdir()
    calls = tmp_path / "calls"
    program = tools / "systemctl"
    program.write_text(f'#!/bin/sh\necho "$@" >> "{calls}"\n')
    program.chmod(0o755)
    return replace(system, environ={**system.environ, "PATH": str(tools)}), calls


@pytest.mark.skipif(os.name == "nt", reason="systemd is Linux's")
@pytest.mark.parametrize("layout", [FLATPAK, SNAP], ids=lambda layout: layout.name)
def test_systemd_starts_the_daemon_for_editors_in_a_sandbox(
    layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = layout.make(tmp_path, "Zoë 100% home")
    system, calls = _with_systemd(system, tmp_path)
    monkeypatch.setenv("PATH", system.environ["PATH"], prepend=os.pathsep)
    before = tree(system.home)
    code, said = _install(system)
    assert code == 0
    assert "asks for it (systemd)" in said
    units = system.home / ".config" / "systemd" / "user"
    watchers = sorted(units.glob("*.path"))
    folders = {
        place.place.data_folder or system.data_folder
        for place in (load_manifest(system.data_folder) or pytest.fail("none")).plugins
    }
    assert len(watchers) == len(folders)
    for watcher in watchers:
        assert f"--user restart {watcher.name}" in calls.read_text()
        assert (units / "default.target.wants" / watcher.name).resolve() == watcher
    watched = {
        line.removeprefix("PathExists=").replace("%%", "%")
        for watcher in watchers
        for line in watcher.read_text("utf-8").splitlines()
        if line.startswith("PathExists=")
    }
    assert watched == {str(DataPaths(folder).request_file) for folder in folders}
    for folder in folders:
        assert DataPaths(folder).on_request_file.exists()
        assert DataPaths(folder).command_file.exists()
        if folder != system.data_folder:
            assert (folder / "packs").resolve() == system.data_folder / "packs"
    code, said = _uninstall(system)
    assert code == 0, said
    assert "--user stop pastiche-daemon" in calls.read_text()
    assert tree(system.home) == before


def test_without_systemd_the_user_is_told_how_to_start_the_daemon(tmp_path: Path) -> None:
    system = FLATPAK.make(tmp_path)
    _, said = _install(system)
    assert "cannot start the daemon from within the sandbox" in said
    assert "-m pastiche_daemon serve" in said
    assert not DataPaths(system.data_folder).on_request_file.exists()


# --- Archives ---


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("dist")
    assert run_package(ROOT, folder, sys.executable, _ignore) == 0
    version = project_version()
    return {editor: folder / f"pastiche-{editor}-{version}.zip" for editor in ("gimp", "krita")}


def test_gimps_archive_unpacks_to_a_plugin(archives: dict[str, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(archives["gimp"]) as archive:
        assert archive.testzip() is None
        assert {name.partition("/")[0] for name in archive.namelist()} == {"pastiche"}
        program = archive.getinfo("pastiche/pastiche.py")
        assert program.external_attr >> 16 == 0o100755
        archive.extractall(tmp_path)
    info = read_bundle_file(tmp_path / "pastiche")
    assert info is not None
    assert folder_digests(tmp_path / "pastiche") == info.files


def test_kritas_archive_has_what_its_importer_looks_for(archives: dict[str, Path]) -> None:
    with zipfile.ZipFile(archives["krita"]) as archive:
        names = archive.namelist()
        # As Krita's importer looks for the folder: the first name that ends like it.
        folders = [name for name in names if name == "pastiche/" or name.endswith("/pastiche/")]
        assert folders == ["pastiche/"]
        assert "pastiche/__init__.py" in names
        assert [name for name in names if name.endswith(".desktop")] == ["pastiche.desktop"]
        assert [name for name in names if name.endswith(".action")] == ["pastiche.action"]
        assert b"X-KDE-Library=pastiche" in archive.read("pastiche.desktop")


def test_the_archives_tell_their_time_and_can_be_made_again(
    bundles: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """GIMP takes a plug-in whose time is unchanged for an unchanged one."""
    before = time.gmtime(time.time() - 2)[:6]
    now = write_archive(bundles["gimp"], tmp_path / "now.zip")
    with zipfile.ZipFile(now) as archive:
        assert all(before <= entry.date_time for entry in archive.infolist())
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    first = write_archive(bundles["krita"], tmp_path / "a.zip")
    second = write_archive(bundles["krita"], tmp_path / "b.zip")
    assert first.read_bytes() == second.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.zip", "b.zip", "now.zip"]


def test_a_plugin_that_was_installed_by_hand_is_taken_over(
    archives: dict[str, Path], tmp_path: Path
) -> None:
    system = LINUX.make(tmp_path)
    folder = system.home / LINUX.gimp[0]
    with zipfile.ZipFile(io.BytesIO(archives["gimp"].read_bytes())) as archive:
        archive.extractall(folder.parent)  # without the mode: GIMP would ignore it
    assert not os.access(folder / "pastiche.py", os.X_OK)
    code, _ = _install(system)
    assert code == 0
    assert os.access(folder / "pastiche.py", os.X_OK)
