"""Another plug-in with another protobuf is not disturbed, nor are we.

All plug-ins of Krita share one interpreter, so that both live in one process.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.editors.krita.conftest import INSIDE, write_packs
from tests.editors.krita.session import KritaSession
from tests.editors.krita.test_layers import RECT, add
from tests.editors.support.display import Display
from tests.editors.support.editor_root import EditorRoot
from tests.editors.support.krita import KritaHome, install_plugins, running_krita
from tests.editors.support.outside_daemon import running_outside
from tests.editors.support.workspace import Workspace

pytestmark = pytest.mark.krita

_VERSION = "4.25.8"
_CACHE = Path(__file__).parents[3] / "build" / "wheels-of-tests"

# Like any plug-in that carries its own protobuf: from a folder of its own, as google.protobuf.
_PLUGIN = '''
import os, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "vendor"))
import google.protobuf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2

from krita import Extension, Krita

loaded = time.monotonic()

# It uses names of our API, too: registered twice in one pool, they would clash.
file = descriptor_pb2.FileDescriptorProto(name="pastiche/v1/layer.proto", package="pastiche.v1")
file.message_type.add(name="LayerHeader").field.add(
    name="note", number=1, type=descriptor_pb2.FieldDescriptorProto.TYPE_STRING, label=1
)
pool = descriptor_pool.Default()
pool.Add(file) if hasattr(pool, "Add") else pool.AddSerializedFile(file.SerializeToString())
Header = message_factory.GetMessageClass(pool.FindMessageTypeByName("pastiche.v1.LayerHeader"))


def works():
    """Whether its protobuf is its own, and packs and unpacks messages."""
    import google.protobuf as found

    data = Header(note="here").SerializeToString()
    value = struct_pb2.Struct()
    value["a"] = 1.5
    return (
        found.__version__ == "VERSION"
        and os.path.dirname(__file__) in found.__file__
        and Header.FromString(data).note == "here"
        and struct_pb2.Struct.FromString(value.SerializeToString())["a"] == 1.5
    )


class Other(Extension):
    def setup(self):
        pass

    def createActions(self, window):
        pass


Krita.instance().addExtension(Other(Krita.instance()))
'''


@pytest.fixture(scope="session", params=["pure", "compiled"])
def wheel(request: pytest.FixtureRequest) -> Path:
    """A wheel of another protobuf; it is no part of the project, and fetched once."""
    folder = _CACHE / request.param
    if not list(folder.glob("*.whl")):
        folder.mkdir(parents=True, exist_ok=True)
        platform = "any" if request.param == "pure" else "manylinux2014_x86_64"
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder)]
            + ["--only-binary=:all:", "--platform", platform, "--python-version", "3.10"]
            + (["--abi", "none", "--implementation", "py"] if platform == "any" else [])
            + [f"protobuf=={_VERSION}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(f"needs protobuf {_VERSION} from the package index: {done.stderr[-300:]}")
    (found,) = folder.glob("*.whl")
    return found


@pytest.mark.parametrize("name", ["aa_other", "zz_other"])
def test_two_protobufs(
    krita_root: EditorRoot,
    workspaces: Callable[[EditorRoot], Workspace],
    display: Display,
    wheel: Path,
    name: str,
) -> None:
    workspace = workspaces(krita_root)
    write_packs(workspace)
    home = install_plugins(workspace)
    _install_other(home, name, wheel)
    with (
        running_outside(workspace, arguments=["--idle-exit", "0"]),
        running_krita(workspace, INSIDE, display=display) as krita,
    ):
        session = KritaSession(krita, display)
        assert krita.run(f"import {name}; result = {name}.works()")
        session.call("prepare")
        session.wait_until(lambda: session.call("ready"), "the styles")
        session.call("set_preview", on=False)
        session.call("set_options", style="tiny/one")
        session.call("make")
        add(session, rect=RECT)
        session.done()
        assert session.call("names") == ["Background", "layer", "layer - One"]
        assert krita.run(f"result = {name}.works()")
        ours = krita.run(
            "import sys\n"
            "result = [sys.modules[name].__version__ for name in sys.modules"
            " if name == 'pastiche.vendor.google.protobuf']"
        )
        assert ours
        assert ours != [_VERSION]
        loaded_first = krita.run(
            "import sys\n"
            "names = list(sys.modules)\n"
            f"result = names.index('{name}') < names.index('pastiche')"
        )
        assert loaded_first == (name == "aa_other")


def _install_other(home: KritaHome, name: str, wheel: Path) -> None:
    folder = home.plugins / name
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "vendor")
    (folder / "__init__.py").write_text(_PLUGIN.replace("VERSION", _VERSION), "utf-8")
    (home.plugins / f"{name}.desktop").write_text(
        "[Desktop Entry]\nType=Service\nServiceTypes=Krita/PythonPlugin\n"
        f"X-KDE-Library={name}\nX-Python-2-Compatible=false\nName={name}\n",
        "utf-8",
    )
    home.enable(name)
