"""Ed25519 signatures (RFC 8032) of packs, and the keys that make and check them.

What is signed are the bytes ``pastiche-pack-signature-v1``, a line feed, and the manifest's TOML
values without its ``signature`` table, as JSON: keys sorted by code point, no white space, all
but ASCII escaped as ``\\uXXXX`` (UTF-16, lower-case hex), integers in decimal, and floats in the
shortest digits that give the same double back, always with a point or an exponent, as Python's
``json`` writes them. The manifest holds the SHA-256 of every file of the pack, so that nothing in
it can be changed. The values are those of the file, not those of a version of Pastiche: fields
that have come later, with their defaults, do not break old signatures.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from pastiche_daemon.packs.errors import BadSignatureError, KeyFileError
from pastiche_daemon.packs.files import part_file
from pastiche_daemon.packs.manifest import Signature

if TYPE_CHECKING:
    from pastiche_daemon.packs.manifest import AnyManifest

_CONTEXT = b"pastiche-pack-signature-v1\n"
_LARGEST_KEY_FILE = 1 << 16
_HOW_TO_MAKE_ONE = "`pastiche packs keygen FILE` makes a key"


def signed_bytes(values: Mapping[str, Any]) -> bytes:
    """What a signature is of: the module's description, for a manifest's TOML values."""
    rest = {name: value for name, value in values.items() if name != "signature"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return _CONTEXT + text.encode("ascii")


def check_signature(signature: Signature | None, values: Mapping[str, Any]) -> None:
    """Check a manifest's signature against its values; without a signature there is nothing to.

    ``values`` must have passed the manifest's checks. Raises `BadSignatureError`.
    """
    if signature is None:
        return
    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(signature.public_key))
        key.verify(base64.b64decode(signature.value), signed_bytes(values))
    except (InvalidSignature, ValueError) as error:
        raise BadSignatureError(
            f"the signature is not of this pack by the key {signature.public_key}: the pack was "
            "changed after it was signed, or the signature is another pack's"
        ) from error


def sign(manifest_values: Mapping[str, Any], key: Ed25519PrivateKey) -> Signature:
    """The signature of a manifest's TOML values."""
    value = key.sign(signed_bytes(manifest_values))
    return Signature(public_key=public_text(key), value=base64.b64encode(value).decode())


def sign_pack(source: Path, target: Path, key: Ed25519PrivateKey) -> AnyManifest:
    """Write a pack with a signature, in the place of one that it may have; the new manifest.

    ``target`` may be ``source``; it is replaced as a whole or not at all. Raises what `read_pack`
    and `write_pack` raise.
    """
    from pastiche_daemon.packs.archive import read_pack, write_pack
    from pastiche_daemon.packs.manifest import dump_manifest, manifest_values

    pack = read_pack(source)
    unsigned = pack.manifest.model_copy(update={"signature": None})
    signature = sign(manifest_values(dump_manifest(unsigned)), key)
    return write_pack(target, unsigned.model_copy(update={"signature": signature}), pack.files())


def public_text(key: Ed25519PrivateKey | Ed25519PublicKey) -> str:
    """A key's public half as packs and trust lists name it: its 32 bytes in base64."""
    public = key.public_key() if isinstance(key, Ed25519PrivateKey) else key
    return base64.b64encode(public.public_bytes_raw()).decode()


def write_new_key(path: Path, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """Make a key and write it as PEM (PKCS #8), which only the user may read.

    Raises FileExistsError where there is a file, `StorageError` where it cannot be written.
    """
    key = Ed25519PrivateKey.generate()
    encryption = (
        serialization.NoEncryption()
        if passphrase is None
        else serialization.BestAvailableEncryption(passphrase)
    )
    data = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    )
    with part_file(path, private=True) as part:
        part.file.write(data)
        part.finish()
        part.move_to_new(path)
    return key


def read_private_key(path: Path, passphrase: bytes | None = None) -> Ed25519PrivateKey:
    """The Ed25519 key of a PEM file. Raises `KeyFileError`, with what to do about it."""
    data = _read_key_file(path)
    try:
        key = serialization.load_pem_private_key(data, passphrase)
    except TypeError as error:  # encrypted without a passphrase, or the other way around
        raise KeyFileError(
            f"{path} cannot be opened: {str(error)[:200].rstrip('.')}; "
            "--passphrase asks for the passphrase of an encrypted key"
        ) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(
            f"{path} is not a private key in PEM (PKCS #8), or its passphrase is another one; "
            f"{_HOW_TO_MAKE_ONE}"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(
            f"{path} is a key of another kind; Ed25519 is needed: {_HOW_TO_MAKE_ONE}"
        )
    return key


def parse_public_key(text: str) -> str:
    """A public key as `public_text` writes it, given so, as PEM, or as the name of a PEM file.

    A file may hold the private key, too, as long as it is not encrypted. Raises `KeyFileError`.
    """
    try:
        raw = base64.b64decode(text, validate=True)
        return public_text(Ed25519PublicKey.from_public_bytes(raw))
    except (binascii.Error, ValueError):
        pass  # it is not one in base64
    if text.lstrip().startswith("-----BEGIN"):
        return _public_of_pem(text.encode(), "the text")
    path = Path(text)
    if not path.is_file():
        raise KeyFileError(
            f"{text[:100]!r} is neither a public key (44 characters of base64) nor a file"
        )
    return _public_of_pem(_read_key_file(path), str(path))


def _public_of_pem(data: bytes, name: str) -> str:
    try:
        if b"PRIVATE KEY" in data:
            key = serialization.load_pem_private_key(data, None)
        else:
            key = serialization.load_pem_public_key(data)
    except (TypeError, ValueError, UnsupportedAlgorithm) as error:
        raise KeyFileError(f"{name} is not a key in PEM that can be read") from error
    if not isinstance(key, (Ed25519PrivateKey, Ed25519PublicKey)):
        raise KeyFileError(f"{name} is a key of another kind; Ed25519 is needed")
    return public_text(key)


def _read_key_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_KEY_FILE + 1)
    except OSError as error:
        raise KeyFileError(f"{path} cannot be read: {error.strerror or error}") from error
    if len(data) > _LARGEST_KEY_FILE:
        raise KeyFileError(f"{path} is too large to be a key")
    return data


def passphrase_of_environment() -> bytes | None:
    """What ``PASTICHE_KEY_PASSPHRASE`` says, for scripts; None where it is not set."""
    text = os.environ.get("PASTICHE_KEY_PASSPHRASE")
    return text.encode() if text else None
