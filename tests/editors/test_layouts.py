"""Installed as on every kind of computer, a real editor stylizes; uninstalled, all is as it was.

The editor is this system's. It is pointed to the folders of a layout in the way in which the
editor of that layout would find them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from installer import installing
from installer.editors import Packaging, Place, find_editors, flatpak_id
from installer.installing import InstallOptions, run_install
from installer.packaging import run_package
from installer.system import System
from installer.uninstalling import run_uninstall
from pastiche_client import Client
from pastiche_client.paths import DataPaths
from plugins.bundling.bundle import project_version
from plugins.bundling.contents import folder_digests, read_bundle_file
from tests.editors.gimp.driving import pixels, stylize
from tests.editors.krita.session import KritaSession, Rect, Space
from tests.editors.support.display import Display
from tests.editors.support.gimp import running_gimp
from tests.editors.support.krita import running_krita
from tests.editors.support.workspace import MARK, Workspace
from tests.support.bundles import needs_wheels
from tests.support.daemon_process import WAIT_SECONDS, wait_until
from tests.support.homes import (
    APPIMAGE,
    FLATPAK,
    LINUX,
    MACOS,
    NEVER_STARTED,
    SNAP,
    STORE,
    WINDOWS,
    Layout,
    tree,
)

ROOT = Path(__file__).parents[2]
_HERE = Path(__file__).parent
_GIMP_BRIDGE = _HERE / "support" / "gimp_bridge" / "pastiche-test-bridge.py"
_KRITA_BRIDGE = _HERE / "support" / "krita_bridge"
_LAYOUTS = (LINUX, NEVER_STARTED, FLATPAK, APPIMAGE, SNAP, WINDOWS, STORE, MACOS)
_STYLE = "masters/starry_night"

pytestmark = [needs_wheels, pytest.mark.slow]


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Both plug-ins, made once: making them is most of an installation's time."""
    folder = tmp_path_factory.mktemp("bundles")
    return installing.make_bundles(ROOT, folder, ("gimp", "krita"), sys.executable)


@pytest.fixture(autouse=True)
def _use_bundles(bundles: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installing, "make_bundles", lambda *_: bundles)


@contextmanager
def _same_paths(workspace: Workspace) -> Iterator[None]:
    """Let the programs in a chroot see the workspace under the path that it has out here."""
    if not workspace.root.is_chroot:
        yield
        return
    link = workspace.root.outside(str(workspace.folder))
    made = [folder for folder in link.parents if not folder.exists()]
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(workspace.inside())
    try:
        yield
    finally:
        link.unlink()
        for folder in made:
            folder.rmdir()


