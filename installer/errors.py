"""The installer's error."""

from __future__ import annotations


class InstallError(Exception):
    """Something that the user has to know; `str(error)` says what to do."""
