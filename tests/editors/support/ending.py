"""That nothing is left running, however the tests end."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM do what Ctrl+C does, so that everything is cleaned up. For the main thread."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def ending_with_this_process(command: Sequence[str]) -> list[str]:
    """The command, to be killed when the thread that starts it ends, even by SIGKILL.

    That is for Linux; elsewhere, and without util-linux, it is the command itself.
    """
    setpriv = shutil.which("setpriv")
    return [*([setpriv, "--pdeathsig", "KILL"] if setpriv else []), *command]