@contextmanager
def _installed_daemon(workspace: Workspace, data_folder: Path) -> Iterator[None]:
    """The daemon, started with the command that the installer wrote down."""
    paths = DataPaths(data_folder)
    command: list[str] = json.loads(paths.command_file.read_text("utf-8"))
    process = subprocess.Popen(
        [*command, "--threads", "1"],
        env={
            **os.environ,
            "PASTICHE_HOME": str(data_folder),
            "CUDA_VISIBLE_DEVICES": "",
            MARK: str(workspace.folder),
        },
        cwd=data_folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(paths.runtime_file.exists, "the daemon's start")
        with Client.connect(paths, start=False) as client:
            assert client.health()
            yield
            client.stop_daemon()
        process.wait(WAIT_SECONDS)
    finally:
        process.kill()
        process.wait(WAIT_SECONDS)


def _editor_environ(place: Place, system: System) -> dict[str, str]:
    """How the editor of a place is led to its folders. PASTICHE_HOME is unknown to it."""
    environ = {"PASTICHE_HOME": "", "HOME": str(system.home)}
    if place.packaging is Packaging.SNAP:
        own = system.home / "snap" / place.editor / "current"
        return {**environ, "HOME": str(own), "SNAP_NAME": place.editor}
    if place.packaging is Packaging.FLATPAK:
        own = system.home / ".var" / "app" / flatpak_id(place.editor)
        return {
            **environ,
            "XDG_CONFIG_HOME": str(own / "config"),
            "XDG_DATA_HOME": str(own / "data"),
        }
    if system.platform == "linux":
        return environ
    # There the editor, and the plug-in, know the folders from the system.
    environ = {**environ, "PASTICHE_HOME": str(system.data_folder)}
    if place.config is None:
        return {**environ, "GIMP3_DIRECTORY": str(place.folder)}
    return {
        **environ,
        "XDG_DATA_HOME": str(place.folder.parent),
        "XDG_CONFIG_HOME": str(place.config.parent),
    }


def _place(system: System, editor: str) -> Place:
    return next(place for place in find_editors(system).places if place.editor == editor)


def _install(system: System) -> None:
    said: list[str] = []
    options = InstallOptions(environment=Path(sys.prefix))
    assert run_install(ROOT, system, options, said.append) == 0, said


def _uninstall(system: System) -> None:
    said: list[str] = []
    assert run_uninstall(system, (), dry_run=False, say=said.append) == 0, said


# What the editors write themselves at every end, and so make anew if need be.
_EDITORS_OWN = ("gimprc", "kritarc")


def _check_leftovers(
    before: dict[str, str], installed: dict[str, str], home: Path, data_folder: Path
) -> None:
    """Nothing that was installed stays, and what was there before is as it was.

    The editor has run meanwhile: other files that it has written are its own. The plug-in's
    settings are the user's.
    """
    after = tree(home)
    for name in installed.keys() - before.keys():
        kept = after.get(name, "folder").startswith("folder") or name.endswith(_EDITORS_OWN)
        assert kept, f"{name} stays behind"
    for name, what in before.items():
        if not name.endswith(_EDITORS_OWN):
            assert after.get(name) == what, f"{name} is not as it was"
    settings = data_folder / "editors"
    for name in after.keys() - before.keys():
        path = home / name
        if settings.is_relative_to(path) or path.is_relative_to(settings):
            continue
        assert "pastiche" not in {part.lower() for part in Path(name).parts}, f"{name} stays"


# --- GIMP -----------------------------------------------------------------------------------------


@pytest.mark.gimp
@pytest.mark.parametrize("layout", _LAYOUTS, ids=lambda layout: layout.name)
def test_gimp_stylizes_as_installed_in(layout: Layout, gimp_workspace: Workspace) -> None:
    system = layout.make(gimp_workspace.folder)
    place = _place(system, "gimp")
    before = tree(system.home)
    _install(system)
    installed = tree(system.home)
    data_folder = place.data_folder or system.data_folder
    bridge = place.folder / "plug-ins" / _GIMP_BRIDGE.stem
    bridge.mkdir()
    shutil.copy2(_GIMP_BRIDGE, bridge)
    with _same_paths(gimp_workspace), _installed_daemon(gimp_workspace, data_folder):
        _stylize_in_gimp(gimp_workspace, _editor_environ(place, system))
    shutil.rmtree(bridge)
    _uninstall(system)
    _check_leftovers(before, installed, system.home, data_folder)


def _stylize_in_gimp(workspace: Workspace, environ: dict[str, str]) -> None:
    with running_gimp(workspace, _HERE / "gimp" / "inside.py", environ=environ) as gimp:
        image = gimp.call("create_image")
        layer = gimp.call("add_layer", image=image, alpha=False)
        before = pixels(gimp, layer)
        (made,) = stylize(gimp, image, layer, style=_STYLE)
        assert made != layer
        assert (pixels(gimp, layer) == before).all()
        result = pixels(gimp, made)
        assert result.shape == before.shape
        assert (result != before).mean() > 0.5


# --- Krita ----------------------------------------------------------------------------------------


@pytest.mark.krita
@pytest.mark.parametrize("layout", _LAYOUTS, ids=lambda layout: layout.name)
def test_krita_stylizes_as_installed_in(
    layout: Layout, krita_workspace: Workspace, display: Display
) -> None:
    settings = _check_krita(layout, krita_workspace, display)
    if layout.files.get(layout.kritarc[0]):
        for line in ("AutoSaveInterval=0", "name=Zoë", "Theme=Krita dark"):
            assert line in settings.splitlines()


@pytest.mark.krita
def test_krita_stylizes_as_installed_in_a_resource_folder_of_the_users_choice(
    krita_workspace: Workspace, display: Display
) -> None:
    chosen = krita_workspace.home / "meine Pinsel, ü"
    settings = f"ResourceDirectory={chosen}\n\n[python]\nenable_x=false\n"
    layout = Layout("chosen", "linux", files={".config/kritarc": settings})
    _check_krita(layout, krita_workspace, display)


def _check_krita(layout: Layout, workspace: Workspace, display: Display) -> str:
    """Install, stylize, uninstall; returns Krita's settings as they are then."""
    system = layout.make(workspace.folder)
    place = _place(system, "krita")
    assert place.config is not None
    before = tree(system.home)
    _install(system)
    installed = tree(system.home)
    data_folder = place.data_folder or system.data_folder
    plugins = place.plugin_folder.parent
    shutil.copytree(
        _KRITA_BRIDGE, plugins, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    enabled = place.config.read_bytes().replace(
        b"[python]", b"[python]\nenable_pastiche_test_bridge=true"
    )
    place.config.write_bytes(enabled)
    with _same_paths(workspace), _installed_daemon(workspace, data_folder):
        _stylize_in_krita(workspace, _editor_environ(place, system), display)
    shutil.rmtree(plugins / "pastiche_test_bridge")
    (plugins / "pastiche_test_bridge.desktop").unlink()
    _uninstall(system)
    _check_leftovers(before, installed, system.home, data_folder)
    settings = place.config.read_text("utf-8") if place.config.exists() else ""
    assert "enable_pastiche=" not in settings
    return settings


def _stylize_in_krita(workspace: Workspace, environ: dict[str, str], display: Display) -> None:
    inside = _HERE / "krita" / "inside.py"
    rect, space = Rect(0, 0, 120, 90), Space()
    rng = np.random.default_rng(5)
    photo = rng.integers(0, 256, (rect.height, rect.width, 4), np.uint8)
    photo[..., 3] = 255
    with running_krita(workspace, inside, display=display, environ=environ) as krita:
        session = KritaSession(krita, display)
        session.call("prepare")
        session.wait_until(lambda: session.call("ready"), "the styles")
        session.call("make", width=rect.width, height=rect.height)
        session.call("add", name="photo", data=photo.tobytes(), **rect.values)
        session.call("set_options", style=_STYLE)
        session.done()
        assert session.pixels("photo", rect) == photo.tobytes()
        made = session.call("names")[-1]
        assert made != "photo"
        result = space.array(session.pixels(made, rect), rect)
        assert (result != photo).mean() > 0.5
        session.call("close_documents")


@pytest.mark.krita
def test_kritas_own_importer_accepts_the_archive(krita_workspace: Workspace) -> None:
    root, folder = krita_workspace.root, krita_workspace.folder
    importer = "/usr/share/krita/pykrita/plugin_importer/plugin_importer.py"
    python = root.find("python3")
    if python is None or not root.outside(importer).exists():
        pytest.skip("this Krita keeps its importer elsewhere")
    assert run_package(ROOT, folder / "dist", sys.executable, lambda _: None) == 0
    resources = folder / "home" / "krita"
    resources.mkdir()
    archive = folder / "dist" / f"pastiche-krita-{project_version()}.zip"
    done = krita_workspace.run(
        [python, importer, krita_workspace.inside(archive), krita_workspace.inside(resources)],
        seconds=WAIT_SECONDS,
    )
    assert done.code == 0, done.output
    assert "Imported plugin: Pastiche" in done.output
    imported = resources / "pykrita" / "pastiche"
    info = read_bundle_file(imported)
    assert info is not None
    assert folder_digests(imported) == info.files
    assert (resources / "pykrita" / "pastiche.desktop").is_file()
    assert (resources / "actions" / "pastiche.action").is_file()
