"""The studio's commands of `pastiche packs`."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from pastiche_client.paths import DataPaths
from pastiche_daemon.packs.archive import read_pack
from tests.contract.daemons import end_daemons
from tests.contract.test_cli import pastiche, succeeds
from tests.support.tiny_pack import write_tiny_pack


@pytest.fixture
def home(own_home: Path) -> Iterator[DataPaths]:
    paths = DataPaths(own_home)
    yield paths
    end_daemons(paths)


def test_packs_are_signed_trusted_and_verified(home: DataPaths, tmp_path: Path) -> None:
    key, file = tmp_path / "studio.pem", write_tiny_pack(tmp_path / "a.pastiche")
    public = succeeds(home, "packs", "keygen", key).strip()
    assert pastiche(home, "packs", "keygen", key).exit_code == 1
    assert "not signed" in succeeds(home, "packs", "verify", file)

    signed = tmp_path / "signed.pastiche"
    assert public in succeeds(home, "packs", "sign", file, "--key", key, "-o", signed)
    again = pastiche(home, "packs", "sign", file, "--key", key, "-o", signed)
    assert (again.exit_code, "--force" in again.stderr) == (1, True)
    assert f"{public}, which is not trusted" in succeeds(home, "packs", "verify", signed)
    assert pastiche(home, "packs", "verify", "--trusted", signed).exit_code == 1

    succeeds(home, "packs", "trust", "add", public, "--name", "Studio Nord")
    assert public in succeeds(home, "packs", "trust", "list")
    told = succeeds(home, "packs", "verify", "--trusted", signed)
    assert told.strip() == f"{signed}: good, signed by Studio Nord, trusted"
    succeeds(home, "packs", "trust", "remove", "Studio Nord")
    assert pastiche(home, "packs", "verify", "--trusted", signed).exit_code == 1
    missing = pastiche(home, "packs", "trust", "remove", "Studio Nord")
    assert (missing.exit_code, "there are: none" in missing.stderr) == (1, True)


def test_a_key_with_a_passphrase(
    home: DataPaths, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, file = tmp_path / "studio.pem", write_tiny_pack(tmp_path / "a.pastiche")
    monkeypatch.setenv("PASTICHE_KEY_PASSPHRASE", "secret")
    succeeds(home, "packs", "keygen", key)
    before = file.read_bytes()
    monkeypatch.setenv("PASTICHE_KEY_PASSPHRASE", "guess")
    wrong = pastiche(home, "packs", "sign", file, "--key", key)
    assert (wrong.exit_code, "passphrase" in wrong.stderr) == (1, True)
    assert file.read_bytes() == before
    monkeypatch.setenv("PASTICHE_KEY_PASSPHRASE", "secret")
    succeeds(home, "packs", "sign", file, "--key", key)
    assert read_pack(file).manifest.signature is not None


def test_versions_are_installed_pinned_and_rolled_back(home: DataPaths, tmp_path: Path) -> None:
    file = tmp_path / "v.pastiche"
    for version in ("1.0.0", "2.0.0"):
        write_tiny_pack(file, pack_id="v", version=version, attribution="By somebody.")
        shown = pastiche(home, "packs", "install", file).stderr
        assert "CC0-1.0" in shown
        assert "By somebody." in shown
        assert shown.index("By somebody.") < shown.index(f"Installed v {version}")
    assert "v is version 1.0.0 now, pinned" in succeeds(home, "packs", "rollback", "v")
    assert pastiche(home, "packs", "rollback", "v").exit_code == 1
    write_tiny_pack(file, pack_id="v", version="3.0.0")
    assert "In use stays version 1.0.0" in pastiche(home, "packs", "install", file).stderr
    lines = succeeds(home, "packs", "versions", "v").splitlines()[1:]
    assert [line.split()[:2] for line in lines][2] == ["1.0.0", "pinned"]
    assert "v is version 3.0.0 now." in succeeds(home, "packs", "unpin", "v")
    assert "3.0.0, 1.0.0" in succeeds(home, "packs", "show", "v@2.0.0")

    photo = tmp_path / "photo.png"
    Image.new("RGB", (32, 32), (200, 100, 50)).save(photo)
    target = tmp_path / "out.png"
    succeeds(home, "stylize", photo, "--style", "v@2.0.0/one", "-o", target)
    assert target.exists()
    gone = pastiche(home, "stylize", photo, "--style", "v@7.0.0/one", "-o", target, "--force")
    assert (gone.exit_code, "3.0.0, 2.0.0, 1.0.0" in gone.stderr) == (1, True)

    succeeds(home, "packs", "remove", "v@3.0.0")
    assert "v 2.0.0" in succeeds(home, "packs", "show", "v")


def test_settings_name_shared_folders_and_the_policy(home: DataPaths, tmp_path: Path) -> None:
    share = tmp_path / "share"
    share.mkdir()
    write_tiny_pack(share / "a.pastiche", pack_id="shared")
    assert str(share) in succeeds(home, "packs", "settings", "--add-folder", share)
    listed = succeeds(home, "packs", "list")
    assert f"not signed; in {share}" in listed
    assert "trusted" in succeeds(home, "packs", "settings", "--trusted-only")
    assert "shared" not in succeeds(home, "packs", "list")
    told = succeeds(home, "packs", "settings", "--remove-folder", share, "--any")
    assert told.strip() == "Packs that are used: any"
    home.settings_file.write_text("nonsense")
    broken = pastiche(home, "packs", "settings", "--any")
    assert (broken.exit_code, "correct or delete it" in broken.stderr) == (1, True)
    assert home.settings_file.read_text() == "nonsense"


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
@pytest.mark.parametrize(("answer", "installed"), [(b"n\n", False), (b"y\n", True)])
def test_a_terminal_is_asked_before_installing(
    home: DataPaths, tmp_path: Path, answer: bytes, installed: bool
) -> None:
    import pty

    file = write_tiny_pack(tmp_path / "asked.pastiche", pack_id="asked", attribution="By somebody.")
    succeeds(home, "packs", "list")  # a daemon runs
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "pastiche_daemon", "packs", "install", str(file)],
        env={**os.environ, "PASTICHE_HOME": str(home.root)},
        stdin=end,
        stdout=end,
        stderr=end,
    )
    os.close(end)
    output = b""
    while b"Install it?" not in output:
        output += os.read(terminal, 4096)
    assert b"By somebody." in output
    os.write(terminal, answer)
    while True:
        try:
            if not os.read(terminal, 4096):
                break
        except OSError:  # Linux says so when the other end is closed
            break
    os.close(terminal)
    assert (process.wait() == 0) is installed
    assert ("asked" in succeeds(home, "packs", "list")) is installed
