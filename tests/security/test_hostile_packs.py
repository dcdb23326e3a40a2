"""Packs made to hurt: each is refused with a clear message, at a bounded cost, without a trace."""

from __future__ import annotations

import io
import os
import pickle
import stat
import struct
import subprocess
import sys
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from pastiche_daemon.packs.archive import PackLimits, read_pack
from pastiche_daemon.packs.errors import (
    DamagedPackError,
    PackError,
    PackTooLargeError,
    StorageFullError,
    UnsupportedPackError,
)
from pastiche_daemon.packs.manifest import MANIFEST_NAME
from pastiche_daemon.packs.store import PackStore
from tests.support.forged_pack import forge, lie_about_size, members_of, with_manifest, zip_up
from tests.support.tiny_pack import write_tiny_pack
from tests.support.tiny_upscaler import write_tiny_upscaler

WEIGHTS = "weights.safetensors"
PREVIEW = "previews/one.png"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_pack(tmp_path_factory.mktemp("good") / "tiny.pastiche")


@pytest.fixture
def forged(tmp_path: Path) -> Path:
    return tmp_path / "outside" / "forged.pastiche"


@pytest.fixture
def refuse(tmp_path: Path, forged: Path) -> Iterator[Callable[..., str]]:
    """Checks that the forged pack is refused wherever it comes in, and leaves nothing anywhere."""
    forged.parent.mkdir()
    installed = tmp_path / "installed"

    def check(error: type[PackError] | tuple[type[PackError], ...], message: str) -> str:
        with pytest.raises(error, match=message) as caught:
            read_pack(forged)
        assert len(str(caught.value)) < 1500
        store = PackStore(tmp_path / "none", installed)
        with pytest.raises(error, match=message):
            store.install(forged)
        assert list(installed.iterdir()) == []
        return str(caught.value)

    yield check
    assert {path.name for path in tmp_path.iterdir()} == {"outside", "installed"}
    assert [path.name for path in forged.parent.iterdir()] == ["forged.pastiche"]


Refuse = Callable[..., str]


def test_the_good_pack_and_its_faithful_forgery_are_read(tiny: Path, tmp_path: Path) -> None:
    forged = forge(tmp_path / "a.pastiche", tiny, compression=zipfile.ZIP_DEFLATED)
    assert read_pack(forged).manifest == read_pack(tiny).manifest


# --- damage ---


def test_every_truncation_is_refused(tiny: Path, tmp_path: Path) -> None:
    data = tiny.read_bytes()
    path = tmp_path / "cut.pastiche"
    lengths = {*range(0, len(data), 61), *range(64), *range(len(data) - 64, len(data))}
    for length in sorted(lengths):
        path.write_bytes(data[:length])
        with pytest.raises(DamagedPackError, match=r"truncated|not a zip"):
            read_pack(path)


def test_an_interrupted_download_is_refused(tiny: Path, forged: Path, refuse: Refuse) -> None:
    forged.write_bytes(tiny.read_bytes()[:5000])
    refuse(DamagedPackError, "truncated")


@pytest.mark.parametrize("name", [WEIGHTS, PREVIEW])
def test_a_wrong_hash_is_refused(tiny: Path, forged: Path, refuse: Refuse, name: str) -> None:
    def edit(values: dict[str, Any]) -> None:
        digest = values["files"][name]["sha256"]
        values["files"][name]["sha256"] = digest[::-1]

    forge(forged, tiny, edit=edit)
    refuse(DamagedPackError, f"{name} is not the file that the manifest has the sha256 of")


def test_a_wrong_size_is_refused(tiny: Path, forged: Path, refuse: Refuse) -> None:
    forge(forged, tiny, edit=lambda values: values["files"][WEIGHTS].update(size=12))
    refuse(DamagedPackError, f"{WEIGHTS} has .* bytes; the manifest says 12")


