"""Who may import whom: the map of CONTRIBUTING.md, enforced.

The sources are parsed, not imported, so that imports within functions count, too.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
_SOURCE_ROOTS = ("daemon", "plugins/client", "plugins/gimp", "plugins/krita")

_DAEMON = "daemon/pastiche_daemon/*"
# All that knows the wire.
_TRANSPORT_FILES = (
    "daemon/pastiche_daemon/services/*",
    "daemon/pastiche_daemon/server.py",
    "daemon/pastiche_daemon/wire.py",
    "daemon/pastiche_daemon/errors.py",
    "daemon/pastiche_daemon/auth.py",
)
_CLI_FILES = (
    "daemon/pastiche_daemon/cli/*",
    "daemon/pastiche_daemon/bench/*",
    "daemon/pastiche_daemon/__main__.py",
)
_TRANSPORT = (
    "grpc",
    "grpc_health",
    "grpc_reflection",
    "grpc_status",
    "grpclib",
    "h2",
    "google",
    "pastiche",
)


@dataclass(frozen=True)
class Rule:
    """What the files that match ``files`` and not ``without`` may import.

    ``allowed``, if given, is all that they may import beside the standard library, anywhere;
    ``deferred`` only within functions or for type checkers. ``forbidden`` they may not, save
    ``exceptions``. All are names of packages or modules and include what is in them.
    """

    name: str
    files: tuple[str, ...]
    without: tuple[str, ...] = ()
    allowed: tuple[str, ...] | None = None
    deferred: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = ()

    def covers(self, path: str) -> bool:
        return _matches(path, self.files) and not _matches(path, self.without)

    def permits(self, imported: Import) -> bool:
        if self.allowed is not None:
            allowed = self.allowed + (self.deferred if imported.is_deferred else ())
            if not _is_standard(imported.name) and not _is_within(imported.name, allowed):
                return False
        return not _is_within(imported.name, self.forbidden) or _is_within(
            imported.name, self.exceptions
        )


RULES = (
    Rule(
        "the numerics know torch and nothing of ours",
        files=("daemon/pastiche_daemon/nn/*",),
        allowed=("torch", "torchvision", "pastiche_daemon.nn"),
    ),
    Rule(
        "only services, wire, errors, auth and server know gRPC and protobuf",
        files=(_DAEMON,),
        without=_TRANSPORT_FILES,
        forbidden=_TRANSPORT,
    ),
    Rule(
        "use cases, packs, jobs and numerics do not know who calls them",
        files=(_DAEMON,),
        without=(*_TRANSPORT_FILES, *_CLI_FILES),
        forbidden=(
            "pastiche_daemon.auth",
            "pastiche_daemon.bench",
            "pastiche_daemon.cli",
            "pastiche_daemon.errors",
            "pastiche_daemon.server",
            "pastiche_daemon.services",
            "pastiche_daemon.wire",
            "click",
            "rich",
        ),
    ),
    Rule(
        "packs know the networks, but no use case",
        files=("daemon/pastiche_daemon/packs/*",),
        forbidden=("pastiche_daemon",),
        exceptions=(
            "pastiche_daemon.packs",
            "pastiche_daemon.nn",
            "pastiche_daemon.settings",
            "pastiche_daemon.__version__",
        ),
    ),
    Rule(
        "the queue knows nothing of what it runs",
        files=("daemon/pastiche_daemon/jobs.py",),
        allowed=(),
    ),
    Rule(
        "the daemon shares only the data folder's layout with the client",
        files=(_DAEMON,),
        without=_CLI_FILES,
        forbidden=("pastiche_client",),
        exceptions=("pastiche_client.paths", "pastiche_client.runtime_file"),
    ),
    Rule(
        "the daemon does not know its own command line",
        files=(_DAEMON,),
        without=_CLI_FILES,
        forbidden=("pastiche_daemon.cli",),
    ),
    Rule(
        "the client is pure Python, and runs in any editor",
        files=("plugins/client/*",),
        allowed=(
            "google",
            "grpclib",
            "h2",
            "hpack",
            "hyperframe",
            "multidict",
            "pastiche",
            "pastiche_client",
        ),
        deferred=("PIL", "numpy", "typing_extensions"),
    ),
    Rule(
        "what the editors share loads no transport, so that a plug-in is registered quickly",
        files=("plugins/client/pastiche_client/editing/*",),
        forbidden=(
            "google",
            "grpclib",
            "h2",
            "pastiche",
            "pastiche_client.client",
            "pastiche_client.client_calls",
            "pastiche_client.client_layers",
            "pastiche_client.client_packs",
            "pastiche_client.client_trainings",
        ),
    ),
    Rule(
        "the editors' plug-ins never import the daemon",
        files=("plugins/gimp/*", "plugins/krita/*"),
        forbidden=("pastiche_daemon", "torch", "torchvision"),
    ),
    Rule(
        "the installer needs nothing but Python",
        files=("install.py", "installer/*", "plugins/bundling/*"),
        allowed=("installer", "plugins.bundling"),
        deferred=("typing_extensions",),
    ),
)


@dataclass(frozen=True)
class Import:
    """One imported name in full: `a.b` of `import a.b`, `a.b.c` of `from a.b import c`."""

    name: str
    line: int
    is_deferred: bool


@dataclass
class _Finder(ast.NodeVisitor):
    package: str
    found: list[Import] = field(default_factory=list[Import])
    depth: int = 0

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(alias.name, node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        module = node.module or ""
        if node.level:
            parents = self.package.split(".")
            parents = parents[: len(parents) - node.level + 1]
            module = ".".join([*parents, module] if module else parents)
        for alias in node.names:
            self._add(f"{module}.{alias.name}", node)

    def visit_Call(self, node: ast.Call) -> None:
        called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        called = node.func.id if isinstance(node.func, ast.Name) else called
        if called in {"import_module", "__import__"} and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                self._add(name.value, node)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._deferred(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._deferred(node)

    def visit_If(self, node: ast.If) -> None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            self._deferred(node)
        else:
            self.generic_visit(node)

    def _deferred(self, node: ast.AST) -> None:
        self.depth += 1
        self.generic_visit(node)
        self.depth -= 1

    def _add(self, name: str, node: ast.expr | ast.stmt) -> None:
        self.found.append(Import(name, node.lineno, self.depth > 0))


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(path, pattern) for pattern in patterns)


def _is_within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _is_standard(name: str) -> bool:
    return name.partition(".")[0] in sys.stdlib_module_names


def _package_of(path: str) -> str:
    for root in _SOURCE_ROOTS:
        if path.startswith(f"{root}/"):
            return ".".join(Path(path).relative_to(root).parent.parts)
    return ""


def imports_of(path: str, source: str) -> list[Import]:
    finder = _Finder(_package_of(path))
    finder.visit(ast.parse(source, path))
    return finder.found


def violations(rule: Rule, path: str, source: str) -> list[str]:
    if not rule.covers(path):
        return []
    return [
        f"{path}:{imported.line} imports {imported.name}"
        for imported in imports_of(path, source)
        if not rule.permits(imported)
    ]


def _source_files() -> Iterator[str]:
    yield "install.py"
    for root in ("installer", "plugins/bundling", *_SOURCE_ROOTS):
        for path in sorted((ROOT / root).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_sources_keep_the_rule(rule: Rule) -> None:
    found = [
        violation
        for path in _source_files()
        for violation in violations(rule, path, (ROOT / path).read_text(encoding="utf-8"))
    ]
    assert not found, f"{rule.name}:\n" + "\n".join(found)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_part_of_a_rule_is_about_files_that_exist(rule: Rule) -> None:
    """A renamed file must not slip out of its rule unnoticed."""
    files = list(_source_files())
    for pattern in (*rule.files, *rule.without):
        folder = ROOT / pattern.removesuffix("*")
        if pattern.endswith("/*") and not folder.exists():
            assert folder.parent.name == "plugins", f"{folder} has gone"
            continue  # an editor's plug-in that is not written yet
        assert _matches_any(pattern, files), f"nothing matches {pattern}"


def _matches_any(pattern: str, files: list[str]) -> bool:
    return any(fnmatch(path, pattern) for path in files)


_DAEMON_MODULE = "daemon/pastiche_daemon/stylize.py"
_CLIENT_MODULE = "plugins/client/pastiche_client/layer.py"
_EDITING_MODULE = "plugins/client/pastiche_client/editing/run.py"


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("daemon/pastiche_daemon/nn/losses.py", "import numpy"),
        ("daemon/pastiche_daemon/nn/losses.py", "from pastiche_daemon.packs import archive"),
        ("daemon/pastiche_daemon/nn/losses.py", "from pastiche_daemon import packs"),
        ("daemon/pastiche_daemon/nn/losses.py", "from ..packs import archive"),
        (_DAEMON_MODULE, "import grpc"),
        (_DAEMON_MODULE, "import grpc.aio as aio"),
        (_DAEMON_MODULE, "from google.protobuf import empty_pb2"),
        (_DAEMON_MODULE, "def late():\n    from pastiche.v1 import layer_pb2"),
        (_DAEMON_MODULE, "import importlib\nimportlib.import_module('grpc_status.rpc_status')"),
        (_DAEMON_MODULE, "from pastiche_daemon import server"),
        (_DAEMON_MODULE, "from . import wire"),
        (_DAEMON_MODULE, "from .services.stylization import Stylization"),
        (_DAEMON_MODULE, "import pastiche_daemon.cli.train"),
        (_DAEMON_MODULE, "from pastiche_client import client"),
        (_DAEMON_MODULE, "from pastiche_client import Client"),
        (_DAEMON_MODULE, "import click"),
        ("daemon/pastiche_daemon/cli/status.py", "from pastiche.v1 import daemon_pb2"),
        ("daemon/pastiche_daemon/server.py", "from pastiche_daemon.cli import main"),
        ("daemon/pastiche_daemon/server.py", "from pastiche_client.client import Client"),
        ("daemon/pastiche_daemon/packs/store.py", "from pastiche_daemon.stylize import stylize"),
        ("daemon/pastiche_daemon/packs/store.py", "from pastiche_daemon import jobs"),
        ("daemon/pastiche_daemon/jobs.py", "import torch"),
        (_CLIENT_MODULE, "import numpy"),
        (_CLIENT_MODULE, "from PIL import Image"),
        (_CLIENT_MODULE, "def late():\n    import torch"),
        (_CLIENT_MODULE, "def late():\n    import gi"),
        (_CLIENT_MODULE, "from PyQt5.QtCore import QThread"),
        (_CLIENT_MODULE, "import pastiche_daemon"),
        (_CLIENT_MODULE, "import grpc"),
        (_EDITING_MODULE, "from pastiche_client.client import Client"),
        (_EDITING_MODULE, "from pastiche.v1 import layer_pb2"),
        ("plugins/gimp/pastiche/pastiche.py", "import pastiche_daemon.packs"),
        ("plugins/krita/pastiche/docker.py", "async def late():\n    import torch"),
        ("install.py", "import rich"),
        ("installer/doctor.py", "import click"),
        ("installer/doctor.py", "from pastiche_client.paths import data_paths"),
        ("plugins/bundling/wheels.py", "def late():\n    import packaging"),
    ],
)
def test_a_breach_is_noticed(path: str, source: str) -> None:
    assert any(violations(rule, path, source) for rule in RULES)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("daemon/pastiche_daemon/nn/losses.py", "import math\nfrom torch import Tensor"),
        ("daemon/pastiche_daemon/nn/losses.py", "from pastiche_daemon.nn.norms import x"),
        (_DAEMON_MODULE, "import torch\nfrom pastiche_daemon.packs import network"),
        (_DAEMON_MODULE, "from pastiche_client.paths import DataPaths"),
        (_DAEMON_MODULE, "from pastiche_daemon import __version__"),
        ("daemon/pastiche_daemon/server.py", "import grpc\nfrom pastiche_daemon import services"),
        ("daemon/pastiche_daemon/cli/status.py", "from pastiche_client import Client"),
        ("daemon/pastiche_daemon/packs/store.py", "from pastiche_daemon import __version__"),
        (_CLIENT_MODULE, "def late():\n    import numpy as np\n    from PIL import Image"),
        (_CLIENT_MODULE, "if TYPE_CHECKING:\n    from PIL.Image import Image"),
        (_CLIENT_MODULE, "from pastiche.v1 import layer_pb2\nimport grpclib.client"),
        ("plugins/krita/pastiche/docker.py", "from PyQt5.QtCore import QThread"),
        ("installer/packaging.py", "import zipfile\nfrom plugins.bundling.bundle import x"),
    ],
)
def test_what_is_allowed_passes(path: str, source: str) -> None:
    assert [found for rule in RULES for found in violations(rule, path, source)] == []
