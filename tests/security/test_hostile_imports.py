"""Damaged and hostile files of other projects: refused, or imported, and nothing else."""

from __future__ import annotations

import io
import json
import pickle
import struct
import subprocess
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from onnx import helper, numpy_helper

from pastiche_daemon.importing import ImportRequest, import_pack
from pastiche_daemon.packs.errors import PackError
from pastiche_daemon.packs.importers.onnx_shapes import ShapeNodes, StaticValueError
from tests.support.fast_neural_style import plain_network, write_state_dict

ROOT = Path(__file__).parents[2]
COUNT = 400


@pytest.mark.parametrize("kind", ["zip", "legacy", "onnx"])
def test_damaged_files_are_refused_or_imported_and_do_nothing_else(
    tmp_path: Path, kind: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.fuzz_imports", kind, str(COUNT), str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["crashed"] == []
    assert told["events"] == []
    assert told["tried"] == COUNT
    assert told["refused"] + told["imported"] == COUNT
    assert told["refused"] > COUNT // 4
    assert told["grown_mib"] < 256
    assert set(told["left"]) <= {"file", "out.pastiche"}


class Runs:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._path,)


def _legacy(payload: bytes) -> bytes:
    """A file of the format of before torch 1.6 with this pickle in the place of the state."""
    parts = [
        pickle.dumps(0x1950A86A20F9469CFC6C, protocol=2),
        pickle.dumps(1001, protocol=2),
        pickle.dumps({"protocol_version": 1001, "little_endian": True}, protocol=2),
        payload,
        pickle.dumps([], protocol=2),
    ]
    return b"".join(parts)


def _zipped(payload: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", payload)
        archive.writestr("archive/version", b"3\n")
    return buffer.getvalue()


@pytest.mark.parametrize("wrap", [_legacy, _zipped])
@pytest.mark.parametrize("protocol", [2, 4])
def test_no_code_of_a_file_is_run(tmp_path: Path, wrap: Any, protocol: int) -> None:
    trace = tmp_path / "it ran"
    payload = pickle.dumps(OrderedDict(weight=Runs(trace)), protocol=protocol)
    pickle.loads(payload)
    assert trace.exists(), "the attack works where nothing prevents it"
    trace.unlink()
    refuse(tmp_path, wrap(payload))
    assert not trace.exists()


def refuse(folder: Path, data: bytes) -> str:
    file = folder / "hostile.pth"
    file.write_bytes(data)
    with pytest.raises(PackError) as caught:
        import_pack(
            ImportRequest(file=file, name="x", license="MIT", command="x"), folder / "out.pastiche"
        )
    assert not (folder / "out.pastiche").exists()
    return str(caught.value)


def test_a_whole_pickled_model_is_refused_by_name(tmp_path: Path) -> None:
    torch.save(plain_network(), tmp_path / "model.pth")
    message = refuse(tmp_path, (tmp_path / "model.pth").read_bytes())
    assert "PlainTransformer" in message
    assert "a whole pickled model" in message


@pytest.mark.parametrize("count", [1 << 30, 1 << 40, (1 << 62) + 1])
def test_storages_larger_than_the_file_are_not_allocated(tmp_path: Path, count: int) -> None:
    """A legacy file tells the size of its storages in the pickle."""
    good = write_state_dict(tmp_path / "good.pth", plain_network((2, 2, 2)), legacy=True)
    data = good.read_bytes()
    # BININT1 14: 2 x 7 values; the first storage is of 2 x 3 x 9 x 9 = 486 values, BININT2.
    marker = b"M" + struct.pack("<H", 486)
    assert marker in data
    encoded = pickle.dumps(count, protocol=2)[2:-1]
    assert "more values than it has bytes" in refuse(tmp_path, data.replace(marker, encoded))


def test_a_view_that_is_larger_than_memory_is_refused_by_its_shape(tmp_path: Path) -> None:
    state = plain_network((2, 2, 2)).state_dict()
    state["in1.weight"] = torch.ones(1).expand(30_000, 1, 30_000, 1)
    torch.save(state, tmp_path / "views.pth")
    message = refuse(tmp_path, (tmp_path / "views.pth").read_bytes())
    assert "in1.weight has shape" in message


@pytest.mark.parametrize("kind", ["Mul", "Concat", "itself"])
def test_values_that_are_asked_for_very_often_are_computed_once(kind: str) -> None:
    """Thirty doublings would be a thousand million computations, or numbers."""
    one = helper.make_node(
        "Constant", [], ["v0"], value=numpy_helper.from_array(np.ones(1, np.float32))
    )
    if kind == "itself":
        nodes = [helper.make_node("Mul", ["v30", "v30"], ["v30"])]
    else:
        doubled = [
            helper.make_node(kind, [f"v{n}", f"v{n}"], [f"v{n + 1}"], axis=0) for n in range(30)
        ]
        nodes = [one, *doubled]
    shapes = ShapeNodes(nodes, lambda _: None)
    if kind == "Mul":
        assert shapes.value("v30").tolist() == [1.0]
    else:
        with pytest.raises(StaticValueError):
            shapes.value("v30")