def test_another_packs_weights_are_refused(
    tiny: Path, forged: Path, refuse: Refuse, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = write_tiny_pack(tmp_path_factory.mktemp("other") / "a.pastiche", seed=9)
    members = {**members_of(tiny), WEIGHTS: members_of(other)[WEIGHTS]}
    zip_up(forged, members.items())
    refuse(DamagedPackError, "sha256")


def test_a_flipped_bit_in_the_weights_is_refused(tiny: Path, forged: Path, refuse: Refuse) -> None:
    data = bytearray(tiny.read_bytes())
    at = data.index(members_of(tiny)[WEIGHTS]) + 6000
    data[at] ^= 1
    forged.write_bytes(data)
    refuse(DamagedPackError, f"{WEIGHTS} cannot be unpacked: Bad CRC-32")


@pytest.mark.parametrize(
    "data",
    [b"", b"PK", b"\x00" * 100, b"PK\x05\x06" + bytes(18), b"PK\x03\x04" + bytes(200)],
    ids=["empty", "two bytes", "zeros", "empty zip", "header only"],
)
def test_what_is_no_pack_is_refused(forged: Path, refuse: Refuse, data: bytes) -> None:
    forged.write_bytes(data)
    refuse(DamagedPackError, "not a zip|truncated")


# --- the zip itself ---


@pytest.mark.parametrize(
    "name",
    [
        "../evil.png",
        "previews/../../evil.png",
        "/etc/evil.png",
        "//server/share/evil.png",
        "C:/evil.png",
        "C:evil.png",
        "..\\evil.png",
        "previews\\one.png",
        "\\\\server\\evil.png",
        "..",
    ],
)
def test_a_path_out_of_the_pack_is_refused(
    tiny: Path, forged: Path, refuse: Refuse, name: str
) -> None:
    zip_up(forged, [*members_of(tiny).items(), (name, b"x")])
    refuse(DamagedPackError, "points out of the pack")


@pytest.mark.parametrize(
    "name",
    [
        "evil.pkl",
        "evil.pt",
        "evil.py",
        "setup.sh",
        "previews/one.PNG",
        "previews/one.svg",
        "previews/.hidden.png",
        "previews/a/b.png",
        "previews/two words.png",
        "previews/one.png.exe",
        "previews/\u202egnp.png",
        "weights",
        "-rf.png",
        "\x1b[2J.png",
    ],
)
def test_a_file_of_another_kind_or_name_is_refused(
    tiny: Path, forged: Path, refuse: Refuse, name: str
) -> None:
    zip_up(forged, [*members_of(tiny).items(), (name, b"x")])
    assert refuse(DamagedPackError, "does not belong in a pack").isprintable()


def test_a_name_with_a_second_half_is_refused(tiny: Path, forged: Path, refuse: Refuse) -> None:
    zip_up(forged, [*members_of(tiny).items(), ("evil.png_.txt", b"x")])
    forged.write_bytes(forged.read_bytes().replace(b"evil.png_.txt", b"evil.png\x00.txt"))
    refuse(DamagedPackError, "does not belong in a pack")


def test_a_folder_is_refused(tiny: Path, forged: Path, refuse: Refuse) -> None:
    zip_up(forged, [*members_of(tiny).items(), ("previews/", b"")])
    refuse(DamagedPackError, "'previews/' is a folder")


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
@pytest.mark.parametrize("name", [WEIGHTS, MANIFEST_NAME, "PREVIEWS/one.png", "Pack.toml"])
def test_a_file_twice_is_refused(tiny: Path, forged: Path, refuse: Refuse, name: str) -> None:
    zip_up(forged, [*members_of(tiny).items(), (name, b"x")])
    refuse(DamagedPackError, f"{name} appears twice")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFDIR])
def test_links_and_devices_are_refused(tiny: Path, forged: Path, refuse: Refuse, kind: int) -> None:
    members = members_of(tiny)
    del members[PREVIEW]
    link = zipfile.ZipInfo(PREVIEW)
    link.create_system = 3
    link.external_attr = (kind | 0o777) << 16
    zip_up(forged, [*members.items(), (link, b"/etc/passwd")])
    refuse(DamagedPackError, f"{PREVIEW} is a link or a device")


def test_a_file_that_is_not_declared_is_refused(tiny: Path, forged: Path, refuse: Refuse) -> None:
    zip_up(forged, [*members_of(tiny).items(), ("previews/three.png", b"x")])
    refuse(DamagedPackError, r"previews/three\.png is in the pack but not among")


def test_a_declared_file_that_is_not_used_is_refused(
    tiny: Path, forged: Path, refuse: Refuse
) -> None:
    forge(forged, tiny, replace={"more.safetensors": b"x"})
    refuse(DamagedPackError, r"more\.safetensors is neither the weights nor")


@pytest.mark.parametrize("name", [WEIGHTS, PREVIEW])
def test_a_missing_file_is_refused(tiny: Path, forged: Path, refuse: Refuse, name: str) -> None:
    members = members_of(tiny)
    del members[name]
    zip_up(forged, members.items())
    refuse(DamagedPackError, f"{name} is among the manifest's files but not in the pack")


def test_a_zip_without_a_manifest_is_refused(tiny: Path, forged: Path, refuse: Refuse) -> None:
    members = members_of(tiny)
    del members[MANIFEST_NAME]
    zip_up(forged, members.items())
    refuse(DamagedPackError, r"pack\.toml is missing")


