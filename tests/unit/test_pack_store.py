from __future__ import annotations

import io
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pastiche_daemon.packs import folders as folders_module
from pastiche_daemon.packs.archive import PackLimits, read_pack
from pastiche_daemon.packs.errors import (
    BuiltInPackError,
    DamagedPackError,
    PackExistsError,
    PackTooLargeError,
    StorageError,
    UnknownPackError,
    UnknownStyleError,
    UnsupportedPackError,
)
from pastiche_daemon.packs.store import PackStore
from tests.support.forged_pack import forge
from tests.support.tiny_pack import write_tiny_pack


@pytest.fixture
def built_in(tmp_path: Path) -> Path:
    folder = tmp_path / "builtin"
    folder.mkdir()
    write_tiny_pack(folder / "masters.pastiche", pack_id="masters", styles=("wave", "night"))
    return folder


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    return tmp_path / "data" / "packs"


@pytest.fixture
def store(built_in: Path, installed: Path) -> PackStore:
    return PackStore(built_in, installed)


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_pack(tmp_path / "download.pastiche")


def _ids(store: PackStore) -> list[str]:
    return [pack.manifest.id for pack in store.list()]


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_store_has_the_built_in_packs(store: PackStore, installed: Path) -> None:
    assert _ids(store) == ["masters"]
    assert store.is_built_in("masters")
    assert not store.problems()
    assert not installed.exists()


def test_folders_that_do_not_exist_are_empty(tmp_path: Path) -> None:
    assert list(PackStore(tmp_path / "a", tmp_path / "b").list()) == []


def test_an_installed_pack_is_listed_and_found(
    store: PackStore, installed: Path, tiny: Path
) -> None:
    pack = store.install(tiny)
    assert pack.path == installed / "tiny-1.0.0.pastiche"
    assert pack.path.read_bytes() == tiny.read_bytes()
    assert tiny.exists()
    assert _ids(store) == ["masters", "tiny"]
    assert store.get("tiny") == pack
    assert not store.is_built_in("tiny")
    assert _names(installed) == ["tiny-1.0.0.pastiche"]
    assert pack.weights().keys() == read_pack(tiny).weights().keys()


def test_a_stream_is_installed(store: PackStore, tiny: Path) -> None:
    assert store.install(io.BytesIO(tiny.read_bytes())).manifest == read_pack(tiny).manifest


def test_a_pack_is_installed_piece_by_piece(store: PackStore, installed: Path, tiny: Path) -> None:
    data = memoryview(tiny.read_bytes())
    with store.incoming() as incoming:
        for start in range(0, len(data), 1000):
            incoming.write(data[start : start + 1000])
            assert _ids(store) == ["masters"]
        incoming.install()
    assert _ids(store) == ["masters", "tiny"]
    assert _names(installed) == ["tiny-1.0.0.pastiche"]


def test_an_abandoned_installation_leaves_nothing(
    store: PackStore, installed: Path, tiny: Path
) -> None:
    def vanish() -> None:
        with store.incoming() as incoming:
            incoming.write(tiny.read_bytes())
            assert len(_names(installed)) == 1
            raise RuntimeError("the client went away")

    with pytest.raises(RuntimeError, match="the client went away"):
        vanish()
    assert _names(installed) == []


def test_an_installed_version_is_kept_unless_replacing_is_asked_for(
    store: PackStore, installed: Path, tiny: Path, tmp_path: Path
) -> None:
    store.install(tiny)
    other = write_tiny_pack(tmp_path / "other.pastiche", seed=1)
    for path in (tiny, other):
        with pytest.raises(PackExistsError, match=r"1\.0\.0 of the pack 'tiny' is installed"):
            store.install(path)
        assert (installed / "tiny-1.0.0.pastiche").read_bytes() == tiny.read_bytes()
        assert _names(installed) == ["tiny-1.0.0.pastiche"]
    store.install(other, replace=True)
    assert (installed / "tiny-1.0.0.pastiche").read_bytes() == other.read_bytes()
    assert _names(installed) == ["tiny-1.0.0.pastiche"]
    assert store.get("tiny").manifest.training.seed == 1


@pytest.mark.parametrize("replace", [False, True])
def test_other_versions_are_installed_beside(
    store: PackStore, installed: Path, tiny: Path, tmp_path: Path, replace: bool
) -> None:
    store.install(tiny)
    for version in ("1.1.0", "0.9.0"):
        other = write_tiny_pack(tmp_path / "other.pastiche", version=version)
        assert store.install(other, replace=replace).manifest.version == version
    assert _names(installed) == [f"tiny-{v}.pastiche" for v in ("0.9.0", "1.0.0", "1.1.0")]
    assert store.get("tiny").manifest.version == "1.1.0"
    assert not store.problems()


