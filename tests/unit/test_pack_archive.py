from __future__ import annotations

import hashlib
import io
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import safetensors.torch
import torch
from PIL import Image

from pastiche_daemon.nn.transformer import TransformerNetwork, TransformerSpec
from pastiche_daemon.packs.archive import PackLimits, read_pack, write_pack
from pastiche_daemon.packs.errors import (
    DamagedPackError,
    PackError,
    PackTooLargeError,
    StorageError,
    UnsupportedPackError,
)
from pastiche_daemon.packs.manifest import dump_manifest
from pastiche_daemon.packs.network import load_network, network_tensors, spec_of
from tests.support.tiny_pack import (
    tiny_files,
    tiny_manifest,
    tiny_network,
    tiny_preview,
    write_tiny_pack,
)

WEIGHTS = "weights.safetensors"


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return write_tiny_pack(tmp_path / "tiny.pastiche")


def test_a_written_pack_is_read_back_whole(tiny: Path) -> None:
    files = tiny_files(tiny_manifest())
    pack = read_pack(tiny)
    assert pack.path == tiny
    assert pack.size_bytes == tiny.stat().st_size
    assert pack.manifest.model_copy(update={"files": {}}) == tiny_manifest()
    assert {name: (e.sha256, e.size) for name, e in pack.manifest.files.items()} == {
        name: (hashlib.sha256(data).hexdigest(), len(data)) for name, data in files.items()
    }
    assert pack.preview("two") == (files["previews/two.png"], "image/png")
    assert pack.preview("three") is None


def test_the_same_pack_is_the_same_file(tmp_path: Path) -> None:
    first = write_tiny_pack(tmp_path / "first.pastiche")
    second = write_tiny_pack(tmp_path / "second.pastiche")
    assert first.read_bytes() == second.read_bytes()
    other = write_tiny_pack(tmp_path / "other.pastiche", seed=1)
    assert other.read_bytes() != first.read_bytes()


def test_the_order_of_the_files_does_not_matter(tiny: Path, tmp_path: Path) -> None:
    files = tiny_files(tiny_manifest())
    write_pack(tmp_path / "b.pastiche", tiny_manifest(), dict(reversed(files.items())))
    assert (tmp_path / "b.pastiche").read_bytes() == tiny.read_bytes()


def test_members_are_plain_files_with_fixed_times(tiny: Path) -> None:
    with zipfile.ZipFile(tiny) as archive:
        infos = archive.infolist()
        assert [info.filename for info in infos] == [
            "pack.toml",
            "previews/one.png",
            "previews/two.png",
            WEIGHTS,
        ]
        for info in infos:
            assert info.date_time == (1980, 1, 1, 0, 0, 0)
            assert info.external_attr >> 16 == stat.S_IFREG | 0o644


def test_the_returned_manifest_has_the_hashes(tmp_path: Path) -> None:
    path = tmp_path / "a.pastiche"
    written = write_pack(path, tiny_manifest(), tiny_files(tiny_manifest()))
    assert written == read_pack(path).manifest


