"""Putting a bundle into an editor's folder, and taking it out; with a small bundle."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from installer import kritarc, placing
from installer.editors import Packaging, Place
from installer.errors import InstallError
from installer.manifest import Manifest, PlacedPlugin, load_manifest, save_manifest
from installer.placing import (
    Condition,
    condition,
    is_executable,
    place_plugin,
    remove_plugin,
)
from plugins.bundling.contents import BundleInfo, digest, folder_digests, write_bundle_file
from tests.support.homes import KRITARC, tree

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def _bundle(folder: Path, editor: str, version: str = "1.0") -> Path:
    plugin = folder / "pastiche"
    client = plugin / ("pastiche_vendor" if editor == "gimp" else "vendor") / "pastiche_client"
    client.mkdir(parents=True)
    (client / "paths.py").write_text("x = 1\n")
    program = plugin / ("pastiche.py" if editor == "gimp" else "__init__.py")
    program.write_text(f"#!/usr/bin/env python3\n# {version}\n")
    program.chmod(0o755)
    beside: dict[str, str] = {}
    if editor == "krita":
        for name in ("pastiche.desktop", "pastiche.action"):
            (folder / name).write_text(f"{name} of {version}\n")
            beside[name] = digest(folder / name)
    files = folder_digests(plugin)
    write_bundle_file(plugin, BundleInfo(editor, version, files=files, beside=beside))
    return folder


@pytest.fixture(params=["gimp", "krita"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """An editor's folder that is in use, with other plug-ins."""
    folder = tmp_path / "zu Hause, ü" / request.param
    (folder / "plug-ins" / "other").mkdir(parents=True)
    (folder / "settings").write_text("x")
    if request.param == "gimp":
        return Place("gimp", "GIMP 3.0", Packaging.NATIVE, folder)
    config = tmp_path / "zu Hause, ü" / "kritarc"
    config.write_bytes(KRITARC.encode())
    return Place("krita", "Krita", Packaging.NATIVE, folder, config)


@pytest.fixture
def bundle(place: Place, tmp_path: Path) -> Path:
    return _bundle(tmp_path / "bundle", place.editor)


def _ignore() -> None:
    pass


def _put(plugin: PlacedPlugin, bundle: Path, *, known: bool = False) -> str:
    return place_plugin(plugin, bundle, None, _ignore, known=known)


def _home(place: Place) -> Path:
    return place.folder.parent


def test_installed_and_removed_leaves_everything_as_it_was(place: Place, bundle: Path) -> None:
    before = tree(_home(place))
    plugin = PlacedPlugin(place)
    assert _put(plugin, bundle) == "installed"
    assert condition(place) is Condition.OURS
    assert (place.plugin_folder / "bundle.json").is_file()
    for name, path in place.beside:
        assert path.read_text() == f"{name} of 1.0\n"
    if place.config is not None:
        assert kritarc.is_enabled(place.config.read_bytes())
    else:
        assert is_executable(place)
    assert plugin.version == "1.0"
    assert remove_plugin(plugin) == "removed"
    assert tree(_home(place)) == before


def test_into_a_home_without_any_of_the_folders(place: Place, bundle: Path) -> None:
    shutil.rmtree(_home(place))
    home = _home(place).parent
    before = tree(home)
    plugin = PlacedPlugin(place)
    _put(plugin, bundle)
    assert condition(place) is Condition.OURS
    remove_plugin(plugin)
    assert tree(home) == before


def test_a_second_run_changes_nothing(place: Place, bundle: Path) -> None:
    plugin = PlacedPlugin(place)
    _put(plugin, bundle)
    entry = repr(plugin)
    before = tree(_home(place))
    assert _put(plugin, bundle, known=True) == "was there already"
    assert tree(_home(place)) == before
    assert repr(plugin) == entry


def test_a_newer_version_replaces_an_older_one(place: Place, bundle: Path, tmp_path: Path) -> None:
    before = tree(_home(place))
    plugin = PlacedPlugin(place)
    _put(plugin, bundle)
    newer = _bundle(tmp_path / "newer", place.editor, "2.0")
    assert _put(plugin, newer, known=True) == "replaced version 1.0"
    assert plugin.version == "2.0"
    assert condition(place) is Condition.OURS
    assert not list(_home(place).rglob(".pastiche*"))
    remove_plugin(plugin)
    assert tree(_home(place)) == before


