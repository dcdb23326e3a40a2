"""How commands get at the daemon."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console

from pastiche_client.client import Client


@contextmanager
def running_daemon(console: Console) -> Generator[Client]:
    """A client whose daemon runs; says so while one has to be started.

    Raises:
        DaemonError: it could not be started.
    """
    with Client() as client:
        with console.status("Starting the daemon ..."):
            client.info()
        yield client