def test_data_around_the_zip_is_refused(tiny: Path, forged: Path, refuse: Refuse) -> None:
    data = tiny.read_bytes()
    forged.write_bytes(b"#!/bin/sh\nexit\n" + data)
    refuse(DamagedPackError, "not a zip")
    forged.write_bytes(data + b"more")
    refuse(DamagedPackError, "data follows it")
    # A second zip before the first: its files would be what a streaming reader sees.
    forged.write_bytes(data + data)
    refuse(DamagedPackError, "not where the zip says")


def test_a_comment_is_refused(tiny: Path, forged: Path, refuse: Refuse) -> None:
    forged.write_bytes(tiny.read_bytes())
    with zipfile.ZipFile(forged, "a") as archive:
        archive.comment = b"hello"
    refuse(DamagedPackError, "data follows it|comment")


def test_a_second_directory_of_zip64_is_refused(tiny: Path, forged: Path, refuse: Refuse) -> None:
    members = list(members_of(tiny).items())
    last, data = members.pop()
    info = zipfile.ZipInfo(last)
    # The last comment of the directory poses as the locator of another directory.
    info.comment = b"PK\x06\x07" + struct.pack("<LQL", 0, 0, 1)
    zip_up(forged, [*members, (info, data)])
    refuse(DamagedPackError, "zip64")


def test_other_compressions_are_refused(tiny: Path, forged: Path, refuse: Refuse) -> None:
    for compression in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        zip_up(forged, members_of(tiny).items(), compression)
        refuse(DamagedPackError, "not compressed with deflate")


