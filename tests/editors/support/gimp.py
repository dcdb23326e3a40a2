"""Drives a real GIMP: starts it, calls functions in it, and uses its windows."""

from __future__ import annotations

import json
import shutil
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugins.bundling.bundle import bundle_gimp
from tests.editors.support.display import Display
from tests.editors.support.workspace import EditorProcess, Workspace
from tests.support.daemon_process import wait_until

_BRIDGE = Path(__file__).parent / "gimp_bridge" / "pastiche-test-bridge.py"
_CALL_SECONDS = 300.0


@dataclass(frozen=True)
class Bridge:
    """One process within GIMP that calls functions for tests, one after the other."""

    port: int
    secret: str

    def load(self, *files: Path) -> None:
        """Run Python files, so that their functions can be called."""
        for file in files:
            self._ask("", {}, file.read_text("utf-8"))

    def call(self, function: str, **arguments: Any) -> Any:
        """Call a loaded function. Arguments and result are plain JSON values.

        Raises:
            AssertionError: it raised; the message has its traceback.
        """
        return self._ask(function, arguments)

    def _ask(self, function: str, arguments: dict[str, Any], source: str = "") -> Any:
        asked = {
            "secret": self.secret,
            "function": function,
            "arguments": arguments,
            "source": source,
        }
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=_CALL_SECONDS) as connection,
            connection.makefile("rwb") as stream,
        ):
            stream.write(json.dumps(asked).encode() + b"\n")
            stream.flush()
            line = stream.readline()
        assert line, f"GIMP closed the connection during {function or 'loading'}"
        answer = json.loads(line)
        assert "error" not in answer, f"in GIMP, {function or 'loading'}:\n{answer['error']}"
        return answer["result"]


@dataclass(frozen=True)
class Gimp:
    """A running GIMP with the plug-in.

    `second` can be called while a call of `first` waits.
    """

    process: EditorProcess
    workspace: Workspace
    first: Bridge
    second: Bridge

    def call(self, function: str, **arguments: Any) -> Any:
        """See `Bridge.call`; of the first one."""
        return self.first.call(function, **arguments)


# No window but those that a test opens.
_GIMPRC = """\
(config-version "3.0.4")
(show-welcome-dialog no)
(check-updates no)
"""


def install_plugins(workspace: Workspace, version: str = "3.0") -> Path:
    """Put the bundled plug-in and the tests' bridge into the workspace's home.

    Returns the plug-in's folder, as this process sees it.
    """
    folder = workspace.home / ".config" / "GIMP" / version / "plug-ins"
    installed = bundle_gimp(folder)
    (folder.parent / "gimprc").write_text(_GIMPRC, "utf-8")
    bridge = folder / _BRIDGE.stem
    bridge.mkdir()
    shutil.copy2(_BRIDGE, bridge)
    return installed


@contextmanager
def running_gimp(
    workspace: Workspace,
    *files: Path,
    display: Display | None = None,
    environ: dict[str, str] | None = None,
) -> Iterator[Gimp]:
    """GIMP with its windows on `display`, or without any; killed with the block.

    Args:
        files: Python whose functions can be called; see `Bridge.load`.
        environ: variables to add to its environment.
    """
    root = workspace.root
    program = root.gimp if display else root.gimp_console
    assert program
    ports = Path(tempfile.mkdtemp(prefix="bridge-", dir=workspace.folder))
    process = workspace.start(
        # Without data such as brushes it starts faster; fonts are for text layers.
        [program, "--new-instance", *(() if display else ("--no-interface",)), "--no-data"],
        display=display,
        environ={"PASTICHE_TEST_BRIDGE": workspace.inside(ports), **(environ or {})},
    )
    try:
        found = [_bridge(process, ports / name) for name in ("first", "second")]
        gimp = Gimp(process, workspace, *found)
        if display:  # extensions are started first
            display.wait_for_window("GNU Image Manipulation Program")
        for bridge in found:
            bridge.load(*files)
        yield gimp
    finally:
        process.kill()


def _bridge(process: EditorProcess, file: Path) -> Bridge:
    def written() -> bool:
        assert process.running, f"GIMP ended:\n{process.output}"
        return file.exists()

    wait_until(written, f"GIMP's start ({file.name} bridge)")
    port, secret = json.loads(file.read_text("utf-8"))
    return Bridge(port, secret)
