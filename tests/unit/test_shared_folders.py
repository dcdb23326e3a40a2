from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pastiche_daemon.packs import folders as folders_module
from pastiche_daemon.packs.archive import PackLimits, read_pack
from pastiche_daemon.packs.errors import PackGoneError, SharedPackError, UnknownPackError
from pastiche_daemon.packs.folders import PackFolder, SharedFolder
from pastiche_daemon.packs.policy import PackPolicy
from pastiche_daemon.packs.store import PackStore, Place
from tests.support.tiny_pack import write_tiny_pack


@pytest.fixture
def share(tmp_path: Path) -> Path:
    share = tmp_path / "share"
    share.mkdir()
    return share


@pytest.fixture
def store(tmp_path: Path, share: Path, monkeypatch: pytest.MonkeyPatch) -> PackStore:
    """A store that looks at its shared folder every time."""
    monkeypatch.setattr(folders_module, "_FRESH_SECONDS", 0.0)
    policy = PackPolicy((share,))
    return PackStore(tmp_path / "none", tmp_path / "data" / "packs", policy=lambda: policy)


def ids(store: PackStore) -> list[str]:
    return [pack.manifest.id for pack in store.list()]


def old(path: Path) -> Path:
    os.utime(path, (1e9, 1e9))
    return path


def test_packs_come_and_go_and_the_folder_is_left_alone(store: PackStore, share: Path) -> None:
    assert ids(store) == []
    path = write_tiny_pack(share / "whatever.pastiche")
    before = share.stat().st_mtime_ns
    found = store.find("tiny")
    assert (found.place, found.pack.path) == (Place.SHARED, path)
    assert store.find_style("packs/tiny/styles/one").pack.weights()
    for remove in (lambda: store.remove("tiny"), lambda: store.remove("tiny", "1.0.0")):
        with pytest.raises(SharedPackError, match="where Pastiche changes nothing"):
            remove()
    assert (share.stat().st_mtime_ns, path.exists()) == (before, True)
    path.unlink()
    assert ids(store) == []


def test_versions_of_both_places_stand_side_by_side(
    store: PackStore, share: Path, tmp_path: Path
) -> None:
    write_tiny_pack(share / "tiny-2.pastiche", version="2.0.0")
    store.install(write_tiny_pack(tmp_path / "a.pastiche"))
    assert store.get("tiny").manifest.version == "2.0.0"
    store.pin("tiny", "1.0.0")
    assert store.get("tiny").manifest.version == "1.0.0"
    store.pin("tiny", "2.0.0")
    store.remove("tiny")  # what is installed; the pinned one is not ours
    assert store.find("tiny").place is Place.SHARED


def test_of_the_same_version_the_installed_one_counts(
    store: PackStore, share: Path, tmp_path: Path
) -> None:
    file = write_tiny_pack(share / "tiny.pastiche")
    store.install(file)
    assert store.find("tiny").place is Place.INSTALLED
    assert not store.problems()  # they are the same
    write_tiny_pack(file, seed=5)
    assert [problem.path for problem in store.problems()] == [file]