def test_encryption_is_refused(tiny: Path, forged: Path, refuse: Refuse) -> None:
    data = bytearray(tiny.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    forged.write_bytes(data)
    refuse(DamagedPackError, "encrypted")


def test_a_directory_that_disagrees_with_the_files_is_refused(
    tiny: Path, forged: Path, refuse: Refuse
) -> None:
    data = bytearray(tiny.read_bytes())
    data[data.index(PREVIEW.encode())] ^= 1
    forged.write_bytes(data)
    refuse(DamagedPackError, "cannot be unpacked")


# --- what unpacks to too much ---


def _peak_of(action: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_zip_bomb_is_refused_before_it_is_unpacked(
    tiny: Path, forged: Path, refuse: Refuse
) -> None:
    forge(forged, tiny, replace={WEIGHTS: bytes(50_000_000)}, compression=zipfile.ZIP_DEFLATED)
    assert forged.stat().st_size < 100_000
    peak = _peak_of(lambda: refuse(PackTooLargeError, "more than 100 times its compressed size"))
    assert peak < 5_000_000


def test_a_file_above_its_limit_is_refused_before_it_is_unpacked(
    tiny: Path, forged: Path, refuse: Refuse
) -> None:
    forge(forged, tiny, replace={PREVIEW: bytes(3_000_000)})
    peak = _peak_of(lambda: refuse(PackTooLargeError, f"{PREVIEW} has 3000000 bytes"))
    assert peak < 2_500_000


def test_many_files_that_are_too_much_together_are_refused(
    tiny: Path, forged: Path, refuse: Refuse
) -> None:
    previews = {f"previews/p{number}.png": bytes(1_900_000) for number in range(130)}
    forge(forged, tiny, replace=previews, compression=zipfile.ZIP_DEFLATED)
    refuse(PackTooLargeError, "the pack unpacks to 247")


@pytest.mark.parametrize("declared", [1000, 60_000])
def test_a_bomb_that_declares_a_small_size_is_refused(
    tiny: Path, forged: Path, refuse: Refuse, declared: int
) -> None:
    forge(forged, tiny, replace={WEIGHTS: bytes(50_000_000)}, compression=zipfile.ZIP_DEFLATED)
    lie_about_size(forged, WEIGHTS, declared)
    peak = _peak_of(lambda: refuse(DamagedPackError, f"{WEIGHTS} cannot be unpacked"))
    assert peak < 5_000_000


def test_a_bomb_whose_beginning_is_what_it_declares_is_refused(
    tiny: Path, forged: Path, refuse: Refuse
) -> None:
    forge(forged, tiny, replace={WEIGHTS: bytes(50_000_000)}, compression=zipfile.ZIP_DEFLATED)
    lie_about_size(forged, WEIGHTS, 1000)
    whole = struct.pack("<L", zlib.crc32(bytes(50_000_000)))
    forged.write_bytes(
        forged.read_bytes().replace(whole, struct.pack("<L", zlib.crc32(bytes(1000))))
    )
    peak = _peak_of(lambda: refuse(DamagedPackError, "the manifest says 50000000"))
    assert peak < 5_000_000


def test_a_size_that_is_declared_too_large_is_refused(
    tiny: Path, forged: Path, refuse: Refuse
) -> None:
    forge(forged, tiny, compression=zipfile.ZIP_DEFLATED)
    lie_about_size(forged, WEIGHTS, 50_000)
    refuse(DamagedPackError, f"{WEIGHTS} does not have the 50000 bytes that the zip says")
    lie_about_size(forged, WEIGHTS, 100_000_000)
    refuse(PackTooLargeError, "more than 100 times")
    lie_about_size(forged, WEIGHTS, 0xFFFFFFFE)
    refuse(PackTooLargeError, "unpacks to")


def test_a_directory_of_many_files_is_refused_before_it_is_loaded(
    tiny: Path, forged: Path, refuse: Refuse
) -> None:
    zip_up(forged, ((f"p{number}.png", b"") for number in range(60_000)))
    peak = _peak_of(lambda: refuse(PackTooLargeError, "lists 60000 files"))
    assert peak < 2_500_000


def test_a_directory_larger_than_its_files_need_is_refused(
    tiny: Path, forged: Path, refuse: Refuse
) -> None:
    info = zipfile.ZipInfo("more.png")
    info.comment = b"x" * 60_000
    zip_up(forged, [*members_of(tiny).items(), (info, b"")])
    refuse(PackTooLargeError, "lists 5 files in")


def test_a_file_above_the_limit_is_not_even_opened_as_a_zip(forged: Path, refuse: Refuse) -> None:
    with forged.open("wb") as file:
        file.truncate(PackLimits().file_size + 1)  # a hole: takes no space
    refuse(PackTooLargeError, "packs may have")


# --- code ---


class _Malice:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def _pickles(target: Path) -> dict[str, bytes]:
    archive = io.BytesIO()
    torch.save(_Malice(target), archive)
    every = {
        f"protocol {protocol}": pickle.dumps(_Malice(target), protocol) for protocol in range(6)
    }
    return {**every, "torch.save": archive.getvalue()}


@pytest.mark.parametrize("kind", [*(f"protocol {n}" for n in range(6)), "torch.save"])
@pytest.mark.parametrize("name", [WEIGHTS, PREVIEW, MANIFEST_NAME])
def test_a_pickle_is_refused_and_not_run(
    tiny: Path, forged: Path, refuse: Refuse, tmp_path: Path, kind: str, name: str
) -> None:
    target = tmp_path / "ran"
    data = _pickles(target)[kind]
    if name == MANIFEST_NAME:
        with_manifest(forged, tiny, data)
    else:
        forge(forged, tiny, replace={name: data})
    message = refuse(DamagedPackError, f"{name} is not")
    assert not target.exists()
    if name == WEIGHTS and kind not in {"protocol 0", "protocol 1"}:
        assert "a pickle or a PyTorch archive, which could run code" in message


# --- weights that are not the declared network's ---


def _weights(tiny: Path, change: Callable[[dict[str, Tensor]], object]) -> bytes:
    tensors = safetensors.torch.load(members_of(tiny)[WEIGHTS])
    change(tensors)
    return safetensors.torch.save(tensors)


LAST = "last.conv.bias"
FIRST = "down.0.conv.conv.weight"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop(LAST), f"the tensor {LAST} is missing"),
        (lambda t: t.clear(), "is missing"),
        (lambda t: t.update(extra=torch.zeros(3)), "the tensor 'extra' is not part"),
        (lambda t: t.update({"\x1b[2J" * 999: torch.zeros(1)}), "is not part"),
        (lambda t: t.update({"LAST.conv.bias": t.pop(LAST)}), f"{LAST} is missing"),
        (lambda t: t.update({LAST: torch.zeros(4)}), rf"{LAST} has shape \[4\].* needs \[3\]"),
        (lambda t: t.update({LAST: torch.zeros(1, 3)}), f"{LAST} has shape"),
        (lambda t: t.update({LAST: torch.zeros(0)}), f"{LAST} has shape"),
        (lambda t: t.update({FIRST: t[FIRST].mT.flip(0)[:, :, :1]}), f"{FIRST} has shape"),
        (lambda t: t.update({LAST: t[LAST].double()}), f"{LAST} is of type F64"),
        (lambda t: t.update({LAST: t[LAST].to(torch.int8)}), f"{LAST} is of type I8"),
        (lambda t: t.update({LAST: t[LAST].to(torch.complex64)}), f"{LAST} is of type C64"),
        (lambda t: t.update({LAST: t[LAST].to(torch.float8_e4m3fn)}), "is of type F8_E4M3"),
        (lambda t: t[LAST].fill_(float("nan")), f"{LAST} holds values that are not finite"),
        (lambda t: t[FIRST][1, 2, 3].fill_(float("inf")), f"{FIRST} holds values that are not"),
        (
            lambda t: t.update({LAST: torch.tensor([0, 0, -torch.inf], dtype=torch.bfloat16)}),
            "not finite",
        ),
    ],
)
def test_other_tensors_than_the_declared_are_refused(
    tiny: Path,
    forged: Path,
    refuse: Refuse,
    change: Callable[[dict[str, Tensor]], object],
    message: str,
) -> None:
    def contiguous(tensors: dict[str, Tensor]) -> None:
        change(tensors)
        tensors.update({name: value.contiguous() for name, value in tensors.items()})

    forge(forged, tiny, replace={WEIGHTS: _weights(tiny, contiguous)})
    assert refuse(DamagedPackError, message).isprintable()


