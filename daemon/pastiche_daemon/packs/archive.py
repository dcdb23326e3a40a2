"""Pack files: one zip, read with suspicion and written so that readers never meet half of one."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from PIL import Image

from pastiche_daemon.packs.errors import (
    DamagedPackError,
    PackGoneError,
    PackTooLargeError,
    WrongPackKindError,
)
from pastiche_daemon.packs.files import part_file
from pastiche_daemon.packs.manifest import (
    MANIFEST_NAME,
    AnyManifest,
    FileEntry,
    Manifest,
    PackManifest,
    UpscalerManifest,
    dump_manifest,
    manifest_of,
    manifest_values,
)
from pastiche_daemon.packs.signing import check_signature

if TYPE_CHECKING:
    from torch import Tensor

M = TypeVar("M", bound=PackManifest)

_MEDIA_TYPES = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
_PICTURE_FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}
_MEMBER = re.compile(
    r"(?:[A-Za-z0-9][A-Za-z0-9_-]*/)?[A-Za-z0-9][A-Za-z0-9_-]*\.(?:toml|safetensors|png|jpg|webp)"
)
_TIMESTAMP = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 16

# The end-of-central-directory record of PKWARE's APPNOTE.TXT, 4.3.16, and its zip64 locator.
_END = struct.Struct("<4s4H2LH")
_END_MAGIC, _ZIP64_LOCATOR_MAGIC, _ZIP64_LOCATOR_SIZE = b"PK\x05\x06", b"PK\x06\x07", 20
_DIRECTORY_BYTES_PER_ENTRY = 512

# What zipfile and zlib raise on bytes that are not what they should be.
_ZIP_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    UnicodeError,
    ValueError,
    struct.error,
)
# What Pillow's decoders raise on such bytes; its warnings count as well.
_PICTURE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    AttributeError,
    NotImplementedError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,
)


@dataclass(frozen=True)
class PackLimits:
    """What a pack may cost its reader. Sizes in bytes, ``preview_side`` in pixels.

    ``ratio`` bounds the compression of members larger than 64 KiB.
    """

    file_size: int = 192 << 20
    manifest_size: int = 128 << 10
    weights_size: int = 160 << 20
    preview_size: int = 2 << 20
    preview_side: int = 2048
    unpacked_size: int = 224 << 20
    ratio: float = 100.0
    entries: int = 256


@dataclass(frozen=True)
class Pack:
    """A verified pack. Its weights and previews stay in the file until they are asked for.

    They are checked against the manifest's hashes again then: `DamagedPackError` is raised where
    the file was changed or replaced meanwhile, `PackGoneError` where it is gone.
    """

    manifest: AnyManifest
    path: Path
    size_bytes: int
    limits: PackLimits = field(default_factory=PackLimits, repr=False)

    @property
    def style_manifest(self) -> Manifest:
        """The manifest of a pack of styles; `WrongPackKindError` where it is none."""
        if isinstance(self.manifest, Manifest):
            return self.manifest
        raise WrongPackKindError(
            f"the pack {self.manifest.id!r} makes layers larger and has no styles; "
            "choose a pack of styles"
        )

    @property
    def upscaler_manifest(self) -> UpscalerManifest:
        """The manifest of a pack that upscales; `WrongPackKindError` where it is none."""
        if isinstance(self.manifest, UpscalerManifest):
            return self.manifest
        raise WrongPackKindError(
            f"the pack {self.manifest.id!r} is a pack of styles and cannot make layers larger; "
            "choose a pack that upscales"
        )

    def weights(self) -> dict[str, Tensor]:
        """The network's parameters by name, on the CPU, in the types they were stored in."""
        from pastiche_daemon.packs.network import declared_spec, read_weights

        name = self.manifest.weights
        return read_weights(self._read(name), name, declared_spec(self.manifest))

    def preview(self, style_id: str) -> tuple[bytes, str] | None:
        """A style's preview picture and its media type; None if it has none or does not exist."""
        for style in self.manifest.styles:
            if style.id == style_id and style.preview is not None:
                return self._read(style.preview), _MEDIA_TYPES[_suffix(style.preview)]
        return None

    @contextlib.contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The file as it is now. Raises `PackGoneError`."""
        try:
            file = self.path.open("rb")
        except OSError as error:
            raise PackGoneError(
                f"{self.path} is not there any more ({error.strerror or error}); if its folder is "
                "shared, connect it again"
            ) from error
        with file:
            yield file

    def files(self) -> dict[str, bytes]:
        """All that the pack holds beside its manifest, by path."""
        return {name: self._read(name) for name in self.manifest.files}

    def _read(self, name: str) -> bytes:
        with self.open() as file, _open_zip(file, self.limits) as archive:
            reader = _Reader(archive, self.limits)
            if name not in archive.namelist():
                raise DamagedPackError(f"{self.path.name} changed: {name} is no longer in it")
            data = reader.read(archive.getinfo(name), self.limits.unpacked_size)
        _check_entry(name, data, self.manifest.files[name])
        return data


def read_pack(path: Path, limits: PackLimits | None = None) -> Pack:
    """Read the pack at ``path`` and verify all of it: structure, sizes, hashes, contents.

    Raises a `PackError` that says what is wrong, or OSError where the file cannot be opened.
    """
    limits = limits or PackLimits()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > limits.file_size:
            raise PackTooLargeError(
                f"the file has {size} bytes; packs may have {limits.file_size} at most"
            )
        with _open_zip(file, limits) as archive:
            manifest = _verify(archive, limits)
    return Pack(manifest, path, size, limits)


def write_pack(path: Path, manifest: M, files: Mapping[str, bytes]) -> M:
    """Write a pack, whole or not at all, and return its manifest with all hashes filled in.

    ``files`` holds the weights and the previews by the paths that the manifest uses. The same
    arguments give the same bytes on every machine. What was written is read back and verified
    before it replaces a file at ``path``. Raises a `PackError` where the pack would not be a good
    one, the disk is full or the folder cannot be written.
    """
    entries = {
        name: FileEntry(sha256=hashlib.sha256(data).hexdigest(), size=len(data))
        for name, data in sorted(files.items())
    }
    complete = manifest.model_copy(update={"files": entries})
    members = [(MANIFEST_NAME, dump_manifest(complete)), *sorted(files.items())]
    with part_file(path) as part:
        with zipfile.ZipFile(part.file, "w") as archive:
            for name, data in members:
                info = zipfile.ZipInfo(name, _TIMESTAMP)
                info.create_system = 3  # Unix, everywhere, for the same bytes everywhere
                info.external_attr = (stat.S_IFREG | 0o644) << 16
                # Not compressed: weights and pictures do not get smaller, and what deflate makes
                # of the same bytes differs between versions of zlib.
                info.compress_type = zipfile.ZIP_STORED
                archive.writestr(info, data)
        part.finish()
        read_pack(part.path)
        part.move_to(path)
    return complete


def _verify(archive: zipfile.ZipFile, limits: PackLimits) -> AnyManifest:
    members = _check_members(archive, limits)
    if MANIFEST_NAME not in members:
        raise DamagedPackError(f"{MANIFEST_NAME} is missing; this is not a style pack")
    reader = _Reader(archive, limits)
    values = manifest_values(reader.read(members.pop(MANIFEST_NAME), limits.manifest_size))
    manifest = manifest_of(values)
    check_signature(manifest.signature, values)
    _check_listing(manifest, members)
    from pastiche_daemon.packs.network import declared_spec, read_weights

    for name, info in members.items():
        entry = manifest.files[name]
        if name == manifest.weights:
            data = reader.read(info, limits.weights_size)
            _check_entry(name, data, entry)
            read_weights(data, name, declared_spec(manifest))
        else:
            data = reader.read(info, limits.preview_size)
            _check_entry(name, data, entry)
            _check_picture(name, data, limits)
    return manifest


def _open_zip(file: BinaryIO, limits: PackLimits) -> zipfile.ZipFile:
    entries = _check_frame(file, limits)
    try:
        archive = zipfile.ZipFile(file)
    except _ZIP_ERRORS as error:
        raise DamagedPackError(f"the zip's directory is damaged: {error!s:.200}") from error
    if len(archive.infolist()) != entries:
        archive.close()
        raise DamagedPackError("the zip's directory is damaged: it lists another number of files")
    return archive


def _check_frame(file: BinaryIO, limits: PackLimits) -> int:
    """Check where the zip begins and ends before its directory is loaded; the number of entries.

    Stricter than the format, for one meaning to every reader and a bounded directory: nothing
    before the zip and nothing after it, no comment, no second (zip64) directory.
    """
    if file.read(4) != b"PK\x03\x04":
        raise DamagedPackError("the file is not a zip, so it is not a style pack")
    end_at = file.seek(0, os.SEEK_END) - _END.size
    file.seek(max(0, end_at - _ZIP64_LOCATOR_SIZE))
    tail = file.read()
    locator, end = tail[: -_END.size], tail[-_END.size :]
    if len(end) < _END.size or not end.startswith(_END_MAGIC):
        raise DamagedPackError("the zip has no end: the file is truncated, or data follows it")
    _, disk, first_disk, here, entries, size, offset, comment = _END.unpack(end)
    if locator.startswith(_ZIP64_LOCATOR_MAGIC):
        raise DamagedPackError("the zip has a zip64 directory; packs are never that large")
    if disk or first_disk or here != entries or comment:
        raise DamagedPackError("the zip is split or has a comment; a pack is one plain zip")
    if entries > limits.entries or size > entries * _DIRECTORY_BYTES_PER_ENTRY:
        raise PackTooLargeError(
            f"the zip lists {entries} files in {size} bytes; a pack may have {limits.entries} files"
        )
    if offset + size != end_at:
        raise DamagedPackError("the zip's directory is not where the zip says it is")
    file.seek(0)
    return entries


def _check_members(archive: zipfile.ZipFile, limits: PackLimits) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    total = 0
    for info in archive.infolist():
        _check_name(info.orig_filename)
        if info.filename != info.orig_filename:
            raise DamagedPackError(f"{_quoted(info.orig_filename)} has a second name")
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise DamagedPackError(f"{info.filename} is a link or a device; packs hold plain files")
        if info.filename.lower() in seen:
            raise DamagedPackError(f"{info.filename} appears twice in the zip")
        seen.add(info.filename.lower())
        if info.flag_bits & 0x1:
            raise DamagedPackError(f"{info.filename} is encrypted; packs are not")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise DamagedPackError(f"{info.filename} is not compressed with deflate")
        total += info.file_size
        members[info.filename] = info
    if total > limits.unpacked_size:
        raise PackTooLargeError(
            f"the pack unpacks to {total} bytes; {limits.unpacked_size} are allowed"
        )
    return members


def _check_name(name: str) -> None:
    if _MEMBER.fullmatch(name):
        return
    parts = re.split(r"[/\\]", name)
    if ".." in parts or not parts[0] or "\\" in name or ":" in name:
        raise DamagedPackError(f"{_quoted(name)} points out of the pack")
    if not parts[-1]:
        raise DamagedPackError(f"{_quoted(name)} is a folder; packs list files only")
    raise DamagedPackError(
        f"{_quoted(name)} does not belong in a pack: only .toml, .safetensors, .png, .jpg and "
        ".webp files with plain names do"
    )


def _check_listing(manifest: AnyManifest, members: Iterable[str]) -> None:
    declared, present = set(manifest.files), set(members)
    for name in sorted(present - declared):
        raise DamagedPackError(f"{name} is in the pack but not among the manifest's files")
    for name in sorted(declared - present):
        raise DamagedPackError(f"{name} is among the manifest's files but not in the pack")
    for name in sorted(manifest.content_paths - declared):
        raise DamagedPackError(f"{name} is used by the manifest but not among its files")
    for name in sorted(declared - manifest.content_paths):
        raise DamagedPackError(f"{name} is neither the weights nor a style's preview")


class _Reader:
    """Unpacks members; ends at the limits whatever the zip's directory declares."""

    def __init__(self, archive: zipfile.ZipFile, limits: PackLimits) -> None:
        self._archive = archive
        self._limits = limits

    def read(self, info: zipfile.ZipInfo, limit: int) -> bytes:
        name, declared = info.filename, info.file_size
        if declared > limit:
            raise PackTooLargeError(f"{name} has {declared} bytes; {limit} are allowed")
        if declared > _CHUNK and declared > self._limits.ratio * info.compress_size:
            raise PackTooLargeError(
                f"{name} unpacks to more than {self._limits.ratio:g} times its compressed size"
            )
        data = io.BytesIO()
        try:
            with self._archive.open(info) as member:
                while chunk := member.read(_CHUNK):
                    data.write(chunk)
                    if data.tell() > declared:
                        break
        except _ZIP_ERRORS as error:
            raise DamagedPackError(f"{name} cannot be unpacked: {error!s:.200}") from error
        if data.tell() != declared:
            raise DamagedPackError(f"{name} does not have the {declared} bytes that the zip says")
        return data.getvalue()


def _check_entry(name: str, data: bytes, entry: FileEntry) -> None:
    if len(data) != entry.size:
        raise DamagedPackError(
            f"{name} has {len(data)} bytes; the manifest says {entry.size} (files.{name}.size)"
        )
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise DamagedPackError(f"{name} is not the file that the manifest has the sha256 of")


def _check_picture(name: str, data: bytes, limits: PackLimits) -> None:
    wanted = _PICTURE_FORMATS[_suffix(name)]
    try:
        with Image.open(io.BytesIO(data), formats=[wanted]) as picture:
            if picture.format != wanted or getattr(picture, "n_frames", 1) != 1:
                raise DamagedPackError(f"{name} is not one still {wanted} picture")
            if max(picture.size) > limits.preview_side:
                raise PackTooLargeError(
                    f"{name} is {picture.width} x {picture.height} pixels; "
                    f"previews may have {limits.preview_side} a side"
                )
            picture.load()
    except _PICTURE_ERRORS as error:
        raise DamagedPackError(f"{name} is not a {wanted} picture: {error!s:.200}") from error


def _suffix(name: str) -> str:
    return name.rpartition(".")[2]


def _quoted(name: str) -> str:
    return ascii(name[:80])