def test_a_pack_zipped_by_other_tools_is_read(tiny: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pastiche"
    with zipfile.ZipFile(tiny) as source, zipfile.ZipFile(other, "w") as target:
        for name in reversed(source.namelist()):
            target.writestr(name, source.read(name), zipfile.ZIP_DEFLATED, compresslevel=9)
    assert read_pack(other).manifest == read_pack(tiny).manifest


def test_a_pack_without_previews(tmp_path: Path) -> None:
    styles = [s.model_copy(update={"preview": None}) for s in tiny_manifest().styles]
    manifest = tiny_manifest().model_copy(update={"styles": styles})
    write_pack(tmp_path / "a.pastiche", manifest, tiny_files(manifest))
    assert read_pack(tmp_path / "a.pastiche").preview("one") is None


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_weights_keep_their_type_and_values(tmp_path: Path, dtype: torch.dtype) -> None:
    manifest = tiny_manifest()
    network = tiny_network(manifest)
    files = {**tiny_files(manifest), WEIGHTS: network_tensors(network, dtype)}
    path = tmp_path / "a.pastiche"
    write_pack(path, manifest, files)
    weights = read_pack(path).weights()
    assert weights.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        assert weights[name].dtype == dtype
        torch.testing.assert_close(weights[name], value.to(dtype), rtol=0, atol=0)


def test_the_loaded_network_computes_what_the_written_one_did(tmp_path: Path) -> None:
    manifest = tiny_manifest()
    network = tiny_network(manifest, seed=3).to(memory_format=torch.channels_last)
    path = tmp_path / "a.pastiche"
    files = {**tiny_files(manifest), WEIGHTS: network_tensors(network, torch.float32)}
    write_pack(path, manifest, files)
    loaded = load_network(read_pack(path))
    assert not loaded.training
    assert all(p.dtype == torch.float32 for p in loaded.parameters())
    assert not any(p.requires_grad for p in loaded.parameters())
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(2, 3, 21, 14, generator=generator)
    mix = torch.tensor([[1.0, 0.0], [0.25, 0.75]])
    with torch.inference_mode():
        torch.testing.assert_close(loaded(image, mix), network(image, mix), rtol=1e-5, atol=1e-6)
        assert not torch.allclose(loaded(image, mix), loaded(image, mix.flip(1)))


def test_the_spec_has_as_many_styles_as_the_manifest() -> None:
    spec = spec_of(tiny_manifest(styles=("a", "b", "c")))
    assert spec == TransformerSpec(styles=3, channels=(4, 8, 8), residual_blocks=1)


def test_network_tensors_is_plain_safetensors_of_the_asked_type() -> None:
    network = TransformerNetwork(TransformerSpec(channels=(4, 4, 4), residual_blocks=0))
    tensors = safetensors.torch.load(network_tensors(network))
    assert tensors.keys() == network.state_dict().keys()
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}


def test_weights_that_begin_like_a_pickle_are_read(tmp_path: Path) -> None:
    # The first byte is the lowest of the header's length, and 0x80 begins a pickle.
    manifest = tiny_manifest()
    state = tiny_network(manifest).state_dict()
    candidates = (safetensors.torch.save(state, {"padding": " " * n}) for n in range(300))
    weights = next(data for data in candidates if data[0] == 0x80)
    write_pack(tmp_path / "a.pastiche", manifest, {**tiny_files(manifest), WEIGHTS: weights})
    assert read_pack(tmp_path / "a.pastiche").weights().keys() == state.keys()


def test_previews_may_be_jpeg_and_webp(tmp_path: Path) -> None:
    styles = []
    files = tiny_files(tiny_manifest())
    for style, suffix, kind in zip(
        tiny_manifest().styles, ("jpg", "webp"), ("JPEG", "WEBP"), strict=True
    ):
        buffer = io.BytesIO()
        Image.new("RGB", (16, 9), (200, 100, 50)).save(buffer, kind)
        del files[f"previews/{style.id}.png"]
        files[f"previews/{style.id}.{suffix}"] = buffer.getvalue()
        styles.append(style.model_copy(update={"preview": f"previews/{style.id}.{suffix}"}))
    write_pack(
        tmp_path / "a.pastiche", tiny_manifest().model_copy(update={"styles": styles}), files
    )
    pack = read_pack(tmp_path / "a.pastiche")
    assert pack.preview("one") == (files["previews/one.jpg"], "image/jpeg")
    assert pack.preview("two") == (files["previews/two.webp"], "image/webp")


def test_two_styles_may_share_a_preview(tmp_path: Path) -> None:
    styles = [s.model_copy(update={"preview": "previews/both.png"}) for s in tiny_manifest().styles]
    manifest = tiny_manifest().model_copy(update={"styles": styles})
    write_pack(tmp_path / "a.pastiche", manifest, tiny_files(manifest))
    pack = read_pack(tmp_path / "a.pastiche")
    assert pack.preview("one") == (tiny_preview(1), "image/png") == pack.preview("two")


