"""Drives a real Krita: starts it with the plug-in, and calls functions in it."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from plugins.bundling.bundle import bundle_krita
from tests.editors.support.display import Display
from tests.editors.support.workspace import EditorProcess, Workspace

_BRIDGE = Path(__file__).parent / "krita_bridge"
_CALL_SECONDS = 180.0
# The first start of a home reads all of Krita's resources.
_START_SECONDS = 240.0
_LENGTH = struct.Struct("<I")
_SETTINGS = """\
AutoSaveInterval=0

[python]
enable_pastiche=true
enable_pastiche_test_bridge=true
"""


class KritaEndedError(AssertionError):
    """Krita ended, or hung, in the middle of a call; the message has its last words."""


class Krita:
    """A running Krita with the plug-in and the tests' bridge."""

    def __init__(self, process: EditorProcess, workspace: Workspace, port: int, token: str) -> None:
        self.process = process
        self.workspace = workspace
        self._token = token
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=_CALL_SECONDS)

    def close(self) -> None:
        self._socket.close()

    def load(self, file: Path) -> None:
        """Run a Python file in Krita, so that its functions can be called."""
        self.run(file.read_text("utf-8"))

    def call(self, function: str, **arguments: Any) -> Any:
        """Call a loaded function, in the thread of Krita's windows.

        Arguments and result are JSON values, or bytes.

        Raises:
            AssertionError: it raised; the message has its traceback.
            KritaEndedError: Krita ended.
        """
        return self.run(f"result = {function}(**values)", **arguments)

    def run(self, code: str, **values: Any) -> Any:
        """Run code in Krita; returns what it left in `result`. See `call`."""
        asked = {"token": self._token, "code": code, "values": values}
        data = json.dumps(asked, default=_to_json).encode()
        try:
            self._socket.sendall(_LENGTH.pack(len(data)) + data)
            (length,) = _LENGTH.unpack(self._receive(_LENGTH.size))
            answer = json.loads(self._receive(length), object_hook=_from_json)
        except OSError as error:
            raise KritaEndedError(f"Krita: {error!r}\n{self.process.output[-4000:]}") from error
        assert "error" not in answer, f"in Krita:\n{answer['error']}"
        return answer["result"]

    def _receive(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            part = self._socket.recv(count - len(data))
            if not part:
                raise ConnectionError("it closed the connection")
            data += part
        return bytes(data)


@dataclass(frozen=True)
class KritaHome:
    """Where Krita looks for plug-ins, in a workspace's home."""

    folder: Path

    @property
    def plugins(self) -> Path:
        return self.folder / ".local" / "share" / "krita" / "pykrita"

    @property
    def actions(self) -> Path:
        return self.folder / ".local" / "share" / "krita" / "actions"

    @property
    def settings(self) -> Path:
        return self.folder / ".config" / "kritarc"

    def enable(self, plugin: str) -> None:
        """Switch a further plug-in on."""
        self.settings.write_text(
            f"{self.settings.read_text('utf-8')}enable_{plugin}=true\n", "utf-8"
        )


def install_plugins(workspace: Workspace) -> KritaHome:
    """Put the bundled plug-in and the tests' bridge into the workspace's home, switched on."""
    home = KritaHome(workspace.home)
    home.plugins.mkdir(parents=True)
    home.actions.mkdir(parents=True)
    home.settings.parent.mkdir(parents=True)
    bundle_krita(home.plugins)
    (home.plugins / "pastiche.action").rename(home.actions / "pastiche.action")
    shutil.copytree(
        _BRIDGE, home.plugins, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
    )
    home.settings.write_text(_SETTINGS, "utf-8")
    # Without a graphics card, drawing with OpenGL is slow.
    home.settings.with_name("kritadisplayrc").write_text(
        "[General]\nOpenGLRenderer=none\n", "utf-8"
    )
    return home


@contextmanager
def running_krita(
    workspace: Workspace,
    *files: Path,
    display: Display,
    environ: dict[str, str] | None = None,
) -> Iterator[Krita]:
    """Krita with its window on `display`, killed with the block.

    Args:
        files: Python whose functions can be called; see `Krita.load`.
        environ: variables to add to its environment.
    """
    program = workspace.root.krita
    assert program
    port_file = workspace.folder / "krita-port"
    port_file.unlink(missing_ok=True)
    token = secrets.token_hex(16)
    process = workspace.start(
        [program, "--nosplash"],
        display=display,
        environ={
            "PASTICHE_TEST_BRIDGE": workspace.inside("krita-port"),
            "PASTICHE_TEST_TOKEN": token,
            **(environ or {}),
        },
    )

    try:
        _wait_for(port_file, process)
        krita = Krita(process, workspace, int(port_file.read_text("ascii")), token)
        try:
            for file in files:
                krita.load(file)
            yield krita
        finally:
            krita.close()
    finally:
        process.kill()


def _wait_for(port_file: Path, process: EditorProcess) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not port_file.exists():
        assert process.running, f"Krita ended:\n{process.output[-4000:]}"
        assert time.monotonic() < deadline, f"Krita did not start:\n{process.output[-4000:]}"
        time.sleep(0.1)


def _to_json(value: object) -> object:
    if isinstance(value, bytes | bytearray | memoryview):
        return {"base64": base64.b64encode(value).decode("ascii")}
    raise TypeError(f"a {type(value).__name__} cannot be sent to Krita")


def _from_json(value: dict[str, Any]) -> Any:
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value
