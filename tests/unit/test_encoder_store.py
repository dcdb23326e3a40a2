"""Finding encoders, and saying what to do where there is none."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pastiche_client.paths import DataPaths
from pastiche_daemon.encoder_store import EncoderStore
from pastiche_daemon.encoders import EncoderFileError, MissingEncoderError, UnknownEncoderError
from pastiche_daemon.engine import Engine
from tests.support.tiny_training import write_encoder


@pytest.fixture
def store(tmp_path: Path) -> EncoderStore:
    for name in ("built-in", "added"):
        (tmp_path / name).mkdir()
    return EncoderStore(tmp_path / "built-in", tmp_path / "added")


def test_an_added_encoder_is_found_with_the_layers_of_its_file(store):
    write_encoder(store.path_for("vgg19-quarter"))
    found = store.find("vgg19-quarter")
    assert found.spec.layers[0] == "conv1_1"
    assert "relu5_1" in found.spec.layers
    assert "conv5_2" not in found.spec.layers
    assert found.source == "added"


def test_the_users_own_file_goes_before_the_built_in_one(store, tmp_path):
    built_in = write_encoder(tmp_path / "built-in" / "vgg19-quarter.safetensors")
    assert store.find("vgg19-quarter").path == built_in
    assert store.find("vgg19-quarter").source == "built-in"
    own = write_encoder(store.path_for("vgg19-quarter"))
    assert store.find("vgg19-quarter").path == own


def test_what_is_missing_is_told_with_what_to_do(store):
    with pytest.raises(MissingEncoderError, match="pastiche encoders fetch vgg19"):
        store.find("vgg19")
    with pytest.raises(MissingEncoderError, match="pastiche encoders add vgg19-quarter FILE"):
        store.find("vgg19-quarter")
    with pytest.raises(MissingEncoderError, match="built-in encoder 'compact' is missing"):
        store.find("compact")


@pytest.mark.parametrize("name", ["vgg18", "", "../compact", "compact.safetensors"])
def test_unknown_names_are_refused_with_the_known_ones(store, name):
    with pytest.raises(UnknownEncoderError, match=r"vgg11, .*compact"):
        store.find(name)
    with pytest.raises(UnknownEncoderError):
        store.path_for(name)


def test_damaged_and_foreign_files_are_named(store, tmp_path):
    path = store.path_for("vgg19")
    path.write_bytes(b"nothing of use")
    with pytest.raises(EncoderFileError, match=str(path)):
        store.find("vgg19")


def test_the_default_encoder_is_listed_first(store):
    assert store.names()[0] == "compact"
    assert "vgg19" in store.names()
    assert [name for name in store.names() if store.only_dreams(name)] == [
        "googlenet",
        "inception_v3",
    ]


def test_a_damaged_inception_network_is_named(store):
    write_encoder(store.path_for("googlenet"))
    with pytest.raises(EncoderFileError, match=r"conv1\.conv\.weight is missing"):
        store.find_network("googlenet")
    with pytest.raises(MissingEncoderError, match="pastiche encoders fetch inception_v3"):
        store.find_network("inception_v3")


def test_a_data_folder_has_a_store(tmp_path):
    assert EncoderStore.of(DataPaths(tmp_path)).path_for("vgg19") == (
        tmp_path / "encoders" / "vgg19.safetensors"
    )


def test_the_engine_keeps_encoders_until_their_file_or_use_changes(store):
    path = write_encoder(store.path_for("vgg19-quarter"))
    engine, file = Engine(), store.find("vgg19-quarter")
    first = engine.encoder(file, None, "float32")
    assert engine.encoder(file, None, "float32") is first
    assert engine.encoder(file, "avg", "float32").encoder.spec.pooling == "avg"
    assert engine.encoder(file, None, "bfloat16").encoder.value_dtype.itemsize == 2
    path.write_bytes(path.read_bytes() + b"")
    path.touch()
    assert engine.encoder(file, None, "float32") is not first


def test_knowing_the_store_does_not_load_torch():
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pastiche_daemon.encoder_store import EncoderStore\n"
        "EncoderStore(Path('a'), Path('b'))\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
