"""The client's version, which is Pastiche's."""

from __future__ import annotations

__version__ = "0.1.0"
