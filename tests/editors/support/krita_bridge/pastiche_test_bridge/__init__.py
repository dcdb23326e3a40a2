"""Lets tests run code inside Krita, in its GUI thread.

Without the variable PASTICHE_TEST_BRIDGE, a file to write the port to, nothing happens. Messages
are JSON behind their length in four bytes. A request is {"token", "code"}; the code runs in one
lasting namespace, and what it leaves in `result` is the answer. Bytes travel as {"base64": ...}.
"""

# pyright: basic, reportMissingImports=false, reportAttributeAccessIssue=false
# pyright: reportConstantRedefinition=false
from __future__ import annotations

import base64
import json
import os
import struct
import traceback
from pathlib import Path

try:
    from PyQt6.QtCore import QObject
    from PyQt6.QtNetwork import QHostAddress, QTcpServer

    LOCALHOST = QHostAddress(QHostAddress.SpecialAddress.LocalHost)
except ImportError:
    from PyQt5.QtCore import QObject
    from PyQt5.QtNetwork import QHostAddress, QTcpServer

    LOCALHOST = QHostAddress(QHostAddress.LocalHost)

from krita import Extension, Krita

_LENGTH = struct.Struct("<I")


def _to_json(value):
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"base64": base64.b64encode(value).decode("ascii")}
    raise TypeError(f"a {type(value).__name__} cannot be sent to the test")


def _from_json(value):
    return base64.b64decode(value["base64"]) if value.keys() == {"base64"} else value


class _Connection(QObject):
    """One test that talks; its requests run one after the other."""

    def __init__(self, socket, token, namespace, parent):
        super().__init__(parent)
        self._socket = socket
        self._token = token
        self._namespace = namespace
        self._buffer = bytearray()
        self._running = False
        socket.readyRead.connect(self._read)

    def _read(self):
        self._buffer += bytes(self._socket.readAll())
        # Code that opens a dialog runs an event loop of its own: no second request inside it.
        while not self._running and len(self._buffer) >= _LENGTH.size:
            end = _LENGTH.size + _LENGTH.unpack_from(self._buffer)[0]
            if len(self._buffer) < end:
                return
            request = json.loads(self._buffer[_LENGTH.size : end], object_hook=_from_json)
            del self._buffer[:end]
            self._answer(request)

    def _answer(self, request):
        self._running = True
        try:
            answer = json.dumps(self._run(request), default=_to_json)
        except Exception:  # noqa: BLE001 - the test is told
            answer = json.dumps({"error": traceback.format_exc()})
        finally:
            self._running = False
        data = answer.encode("utf-8")
        self._socket.write(_LENGTH.pack(len(data)) + data)
        self._socket.flush()

    def _run(self, request):
        if request["token"] != self._token:
            return {"error": "wrong token"}
        self._namespace["result"] = None
        self._namespace["values"] = request.get("values", {})
        exec(compile(request["code"], "<test>", "exec"), self._namespace)
        return {"result": self._namespace["result"]}


class Bridge(QObject):
    """Listens on a free port of this computer and writes the port to a file."""

    def __init__(self, port_file, token, parent=None):
        super().__init__(parent)
        self._token = token
        self._namespace = {"__name__": "pastiche_test", "app": Krita.instance()}
        self._server = QTcpServer(self)
        self._server.newConnection.connect(self._accept)
        if not self._server.listen(LOCALHOST, 0):
            raise RuntimeError(self._server.errorString())
        new = Path(f"{port_file}.new")
        new.write_text(str(self._server.serverPort()), encoding="ascii")
        new.replace(port_file)

    def _accept(self):
        while self._server.hasPendingConnections():
            socket = self._server.nextPendingConnection()
            _Connection(socket, self._token, self._namespace, self)


class BridgeExtension(Extension):
    def __init__(self, parent):
        super().__init__(parent)
        self._bridge = None

    def setup(self):
        pass

    def createActions(self, window):  # noqa: N802 - Krita's name
        # Called for every window; only now is there one to work with.
        port_file = os.environ.get("PASTICHE_TEST_BRIDGE")
        if port_file and self._bridge is None:
            self._bridge = Bridge(port_file, os.environ.get("PASTICHE_TEST_TOKEN", ""), self)


if os.environ.get("PASTICHE_TEST_BRIDGE"):
    Krita.instance().addExtension(BridgeExtension(Krita.instance()))
