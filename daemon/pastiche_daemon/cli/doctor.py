"""`pastiche doctor`."""

from __future__ import annotations

import click


@click.command(
    epilog="""
\b
Examples:
  pastiche doctor
  pastiche doctor --no-start
"""
)
@click.option("--no-start", is_flag=True, help="Do not start a daemon if none runs.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON, for programs.")
@click.pass_context
def doctor(context: click.Context, *, no_start: bool, as_json: bool) -> None:
    """Check every link from here to a stylized layer, and say how to mend what is broken.

    The exit code is 1 if something is broken.
    """
    import dataclasses
    import json

    from rich.console import Console
    from rich.text import Text

    from pastiche_client.paths import data_paths
    from pastiche_daemon.cli.diagnosis import State, diagnose

    findings = diagnose(data_paths(), start=not no_start)
    if as_json:
        found = list(findings)
        values = [{**dataclasses.asdict(item), "state": item.state.value} for item in found]
        click.echo(json.dumps(values, indent=2))
        context.exit(int(any(item.state is State.BROKEN for item in found)))

    console = Console(markup=False, highlight=False, soft_wrap=True)
    colors = {State.GOOD: "green", State.WARNING: "yellow", State.BROKEN: "bold red"}
    count = 0
    for finding in findings:
        count += finding.state is State.BROKEN
        line = Text()
        line.append(f"{finding.state.value:8}", style=colors[finding.state])
        line.append(f"{finding.name}: {finding.detail}")
        console.print(line)
        if finding.remedy:
            console.print(f"        -> {finding.remedy}")
    if count:
        console.print(f"\n{count} {'thing is' if count == 1 else 'things are'} broken.")
        context.exit(1)
    console.print("\nEverything works.")
