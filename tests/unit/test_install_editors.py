"""Finding the editors of every system, by folders made like theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from installer.editors import Packaging, find_editors
from installer.system import System
from pastiche_client.paths import data_paths
from tests.support.homes import (
    APPIMAGE,
    LAYOUTS,
    LINUX,
    NEVER_STARTED,
    SNAP,
    Layout,
)


def _found(system: System, editor: str) -> list[str]:
    return [
        place.plugin_folder.relative_to(system.home).as_posix()
        for place in find_editors(system).places
        if place.editor == editor
    ]


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
@pytest.mark.parametrize("name", ["home", "Zoë's home, 2nd"])
def test_every_layout_is_found_and_nothing_else(layout: Layout, name: str, tmp_path: Path) -> None:
    system = layout.make(tmp_path, name)
    assert _found(system, "gimp") == list(layout.gimp)
    assert _found(system, "krita") == list(layout.krita)
    configs = [place.config for place in find_editors(system).places if place.config]
    assert configs == [system.home / config for config in layout.kritarc]
    assert find_editors(system).hindered == ()


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_looking_changes_nothing(layout: Layout, tmp_path: Path) -> None:
    system = layout.make(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    find_editors(system)
    assert sorted(tmp_path.rglob("*")) == before


def test_every_editor_of_a_computer_is_found(tmp_path: Path) -> None:
    for layout in (LINUX, APPIMAGE, SNAP):
        system = layout.make(tmp_path)
    packagings = [place.packaging for place in find_editors(system).places]
    assert packagings.count(Packaging.NATIVE) == 3
    assert packagings.count(Packaging.SNAP) == 2


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_an_empty_computer_has_no_editor_and_says_where_it_looked(
    platform: str, tmp_path: Path
) -> None:
    found = find_editors(Layout("empty", platform).make(tmp_path))
    assert found.places == ()
    assert len(found.searched) >= 2


def test_gimp_2_is_no_gimp_3(tmp_path: Path) -> None:
    layout = Layout("old", "linux", files={".config/GIMP/2.10/gimprc": "x"})
    assert find_editors(layout.make(tmp_path)).places == ()


def test_a_gimp_that_will_take_over_older_settings_is_not_kept_from_it(tmp_path: Path) -> None:
    # GIMP does so only where the folder of its version does not exist.
    NEVER_STARTED.make(tmp_path)
    older = Layout("older", "linux", files={".config/GIMP/2.10/gimprc": "x"})
    found = find_editors(older.make(tmp_path))
    assert [place.editor for place in found.places] == ["krita"]
    assert len(found.hindered) == 1
    assert "GIMP 3.0" in found.hindered[0]
    assert "Start it once" in found.hindered[0]


def test_a_snap_that_was_never_started_has_no_folder_yet(tmp_path: Path) -> None:
    layout = Layout(
        "snaps",
        "linux",
        programs=("snap/gimp/current/usr/share/gimp/3.0/x", "snap/krita/current/bin/krita"),
    )
    found = find_editors(layout.make(tmp_path))
    assert found.places == ()
    assert len(found.hindered) == 2


def test_a_snap_gets_a_data_folder_that_it_can_see(tmp_path: Path) -> None:
    system = SNAP.make(tmp_path)
    folders = {place.editor: place.data_folder for place in find_editors(system).places}
    assert folders == {
        "gimp": system.home / "snap" / "gimp" / "common" / "pastiche",
        "krita": system.home / "snap" / "krita" / "common" / "pastiche",
    }


def test_the_variables_of_linux_are_respected(tmp_path: Path) -> None:
    layout = Layout(
        "xdg",
        "linux",
        files={"c/GIMP/3.0/gimprc": "x", "d/krita/": ""},
        environ={"XDG_CONFIG_HOME": "c", "XDG_DATA_HOME": "d"},
    )
    system = layout.make(tmp_path)
    assert _found(system, "gimp") == ["c/GIMP/3.0/plug-ins/pastiche"]
    assert _found(system, "krita") == ["d/krita/pykrita/pastiche"]


def test_gimps_own_variable_is_respected(tmp_path: Path) -> None:
    layout = Layout("own", "linux", files={"mine/": ""}, environ={"GIMP3_DIRECTORY": "mine"})
    assert _found(layout.make(tmp_path), "gimp") == ["mine/plug-ins/pastiche"]


def test_kritas_chosen_resource_folder_is_used(tmp_path: Path) -> None:
    chosen = tmp_path / "my brushes"
    settings = f"ResourceDirectory={chosen}\n\n[python]\nenable_x=true\n"
    layout = Layout("chosen", "linux", files={".config/kritarc": settings})
    (place,) = find_editors(layout.make(tmp_path)).places
    assert place.plugin_folder == chosen / "pykrita" / "pastiche"


@pytest.mark.skipif(not hasattr(Path, "symlink_to"), reason="needs links")
def test_one_folder_under_two_names_is_one_place(tmp_path: Path) -> None:
    system = LINUX.make(tmp_path)
    flatpak = system.home / ".var/app/org.gimp.GIMP/config/GIMP"
    flatpak.parent.mkdir(parents=True)
    flatpak.symlink_to(system.home / ".config" / "GIMP")
    assert _found(system, "gimp") == list(LINUX.gimp)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_the_data_folder_is_the_one_that_the_client_uses(
    platform: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"HOME": str(tmp_path), "LOCALAPPDATA": str(tmp_path / "Local")}
    monkeypatch.setattr("sys.platform", platform)
    system = System(platform, tmp_path, environ, tmp_path)
    assert system.data_folder == data_paths(environ).root
    chosen = {**environ, "PASTICHE_HOME": str(tmp_path / "chosen")}
    system = System(platform, tmp_path, chosen, tmp_path)
    assert system.data_folder == data_paths(chosen).root == tmp_path / "chosen"
