"""Work for processes of their own, in a module that is loaded quickly there."""

from __future__ import annotations

import os

from pastiche_daemon.bench.turns import UnavailableError, Work


def missing() -> Work:
    """Cannot run here."""
    raise UnavailableError("it is not installed")


def dying() -> Work:
    """Takes its process with it."""
    os._exit(7)


def failing_later(value: float) -> Work:
    """Gives a picture twice, and then fails."""
    import torch

    pictures = iter([torch.full((2,), value)] * 2)

    def run() -> torch.Tensor:
        for picture in pictures:
            return picture
        raise RuntimeError("out of memory")

    return Work(run)