def test_what_python_compiled_goes_with_the_plugin(place: Place, bundle: Path) -> None:
    before = tree(_home(place))
    plugin = PlacedPlugin(place)
    _put(plugin, bundle)
    cache = place.plugin_folder / "__pycache__"
    cache.mkdir()
    (cache / "a.cpython-313.pyc").touch()
    assert condition(place) is Condition.OURS
    remove_plugin(plugin)
    assert tree(_home(place)) == before


def test_what_is_not_executable_any_more_is_mended(place: Place, bundle: Path) -> None:
    if place.editor != "gimp":
        pytest.skip("only GIMP runs its plug-in as a program")
    plugin = PlacedPlugin(place)
    _put(plugin, bundle)
    (place.plugin_folder / "pastiche.py").chmod(0o644)
    _put(plugin, bundle, known=True)
    assert is_executable(place)


# --- What others have put there or changed ---


def _changed(place: Place) -> None:
    (place.plugin_folder / "bundle.json").with_name("note.txt").write_text("mine")


def _edited(place: Place) -> None:
    next(place.plugin_folder.glob("*.py")).write_text("mine")


def _taken_out(place: Place) -> None:
    next(place.plugin_folder.glob("*.py")).unlink()


@pytest.mark.parametrize("change", [_changed, _edited, _taken_out])
@pytest.mark.parametrize("again", [True, False])
def test_a_changed_plugin_is_moved_aside_and_never_destroyed(
    place: Place, bundle: Path, change: Callable[[Place], None], *, again: bool
) -> None:
    plugin = PlacedPlugin(place)
    _put(plugin, bundle)
    change(place)
    assert condition(place) is Condition.CHANGED
    changed = tree(place.plugin_folder)
    told = _put(plugin, bundle, known=True) if again else remove_plugin(plugin)
    (aside,) = place.folder.glob("pastiche-changed-*")
    assert str(aside) in told
    assert tree(aside / "pastiche") == changed
    assert condition(place) is (Condition.OURS if again else Condition.ABSENT)


def _foreign_folder(place: Place) -> None:
    place.plugin_folder.mkdir(parents=True)
    (place.plugin_folder / "theirs.py").write_text("precious")


def _foreign_link(place: Place) -> None:
    place.plugin_folder.parent.mkdir(parents=True, exist_ok=True)
    other = place.folder / "workshop"
    other.mkdir()
    (other / "theirs.py").write_text("precious")
    place.plugin_folder.symlink_to(other)


def _foreign_file(place: Place) -> None:
    place.plugin_folder.parent.mkdir(parents=True, exist_ok=True)
    place.plugin_folder.write_text("precious")


def _of_the_other_editor(place: Place) -> None:
    other = "krita" if place.editor == "gimp" else "gimp"
    _bundle(place.plugin_folder.parent, other)


@pytest.mark.parametrize(
    "foreign", [_foreign_folder, _foreign_link, _foreign_file, _of_the_other_editor]
)
def test_a_foreign_thing_of_that_name_is_refused_and_left_alone(
    place: Place, bundle: Path, foreign: Callable[[Place], None]
) -> None:
    foreign(place)
    before = tree(_home(place))
    plugin = PlacedPlugin(place)
    with pytest.raises(InstallError, match="was not installed by Pastiche") as caught:
        _put(plugin, bundle)
    assert str(place.plugin_folder) in str(caught.value)
    assert tree(_home(place)) == before
    assert not plugin.made_folders


def test_a_foreign_desktop_file_is_refused(place: Place, bundle: Path) -> None:
    if not place.beside:
        pytest.skip("GIMP's plug-in is a folder alone")
    _, desktop = place.beside[0]
    desktop.parent.mkdir(parents=True, exist_ok=True)
    desktop.write_text("theirs")
    with pytest.raises(InstallError, match=r"pastiche\.desktop was not installed"):
        _put(PlacedPlugin(place), bundle)
    assert desktop.read_text() == "theirs"


def test_what_replaced_the_plugin_meanwhile_is_not_removed(place: Place, bundle: Path) -> None:
    plugin = PlacedPlugin(place)
    _put(plugin, bundle)
    shutil.rmtree(place.plugin_folder)
    _foreign_folder(place)
    assert "left as it is" in remove_plugin(plugin)
    assert (place.plugin_folder / "theirs.py").read_text() == "precious"


def test_a_plugin_that_is_gone_is_no_obstacle(place: Place, bundle: Path) -> None:
    before = tree(_home(place))
    plugin = PlacedPlugin(place)
    _put(plugin, bundle)
    shutil.rmtree(place.plugin_folder)
    remove_plugin(plugin)
    assert tree(_home(place)) == before


