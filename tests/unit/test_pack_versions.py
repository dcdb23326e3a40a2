from __future__ import annotations

import random
from pathlib import Path

import pytest

from pastiche_daemon.packs.errors import (
    BuiltInPackError,
    NoOlderVersionError,
    PinnedVersionError,
    StorageError,
    UnknownPackError,
    UnknownVersionError,
)
from pastiche_daemon.packs.store import PackStore
from pastiche_daemon.packs.versions import version_key
from tests.support.tiny_pack import write_tiny_pack

VERSIONS = ("1.0.0", "1.1.0", "2.0.0")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    return tmp_path / "data" / "packs"


@pytest.fixture
def store(tmp_path: Path, installed: Path) -> PackStore:
    """Three versions of tiny, and one that is built in."""
    built_in = tmp_path / "builtin"
    built_in.mkdir()
    write_tiny_pack(built_in / "masters.pastiche", pack_id="masters", styles=("wave",))
    store = PackStore(built_in, installed)
    for seed, version in enumerate(VERSIONS):
        store.install(write_tiny_pack(tmp_path / "a.pastiche", version=version, seed=seed))
    return store


def version(store: PackStore) -> str:
    return store.get("tiny").manifest.version


def test_versions_are_in_semantic_order() -> None:
    # The example of https://semver.org, and more.
    ordered = [
        *("0.9.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta"),
        *("1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.0+build", "1.0.1"),
        *("1.9.0", "1.10.0", "2.0.0-" + "9" * 40, "2.0.0-x", "2.0.0"),
    ]
    shuffled = ordered[:]
    random.Random(0).shuffle(shuffled)
    assert sorted(shuffled, key=version_key) == ordered


def test_the_plain_name_means_the_newest(store: PackStore) -> None:
    assert version(store) == "2.0.0"
    assert [pack.manifest.id for pack in store.list()] == ["masters", "tiny"]
    found = store.versions("tiny")
    assert [entry.version for entry in found] == ["2.0.0", "1.1.0", "1.0.0"]
    assert [entry.current for entry in found] == [True, False, False]
    assert found[1].versions == ("2.0.0", "1.1.0", "1.0.0")


def test_a_version_is_found_by_name(store: PackStore) -> None:
    assert store.get("tiny", "1.1.0").manifest.training.seed == 1
    found = store.find_style("packs/tiny@1.0.0/styles/two")
    assert (found.pack.manifest.version, found.index) == ("1.0.0", 1)
    assert store.find_style("packs/tiny/styles/two").pack.manifest.version == "2.0.0"


def test_versions_that_are_not_there_are_told_with_the_newest(store: PackStore) -> None:
    for call in (
        lambda: store.find_style("packs/tiny@3.0.0/styles/one"),
        lambda: store.remove("tiny", "3.0.0"),
        lambda: store.pin("tiny", "3.0.0"),
    ):
        with pytest.raises(UnknownVersionError, match=r"from the newest on: 2\.0\.0, 1\.1\.0"):
            call()
    with pytest.raises(UnknownPackError):
        store.get("other", "1.0.0")


def test_a_pinned_version_stays_when_newer_ones_come(
    store: PackStore, tmp_path: Path, installed: Path
) -> None:
    pinned = store.pin("tiny", "1.1.0")
    assert (pinned.version, pinned.pinned, pinned.current) == ("1.1.0", True, True)
    store.install(write_tiny_pack(tmp_path / "a.pastiche", version="3.0.0"))
    assert version(store) == "1.1.0"
    assert version(PackStore(tmp_path / "builtin", installed)) == "1.1.0"  # it is on the disk
    assert store.get("tiny", "3.0.0").manifest.version == "3.0.0"
    assert store.unpin("tiny").version == "3.0.0"
    assert store.unpin("tiny").version == "3.0.0"
    assert version(store) == "3.0.0"


def test_rolling_back_goes_one_version_at_a_time(store: PackStore) -> None:
    assert store.roll_back("tiny").version == "1.1.0"
    assert version(store) == "1.1.0"
    assert store.roll_back("tiny").version == "1.0.0"
    with pytest.raises(NoOlderVersionError, match=r"before 1\.0\.0"):
        store.roll_back("tiny")
    assert version(store) == "1.0.0"
    with pytest.raises(NoOlderVersionError):
        store.roll_back("masters")
    with pytest.raises(BuiltInPackError, match="it has one version"):
        store.pin("masters", "1.0.0")


def test_one_version_is_removed(store: PackStore, installed: Path) -> None:
    store.remove("tiny", "2.0.0")
    assert sorted(path.name for path in installed.iterdir()) == [
        "tiny-1.0.0.pastiche",
        "tiny-1.1.0.pastiche",
    ]
    assert version(store) == "1.1.0"
    with pytest.raises(BuiltInPackError):
        store.remove("masters", "1.0.0")


def test_a_damaged_version_is_removed_and_hides_no_other(store: PackStore, installed: Path) -> None:
    (installed / "tiny-2.0.0.pastiche").write_bytes(b"rubbish")
    assert version(store) == "1.1.0"
    store.remove("tiny", "2.0.0")
    assert not store.problems()


def test_the_pinned_version_is_not_removed_by_itself(store: PackStore) -> None:
    store.pin("tiny", "1.0.0")
    with pytest.raises(PinnedVersionError, match="unpin it first"):
        store.remove("tiny", "1.0.0")
    assert version(store) == "1.0.0"
    store.remove("tiny")  # all of it: the pin goes, too
    store.install(write_tiny_pack(store._installed.parent / "a.pastiche", version="1.2.0"))
    assert version(store) == "1.2.0"


def test_a_pin_whose_version_is_gone_is_told_and_not_worked_around(
    store: PackStore, installed: Path
) -> None:
    store.pin("tiny", "1.0.0")
    (installed / "tiny-1.0.0.pastiche").unlink()
    with pytest.raises(UnknownVersionError, match=r"It is pinned: .* or unpin the pack"):
        store.get("tiny")
    assert [pack.manifest.id for pack in store.list()] == ["masters"]
    assert store.get("tiny", "2.0.0")
    assert [problem.error.reason for problem in store.problems()] == ["PACK_VERSION_NOT_FOUND"]
    with pytest.raises(NoOlderVersionError):
        store.roll_back("tiny")
    assert store.unpin("tiny").version == "2.0.0"


def test_a_damaged_list_of_pins_is_told(store: PackStore, installed: Path) -> None:
    file = installed.parent / "pinned-packs.toml"
    file.write_text("packs = 5")
    assert version(store) == "2.0.0"
    problem = store.problems()[0]
    assert problem.path == file
    assert "correct or delete it" in str(problem.error)
    with pytest.raises(StorageError):
        store.pin("tiny", "1.0.0")
    assert file.read_text() == "packs = 5"


@pytest.mark.parametrize("pack", ["tiny@", "tiny@1.0.0@2.0.0", "@1.0.0", "tiny@../x", "tiny@*"])
def test_malformed_versions_find_nothing(store: PackStore, pack: str) -> None:
    with pytest.raises((UnknownPackError, UnknownVersionError, KeyError, Exception)) as caught:
        store.find_style(f"packs/{pack}/styles/one")
    assert getattr(caught.value, "reason", "").endswith("_NOT_FOUND")
