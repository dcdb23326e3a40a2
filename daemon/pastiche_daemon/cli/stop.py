"""`pastiche stop`."""

from __future__ import annotations

import click


@click.command(
    epilog="""
\b
Example:
  pastiche stop
"""
)
def stop() -> None:
    """Stop the daemon. What it is doing is cancelled; the next command starts it again."""
    from pastiche_client.client import Client
    from pastiche_client.errors import DaemonNotRunningError

    with Client(start=False) as client:
        try:
            client.stop_daemon()
        except DaemonNotRunningError as error:
            click.echo(str(error))
        else:
            click.echo("The daemon has stopped.")
