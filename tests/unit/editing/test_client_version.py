"""Client and daemon are released together."""

from __future__ import annotations

from pastiche_client.version import __version__
from pastiche_daemon import __version__ as daemon_version


def test_the_client_has_the_daemons_version() -> None:
    assert __version__ == daemon_version