def test_writing_replaces_a_pack_and_leaves_no_other_file(tmp_path: Path) -> None:
    path = write_tiny_pack(tmp_path / "a.pastiche")
    write_tiny_pack(path, pack_id="newer")
    assert read_pack(path).manifest.id == "newer"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({WEIGHTS: None}, DamagedPackError, f"{WEIGHTS} is used by the manifest"),
        ({"previews/one.png": None}, DamagedPackError, r"previews/one\.png is used"),
        ({"previews/three.png": tiny_preview(3)}, DamagedPackError, "neither the weights nor"),
        ({"notes.txt": b"hello"}, DamagedPackError, "does not belong in a pack"),
        ({"previews/one.png": b"not a picture"}, DamagedPackError, "not a PNG picture"),
        ({WEIGHTS: b"not tensors"}, DamagedPackError, "not a safetensors file"),
        ({"pack.toml": b""}, DamagedPackError, "twice"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_bad_pack_is_not_written(
    tmp_path: Path, change: dict[str, bytes | None], error: type[PackError], message: str
) -> None:
    path = write_tiny_pack(tmp_path / "a.pastiche")
    before = path.read_bytes()
    files = {**tiny_files(tiny_manifest()), **change}
    kept = {name: data for name, data in files.items() if data is not None}
    with pytest.raises(error, match=message):
        write_pack(path, tiny_manifest(), kept)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_weights_that_overflow_half_precision_are_not_written(tmp_path: Path) -> None:
    manifest = tiny_manifest()
    network = tiny_network(manifest)
    with torch.no_grad():
        next(network.parameters()).fill_(1e6)
    files = {**tiny_files(manifest), WEIGHTS: network_tensors(network)}
    with pytest.raises(DamagedPackError, match="not finite"):
        write_pack(tmp_path / "a.pastiche", manifest, files)
    assert list(tmp_path.iterdir()) == []


def test_a_pack_for_a_later_daemon_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedPackError, match="least_daemon_version"):
        write_tiny_pack(tmp_path / "a.pastiche", least_daemon_version="999.0.0")
    assert list(tmp_path.iterdir()) == []


def test_writing_into_a_missing_folder_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="check the folder"):
        write_tiny_pack(tmp_path / "missing" / "a.pastiche")


def test_reading_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_pack(tmp_path / "a.pastiche")


def test_a_file_replaced_after_reading_is_noticed(tiny: Path) -> None:
    pack = read_pack(tiny)
    write_tiny_pack(tiny, seed=1)
    with pytest.raises(DamagedPackError, match="sha256"):
        pack.weights()
    with pytest.raises(DamagedPackError, match="sha256"):
        pack.preview("one")
    write_tiny_pack(tiny, styles=("three", "four"))
    with pytest.raises(DamagedPackError, match="no longer in it"):
        pack.preview("one")


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (PackLimits(file_size=1000), "the file has .* bytes; packs may have 1000"),
        (PackLimits(manifest_size=100), r"pack\.toml has .* bytes; 100 are allowed"),
        (PackLimits(weights_size=100), "weights.safetensors has .* bytes; 100 are allowed"),
        (PackLimits(preview_size=10), r"previews/one\.png has .* bytes; 10 are allowed"),
        (PackLimits(preview_side=7), "8 x 8 pixels; previews may have 7 a side"),
        (PackLimits(unpacked_size=1000), "unpacks to .* bytes; 1000 are allowed"),
        (PackLimits(entries=3), "lists 4 files"),
    ],
)
def test_limits_are_kept(tiny: Path, limits: PackLimits, message: str) -> None:
    with pytest.raises(PackTooLargeError, match=message):
        read_pack(tiny, limits)


def test_a_manifest_of_the_most_styles_fits_the_limits(tmp_path: Path) -> None:
    styles = [f"a_style_with_a_rather_long_name_{number:03}" for number in range(128)]
    path = write_tiny_pack(tmp_path / "a.pastiche", styles=styles)
    pack = read_pack(path)
    assert len(pack.manifest.styles) == 128
    assert len(dump_manifest(pack.manifest)) < PackLimits().manifest_size * 0.75


def test_manifests_are_read_without_loading_torch() -> None:
    code = (
        "import sys, pastiche_daemon.packs.store, pastiche_daemon.packs.manifest\n"
        "sys.exit('torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    )