def test_a_pulled_folder_is_told_and_comes_back(
    store: PackStore, share: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    write_tiny_pack(share / "tiny.pastiche")
    store.install(write_tiny_pack(tmp_path / "a.pastiche", pack_id="own"))
    pack = store.get("tiny")
    share.rename(tmp_path / "pulled")
    assert ids(store) == ["own"]
    with pytest.raises(UnknownPackError, match=r"there are: own .*share is not there; connect it"):
        store.get("tiny")
    with pytest.raises(PackGoneError, match=r"is not there any more .* connect it again"):
        pack.weights()
    assert [problem.path for problem in store.problems()] == [share]
    (tmp_path / "pulled").rename(share)
    assert ids(store) == ["own", "tiny"]
    assert not store.problems()
    gone, back = (record.getMessage() for record in caplog.records)  # once each
    assert "is not there; connect it" in gone
    assert "is there again" in back


def test_a_file_in_the_folders_place_is_told(store: PackStore, share: Path) -> None:
    share.rmdir()
    share.write_text("in the way")
    assert ids(store) == []
    assert "is not there" in str(store.problems()[0].error)


def test_a_half_copied_file_is_passed_over_quietly_until_it_is_whole(
    store: PackStore, share: Path, tmp_path: Path
) -> None:
    data = write_tiny_pack(tmp_path / "a.pastiche").read_bytes()
    target = share / "tiny.pastiche"
    for end in (0, 10, len(data) // 2, len(data) - 1):
        target.write_bytes(data[:end])
        assert ids(store) == []
        assert not store.problems()
    # As some copy: the size first, then the contents, then the old time.
    target.write_bytes(bytes(len(data)))
    stamp = target.stat()
    assert ids(store) == []
    with target.open("r+b") as file:
        file.write(data)
    os.utime(target, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert ids(store) == ["tiny"]


def test_a_half_copied_file_is_not_read_again_and_again(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def counting(path: Path, limits: PackLimits | None = None):
        read.append(path.name)
        return read_pack(path, limits)

    now = [100.0]
    monkeypatch.setattr(folders_module.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(folders_module, "read_pack", counting)
    (share / "half.pastiche").write_bytes(b"PK")
    folder = PackFolder(share, PackLimits(), half_copied=True)
    for _ in range(4):
        assert list(folder.read()) == []
        now[0] += 3.0
    assert len(read) == 1
    assert list(folder.read()) == []  # ten seconds later
    assert len(read) == 2
    (share / "half.pastiche").write_bytes(b"PK\x03\x04")
    assert list(folder.read()) == []
    assert len(read) == 3


def test_a_file_that_stays_damaged_is_told(store: PackStore, share: Path) -> None:
    path = share / "tiny.pastiche"
    path.write_bytes(b"rubbish")
    assert not store.problems()
    old(path)
    assert [problem.path for problem in store.problems()] == [path]


def test_hidden_files_and_what_is_no_file_are_passed_over(store: PackStore, share: Path) -> None:
    write_tiny_pack(share / ".tiny.pastiche")
    (share / "folder.pastiche").mkdir()
    (share / "gone.pastiche").symlink_to(share / "nowhere")
    if hasattr(os, "mkfifo"):
        os.mkfifo(share / "pipe.pastiche")  # opening it would wait for ever
    assert ids(store) == []


def test_files_are_verified_once(
    store: PackStore, share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []

    def counting(path: Path, limits: PackLimits | None = None):
        verified.append(path.name)
        return read_pack(path, limits)

    monkeypatch.setattr(folders_module, "read_pack", counting)
    write_tiny_pack(share / "tiny.pastiche")
    for _ in range(5):
        assert ids(store) == ["tiny"]
    assert verified == ["tiny.pastiche"]


def test_a_folder_is_not_looked_at_twice_in_seconds(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(folders_module.time, "monotonic", lambda: now[0])
    folder = SharedFolder(share, PackLimits())
    assert folder.read() == ((), None) or folder.read() == ([], None)
    write_tiny_pack(share / "tiny.pastiche")
    assert not folder.read()[0]
    now[0] += 2.5
    assert len(folder.read()[0]) == 1


def test_a_folder_that_hangs_holds_nobody_up(
    store: PackStore, share: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_pack(share / "tiny.pastiche")
    store.install(write_tiny_pack(tmp_path / "a.pastiche", pack_id="own"))
    assert ids(store) == ["own", "tiny"]
    hangs = threading.Event()
    is_dir: Callable[[Path], bool] = Path.is_dir

    def waiting(path: Path) -> bool:
        if path == share:
            hangs.wait(60)
        return is_dir(path)

    monkeypatch.setattr(folders_module, "_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(Path, "is_dir", waiting)
    try:
        for _ in range(3):
            assert ids(store) == ["own", "tiny"]  # as it was when it answered last
        assert "does not answer" in str(store.problems()[0].error)
        looking = [t for t in threading.enumerate() if t.name == "pastiche-shared"]
        assert len(looking) == 1
    finally:
        hangs.set()
    while store.problems():
        time.sleep(0.01)
    assert ids(store) == ["own", "tiny"]


def test_only_one_call_waits_for_a_folder_that_never_answered(
    share: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tiny_pack(share / "tiny.pastiche")
    hangs = threading.Event()
    monkeypatch.setattr(Path, "is_dir", lambda _: hangs.wait(60))
    waited: list[float | None] = []
    wait = threading.Event.wait

    def counting(event: threading.Event, timeout: float | None = None) -> bool:
        if event is not hangs and timeout is not None and timeout != 60:
            waited.append(timeout)
            return wait(event, min(timeout, 0.05))
        return wait(event, timeout)

    monkeypatch.setattr(threading.Event, "wait", counting)
    folder = SharedFolder(share, PackLimits())
    for _ in range(3):
        found, problem = folder.read()
        assert not found
        assert "does not answer" in str(problem)
    assert waited == [20.0, 0.0, 0.0]
    hangs.set()
    while folder.read()[1] is not None:
        time.sleep(0.01)
    assert len(folder.read()[0]) == 1


def test_two_stores_of_one_folder_install_at_once(tmp_path: Path) -> None:
    """As two daemons would whose data folders share one folder of packs."""
    packs = tmp_path / "packs"
    files = [write_tiny_pack(tmp_path / f"{n}.pastiche", version=f"{n}.0.0") for n in range(8)]
    stores = [PackStore(tmp_path / "none", packs) for _ in range(4)]
    outcomes: list[str] = []

    def install(store: PackStore) -> None:
        for file in files:
            try:
                store.install(file)
                outcomes.append("installed")
            except Exception as error:  # noqa: BLE001 - they are counted
                outcomes.append(getattr(error, "reason", repr(error)))

    threads = [threading.Thread(target=install, args=(store,)) for store in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(set(outcomes)) == ["PACK_EXISTS", "installed"]
    assert outcomes.count("installed") == len(files)
    assert len(list(packs.iterdir())) == len(files)
    shutil.rmtree(packs)
    assert not stores[0].list()
