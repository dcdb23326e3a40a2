"""The private package that a plug-in carries: the client and all that it needs.

Krita's plug-ins share one interpreter. Under names of their own, our packages neither disturb nor
notice another plug-in's google.protobuf of any version.
"""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from plugins.bundling.rewriting import imported_modules, rewrite_imports

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from plugins.bundling.wheels import Wheel

_ROOT = Path(__file__).resolve().parents[2]
_CLIENT = _ROOT / "plugins" / "client" / "pastiche_client"
_PROTOS = _ROOT / "protos" / "pastiche"

#: The top-level packages and modules that are moved into the private package.
VENDORED_NAMES = frozenset(
    {
        "google",
        "grpclib",
        "h2",
        "hpack",
        "hyperframe",
        "multidict",
        "pastiche",
        "pastiche_client",
        "typing_extensions",
    }
)

# What grpclib looks up by itself, in an encoder it imports when the first channel is opened.
_ALWAYS = ("grpclib.encoding.proto", "google.rpc.status_pb2")

# Modules over grpcio. Where they cannot be imported google.longrunning does without them, and so
# they must not be found where an editor has a grpcio.
_OVER_GRPCIO = ("_pb2_grpc.py", "_grpc_pb2.py")

_API_IMPLEMENTATION = "google/protobuf/internal/api_implementation.py"
# The original asks for compiled modules and an environment variable, both of which may belong to
# another program's protobuf.
_PYTHON_ONLY = '''\
"""Which implementation of protobuf is used: always the one in Python."""

_c_module = None


def Type():
  return "python"


def IsPythonDefaultSerializationDeterministic():
  return False
'''


def write_vendor_package(folder: Path, package: str, wheels: Iterable[Wheel], version: str) -> None:
    """Write the private package.

    Args:
        folder: where; must not exist.
        package: the name under which it is imported, such as `pastiche.vendor`.
        wheels: the vendored wheels.
        version: Pastiche's own version, its `__version__`.

    Raises:
        OSError: it cannot be written, or a wheel not be read.
    """
    sources = {**_wheel_files(wheels), **_own_files()}
    sources[_API_IMPLEMENTATION] = _PYTHON_ONLY.encode()
    sources = {name: text for name, text in sources.items() if not name.endswith(_OVER_GRPCIO)}
    used = _used_modules(sources)
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(
        f'"""What the Pastiche plug-in carries with it."""\n\n__version__ = "{version}"\n',
        encoding="utf-8",
        newline="\n",
    )
    for name, content in sorted(sources.items()):
        if name.endswith(".py") and _module_name(name) not in used:
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".py"):
            text = rewrite_imports(content.decode("utf-8"), VENDORED_NAMES, package)
            content = text.encode("utf-8")
        target.write_bytes(content)
    # Namespace packages could be mixed with another plug-in's.
    for directory in {path.parent for path in folder.rglob("*.py")} | {folder / "google"}:
        (directory / "__init__.py").touch()


def _wheel_files(wheels: Iterable[Wheel]) -> dict[str, bytes]:
    """Modules by path, and the licences as `licenses/NAME/...`."""
    files: dict[str, bytes] = {}
    for wheel in wheels:
        with zipfile.ZipFile(wheel.path) as archive:
            for name in archive.namelist():
                folder, _, rest = name.partition("/")
                if folder.endswith(".dist-info"):
                    if rest.startswith(("LICENSE", "licenses/")) and not rest.endswith("/"):
                        files[f"licenses/{wheel.name}/{Path(rest).name}"] = archive.read(name)
                elif name.endswith(".py"):
                    files[name] = archive.read(name)
    return files


def _own_files() -> dict[str, bytes]:
    files = {
        f"pastiche/v1/{path.name}": path.read_bytes()
        for path in sorted((_PROTOS / "v1").glob("*.py"))
    }
    for path in sorted(_CLIENT.rglob("*")):
        if path.is_file() and path.suffix not in {".pyc", ".po", ".pot"}:
            files[f"pastiche_client/{path.relative_to(_CLIENT).as_posix()}"] = path.read_bytes()
    files["licenses/pastiche/LICENSE"] = (_ROOT / "LICENSE").read_bytes()
    return files


def _used_modules(files: Mapping[str, bytes]) -> set[str]:
    """The modules that the client needs, directly or not, and the packages that hold them."""
    modules = {_module_name(name): name for name in files if name.endswith(".py")}
    found: set[str] = set()
    waiting = [name for name in modules if name.partition(".")[0] == "pastiche_client"]
    waiting += _ALWAYS
    while waiting:
        name = waiting.pop()
        if name in found or name not in modules:
            continue
        found.add(name)
        file = modules[name]
        source = files[file].decode("utf-8")
        is_package = file.endswith("/__init__.py")
        imported = set(imported_modules(source, name, is_package=is_package))
        imported.add(name)
        for other in imported:
            parts = other.split(".")
            waiting += [".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return found


def _module_name(file: str) -> str:
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
