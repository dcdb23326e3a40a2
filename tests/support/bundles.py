"""What tests of the plug-ins' bundles need."""

from __future__ import annotations

from pathlib import Path

import pytest

from plugins.bundling.wheels import WheelError, fetched_wheels

#: Where `install.py test` puts the wheels that plug-ins carry.
WHEELS = Path(__file__).parents[2] / "build" / "wheels"


def _missing() -> str:
    try:
        fetched_wheels(WHEELS)
    except WheelError as error:
        return f"{error}; `install.py test` fetches it"
    return ""


needs_wheels = pytest.mark.skipif(bool(_missing()), reason=_missing() or "they are there")
