"""The committed code is what the .proto files generate."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMITTED = ROOT / "protos" / "pastiche" / "v1"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "generate_protos", ROOT / "tools" / "generate_protos.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_committed_code_is_up_to_date(generator: ModuleType, tmp_path: Path) -> None:
    generated = {file.name: file.read_text("utf-8") for file in generator.generate(tmp_path)}
    committed = {
        file.name: file.read_text("utf-8")
        for file in COMMITTED.iterdir()
        if file.suffix in {".py", ".pyi"}
    }

    assert {"layer_pb2.py", "daemon_pb2.pyi", "packs_pb2_grpc.py", "packs_grpc.py"} <= set(
        generated
    )
    assert committed == generated, f"run {sys.executable} tools/generate_protos.py"
