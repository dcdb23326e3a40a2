"""The daemon processes that a test's data folder may have."""

from __future__ import annotations

import contextlib

import psutil

from pastiche_client.paths import DataPaths


def daemons(paths: DataPaths) -> list[psutil.Process]:
    """The daemon processes of a data folder, dying ones included."""
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            ours = process.environ().get("PASTICHE_HOME") == str(paths.root)
            if ours and "serve" in process.cmdline():
                found.append(process)
    return found


def end_daemons(paths: DataPaths) -> None:
    """Kill them and wait until they are gone."""
    running = daemons(paths)
    for process in running:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(running, timeout=20)