def test_a_bad_pack_does_not_replace_a_good_one(
    store: PackStore, installed: Path, tiny: Path
) -> None:
    store.install(tiny)
    with pytest.raises(DamagedPackError):
        store.install(io.BytesIO(tiny.read_bytes()[:-1]), replace=True)
    assert (installed / "tiny-1.0.0.pastiche").read_bytes() == tiny.read_bytes()
    assert _names(installed) == ["tiny-1.0.0.pastiche"]


def test_built_in_packs_can_be_neither_replaced_nor_removed(
    store: PackStore, built_in: Path, installed: Path, tmp_path: Path
) -> None:
    other = write_tiny_pack(tmp_path / "other.pastiche", pack_id="masters", seed=1)
    with pytest.raises(BuiltInPackError, match="'masters' is built in"):
        store.install(other, replace=True)
    with pytest.raises(BuiltInPackError, match="'masters' is built in"):
        store.remove("masters")
    assert _names(installed) == []
    assert _names(built_in) == ["masters.pastiche"]


def test_too_large_a_stream_stops_at_the_limit(built_in: Path, installed: Path) -> None:
    store = PackStore(built_in, installed, limits=PackLimits(file_size=5_000_000))
    stream = io.BytesIO(bytes(20_000_000))
    with pytest.raises(PackTooLargeError, match="more than the 5000000 bytes"):
        store.install(stream)
    assert stream.tell() < 7_000_000
    assert _names(installed) == []


