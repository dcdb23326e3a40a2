"""`pastiche status`."""

from __future__ import annotations

import dataclasses
import json
import time
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pastiche_client.results import DaemonInfo


@click.command(
    epilog="""
\b
Examples:
  pastiche status
  pastiche status --json
"""
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def status(context: click.Context, *, as_json: bool) -> None:
    """Say whether the daemon runs, and what it does. The exit code is 1 if none runs."""
    from pastiche_client.client import Client
    from pastiche_client.errors import DaemonNotRunningError

    try:
        with Client.connect(start=False) as client:
            info = client.info()
    except DaemonNotRunningError as error:
        click.echo(json.dumps({"running": False}) if as_json else str(error))
        context.exit(1)
    if as_json:
        click.echo(json.dumps({"running": True, **dataclasses.asdict(info)}, indent=2))
        return
    idle = info.idle_exit_seconds
    for name, value in (
        ("Daemon", f"{info.version}, process {info.pid}"),
        ("Running for", duration(time.time() - info.start_time)),
        ("Ends when idle for", duration(idle) if idle else "never"),
        ("Device", _device(info)),
        ("Torch, Python", f"{info.torch_version or 'not loaded yet'}, {info.python_version}"),
        ("Queue", f"{info.running} running, {info.waiting} waiting"),
        ("Data", info.data_dir),
        ("Log", info.log_path),
    ):
        click.echo(f"{name:<20}{value}")


def _device(info: DaemonInfo) -> str:
    if not info.device:
        return "not loaded yet"
    return f"{info.device}: {info.device_reason}" if info.device_reason else info.device


def duration(seconds: float) -> str:
    """Seconds as a person says them, such as `2 h 5 min`."""
    minutes, rest = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{rest} s"
