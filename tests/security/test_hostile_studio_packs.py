"""Signed packs, versions, pins and trust under attack, on full disks, and killed at any moment."""

from __future__ import annotations

import base64
import contextlib
import itertools
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.errors import PackError, StorageError
from pastiche_daemon.packs.manifest import MANIFEST_NAME, manifest_values
from pastiche_daemon.packs.pins import PinStore
from pastiche_daemon.packs.policy import PackPolicy, PolicySource
from pastiche_daemon.packs.signing import public_text, sign_pack, signed_bytes
from pastiche_daemon.packs.store import PackStore
from pastiche_daemon.packs.trust import TrustStore
from pastiche_daemon.packs.versions import version_key
from tests.security.test_hostile_packs import _CHANGES, WEIGHTS, _mutate
from tests.support.forged_pack import forge, members_of, with_manifest
from tests.support.tiny_pack import write_tiny_pack

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
_FUZZ = settings(
    max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = write_tiny_pack(tmp_path_factory.mktemp("good") / "signed.pastiche")
    sign_pack(path, path, KEY)
    return path


@pytest.fixture
def store(tmp_path: Path) -> PackStore:
    """A store that takes packs of KEY only."""
    trust = TrustStore(tmp_path / "data" / "trusted-keys.toml")
    trust.add(public_text(KEY), "Studio")
    policy = PackPolicy(trusted_only=True)
    folder = tmp_path / "data" / "packs"
    folder.mkdir()
    return PackStore(tmp_path / "none", folder, trust=trust, policy=lambda: policy)


def what_is_signed(path: Path) -> bytes:
    return signed_bytes(manifest_values(members_of(path)[MANIFEST_NAME]))


def only_what_was_signed_comes_in(store: PackStore, path: Path, signed: Path) -> None:
    """Nothing but pack errors, nothing left behind; what is installed is what KEY has signed."""
    folder = path.parent / "data" / "packs"
    try:
        pack = store.install(path)
    except PackError:
        pass
    else:
        assert what_is_signed(pack.path) == what_is_signed(signed)
        assert pack.files() == read_pack(signed).files()
        assert pack.path == folder / "tiny-1.0.0.pastiche"
        store.remove("tiny", "1.0.0")
    assert list(folder.iterdir()) == []
    assert {file.name for file in path.parent.iterdir()} == {path.name, "data"}


@_FUZZ
@given(changes=_CHANGES)
def test_a_mutated_signed_file(
    store: PackStore, signed: Path, tmp_path: Path, changes: list[Any]
) -> None:
    path = tmp_path / "mutated.pastiche"
    path.write_bytes(_mutate(signed.read_bytes(), changes))
    only_what_was_signed_comes_in(store, path, signed)


@_FUZZ
@given(changes=_CHANGES)
def test_a_mutated_signed_manifest(
    store: PackStore, signed: Path, tmp_path: Path, changes: list[Any]
) -> None:
    manifest = _mutate(members_of(signed)[MANIFEST_NAME], changes)
    path = with_manifest(tmp_path / "mutated.pastiche", signed, manifest)
    only_what_was_signed_comes_in(store, path, signed)


@_FUZZ
@given(changes=_CHANGES)
def test_mutated_weights_with_a_hash_that_fits_under_a_signature(
    store: PackStore, signed: Path, tmp_path: Path, changes: list[Any]
) -> None:
    mutated = _mutate(members_of(signed)[WEIGHTS], changes)
    path = forge(tmp_path / "mutated.pastiche", signed, replace={WEIGHTS: mutated})
    only_what_was_signed_comes_in(store, path, signed)


_BASE64 = st.text("ABCDwxyz0189+/=", max_size=100)
_SIGNATURES = st.one_of(
    st.fixed_dictionaries(
        {},
        optional={
            "algorithm": st.sampled_from(["ed25519", "none", "ED25519", "rsa", ""]),
            "public_key": st.one_of(
                _BASE64, st.binary(min_size=32, max_size=32).map(lambda raw: _encoded(raw))
            ),
            "value": st.one_of(
                _BASE64, st.binary(min_size=64, max_size=64).map(lambda raw: _encoded(raw))
            ),
            "trusted": st.booleans(),
        },
    ),
    st.lists(st.integers(), max_size=3),
    st.text(max_size=20),
    st.integers(-(2**63), 2**63 - 1),
)


def _encoded(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


@_FUZZ
@given(signature=_SIGNATURES)
def test_any_other_signature(
    store: PackStore, signed: Path, tmp_path: Path, signature: object
) -> None:
    path = forge(
        tmp_path / "forged.pastiche",
        signed,
        edit=lambda values: values.update(signature=signature),
    )
    with pytest.raises(PackError):
        store.install(path)


@pytest.mark.parametrize(
    "raw", [bytes(32), b"\x01" + bytes(31), b"\xff" * 32, b"\xec" + b"\xff" * 31]
)
def test_weak_keys_sign_nothing_that_is_trusted(
    store: PackStore, signed: Path, tmp_path: Path, raw: bytes
) -> None:
    """Points of small order, for which some signatures are of everything."""

    def edit(values: dict[str, Any]) -> None:
        values["signature"]["public_key"] = _encoded(raw)
        values["signature"]["value"] = _encoded(raw + bytes(32))

    with pytest.raises(PackError):
        store.install(forge(tmp_path / "forged.pastiche", signed, edit=edit))


def test_checking_a_signature_takes_no_memory_to_speak_of(signed: Path, tmp_path: Path) -> None:
    def edit(values: dict[str, Any]) -> None:
        values["training"]["notes"] = ["x" * 1500] * 60

    forged = forge(tmp_path / "large.pastiche", signed, edit=edit)
    tracemalloc.start()
    try:
        with pytest.raises(PackError, match="was changed after it was signed"):
            read_pack(forged)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


@_FUZZ
@given(data=st.binary(max_size=300))
def test_any_bytes_in_the_files_of_keys_pins_and_settings(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "list.toml"
    path.write_bytes(data)
    trust, pins, policy = TrustStore(path), PinStore(path), PolicySource(path, environ={})
    for read in (trust.all, pins.all):
        with contextlib.suppress(PackError):
            read()
    assert policy().problem is None or policy().trusted_only
    assert path.read_bytes() == data


@_FUZZ
@given(
    st.lists(
        st.from_regex(
            r"\A(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})\.(0|[1-9]\d{0,8})"
            r"(-(0|[1-9]\d{0,20}|[a-z-]{1,9})(\.(0|[1-9]\d{0,20}|[a-z-]{1,9})){0,3})?"
            r"(\+[0-9a-z-]{1,9})?\Z"
        ),
        min_size=3,
        max_size=3,
    )
)
def test_any_versions_have_one_order(versions: list[str]) -> None:
    keys = [version_key(version) for version in versions]
    for one, other in itertools.product(keys, keys):
        assert (one < other) + (other < one) + (one == other) == 1
    for one, key in zip(versions, keys, strict=True):
        if "-" in one.partition("+")[0]:
            assert key < version_key(one.partition("+")[0].partition("-")[0])


@pytest.mark.parametrize(
    "version", ["../../evil", "1.0.0/../x", "1.0.0\x00", "..", "*", "1.0.0 ", "x" * 5000, "%2e%2e"]
)
def test_versions_of_requests_reach_no_other_file(
    store: PackStore, signed: Path, tmp_path: Path, version: str
) -> None:
    store.install(signed)
    (tmp_path / "data" / "evil.pastiche").write_bytes(signed.read_bytes())
    before = sorted(path for path in tmp_path.rglob("*"))
    for call in (store.remove, store.pin, store.find):
        with pytest.raises(PackError) as caught:
            call("tiny", version)
        assert len(str(caught.value)) < 400
    with pytest.raises(PackError):
        store.find_style(f"packs/tiny@{version}/styles/one")
    assert sorted(path for path in tmp_path.rglob("*")) == before


# --- killed, and on full disks ---

_PROGRAM = """
import os, resource, signal, sys
from pathlib import Path
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pastiche_daemon.packs import network  # torch is loaded before anything is counted
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.errors import StorageFullError
from pastiche_daemon.packs.listfile import ListFile
from pastiche_daemon.packs.signing import public_text, sign_pack, write_new_key
from pastiche_daemon.packs.store import PackStore
from pastiche_daemon.packs.trust import TrustStore
from pastiche_daemon.settings import Settings

action, folder = sys.argv[1], Path(sys.argv[2])
key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
store = PackStore(folder / "none", folder / "packs")
trust = TrustStore(folder / "trusted-keys.toml")
settings = ListFile(folder / "settings.toml", Settings)

def change_settings():
    with settings.changing() as write:
        write(Settings(packs_folders=["/after"]))

actions = {
    "install": lambda: store.install(folder / "new.pastiche"),
    "replace": lambda: store.install(folder / "replacement.pastiche", replace=True),
    "remove": lambda: store.remove("tiny", "1.0.0"),
    "pin": lambda: store.pin("tiny", "1.0.0"),
    "roll back": lambda: store.roll_back("tiny"),
    "sign": lambda: sign_pack(folder / "mine.pastiche", folder / "mine.pastiche", key),
    "trust": lambda: trust.add(public_text(key), "after"),
    "keygen": lambda: write_new_key(folder / "key.pem"),
    "settings": change_settings,
}
store.list()
read_pack(folder / "mine.pastiche")
"""

_KILLED = (
    _PROGRAM
    + """
at = int(sys.argv[3])
counted = 0

def hook(event, arguments):
    global counted
    if event in {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.chmod", "os.listdir"}:
        counted += 1
        if counted == at:
            os.kill(os.getpid(), signal.SIGKILL)

# Forked, for torch to be imported once only; it ends when nothing is left to be killed in.
import shutil
state = folder
while True:
    work = state.with_name(f"{state.name}-{at}")
    shutil.copytree(state, work)
    child = os.fork()
    if child == 0:
        folder = work
        store = PackStore(folder / "none", folder / "packs")
        trust = TrustStore(folder / "trusted-keys.toml")
        settings = ListFile(folder / "settings.toml", Settings)
        sys.addaudithook(hook)
        actions[action]()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        sys.exit(os.WEXITSTATUS(status))
    at += 1
"""
)

_FULL = (
    _PROGRAM
    + """
size = int(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
try:
    actions[action]()
except StorageFullError as error:
    print(error)
    sys.exit(42)
"""
)


def _run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([root, *sys.path]),
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


_ACTIONS = (
    *("install", "replace", "remove", "pin", "roll back", "sign", "trust", "keygen", "settings"),
)


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """A data folder before any of the actions."""
    folder = tmp_path / "data"
    store = PackStore(folder / "none", folder / "packs")
    for version in ("1.0.0", "1.1.0"):
        store.install(write_tiny_pack(tmp_path / "a.pastiche", version=version))
    write_tiny_pack(folder / "mine.pastiche", pack_id="mine")
    write_tiny_pack(folder / "new.pastiche", pack_id="new")
    write_tiny_pack(folder / "replacement.pastiche", version="1.1.0", seed=5)
    store.pin("tiny", "1.1.0")
    TrustStore(folder / "trusted-keys.toml").add(
        public_text(Ed25519PrivateKey.from_private_bytes(bytes(32))), "before"
    )
    (folder / "settings.toml").write_text('packs_folders = ["/before"]\n')
    return folder


def _state(folder: Path) -> dict[str, object]:
    """All that programs see of a data folder; fails where anything is half done."""
    store = PackStore(folder / "none", folder / "packs")
    assert not store.problems()
    versions = [
        (entry.pack.manifest.id, entry.version, entry.pack.manifest.training.seed, entry.pinned)
        for pack in store.list()
        for entry in store.versions(pack.manifest.id)
    ]
    policy = PolicySource(folder / "settings.toml", environ={})()
    assert policy.problem is None
    key = folder / "key.pem"
    return {
        "versions": versions,
        "signed": read_pack(folder / "mine.pastiche").manifest.signature is not None,
        "trusted": [key.name for key in TrustStore(folder / "trusted-keys.toml").all()],
        "folders": policy.shared_folders,
        "key": key.exists() and key.read_text().endswith("-----END PRIVATE KEY-----\n"),
        "packs": {path.name for path in (folder / "packs").glob("[!.]*")},
    }


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
@pytest.mark.parametrize("action", _ACTIONS)
def test_whatever_is_killed_is_done_or_not_done(before: Path, action: str) -> None:
    """Killed before every single thing that is done to a file, in turn."""
    start = _state(before)
    done = _run(_KILLED, action, before, 1)
    assert (done.returncode, done.stderr) == (0, "")
    folders = sorted(
        before.parent.glob("data-*"), key=lambda folder: int(folder.name.rpartition("-")[2])
    )
    states = [_state(folder) for folder in folders]
    end = states[-1]
    assert end != start
    assert len(states) > 3  # it was killed more than once
    assert states[0] == start
    for folder, state in zip(folders, states, strict=True):
        assert state in (start, end), folder
    # What was left behind is in nobody's way.
    halfway = folders[len(folders) // 2]
    again = PackStore(halfway / "none", halfway / "packs")
    again.install(halfway / "replacement.pastiche", replace=True)
    again.pin("tiny", "1.1.0")
    TrustStore(halfway / "trusted-keys.toml").add(public_text(KEY), "again")


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
@pytest.mark.parametrize("action", ["pin", "sign", "trust", "keygen", "settings"])
def test_a_full_disk_leaves_everything_as_it_was(before: Path, action: str) -> None:
    start = _state(before)
    files = sorted(path for path in before.rglob("*") if not path.name.endswith(".lock"))
    done = _run(_FULL, action, before, 10)
    assert (done.returncode, done.stderr) == (42, "")
    assert "free some space and try again" in done.stdout
    assert _state(before) == start
    after = sorted(path for path in before.rglob("*") if not path.name.endswith(".lock"))
    assert after == files


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("in the way")
    with pytest.raises(StorageError, match="check the folder"):
        PinStore(tmp_path / "data" / "pins.toml").set("tiny", "1.0.0")
