from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pastiche_daemon.packs.errors import KeyFileError, UnknownVersionError, UntrustedPackError
from pastiche_daemon.packs.policy import PackPolicy, PolicySource
from pastiche_daemon.packs.signing import public_text, sign_pack
from pastiche_daemon.packs.store import PackStore
from pastiche_daemon.packs.trust import Trust, TrustStore
from tests.support.tiny_pack import write_tiny_pack

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


@pytest.fixture
def trust(tmp_path: Path) -> TrustStore:
    trust = TrustStore(tmp_path / "data" / "trusted-keys.toml")
    trust.add(public_text(KEY), "Studio Nord")
    return trust


@pytest.fixture
def store(tmp_path: Path, trust: TrustStore) -> PackStore:
    """A store that takes packs of trusted keys only, with an unsigned one built in."""
    built_in = tmp_path / "builtin"
    built_in.mkdir()
    write_tiny_pack(built_in / "masters.pastiche", pack_id="masters", styles=("wave",))
    policy = PackPolicy(trusted_only=True)
    return PackStore(built_in, tmp_path / "data" / "packs", policy=lambda: policy)


def signed(path: Path, key: Ed25519PrivateKey | None, **overrides: object) -> Path:
    write_tiny_pack(path, **overrides)  # pyright: ignore[reportArgumentType]
    if key is not None:
        sign_pack(path, path, key)
    return path


def test_packs_of_trusted_keys_and_built_in_ones_are_used(store: PackStore, tmp_path: Path) -> None:
    store.install(signed(tmp_path / "a.pastiche", KEY))
    origins = {entry.pack.manifest.id: entry.origin for entry in store.entries()}
    assert origins["masters"].trust is Trust.BUILT_IN
    assert (origins["tiny"].trust, origins["tiny"].name) == (Trust.TRUSTED, "Studio Nord")
    assert origins["tiny"].public_key == public_text(KEY)


@pytest.mark.parametrize(
    ("key", "told"),
    [(None, "is not signed"), (OTHER, "signed by the key .*, which is not trusted")],
)
def test_other_packs_are_neither_installed_nor_used(
    store: PackStore, tmp_path: Path, key: Ed25519PrivateKey | None, told: str
) -> None:
    folder = tmp_path / "data" / "packs"
    file = signed(tmp_path / "a.pastiche", key)
    with pytest.raises(UntrustedPackError, match=f"{told}.*may be installed"):
        store.install(file)
    assert list(folder.iterdir()) == []
    file.rename(folder / "tiny-1.0.0.pastiche")  # past the store
    assert [pack.manifest.id for pack in store.list()] == ["masters"]
    with pytest.raises(UntrustedPackError, match=f"{told}.*may be used"):
        store.find_style("packs/tiny/styles/one")
    with pytest.raises(UntrustedPackError):
        store.get("tiny", "1.0.0")
    assert [problem.error.reason for problem in store.problems()] == ["PACK_UNTRUSTED"]
    store.remove("tiny")
    assert list(folder.iterdir()) == []


def test_without_the_policy_they_are_used_and_told(tmp_path: Path) -> None:
    store = PackStore(tmp_path / "none", tmp_path / "packs")
    store.install(signed(tmp_path / "a.pastiche", None))
    store.install(signed(tmp_path / "b.pastiche", OTHER, pack_id="b"))
    assert [e.origin.trust for e in store.entries()] == [Trust.UNKNOWN_KEY, Trust.UNSIGNED]
    assert not any(entry.origin.trusted for entry in store.entries())


def test_an_untrusted_version_does_not_become_the_newest(store: PackStore, tmp_path: Path) -> None:
    store.install(signed(tmp_path / "a.pastiche", KEY))
    signed(tmp_path / "data" / "packs" / "tiny-2.0.0.pastiche", OTHER, version="2.0.0")
    assert store.get("tiny").manifest.version == "1.0.0"
    with pytest.raises(UntrustedPackError):
        store.pin("tiny", "2.0.0")
    with pytest.raises(UnknownVersionError):
        store.pin("tiny", "3.0.0")


def test_trust_counts_at_once(store: PackStore, trust: TrustStore, tmp_path: Path) -> None:
    store.install(signed(tmp_path / "a.pastiche", KEY))
    trust.remove("Studio Nord")
    with pytest.raises(UntrustedPackError):
        store.get("tiny")
    trust.add(public_text(KEY), "Nord again")
    assert store.find("tiny").origin.name == "Nord again"


def test_a_damaged_list_trusts_nobody_and_is_kept(
    store: PackStore, trust: TrustStore, tmp_path: Path
) -> None:
    store.install(signed(tmp_path / "a.pastiche", KEY))
    file = tmp_path / "data" / "trusted-keys.toml"
    file.write_text(file.read_text() + "\nnonsense")
    before = file.read_bytes()
    with pytest.raises(UntrustedPackError):
        store.get("tiny")
    assert any("no key is trusted" in str(problem.error) for problem in store.problems())
    for change in (lambda: trust.add(public_text(OTHER), "x"), lambda: trust.remove("x")):
        with pytest.raises(KeyFileError, match="correct or delete"):
            change()
    assert file.read_bytes() == before


def test_the_list_of_keys(trust: TrustStore, tmp_path: Path) -> None:
    trust.add(public_text(OTHER), "Another")
    assert [key.name for key in trust.all()] == ["Another", "Studio Nord"]
    trust.add(public_text(OTHER), "Renamed")
    assert [key.name for key in trust.all()] == ["Renamed", "Studio Nord"]
    with pytest.raises(KeyFileError, match="named 'Studio Nord' already"):
        trust.add(public_text(Ed25519PrivateKey.generate()), "Studio Nord")
    with pytest.raises(KeyFileError, match="there are: Renamed, Studio Nord"):
        trust.remove("nobody")
    for name in ("", "x" * 200, "a\x1b[2J"):
        with pytest.raises(KeyFileError, match="name"):
            trust.add(public_text(Ed25519PrivateKey.generate()), name)
    trust.remove(public_text(OTHER))
    assert [key.name for key in trust.all()] == ["Studio Nord"]
    if os.name == "posix":
        assert (tmp_path / "data" / "trusted-keys.toml").stat().st_mode & 0o077 == 0


# --- where the policy is from ---


def test_options_environment_and_settings_add_up(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    environ = {"PASTICHE_PACKS_FOLDERS": os.pathsep.join(["/b", "", "/c"])}
    source = PolicySource(file, [Path("/a")], environ=environ)
    assert source() == PackPolicy((Path("/a"), Path("/b"), Path("/c")))
    file.write_text('packs_folders = ["/d", "/a"]\ntrusted_packs_only = true\n')
    names = [Path(name) for name in ("/a", "/b", "/c", "/d")]
    assert source() == PackPolicy(tuple(names), trusted_only=True)
    file.unlink()
    assert not source().trusted_only


@pytest.mark.parametrize(
    ("value", "on"), [("", False), ("0", False), ("no", False), ("1", True), ("yes", True)]
)
def test_the_environment_turns_the_policy_on(tmp_path: Path, value: str, on: bool) -> None:
    source = PolicySource(tmp_path / "none", environ={"PASTICHE_TRUSTED_PACKS_ONLY": value})
    assert source().trusted_only is on


@pytest.mark.parametrize(
    "text", ["trusted_packs_only = tru", "trusted_pack_only = false", "packs_folders = 3", "\x00"]
)
def test_settings_that_cannot_be_read_restrict(tmp_path: Path, text: str) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(text)
    policy = PolicySource(file, environ={})()
    assert policy.trusted_only
    assert policy.problem is not None
    assert str(file) in policy.problem
