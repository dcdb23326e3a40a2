from __future__ import annotations

import base64
import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from pastiche_daemon.packs.archive import read_pack, write_pack
from pastiche_daemon.packs.errors import BadSignatureError, KeyFileError, PackError
from pastiche_daemon.packs.manifest import MANIFEST_NAME
from pastiche_daemon.packs.signing import (
    parse_public_key,
    public_text,
    read_private_key,
    sign_pack,
    signed_bytes,
    write_new_key,
)
from tests.support.forged_pack import forge, members_of, zip_up
from tests.support.tiny_pack import write_tiny_pack

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_pack(tmp_path / "tiny.pastiche")


@pytest.fixture
def signed(tmp_path: Path, tiny: Path, key: Ed25519PrivateKey) -> Path:
    sign_pack(tiny, tmp_path / "signed.pastiche", key)
    return tmp_path / "signed.pastiche"


def values_of(path: Path) -> dict[str, Any]:
    return tomllib.loads(members_of(path)[MANIFEST_NAME].decode())


def test_a_signed_pack_is_the_pack_with_a_signature(
    tiny: Path, signed: Path, key: Ed25519PrivateKey
) -> None:
    before, after = read_pack(tiny), read_pack(signed)
    assert after.manifest.signature is not None
    assert after.manifest.signature.public_key == public_text(key)
    assert after.manifest.model_copy(update={"signature": None}) == before.manifest
    assert after.files() == before.files()


def test_the_signature_is_of_what_is_documented(signed: Path, key: Ed25519PrivateKey) -> None:
    """As somebody without our code would check it."""
    values = values_of(signed)
    signature = values.pop("signature")
    text = json.dumps(values, sort_keys=True, separators=(",", ":")).encode()
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(signature["public_key"]))
    public.verify(base64.b64decode(signature["value"]), b"pastiche-pack-signature-v1\n" + text)
    assert values["files"].keys() == members_of(signed).keys() - {MANIFEST_NAME}


def test_what_is_signed_is_spelled_out() -> None:
    values = {"b": [1, 1.0, 1e-7, 1e22], "a": {"z": "\u00e9\n", "y": True}, "signature": {"x": 1}}
    assert signed_bytes(values) == (
        b'pastiche-pack-signature-v1\n{"a":{"y":true,"z":"\\u00e9\\n"},"b":[1,1.0,1e-07,1e+22]}'
    )


def test_signing_again_replaces_the_signature_in_place(
    signed: Path, tmp_path: Path, key: Ed25519PrivateKey
) -> None:
    before = signed.read_bytes()
    sign_pack(signed, signed, key)
    assert signed.read_bytes() == before  # Ed25519 takes no random numbers
    other = Ed25519PrivateKey.generate()
    sign_pack(signed, signed, other)
    signature = read_pack(signed).manifest.signature
    assert signature is not None
    assert signature.public_key == public_text(other)


def _other_version(values: dict[str, Any]) -> None:
    values["version"] = "9.9.9"


def _other_license(values: dict[str, Any]) -> None:
    values["license"] = "MIT"


def _default_written_out(values: dict[str, Any]) -> None:
    values["weights"] = "weights.safetensors"
    values["training"]["dataset"] = "something"


def _integer_for_float(values: dict[str, Any]) -> None:
    values["training"]["seconds"] = 1.0


def _other_key(values: dict[str, Any]) -> None:
    values["signature"]["public_key"] = public_text(Ed25519PrivateKey.generate())


def _no_key(values: dict[str, Any]) -> None:
    values["signature"]["public_key"] = base64.b64encode(b"\xff" * 32).decode()


def _flipped(values: dict[str, Any]) -> None:
    value = bytearray(base64.b64decode(values["signature"]["value"]))
    value[3] ^= 1
    values["signature"]["value"] = base64.b64encode(value).decode()


def _large_scalar(values: dict[str, Any]) -> None:
    # S + L is the same scalar; RFC 8032 has it refused, for one signature to be the only one.
    value = base64.b64decode(values["signature"]["value"])
    order = 2**252 + 27742317777372353535851937790883648493
    scalar = int.from_bytes(value[32:], "little") + order
    values["signature"]["value"] = base64.b64encode(
        value[:32] + scalar.to_bytes(32, "little")
    ).decode()