def _safetensors(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00" * 7,
        _safetensors(b""),
        _safetensors(b"{}", length=2**63),
        _safetensors(b"{}", length=1 << 40),
        _safetensors(b"{}", length=100),
        _safetensors(b"[" * 100_000),
        _safetensors(b"{" * 5),
        _safetensors(b"\xff\xfe"),
        _safetensors(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}', bytes(8)),
        _safetensors(b'{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,4]}}', bytes(4)),
        _safetensors(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}', bytes(4)),
        _safetensors(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}', bytes(4)),
        _safetensors(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99]}}', bytes(4)),
        _safetensors(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}', bytes(12)),
        _safetensors(b'{"a":{"dtype":"O","shape":[1],"data_offsets":[0,4]}}', bytes(4)),
        _safetensors(b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}'),
        _safetensors(
            b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
            b'"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
            bytes(4),
        ),
        _safetensors(b'{"__metadata__":{"a":{}}}'),
    ],
)
def test_broken_safetensors_are_refused(
    tiny: Path, forged: Path, refuse: Refuse, data: bytes
) -> None:
    forge(forged, tiny, replace={WEIGHTS: data})
    refuse(DamagedPackError, f"{WEIGHTS} is not a safetensors file")


def test_a_long_header_is_refused_before_it_is_parsed(
    tiny: Path, forged: Path, refuse: Refuse
) -> None:
    header = b'{"__metadata__":{"a":"' + bytes(range(35, 91)) * 40_000 + b'"}}'
    forge(forged, tiny, replace={WEIGHTS: _safetensors(header)})
    refuse(DamagedPackError, "its header is too long")


# --- manifests ---


@pytest.mark.parametrize(
    ("edit", "error", "message"),
    [
        (lambda v: v.update(schema_version=2), UnsupportedPackError, "schema_version"),
        (lambda v: v.update(schema_version=-1), UnsupportedPackError, "schema_version"),
        (
            lambda v: v["architecture"].update(kind="python", module="os"),
            UnsupportedPackError,
            "architecture.kind: .*'python'",
        ),
        (lambda v: v["architecture"].update(norm="group"), UnsupportedPackError, "norm"),
        (
            lambda v: v["architecture"].update(norm="batch"),
            DamagedPackError,
            "architecture.norm: batch is for one style, not 2",
        ),
        (
            lambda v: v.update(least_daemon_version="99.0.0"),
            UnsupportedPackError,
            "least_daemon_version",
        ),
        (
            lambda v: v["architecture"].update(channels=[2**31, 2**31, 2**31]),
            DamagedPackError,
            "architecture.channels.0: .*512",
        ),
        (
            lambda v: v["architecture"].update(residual_blocks=2**40),
            DamagedPackError,
            "architecture.residual_blocks: .*32",
        ),
        (
            lambda v: v["architecture"].update(end_kernel=99_999),
            DamagedPackError,
            "architecture.end_kernel: .*31",
        ),
        (
            lambda v: v.update(styles=[{"id": f"s{n}", "display_name": "s"} for n in range(129)]),
            DamagedPackError,
            "styles: .*128",
        ),
        (
            lambda v: v.update(files={f"previews/p{n}.png": {"sha256": "0" * 64, "size": 1}
                                      for n in range(130)}),
            DamagedPackError,
            "files: .*129",
        ),
        (lambda v: v.update(id="../../evil"), DamagedPackError, "id: "),
        (lambda v: v.update(version="1.0.0/../../evil"), DamagedPackError, "version: "),
        (lambda v: v.update(weights="../weights.safetensors"), DamagedPackError, "weights: "),
        (
            lambda v: v["styles"][0].update(preview="/etc/passwd"),
            DamagedPackError,
            "styles.0.preview: ",
        ),
        (lambda v: v.update(on_install="rm -rf ~"), DamagedPackError, "on_install: Extra"),
    ],
)  # fmt: skip
def test_hostile_manifests_are_refused(
    tiny: Path,
    forged: Path,
    refuse: Refuse,
    edit: Callable[[dict[str, Any]], None],
    error: type[PackError],
    message: str,
) -> None:
    forge(forged, tiny, edit=edit)
    refuse(error, message)


