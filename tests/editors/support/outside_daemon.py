"""The real daemon of an editor: beside it, or started by it when it needs one.

An editor in a chroot shares this system's network, but not its Python: the daemon runs out here,
with the editor's data folder as it looks from here.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager

from tests.editors.support.workspace import MARK, Workspace
from tests.support.daemon_process import DaemonProcess, running_daemon

# Root may leave a chroot: its current folder stays where it is when the root goes deeper, and from
# a folder beyond the root the way up is open.
_LEAVE_CHROOT = '''\
#!/usr/bin/python3
"""Starts the daemon outside of the chroot that this runs in."""
import os
import sys

root, home, python = {root!r}, {home!r}, {python!r}
deeper = os.path.join(os.environ["PASTICHE_HOME"], "run")
os.makedirs(deeper, mode=0o700, exist_ok=True)
os.chdir("/")
os.chroot(deeper)
for _ in range(64):
    os.chdir("..")
os.chroot(".")
os.chdir(root + home)
environ = dict(os.environ, CUDA_VISIBLE_DEVICES="")
for name in ("PASTICHE_HOME", "HOME", "TMPDIR", "XDG_RUNTIME_DIR"):
    if name in environ:
        environ[name] = root + environ[name]
os.execve(python, [python, "-m", "pastiche_daemon", "serve", *sys.argv[1:]], environ)
'''


def running_outside(
    workspace: Workspace, *, arguments: Sequence[str] = (), environ: dict[str, str] | None = None
) -> AbstractContextManager[DaemonProcess]:
    """A daemon for the editors in this workspace, killed with the block if it still runs.

    Args:
        arguments: of `pastiche serve`, such as "--idle-exit", "0".
        environ: variables to add to its environment.
    """
    marked = {MARK: str(workspace.folder), **(environ or {})}
    return running_daemon(workspace.data.root, arguments=arguments, environ=marked)


def write_daemon_command(workspace: Workspace, *arguments: str) -> None:
    """Let the editors in this workspace start the daemon when they need it.

    Writes what the installer writes, `daemon-command.json` in the data folder. The daemon runs on
    the CPU, and is killed when the workspace goes.

    Args:
        arguments: of `pastiche serve`; one thread if there are none.
    """
    arguments = arguments or ("--threads", "1")
    command = [sys.executable, "-m", "pastiche_daemon", "serve", *arguments]
    if workspace.root.is_chroot:
        script = workspace.folder / "start-daemon"
        script.write_text(
            _LEAVE_CHROOT.format(
                root=str(workspace.root.folder),
                home=workspace.inside("home"),
                python=sys.executable,
            ),
            "utf-8",
        )
        script.chmod(0o755)
        command = [workspace.inside("start-daemon"), *arguments]
    workspace.data.command_file.write_text(json.dumps(command), "utf-8")
