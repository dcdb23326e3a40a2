#!/usr/bin/env python3
"""Lets tests call functions in a running GIMP: an extension, in two processes of its own.

GIMP starts both at its own start. Each listens on a free port of the loopback address, which it
writes to `$PASTICHE_TEST_BRIDGE/NAME`, beside the secret that a call must begin with. Two are
needed to do something while a call of the other one waits for a plug-in.
"""

# pyright: basic, reportMissingImports=false, reportUntypedBaseClass=false
from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

import gi

gi.require_version("Gimp", "3.0")
gi.require_version("Gegl", "0.4")
from gi.repository import Gimp, GLib  # noqa: E402

_PREFIX = "extension-pastiche-test-bridge-"
_NAMES = ("first", "second")


class Bridge(Gimp.PlugIn):
    def do_set_i18n(self, name: str) -> bool:
        return False

    def do_query_procedures(self) -> list[str]:
        return [_PREFIX + name for name in _NAMES]

    def do_create_procedure(self, name: str) -> Gimp.Procedure:
        procedure = Gimp.Procedure.new(self, name, Gimp.PDBProcType.PERSISTENT, _run, self)
        procedure.set_documentation("Lets tests call functions in GIMP.", None, name)
        return procedure


def _run(procedure: Gimp.Procedure, config: Gimp.ProcedureConfig, plug_in: Gimp.PlugIn):
    procedure.persistent_ready()
    plug_in.persistent_enable()
    folder = Path(os.environ["PASTICHE_TEST_BRIDGE"])
    listener = socket.create_server(("127.0.0.1", 0))
    secret = secrets.token_hex(16)
    scope: dict[str, Any] = {"__name__": "bridge"}

    def accept(_listener: socket.socket, _condition: GLib.IOCondition) -> bool:
        connection, _ = listener.accept()
        with connection, connection.makefile("rwb") as stream:
            asked = json.loads(stream.readline())
            if asked.pop("secret", None) != secret:
                return True
            stream.write(json.dumps(_answer(scope, **asked)).encode() + b"\n")
        return True

    GLib.io_add_watch(listener, GLib.PRIORITY_DEFAULT, GLib.IOCondition.IN, accept)
    file = folder / procedure.get_name().removeprefix(_PREFIX)
    temporary = file.with_suffix(".new")
    temporary.write_text(json.dumps([listener.getsockname()[1], secret]), "utf-8")
    temporary.rename(file)
    GLib.MainLoop().run()
    return procedure.new_return_values(Gimp.PDBStatusType.SUCCESS, GLib.Error())


def _answer(
    scope: dict[str, Any], function: str, arguments: dict[str, object], source: str = ""
) -> dict[str, object]:
    try:
        if source:
            exec(compile(source, "<test>", "exec"), scope)
        return {"result": scope[function](**arguments) if function else None}
    except BaseException:  # noqa: BLE001 - it is told to the test
        return {"error": traceback.format_exc()}


Gimp.main(Bridge.__gtype__, sys.argv)