def test_the_largest_declared_network_costs_nothing_until_its_weights_are_there(
    tiny: Path, forged: Path, refuse: Refuse
) -> None:
    def edit(values: dict[str, Any]) -> None:
        values["architecture"].update(channels=[512] * 3, residual_blocks=32, end_kernel=31)

    forge(forged, tiny, edit=edit)
    refuse(DamagedPackError, "the declared architecture|is missing")


@pytest.mark.parametrize(
    ("manifest", "error", "message"),
    [
        (b"# " + b"x" * 200_000, PackTooLargeError, r"pack\.toml has 200002 bytes"),
        (b" " * 5_000_000, PackTooLargeError, r"pack\.toml has 5000000 bytes"),
        (b"a = " + b"[" * 100_000, DamagedPackError, "nested too deeply|not TOML"),
        (b"a." * 60_000 + b"a = 1", DamagedPackError, "key of too many parts"),
        (b"\x00", DamagedPackError, "not TOML"),
        (b"", DamagedPackError, "Field required"),
    ],
)
def test_huge_and_twisted_manifests_are_refused(
    tiny: Path,
    forged: Path,
    refuse: Refuse,
    manifest: bytes,
    error: type[PackError],
    message: str,
) -> None:
    with_manifest(forged, tiny, manifest)
    refuse(error, message)


# --- previews ---


def _picture(kind: str, size: tuple[int, int] = (8, 8), **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (1, 2, 3)).save(buffer, kind, **options)
    return buffer.getvalue()


def _huge_png(width: int, height: int) -> bytes:
    data = bytearray(_picture("PNG"))
    struct.pack_into(">LL", data, 16, width, height)
    struct.pack_into(">L", data, 29, zlib.crc32(data[12:29]))
    return bytes(data)


@pytest.mark.parametrize(
    ("preview", "error", "message"),
    [
        (b"", DamagedPackError, "not a PNG picture"),
        (b"<svg onload='evil()'/>", DamagedPackError, "not a PNG picture"),
        (_picture("JPEG"), DamagedPackError, "not a PNG picture"),
        (_picture("GIF"), DamagedPackError, "not a PNG picture"),
        (_picture("TIFF"), DamagedPackError, "not a PNG picture"),
        (_picture("PNG")[:-30], DamagedPackError, "not a PNG picture"),
        (_picture("PNG", (2049, 1)), PackTooLargeError, "2049 x 1 pixels"),
        (_huge_png(5000, 5000), PackTooLargeError, "5000 x 5000 pixels"),
        (_huge_png(10_000, 10_000), DamagedPackError, "not a PNG picture: .*bomb"),
        (_huge_png(2**31 - 1, 2**31 - 1), DamagedPackError, "not a PNG picture: .*bomb"),
        (
            _picture("PNG", save_all=True, append_images=[Image.new("RGB", (8, 8), (9, 9, 9))]),
            DamagedPackError,
            "not one still PNG",
        ),
    ],
    ids=lambda value: None if isinstance(value, bytes) else str(value)[-30:],
)
def test_previews_must_be_pictures_of_bounded_size(
    tiny: Path,
    forged: Path,
    refuse: Refuse,
    preview: bytes,
    error: type[PackError],
    message: str,
) -> None:
    forge(forged, tiny, replace={PREVIEW: preview})
    refuse(error, f"{PREVIEW} is .*{message.removeprefix('is ')}")


# --- a full disk ---

_INSTALL = """
import resource, sys
from pathlib import Path
from pastiche_daemon.packs.errors import StorageFullError
from pastiche_daemon.packs.store import PackStore

size, source, folder = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
try:
    PackStore(folder / "none", folder).install(source, replace=True)
except StorageFullError as error:
    print(error)
    sys.exit(42)
"""