def test_installing_from_a_missing_file(store: PackStore, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        store.install(tmp_path / "missing.pastiche")


def test_a_removed_pack_is_gone(store: PackStore, installed: Path, tiny: Path) -> None:
    store.install(tiny)
    store.remove("tiny")
    assert _ids(store) == ["masters"]
    assert _names(installed) == []
    with pytest.raises(UnknownPackError, match="no pack 'tiny'; there are: masters"):
        store.remove("tiny")


@pytest.mark.parametrize("pack_id", ["", "..", "../builtin/masters", "tiny-1.0.0", "*", "x" * 5000])
def test_unknown_packs(store: PackStore, pack_id: str, tiny: Path) -> None:
    store.install(tiny)
    with pytest.raises(UnknownPackError, match="there are: masters, tiny") as caught:
        store.get(pack_id)
    assert len(str(caught.value)) < 200
    with pytest.raises(UnknownPackError):
        store.remove(pack_id)
    assert _ids(store) == ["masters", "tiny"]


def test_styles_are_found_by_name(store: PackStore, tiny: Path) -> None:
    store.install(tiny)
    found = store.find_style("packs/tiny/styles/two")
    assert (found.pack.manifest.id, found.index, found.entry.id) == ("tiny", 1, "two")
    assert store.find_style("packs/masters/styles/wave").index == 0


def test_unknown_styles_list_what_there_is(store: PackStore) -> None:
    with pytest.raises(UnknownStyleError, match=r"'packs/masters/styles/x'; there are: .*/night$"):
        store.find_style("packs/masters/styles/x")
    with pytest.raises(UnknownPackError, match="no pack 'x'; there are: masters"):
        store.find_style("packs/x/styles/wave")


@pytest.mark.parametrize(
    "name",
    ["", "wave", "packs/masters", "styles/wave", "/packs/masters/styles/wave", "a\n", "x" * 9999],
)
def test_malformed_style_names_list_what_there_is(store: PackStore, name: str) -> None:
    with pytest.raises(UnknownStyleError, match="packs/masters/styles/wave") as caught:
        store.find_style(name)
    assert len(str(caught.value)) < 300


def test_long_lists_are_cut_in_messages(store: PackStore, built_in: Path) -> None:
    styles = [f"s{number}" for number in range(100)]
    write_tiny_pack(built_in / "many.pastiche", pack_id="many", styles=styles)
    with pytest.raises(UnknownStyleError, match=r"packs/many/styles/s29, and 70 more$"):
        store.find_style("packs/many/styles/x")


def test_a_damaged_file_is_reported_and_hides_nothing(
    store: PackStore, installed: Path, tiny: Path
) -> None:
    path = store.install(tiny).path
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    (installed / "rubbish.pastiche").write_bytes(b"rubbish")
    (installed / "folder.pastiche").mkdir()
    (installed / "notes.txt").write_text("not a pack")
    assert _ids(store) == ["masters"]
    problems = store.problems()
    assert [problem.path.name for problem in problems] == [
        "folder.pastiche",
        "rubbish.pastiche",
        "tiny-1.0.0.pastiche",
    ]
    assert all(problem.path.name in str(problem.error) for problem in problems)
    assert {problem.error.reason for problem in problems} == {"PACK_DAMAGED"}
    with pytest.raises(DamagedPackError, match=r"tiny-1\.0\.0\.pastiche: .*truncated"):
        store.get("tiny")
    path.write_bytes(data)
    assert _ids(store) == ["masters", "tiny"]


def test_a_pack_from_the_future_is_reported_as_such(
    store: PackStore, installed: Path, tiny: Path
) -> None:
    installed.mkdir(parents=True)
    forge(
        installed / "tiny-3.0.0.pastiche", tiny, edit=lambda values: values.update(schema_version=3)
    )
    with pytest.raises(UnsupportedPackError, match="schema_version"):
        store.get("tiny")


def test_a_damaged_pack_can_be_replaced_and_removed(
    store: PackStore, installed: Path, tiny: Path
) -> None:
    path = store.install(tiny).path
    path.write_bytes(b"rubbish")
    with pytest.raises(PackExistsError):
        store.install(tiny)
    assert path.read_bytes() == b"rubbish"
    store.install(tiny, replace=True)
    assert _ids(store) == ["masters", "tiny"]
    path.write_bytes(b"rubbish")
    other = installed / "tiny-too-1.0.0.pastiche"
    other.write_bytes(b"rubbish")
    store.remove("tiny")
    assert _names(installed) == [other.name]


def test_a_damaged_built_in_pack_is_reported(store: PackStore, built_in: Path, tiny: Path) -> None:
    (built_in / "masters.pastiche").write_bytes(b"rubbish")
    store.install(tiny)
    assert _ids(store) == ["tiny"]
    assert [problem.path.name for problem in store.problems()] == ["masters.pastiche"]


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_reported(store: PackStore, tiny: Path) -> None:
    path = store.install(tiny).path
    path.chmod(0)
    assert [problem.path for problem in store.problems()] == [path]


def test_a_folder_that_is_none_is_told_in_words(
    store: PackStore, installed: Path, tiny: Path
) -> None:
    installed.parent.mkdir(parents=True, exist_ok=True)
    installed.write_text("in the way")
    with pytest.raises(StorageError, match="check the folder"):
        store.list()
    with pytest.raises(StorageError, match="check the folder"):
        store.install(tiny)
    assert installed.read_text() == "in the way"


def test_of_two_files_of_one_version_the_last_written_counts(
    store: PackStore, installed: Path, tmp_path: Path
) -> None:
    installed.mkdir(parents=True)
    old = write_tiny_pack(installed / "tiny-1.0.0.pastiche")
    new = write_tiny_pack(installed / "renamed.pastiche", seed=3)
    os.utime(old, ns=(1, 1))
    assert store.get("tiny").path == new
    problem = store.problems()[0]
    assert (problem.path, problem.error.reason) == (old, "PACK_EXISTS")
    store.remove("tiny")
    assert _names(installed) == []


def test_an_installed_pack_that_became_built_in_is_passed_over(
    store: PackStore, built_in: Path, installed: Path, tiny: Path
) -> None:
    store.install(tiny)
    write_tiny_pack(built_in / "tiny.pastiche", seed=5)
    assert store.get("tiny").path == built_in / "tiny.pastiche"
    assert [problem.path.parent for problem in store.problems()] == [installed]
    store.remove("tiny")
    assert _names(installed) == []
    assert store.get("tiny").path == built_in / "tiny.pastiche"


def test_files_are_verified_again_only_when_they_change(
    store: PackStore, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []

    def counting(path: Path, limits: PackLimits | None = None):
        verified.append(path.name)
        return read_pack(path, limits)

    monkeypatch.setattr(folders_module, "read_pack", counting)
    store.list()
    store.list()
    store.get("masters")
    assert verified == ["masters.pastiche"]
    path = store.install(tiny).path
    verified.clear()
    store.list()
    store.list()
    assert verified == ["tiny-1.0.0.pastiche"]
    write_tiny_pack(path, seed=4)
    assert store.get("tiny").manifest.training.seed == 4


def test_what_a_crash_left_behind_is_removed_by_the_next_installation(
    store: PackStore, installed: Path, tiny: Path
) -> None:
    installed.mkdir(parents=True)
    crashed = installed / ".incoming.pastiche.0123456789abcdef.part"
    crashed.write_bytes(b"half")
    yesterday = time.time() - 25 * 3600
    os.utime(crashed, (yesterday, yesterday))
    running = installed / ".incoming.pastiche.fedcba9876543210.part"
    running.write_bytes(b"half")
    assert _ids(store) == ["masters"]
    store.install(tiny)
    assert _names(installed) == [running.name, "tiny-1.0.0.pastiche"]


def test_two_that_install_the_same_pack_at_once(
    store: PackStore, installed: Path, tiny: Path
) -> None:
    barrier = threading.Barrier(4)

    def install(_: int) -> bool:
        barrier.wait()
        try:
            store.install(tiny)
        except PackExistsError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(install, range(4))) == 1
    assert _names(installed) == ["tiny-1.0.0.pastiche"]
    assert _ids(store) == ["masters", "tiny"]