@pytest.mark.parametrize(
    "edit",
    [
        _other_version,
        _other_license,
        _default_written_out,
        _integer_for_float,
        _other_key,
        _no_key,
        _flipped,
        _large_scalar,
    ],
)
def test_a_manifest_that_was_changed_is_refused(
    signed: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], None]
) -> None:
    with pytest.raises(BadSignatureError, match="was changed after it was signed"):
        read_pack(forge(tmp_path / "forged.pastiche", signed, edit=edit))


def test_other_files_with_hashes_that_fit_are_refused(signed: Path, tmp_path: Path) -> None:
    other = write_tiny_pack(tmp_path / "other.pastiche", seed=9)
    weights = members_of(other)["weights.safetensors"]
    forged = forge(tmp_path / "forged.pastiche", signed, replace={"weights.safetensors": weights})
    with pytest.raises(BadSignatureError):
        read_pack(forged)


def test_other_files_under_the_signed_manifest_are_refused(signed: Path, tmp_path: Path) -> None:
    other = write_tiny_pack(tmp_path / "other.pastiche", seed=9)
    members = {**members_of(other), MANIFEST_NAME: members_of(signed)[MANIFEST_NAME]}
    with pytest.raises(PackError, match="sha256"):
        read_pack(zip_up(tmp_path / "swapped.pastiche", members.items()))


def test_a_signature_of_another_pack_is_refused(signed: Path, tmp_path: Path) -> None:
    other = write_tiny_pack(tmp_path / "other.pastiche", seed=9)
    signature = values_of(signed)["signature"]
    forged = forge(
        tmp_path / "forged.pastiche", other, edit=lambda values: values.update(signature=signature)
    )
    with pytest.raises(BadSignatureError):
        read_pack(forged)


def test_a_pack_with_a_wrong_signature_is_not_written(
    tiny: Path, signed: Path, tmp_path: Path
) -> None:
    manifest = read_pack(signed).manifest.model_copy(update={"license": "MIT"})
    with pytest.raises(BadSignatureError):
        write_pack(tmp_path / "new.pastiche", manifest, read_pack(tiny).files())
    assert not (tmp_path / "new.pastiche").exists()


# --- keys ---


@pytest.mark.parametrize("passphrase", [None, b"correct horse"])
def test_a_key_is_written_for_its_owner_only(tmp_path: Path, passphrase: bytes | None) -> None:
    path = tmp_path / "studio.pem"
    key = write_new_key(path, passphrase)
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public_text(read_private_key(path, passphrase)) == public_text(key)
    assert [file.name for file in tmp_path.iterdir()] == ["studio.pem"]


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "studio.pem"
    write_new_key(path)
    before = path.read_bytes()
    with pytest.raises(PackError, match="exists"):
        write_new_key(path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["studio.pem"]


def test_keys_of_openssl_are_read(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    command = ["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(path)]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    public = tmp_path / "public.pem"
    subprocess.run(
        ["openssl", "pkey", "-in", str(path), "-pubout", "-out", str(public)], check=True
    )
    text = public_text(read_private_key(path))
    assert parse_public_key(str(public)) == parse_public_key(str(path)) == text
    assert parse_public_key(public.read_text()) == parse_public_key(text) == text


def _rsa() -> bytes:
    return rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not a private key"),
        (b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "not a private key"),
        (bytes(70_000), "too large"),
        (_rsa(), "of another kind"),
    ],
    ids=["empty", "broken", "large", "rsa"],
)
def test_what_is_no_key_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(data)
    with pytest.raises(KeyFileError, match=message):
        read_private_key(path)
    with pytest.raises(KeyFileError):
        parse_public_key(str(path))


def test_passphrases_that_do_not_fit_are_told(tmp_path: Path) -> None:
    write_new_key(tmp_path / "locked.pem", b"secret")
    with pytest.raises(KeyFileError, match="--passphrase"):
        read_private_key(tmp_path / "locked.pem")
    with pytest.raises(KeyFileError, match="passphrase is another one"):
        read_private_key(tmp_path / "locked.pem", b"guess")
    with pytest.raises(KeyFileError, match="cannot be read"):
        read_private_key(tmp_path / "missing.pem")


@pytest.mark.parametrize("text", ["", "AAAA", "x" * 44, "missing.pem"])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(KeyFileError, match="neither a public key"):
        parse_public_key(text)