_WRITE = """
import resource, sys
from pathlib import Path
from pastiche_daemon.packs.archive import write_pack
from pastiche_daemon.packs.errors import StorageFullError
from pastiche_daemon.packs.manifest import parse_manifest
from tests.support.forged_pack import members_of

size, source, target = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
files = members_of(source)
manifest = parse_manifest(files.pop("pack.toml"))
resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
try:
    write_pack(target, manifest, files)
except StorageFullError as error:
    print(error)
    sys.exit(42)
"""


def _run(code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    root = str(Path(__file__).parents[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, *sys.path])}
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
@pytest.mark.parametrize("size", [0, 1, 5000, 13_000])
def test_no_space_while_installing(tiny: Path, tmp_path: Path, size: int) -> None:
    folder = tmp_path / "packs"
    process = _run(_INSTALL, size, tiny, folder)
    assert (process.returncode, process.stderr) == (42, "")
    assert "free some space and try again" in process.stdout
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
def test_no_space_while_replacing_keeps_the_old_pack(tiny: Path, tmp_path: Path) -> None:
    folder = tmp_path / "packs"
    folder.mkdir()
    old = write_tiny_pack(folder / "tiny-1.0.0.pastiche", seed=1)
    before = old.read_bytes()
    assert _run(_INSTALL, 5000, tiny, folder).returncode == 42
    assert old.read_bytes() == before
    assert list(folder.iterdir()) == [old]


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
@pytest.mark.parametrize("size", [0, 100, 5000, 13_500])
def test_no_space_while_writing(tiny: Path, tmp_path: Path, size: int) -> None:
    target = write_tiny_pack(tmp_path / "a.pastiche", seed=1)
    before = target.read_bytes()
    process = _run(_WRITE, size, tiny, target)
    assert (process.returncode, process.stderr) == (42, "")
    assert target.read_bytes() == before
    assert list(tmp_path.iterdir()) == [target]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, where we may mount one."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("only root on Linux may mount a file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"this system mounts nothing: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(small_disk: Path, tiny: Path, tmp_path: Path) -> None:
    store = PackStore(tmp_path / "none", small_disk)
    first = store.install(tiny)
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space left"):
        filler.write_bytes(bytes(2 << 20))
    second = write_tiny_pack(tmp_path / "second.pastiche", pack_id="second")
    for source, replace in ((second, False), (tiny, True)):
        with pytest.raises(StorageFullError, match="no space left"):
            store.install(source, replace=replace)
        assert set(small_disk.iterdir()) == {first.path, filler}
    with pytest.raises(StorageFullError):
        write_tiny_pack(small_disk / "third.pastiche")
    assert set(small_disk.iterdir()) == {first.path, filler}
    assert first.path.read_bytes() == tiny.read_bytes()
    filler.unlink()
    assert store.install(second).manifest.id == "second"


# --- whatever else ---


def _mutate(data: bytes, changes: list[tuple[str, float, float, int]]) -> bytes:
    """Flip a bit, overwrite, cut out, copy over or cut off, at places given as shares."""
    changed = bytearray(data)
    for kind, first, second, value in changes:
        if not changed:
            break
        at, other = int(first * (len(changed) - 1)), int(second * (len(changed) - 1))
        start, end = min(at, other), min(max(at, other), min(at, other) + 4 * value)
        if kind == "flip":
            changed[at] ^= 1 << value % 8
        elif kind == "set":
            changed[at] = value
        elif kind == "cut":
            del changed[start:end]
        elif kind == "copy":
            changed[at : at + value] = changed[other : other + value]
        elif kind == "insert":
            changed[at:at] = changed[other : other + value]
        else:
            del changed[at:]
    return bytes(changed)


_SHARES = st.floats(0, 1)
_CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["flip", "set", "cut", "copy", "insert", "end"]),
        # Headers and directories lie at the ends.
        st.one_of(_SHARES, st.floats(0, 0.05), st.floats(0.9, 1)),
        _SHARES,
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=6,
)
_FUZZ = settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _survives(path: Path, folder: Path) -> None:
    """Only pack errors come out, from reading and installing; nothing stays behind."""
    store = PackStore(folder / "none", folder / "installed")
    try:
        pack = store.install(path)
    except PackError as error:
        with pytest.raises(type(error), match=r"."):
            read_pack(path)
    else:
        assert pack.weights()
        assert [p.manifest.id for p in store.list()] == [pack.manifest.id]
        assert store.get(pack.manifest.id).path == pack.path
        store.remove(pack.manifest.id)
    assert list((folder / "installed").iterdir()) == []


@_FUZZ
@given(changes=_CHANGES)
def test_a_mutated_file(tiny: Path, tmp_path: Path, changes: list[Any]) -> None:
    path = tmp_path / "mutated.pastiche"
    path.write_bytes(_mutate(tiny.read_bytes(), changes))
    _survives(path, tmp_path)


