"""Presets are the user's own: none may get lost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pastiche_client.editing.options import Options
from pastiche_client.editing.paint_options import PaintOptions, StyleChoice, StyleKind
from pastiche_client.editing.presets import (
    LONGEST_NAME,
    PaintPresetStore,
    PresetError,
    PresetStore,
)
from pastiche_client.paths import DataPaths

SOFT = Options("tiny/one", strength=0.3)
HARD = Options("tiny/two", stroke_size=4.0)


@pytest.fixture
def paths(tmp_path: Path) -> DataPaths:
    return DataPaths(tmp_path / "dätä")


@pytest.fixture
def store(paths: DataPaths) -> PresetStore:
    return PresetStore(paths)


def files(paths: DataPaths) -> list[Path]:
    return sorted(path for path in (paths.root / "editors").rglob("*") if path.is_file())


def test_a_new_store_is_empty_and_writes_nothing(store: PresetStore, paths: DataPaths) -> None:
    assert store.names() == ()
    assert store.last() is None
    assert store.get("soft") is None
    store.delete("soft")
    assert not paths.root.exists()
    assert store.problems == ()


def test_presets_come_back_in_the_next_session(store: PresetStore, paths: DataPaths) -> None:
    store.save("soft", SOFT)
    store.save("Hard", HARD)
    store.remember_last(HARD)
    again = PresetStore(paths)
    assert again.names() == ("Hard", "soft")
    assert again.get("soft") == SOFT
    assert again.last() == HARD
    again.delete("soft")
    assert store.names() == ("Hard",)
    assert store.get("soft") is None


def test_presets_and_values_of_painting_are_kept_apart(
    store: PresetStore, paths: DataPaths
) -> None:
    painting = PaintOptions((StyleChoice(StyleKind.FILE, "n", file="/n.png"),), amount=0.75)
    store.save("mine", SOFT)
    store.remember_last(HARD)
    other = PaintPresetStore(paths)
    assert other.names() == ()
    assert other.last() is None
    other.save("mine", painting)
    other.save("theirs", PaintOptions())
    other.remember_last(painting)
    assert (other.get("mine"), other.last()) == (painting, painting)
    assert store.names() == ("mine",)
    assert (store.get("mine"), store.last()) == (SOFT, HARD)
    assert other.problems == store.problems == ()


def test_saving_again_replaces(store: PresetStore) -> None:
    store.save("mine", SOFT)
    store.save("mine", HARD)
    assert store.names() == ("mine",)
    assert store.get("mine") == HARD


@pytest.mark.parametrize(
    "name",
    ["Größe/2", "../../etc/passwd", "CON", "a:b*?", "絵", "soft", "Soft", "x" * LONGEST_NAME],
)
def test_a_preset_may_have_any_name(name: str, paths: DataPaths) -> None:
    store = PresetStore(paths)
    store.save("SOFT", HARD)
    store.save(name, SOFT)
    assert store.get(name) == SOFT
    assert store.get("SOFT") == HARD
    assert set(store.names()) == {name, "SOFT"}
    for file in files(paths):
        assert file.parent == paths.root / "editors" / "presets"
        assert file.name.isascii()
        assert len(file.name) < 80


def test_names_are_cleaned(store: PresetStore) -> None:
    store.save("  a\tb\n ", SOFT)
    assert store.names() == ("a b",)
    store.save("e\u0301", HARD)
    assert store.get("\u00e9") == HARD


@pytest.mark.parametrize("name", ["", "  \n", "x" * (LONGEST_NAME + 1)])
def test_a_name_that_cannot_be_used_is_refused(name: str, store: PresetStore) -> None:
    with pytest.raises(PresetError, match="name"):
        store.save(name, SOFT)
    assert store.names() == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{ half",
        b"\xff\xff",
        b"[]",
        b"[" * 50_000,
        b'{"schema": 1, "name": "mine", "options": {"style": "x"}}',
        b'{"schema": 0, "name": "mine", "options": {"style": "tiny/one"}}',
        b'{"schema": 1, "name": 7, "options": {"style": "tiny/one"}}',
        b" " * 70_000,
    ],
)
def test_a_damaged_preset_is_set_aside_and_told(
    content: bytes, store: PresetStore, paths: DataPaths
) -> None:
    store.save("mine", SOFT)
    store.save("other", HARD)
    file = next(path for path in files(paths) if path.name.startswith("mine"))
    file.write_bytes(content)
    assert store.names() == ("other",)
    assert store.get("mine") is None
    (problem,) = store.problems
    (aside,) = [path for path in files(paths) if path.suffix == ".damaged"]
    assert str(aside) in str(problem)
    assert aside.read_bytes() == content
    store.save("mine", SOFT)
    assert store.names() == ("mine", "other")
    assert len(store.problems) == 1


def test_damaged_last_values_are_set_aside(store: PresetStore, paths: DataPaths) -> None:
    store.remember_last(SOFT)
    (file,) = files(paths)
    file.write_text("{", encoding="utf-8")
    assert store.last() is None
    store.remember_last(HARD)
    assert store.last() == HARD
    assert len(files(paths)) == 2


def test_a_preset_of_a_newer_version_is_left_alone(store: PresetStore, paths: DataPaths) -> None:
    store.save("mine", SOFT)
    (file,) = files(paths)
    newer = json.dumps({"schema": 2, "name": "mine", "values": {}})
    file.write_text(newer, encoding="utf-8")
    assert store.names() == ()
    assert store.get("mine") is None
    assert file.read_text("utf-8") == newer
    (problem,) = store.problems
    assert "newer Pastiche" in str(problem)


def test_what_cannot_be_written_is_told_and_loses_nothing(paths: DataPaths) -> None:
    paths.root.parent.mkdir(exist_ok=True)
    paths.root.write_text("a file where the folder should be", encoding="utf-8")
    store = PresetStore(paths)
    with pytest.raises(PresetError, match="cannot be saved"):
        store.save("mine", SOFT)
    with pytest.raises(PresetError, match="cannot be saved"):
        store.remember_last(SOFT)
    assert store.names() == ()
    assert store.last() is None


def test_a_failed_write_keeps_the_old_preset(
    store: PresetStore, paths: DataPaths, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.save("mine", SOFT)

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(PresetError, match="No space left"):
            store.save("mine", HARD)
    assert store.get("mine") == SOFT
    assert len(files(paths)) == 1


def test_every_editor_has_its_own_last_values_and_shares_the_presets(paths: DataPaths) -> None:
    gimp, krita = PresetStore(paths, "gimp"), PresetStore(paths, "krita")
    gimp.remember_last(SOFT)
    krita.remember_last(HARD)
    krita.save("mine", HARD)
    assert (gimp.last(), krita.last()) == (SOFT, HARD)
    assert gimp.get("mine") == HARD


_OTHER_EDITOR = """
import sys
from pathlib import Path
from pastiche_client.editing.options import Options
from pastiche_client.editing.presets import PresetStore
from pastiche_client.paths import DataPaths
who = sys.argv[2]
store = PresetStore(DataPaths(Path(sys.argv[1])))
for number in range(25):
    store.save(f"{who} {number}", Options("tiny/one"))
    store.save("both", Options("tiny/one", strength=number / 25))
    assert store.get("both") is not None
    assert f"{who} {number}" in store.names()
assert store.problems == ()
"""


def test_two_editors_at_once_lose_nothing(paths: DataPaths) -> None:
    command = [sys.executable, "-c", _OTHER_EDITOR, str(paths.root)]
    editors = [subprocess.Popen([*command, who]) for who in ("gimp", "krita")]
    assert [editor.wait(120) for editor in editors] == [0, 0]
    store = PresetStore(paths)
    expected = {"both", *(f"{who} {n}" for who in ("gimp", "krita") for n in range(25))}
    assert set(store.names()) == expected
    assert store.problems == ()
    assert len(files(paths)) == len(expected)
