"""`python -m pastiche_daemon`: the same as the `pastiche` command."""

from __future__ import annotations

from pastiche_daemon.cli import main

if __name__ == "__main__":
    main()
