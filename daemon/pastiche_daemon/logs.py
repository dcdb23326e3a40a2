"""The daemon's log file."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import cast

_FILE_BYTES = 2**20
_OLD_FILES = 3
_FORMAT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"


class _PrivateFileHandler(RotatingFileHandler):
    """A log that only its user can read: it names their files."""

    def _open(self) -> TextIOWrapper:
        stream = open(  # noqa: SIM115 - the handler closes it
            self.baseFilename,
            self.mode,
            encoding=self.encoding,
            errors=self.errors,
            opener=lambda path, flags: os.open(path, flags, 0o600),
        )
        return cast("TextIOWrapper", stream)


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Log to a file that is rotated, and to stderr where somebody watches, while the block runs.

    Without a watcher, stderr gets warnings only.

    Raises:
        OSError: the file cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        _PrivateFileHandler(path, maxBytes=_FILE_BYTES, backupCount=_OLD_FILES, encoding="utf-8")
    ]
    if sys.stderr is not None:
        screen = logging.StreamHandler(sys.stderr)
        screen.setLevel(logging.INFO if sys.stderr.isatty() else logging.WARNING)
        handlers.append(screen)
    root = logging.getLogger()
    before = root.level
    for handler in handlers:
        handler.setFormatter(logging.Formatter(_FORMAT))
        root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.setLevel(before)
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
