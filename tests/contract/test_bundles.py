"""The bundled client in a bare interpreter, as in an editor, against a real daemon."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plugins.bundling.vendoring import VENDORED_NAMES, write_vendor_package
from plugins.bundling.wheels import fetched_wheels
from tests.support.bundles import WHEELS, needs_wheels
from tests.support.daemon_process import DaemonProcess, running_daemon
from tests.support.tiny_pack import write_tiny_pack

pytestmark = needs_wheels

# `foreign` is a folder with a google.protobuf of somebody else, imported before or after ours.
_SCRIPT = textwrap.dedent(
    """
    import importlib, json, sys
    folder, package, foreign, when = sys.argv[1:]
    sys.path.insert(0, folder)

    def import_foreign():
        sys.path.insert(0, foreign)
        import google.protobuf
        module = sys.modules["google.protobuf"]
        assert module.__file__.startswith(foreign), module.__file__
        return module.__version__

    version = import_foreign() if when == "before" else ""
    before = set(sys.modules)
    client = importlib.import_module(package + ".pastiche_client")
    with client.Client.connect(start=False) as connected:
        assert connected.health()
        styles = connected.list_styles(with_previews=True)
        data = bytes(range(256)) * 16
        layer = client.Layer(32, 32, client.PixelFormat.RGBA, client.SampleType.U8, data)
        result = connected.stylize(layer, "tiny/one")
        kept = connected.stylize(layer, "tiny/one", strength=0)
        try:
            connected.stylize(layer, "tiny/none")
        except client.DaemonError as error:
            refusal = [type(error).__name__, error.reason]
        packs = connected.list_packs()
    new = set(sys.modules) - before
    if when == "after":
        version = import_foreign()
    print(json.dumps({
        "styles": [style.name for style in styles],
        "changed": bytes(result.layer.data) != data,
        "kept": bytes(kept.layer.data) == data,
        "refusal": refusal,
        "packs": len(packs),
        "foreign": version,
        "modules": sorted(new),
        "protobuf": sys.modules[package + ".google.protobuf"].__version__,
    }))
    """
)


@pytest.fixture(scope="module", params=["pastiche_vendor", "pastiche.vendor"])
def package(request: pytest.FixtureRequest) -> str:
    """As in GIMP, and as in Krita."""
    return request.param


@pytest.fixture(scope="module")
def folder(package: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("Zoë's bundle")
    outer, _, inner = package.rpartition(".")
    if outer:
        (folder / outer).mkdir()
        (folder / outer / "__init__.py").touch()
    write_vendor_package(folder / outer / inner, package, fetched_wheels(WHEELS), "1.0")
    return folder


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaemonProcess]:
    home = tmp_path_factory.mktemp("data")
    (home / "packs").mkdir()
    write_tiny_pack(home / "packs" / "tiny-1.0.0.pastiche")
    with running_daemon(home) as daemon:
        yield daemon


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A google.protobuf of another version, of which nothing but its version can be used."""
    protobuf = tmp_path / "google" / "protobuf"
    protobuf.mkdir(parents=True)
    (protobuf / "__init__.py").write_text(
        "__version__ = '2.6.1'\n__path__ = []\n"
        "def __getattr__(name):\n"
        "    if not name.startswith('__'):\n"
        "        raise AssertionError('somebody else uses this protobuf: ' + name)\n"
        "    raise AttributeError(name)\n"
    )
    return tmp_path


def _run(
    daemon: DaemonProcess, folder: Path, package: str, foreign: Path, when: str, **environ: str
) -> Any:
    # -S and -I: without the packages of this environment, as in an editor.
    python = (sys.executable, "-I", "-S", "-W", "error", "-B")
    done = subprocess.run(
        [*python, "-c", _SCRIPT, str(folder), package, str(foreign), when],
        capture_output=True,
        text=True,
        env={"PASTICHE_HOME": str(daemon.paths.root), **environ},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("when", ["never", "before", "after"])
def test_it_talks_to_a_daemon_beside_any_other_protobuf(
    when: str, daemon: DaemonProcess, folder: Path, package: str, foreign: Path
) -> None:
    found = _run(daemon, folder, package, foreign, when)
    assert "packs/tiny/styles/one" in found["styles"]
    assert found["changed"]
    assert found["kept"]
    assert found["refusal"] == ["NotFoundError", "STYLE_NOT_FOUND"]
    assert found["packs"] == 3  # masters and fourfold are built in
    assert found["foreign"] == ("" if when == "never" else "2.6.1")
    assert found["protobuf"] != "2.6.1"


def test_nothing_is_imported_under_a_name_that_others_use(
    daemon: DaemonProcess, folder: Path, package: str, foreign: Path
) -> None:
    modules = _run(daemon, folder, package, foreign, "never")["modules"]
    top = {name.partition(".")[0] for name in modules}
    assert not top & (VENDORED_NAMES - {package.partition(".")[0]})
    unknown = top - sys.stdlib_module_names - {package.partition(".")[0]}
    assert not unknown
    ours = [name for name in modules if name.partition(".")[0] == package.partition(".")[0]]
    assert all(name == "pastiche" or name.startswith(package) for name in ours)


@pytest.mark.parametrize("implementation", ["cpp", "upb"])
def test_a_variable_for_other_protobufs_is_not_ours(
    implementation: str, daemon: DaemonProcess, folder: Path, package: str, foreign: Path
) -> None:
    variable = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation}
    assert _run(daemon, folder, package, foreign, "never", **variable)["changed"]


def test_the_compiled_protobuf_of_another_plugin_stays_whole(
    daemon: DaemonProcess, folder: Path, package: str
) -> None:
    """In one interpreter with this environment's own protobuf and its copy of our messages."""
    source = textwrap.dedent(
        f"""
        import sys
        sys.path.insert(0, {str(folder)!r})
        from google.protobuf import descriptor_pool, timestamp_pb2, wrappers_pb2
        from google.protobuf.internal import api_implementation
        import importlib
        client = importlib.import_module({package!r} + ".pastiche_client")
        with client.Client.connect(start=False) as connected:
            assert connected.health() and connected.list_packs()
        ours = importlib.import_module({package!r} + ".google.protobuf.wrappers_pb2")
        assert ours.StringValue is not wrappers_pb2.StringValue
        assert ours.StringValue(value="x").SerializeToString() == wrappers_pb2.StringValue(
            value="x").SerializeToString()
        assert timestamp_pb2.Timestamp(seconds=1).seconds == 1
        inner = importlib.import_module(
            {package!r} + ".google.protobuf.internal.api_implementation")
        print(api_implementation.Type(), inner.Type())
        """
    )
    done = subprocess.run(
        [sys.executable, "-B", "-c", source],
        capture_output=True,
        text=True,
        env={"PASTICHE_HOME": str(daemon.paths.root)},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[1] == "python"


def test_every_licence_goes_along(folder: Path, package: str) -> None:
    licenses = folder / package.replace(".", "/") / "licenses"
    names = {path.name for path in licenses.iterdir()}
    assert names == {wheel.name for wheel in fetched_wheels(WHEELS)} | {"pastiche"}
    assert all(any(path.iterdir()) for path in licenses.iterdir())
