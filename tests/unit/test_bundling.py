"""Rewriting imports to the private package, and the wheels that go into it."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from plugins.bundling import wheels
from plugins.bundling.bundle import BundleError, bundle_gimp
from plugins.bundling.contents import (
    BundleInfo,
    folder_digests,
    read_bundle_file,
    write_bundle_file,
)
from plugins.bundling.rewriting import imported_modules, rewrite_imports
from plugins.bundling.wheels import REQUIREMENTS, WheelError, fetch_wheels, fetched_wheels

NAMES = {"google", "h2", "pastiche"}


def _rewritten(source: str) -> str:
    return rewrite_imports(source, NAMES, "own.vendor")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from google.protobuf import message", "from own.vendor.google.protobuf import message"),
        ("from google import rpc as r", "from own.vendor.google import rpc as r"),
        ("from h2 import *  # noqa", "from own.vendor.h2 import *  # noqa"),
        ("import h2", "from own.vendor import h2"),
        ("import h2 as x", "import own.vendor.h2 as x"),
        ("import google.protobuf.any_pb2 as x", "import own.vendor.google.protobuf.any_pb2 as x"),
        (
            "import h2.events",
            "import own.vendor.h2.events as _pastiche_unused; from own.vendor import h2",
        ),
        ("import os, h2", "import os; from own.vendor import h2"),
        ("from .h2 import x", "from .h2 import x"),
        ("from . import h2", "from . import h2"),
        ("import h2x", "import h2x"),
        ("import os", "import os"),
        ("import_module('google._upb')", "import_module('own.vendor.google._upb')"),
        ("importlib.import_module(name)", "importlib.import_module(name)"),
        ("x = 'google.protobuf.Any'", "x = 'google.protobuf.Any'"),
        ("'grün'; import h2", "'grün'; from own.vendor import h2"),
        ("import h2; import google", "from own.vendor import h2; from own.vendor import google"),
        (
            "from google.rpc import (\n    code_pb2,  # why\n    status_pb2,\n)\n",
            "from own.vendor.google.rpc import (\n    code_pb2,  # why\n    status_pb2,\n)\n",
        ),
        (
            "try:\n    import h2\nexcept ImportError:\n    h2 = None\n",
            "try:\n    from own.vendor import h2\nexcept ImportError:\n    h2 = None\n",
        ),
        (
            "b.BuildTopDescriptorsAndMessages(D, 'google.rpc.status_pb2', g)",
            "b.BuildTopDescriptorsAndMessages(D, 'own.vendor.google.rpc.status_pb2', g)",
        ),
    ],
)
def test_imports_are_moved_and_nothing_else(source: str, expected: str) -> None:
    assert _rewritten(source) == expected
    ast.parse(expected)
    assert expected.count("\n") == source.count("\n")


def test_rewriting_twice_changes_nothing_more() -> None:
    once = _rewritten("import google.protobuf\nfrom h2 import events\n")
    assert _rewritten(once) == once


def test_the_rewritten_names_are_bound_as_before(tmp_path: Path) -> None:
    """Also where the private package has the name of one that it holds."""
    inner = tmp_path / "pastiche" / "vendor" / "pastiche" / "v1"
    inner.mkdir(parents=True)
    (tmp_path / "pastiche" / "vendor" / "h2").mkdir()
    for folder in (tmp_path / "pastiche", inner.parents[1], inner.parent, inner):
        (folder / "__init__.py").touch()
    (inner.parents[1] / "h2" / "__init__.py").touch()
    (inner.parents[1] / "h2" / "events.py").write_text("y = 2\n")
    (inner / "layer_pb2.py").write_text("x = 1\n")
    source = "import pastiche.v1.layer_pb2\nimport h2.events\n"
    source += "print(pastiche.v1.layer_pb2.x, h2.events.y)\n"
    (inner / "user.py").write_text(rewrite_imports(source, NAMES, "pastiche.vendor"))
    done = subprocess.run(
        [sys.executable, "-S", "-m", "pastiche.vendor.pastiche.v1.user"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.stdout == "1 2\n", done.stderr


def test_what_a_module_imports() -> None:
    source = (
        "import a.b\nfrom .c import d\nfrom .. import e\n"
        "if TYPE_CHECKING:\n    import never\nelse:\n    import always\n"
        "def f():\n    from g import h\n    import_module('i.j')\n"
    )
    found = set(imported_modules(source, "own.sub.module", is_package=False))
    assert found == {"a.b", "own.sub.c", "own.sub.c.d", "own", "own.e", "always"} | {
        "g",
        "g.h",
        "i.j",
    }
    (relative,) = set(imported_modules("from . import x", "own.sub", is_package=True)) - {"own.sub"}
    assert relative == "own.sub.x"


# --- Wheels ---


def _wheels(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for requirement in REQUIREMENTS:
        name = requirement.split(">")[0].replace("-", "_")
        with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr("x.py", "")


def test_all_wheels_are_found(tmp_path: Path) -> None:
    _wheels(tmp_path)
    found = fetched_wheels(tmp_path)
    assert len(found) == len(REQUIREMENTS)
    assert {wheel.version for wheel in found} == {"1.0"}
    assert all(len(wheel.sha256) == 64 for wheel in found)


def test_missing_double_and_damaged_wheels_are_told(tmp_path: Path) -> None:
    _wheels(tmp_path)
    wheel = tmp_path / "h2-1.0-py3-none-any.whl"
    content = wheel.read_bytes()
    wheel.write_bytes(content[:10])
    with pytest.raises(WheelError, match="damaged"):
        fetched_wheels(tmp_path)
    wheel.unlink()
    with pytest.raises(WheelError, match="no wheel of h2"):
        fetched_wheels(tmp_path)
    wheel.write_bytes(content)
    (tmp_path / "h2-2.0-py3-none-any.whl").write_bytes(content)
    with pytest.raises(WheelError, match="two wheels of h2"):
        fetched_wheels(tmp_path)


def test_wheels_are_downloaded_once_and_anew_after_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "wheels"
    asked: list[str] = []

    def download(into: Path, python: str) -> None:
        asked.append(python)
        _wheels(into)

    monkeypatch.setattr(wheels, "_download", download)
    fetch_wheels(folder, "p")
    fetch_wheels(folder, "p")
    assert asked == ["p"]
    (folder / "h2-1.0-py3-none-any.whl").unlink()
    fetch_wheels(folder, "p")
    assert asked == ["p", "p"]
    monkeypatch.setattr(wheels, "REQUIREMENTS", (*REQUIREMENTS[:-1], "typing_extensions>=1"))
    fetch_wheels(folder, "p")
    assert asked == ["p", "p", "p"]


@pytest.mark.parametrize("python", ["/no/such/python", sys.executable])
def test_a_failing_pip_is_told(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "REQUIREMENTS", ("no-such-package-of-ours>=1",))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    with pytest.raises(WheelError, match=r"cannot be started|could not get"):
        fetch_wheels(tmp_path, python)


# --- What a bundle says of itself ---


def test_the_bundle_file_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x")
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("x")
    files = folder_digests(tmp_path)
    assert list(files) == ["a.py"]
    info = BundleInfo("gimp", "1.0", {"h2": ["4", "0"]}, files, {"b": "1"})
    write_bundle_file(tmp_path, info)
    assert read_bundle_file(tmp_path) == info
    assert folder_digests(tmp_path) == files


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 2}', '{"schema": 1, "x": 2}', "7"])
def test_another_bundle_file_is_not_ours(text: str, tmp_path: Path) -> None:
    (tmp_path / "bundle.json").write_text(text)
    assert read_bundle_file(tmp_path) is None


def test_a_bundle_never_replaces_anything(tmp_path: Path) -> None:
    (tmp_path / "pastiche").mkdir()
    with pytest.raises(BundleError, match="there already"):
        bundle_gimp(tmp_path)