# --- Interruptions ---


class _PowerCut(BaseException):
    pass


_STEPS = ["_stage", "_put", "_enable"]


@pytest.mark.parametrize("step", _STEPS)
@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("go_on", [True, False])
def test_an_interrupted_run_can_be_repeated_or_removed(
    place: Place,
    bundle: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    *,
    after: bool,
    there: bool,
    go_on: bool,
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    before = tree(_home(place))
    manifest = Manifest()
    if there:
        old = _bundle(tmp_path / "old", place.editor, "0.9")
        place_plugin(
            manifest.plugin(place), old, None, lambda: save_manifest(data, manifest), known=False
        )
    original = getattr(placing, step)

    def interrupted(*arguments: object) -> None:
        if after:
            original(*arguments)
        raise _PowerCut

    def save() -> None:
        save_manifest(data, manifest)

    monkeypatch.setattr(placing, step, interrupted)
    with pytest.raises(_PowerCut):
        place_plugin(manifest.plugin(place), bundle, None, save, known=there)
    monkeypatch.setattr(placing, step, original)
    read = load_manifest(data)
    assert read is not None
    (plugin,) = read.plugins
    if go_on:
        _put(plugin, bundle, known=True)
        assert condition(place) is Condition.OURS
        assert plugin.version == "1.0"
    remove_plugin(plugin)
    assert tree(_home(place)) == before


def test_interrupted_between_the_folder_and_the_files_beside_it(place: Place, bundle: Path) -> None:
    plugin = PlacedPlugin(place)
    _put(plugin, bundle)
    place.plugin_folder.rename(place.plugin_folder.with_name(".pastiche-old"))
    _put(plugin, bundle, known=True)
    assert condition(place) is Condition.OURS
    assert not place.plugin_folder.with_name(".pastiche-old").exists()


@pytest.mark.skipif("os.name == 'nt' or os.getuid() == 0", reason="needs a user without rights")
def test_a_folder_without_permission_is_told(place: Place, bundle: Path) -> None:
    place.folder.chmod(0o500)
    with pytest.raises(InstallError, match="you may write"):
        _put(PlacedPlugin(place), bundle)


def test_a_plugins_folder_that_is_a_file_is_told(place: Place, bundle: Path) -> None:
    parent = place.plugin_folder.parent
    shutil.rmtree(parent, ignore_errors=True)
    parent.write_text("x")
    with pytest.raises(InstallError, match="cannot be installed"):
        _put(PlacedPlugin(place), bundle)


# --- Another data folder ---


def test_the_plugin_is_told_of_another_data_folder(place: Place, bundle: Path) -> None:
    before = tree(_home(place))
    data = place.folder / "dä ta"
    plugin = PlacedPlugin(place)
    place_plugin(plugin, bundle, data, _ignore, known=False)
    (file,) = place.plugin_folder.rglob("data-folder.txt")
    assert file.parent.name == "pastiche_client"
    assert file.read_text(encoding="utf-8") == f"{data}\n"
    assert condition(place) is Condition.OURS
    assert place_plugin(plugin, bundle, data, _ignore, known=True) == "was there already"
    assert place_plugin(plugin, bundle, None, _ignore, known=True) == "replaced version 1.0"
    assert not list(place.plugin_folder.rglob("data-folder.txt"))
    remove_plugin(plugin)
    assert tree(_home(place)) == before


# --- The manifest ---


def test_the_manifest_is_read_back(place: Place, tmp_path: Path) -> None:
    change = kritarc.Change(made_group=True, former="fälse")
    plugin = PlacedPlugin(place, "1.0", [tmp_path / "ä b"], change)
    manifest = Manifest(
        version="1.0",
        environment=tmp_path / "e",
        environment_made=True,
        made_folders=[tmp_path],
        files=[tmp_path / "f"],
        units=["u"],
        plugins=[plugin],
    )
    save_manifest(tmp_path, manifest)
    assert load_manifest(tmp_path) == manifest
    assert load_manifest(tmp_path / "none") is None


@pytest.mark.parametrize("text", ["{half", "[]", '{"schema": 1}', '{"schema": 99}', "7", "\xff"])
def test_a_damaged_manifest_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "install.json").write_text(text, encoding="latin-1")
    with pytest.raises(InstallError, match=r"install\.json"):
        load_manifest(tmp_path)
