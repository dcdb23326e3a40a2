"""How commands get at the daemon, and at the screen."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

from rich.console import Console

from pastiche_client.client import Client

_UNFOLDED_WIDTH = 10_000


def output_console() -> Console:
    """stdout. Tables are folded for a terminal only: what a program reads has whole lines."""
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = _UNFOLDED_WIDTH
    return console


@contextmanager
def running_daemon(console: Console) -> Generator[Client]:
    """A client whose daemon runs; says so while one has to be started.

    Raises:
        DaemonError: it could not be started.
    """
    with Client() as client:
        with console.status("Waiting for the daemon ..."):
            client.info()
        yield client