@_FUZZ
@given(changes=_CHANGES, name=st.sampled_from([WEIGHTS, PREVIEW]))
def test_a_mutated_member_with_a_hash_that_fits(
    tiny: Path, tmp_path: Path, changes: list[Any], name: str
) -> None:
    mutated = _mutate(members_of(tiny)[name], changes)
    _survives(forge(tmp_path / "mutated.pastiche", tiny, replace={name: mutated}), tmp_path)


@_FUZZ
@given(changes=_CHANGES, kind=st.sampled_from(["jpg", "webp"]))
def test_a_mutated_preview_of_another_kind(
    tiny: Path, tmp_path: Path, changes: list[Any], kind: str
) -> None:
    picture = _picture({"jpg": "JPEG", "webp": "WEBP"}[kind], (32, 24), quality=60)
    name = f"previews/one.{kind}"
    forged = forge(
        tmp_path / "mutated.pastiche",
        tiny,
        replace={PREVIEW: None, name: _mutate(picture, changes)},
        edit=lambda values: values["styles"][0].update(preview=name),
    )
    _survives(forged, tmp_path)


@_FUZZ
@given(changes=_CHANGES)
def test_a_mutated_manifest(tiny: Path, tmp_path: Path, changes: list[Any]) -> None:
    manifest = _mutate(members_of(tiny)[MANIFEST_NAME], changes)
    _survives(with_manifest(tmp_path / "mutated.pastiche", tiny, manifest), tmp_path)


# --- packs that upscale ---


@pytest.fixture(scope="module")
def upscaler(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_upscaler(tmp_path_factory.mktemp("good") / "tiny2.pastiche")


@_FUZZ
@given(changes=_CHANGES, part=st.sampled_from(["file", WEIGHTS, MANIFEST_NAME]))
def test_a_mutated_pack_that_upscales(
    upscaler: Path, tmp_path: Path, changes: list[Any], part: str
) -> None:
    path = tmp_path / "mutated.pastiche"
    if part == "file":
        path.write_bytes(_mutate(upscaler.read_bytes(), changes))
    elif part == WEIGHTS:
        forge(path, upscaler, replace={WEIGHTS: _mutate(members_of(upscaler)[WEIGHTS], changes)})
    else:
        with_manifest(path, upscaler, _mutate(members_of(upscaler)[MANIFEST_NAME], changes))
    _survives(path, tmp_path)


_UPSCALER_EDITS: list[tuple[str, dict[str, Any], type[PackError], str]] = [
    ("factor", {"factor": 3}, UnsupportedPackError, r"architecture\.factor"),
    ("another factor", {"factor": 4}, DamagedPackError, "3 widths for the factor 4, not 2"),
    ("too few widths", {"channels": [4]}, DamagedPackError, r"architecture\.channels"),
    ("a huge width", {"channels": [4, 10**9]}, DamagedPackError, r"architecture\.channels"),
    ("other widths", {"channels": [8, 4]}, DamagedPackError, "the declared architecture needs"),
    ("many blocks", {"residual_blocks": 10**6}, DamagedPackError, "residual_blocks"),
    ("another block", {"residual_blocks": 2}, DamagedPackError, "is missing"),
    ("an even kernel", {"end_kernel": 4}, DamagedPackError, "end_kernel must be odd"),
    ("a norm", {"norm": "batch"}, DamagedPackError, "is missing"),
    ("an unknown norm", {"norm": "layer"}, UnsupportedPackError, r"architecture\.norm"),
    ("another kind", {"kind": "transformer"}, UnsupportedPackError, "Extra inputs"),
    ("a kind to come", {"kind": "inpainter"}, UnsupportedPackError, "runs 'transformer' and"),
]


@pytest.mark.parametrize(
    ("edit", "error", "message"),
    [pytest.param(*case[1:], id=case[0]) for case in _UPSCALER_EDITS],
)
def test_other_networks_that_upscale_than_the_declared_are_refused(
    upscaler: Path, forged: Path, refuse: Refuse, edit: dict[str, Any], error: Any, message: str
) -> None:
    forge(forged, upscaler, edit=lambda values: values["architecture"].update(edit))
    refuse(error, message)


def test_a_pack_that_upscales_has_no_styles(upscaler: Path, forged: Path, refuse: Refuse) -> None:
    style = {"id": "one", "display_name": "One"}
    forge(forged, upscaler, edit=lambda values: values.update(styles=[style]))
    refuse(DamagedPackError, r"styles: Extra inputs are not permitted")
