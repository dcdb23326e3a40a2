"""``pastiche train``: a style pack from pictures."""

from __future__ import annotations

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from rich.console import Console

from pastiche_daemon.cli.training_options import (
    PRESETS,
    chosen_config,
    chosen_preset,
    given_switches,
    run_options,
    training_options,
)
from pastiche_daemon.cli.training_progress import training_progress

if TYPE_CHECKING:
    import torch

    from pastiche_daemon.training_run import TrainingRequest
    from pastiche_daemon.workers import Workers


_PATH = click.Path(path_type=Path)
_NOT_OF_THE_PACK = {"output", "resume", "dry_run", "checkpoint_minutes", "sample_every"}
# Fewer steps are over before it is known how long they take.
_WORTH_MEASURING = 100


@click.command(
    epilog="""
\b
Examples:
  pastiche train --photos photos --style starry_night.jpg -o runs/starry --encoder vgg19
  pastiche train --photos photos --style styles -o runs/masters --about masters.toml \\
      --encoder vgg19-quarter --encoder-weights vgg19_16x.safetensors --sample cat.jpg
  pastiche train --photos photos --style wave.jpg -o runs/wave --like johnson --norm instance
  pastiche train ... --dry-run         how long it will take
  pastiche train ... --resume          continue after an interruption
"""
)
@click.option("--photos", type=_PATH, required=True, help="Folder of photographs to train on.")
@click.option(
    "--style",
    "styles",
    type=_PATH,
    multiple=True,
    required=True,
    help="A painting, or a folder of them; may be given several times.",
)
@click.option("-o", "--output", type=_PATH, required=True, help="Folder of this training.")
@click.option("--encoder", help="Loss network.  [default: vgg19]")
@click.option(
    "--encoder-weights",
    type=_PATH,
    help="Its weights file. Default: those of `pastiche encoders list`.",
)
@click.option("--pooling", type=click.Choice(["max", "avg"]), help="Pooling of the loss network.")
@click.option("--about", type=_PATH, help="TOML file with the pack's and styles' names, licences.")
@click.option("--sample", "samples", type=_PATH, multiple=True, help="Photograph for samples.")
@click.option(
    "--style-size",
    type=click.IntRange(32),
    help="Longer side of the paintings: sets the size of the strokes.  [default: 512]",
)
@training_options
@click.option(
    "--emphasis",
    multiple=True,
    help="Train one style more often than the others: starry_night:2. May be given several times.",
)
@click.option(
    "--start-from",
    type=_PATH,
    metavar="PACK",
    help="Begin with the weights, and the network, of this pack file.",
)
@run_options
@click.option(
    "--dry-run", is_flag=True, help="Say how long it will take, as JSON, and write nothing."
)
@click.pass_context
def train(context: click.Context, **options: Any) -> None:
    """Train a style pack: one or several paintings in one network.

    Writes checkpoints, losses.csv, losses.png, sample pictures and at last NAME.pastiche into
    the output folder. An interrupted training continues with --resume. How long it will take is
    measured and told before it begins.
    """
    from pastiche_daemon.encoders import EncoderFileError
    from pastiche_daemon.packs.errors import PackError
    from pastiche_daemon.photographs import PictureError
    from pastiche_daemon.training_schedule import TrainingError

    console = Console(stderr=True)
    try:
        _train(context, options, console)
    except (TrainingError, PictureError, EncoderFileError, PackError, OSError) as error:
        raise click.ClickException(str(error)) from error


def added_weights(encoder: str) -> Path:
    """The weights file of an encoder that was added. Raises `EncoderFileError` if there is none."""
    from pastiche_client.paths import data_paths
    from pastiche_daemon.encoder_store import EncoderStore

    return EncoderStore.of(data_paths()).find(encoder).path


def _train(context: click.Context, options: dict[str, Any], console: Console) -> None:
    from pastiche_daemon.nn.runtime import fast_precision
    from pastiche_daemon.training_run import TrainingRequest, find_styles
    from pastiche_daemon.workers import joined_workers, own_device

    if options["start_from"]:
        for switch in given_switches(options):
            if switch.field.startswith("spec."):
                raise click.UsageError(
                    f"--start-from brings its own network; leave {switch.option} out."
                )
    device = own_device(chosen_device(options["device"]))
    preset = chosen_preset(options)
    encoder = options["encoder"] or preset.encoder
    request = TrainingRequest(
        photographs=options["photos"],
        styles=find_styles(options["styles"]),
        folder=options["output"],
        encoder=encoder,
        encoder_weights=options["encoder_weights"] or added_weights(encoder),
        command=command_line(context),
        config=replace(
            chosen_config(options), precision=options["precision"] or fast_precision(device)
        ),
        like=options["like"],
        about=options["about"],
        pooling=options["pooling"],
        samples=options["samples"],
        style_size=options["style_size"] or preset.style_size,
        emphasis=named_numbers(options["emphasis"], "--emphasis"),
        start_from=options["start_from"],
        resume=options["resume"],
    )
    with joined_workers(device) as workers:
        _run(request, device, workers, options, console)


def _run(
    request: TrainingRequest,
    device: torch.device,
    workers: Workers,
    options: dict[str, Any],
    console: Console,
) -> None:
    from pastiche_daemon.training_run import TrainingRun

    console.quiet = not workers.leads
    run = TrainingRun(request, device, workers)
    steps, done = run.training.config.steps, run.training.step
    if request.like != PRESETS[0]:
        about = chosen_preset(options).about
        console.print(f"Like {request.like}: {about}.", markup=False, soft_wrap=True)
    for skipped in run.skipped:
        console.print(f"skipped: {skipped}", style="yellow", markup=False)
    console.print(
        f"{run.photograph_count} photographs, {len(request.styles)} styles, {device}, "
        f"{run.training.config.precision}; steps {done} to {steps}",
        markup=False,
    )
    if options["dry_run"] or steps - done >= _WORTH_MEASURING:
        seconds = run.training.seconds_per_step()
        console.print(
            f"It will take {spoken_time((steps - done) * seconds)}: {steps - done} steps of "
            f"{seconds:.2f} s each.",
            markup=False,
        )
        if options["dry_run"] and workers.leads:
            told = {
                "steps": steps - done,
                "seconds_per_step": round(seconds, 4),
                "seconds": round((steps - done) * seconds, 1),
            }
            click.echo(json.dumps(told))
        if options["dry_run"]:
            return
    if not workers.leads:
        for _ in run.training.steps():
            pass
        return
    with training_progress(console, steps, done) as show:
        for report in run.steps(
            checkpoint_seconds=options["checkpoint_minutes"] * 60,
            sample_every=options["sample_every"],
        ):
            show(report)
    click.echo(run.finish())


def spoken_time(seconds: float) -> str:
    """``about 40 s``, ``about 12 min`` or ``about 2 h 5 min``."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {minutes} min"
    return f"about {minutes // 60} h {minutes % 60} min"


def chosen_device(name: str | None) -> torch.device:
    """The named device, or the best one.

    Raises:
        click.BadParameter: this machine does not have it.
    """
    import torch

    from pastiche_daemon.nn.runtime import default_device

    if name is None:
        return default_device()
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    # An assertion or a missing implementation where torch was built without the device.
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        message = f"{name!r} cannot be used: {str(error).partition(chr(10))[0]}"
        raise click.BadParameter(message, param_hint="--device") from error
    return device


def named_numbers(texts: tuple[str, ...], option: str) -> dict[str, float]:
    """``NAME:NUMBER`` options as a mapping; a name alone has the number 1."""
    found: dict[str, float] = {}
    for text in texts:
        name, _, number = text.partition(":")
        try:
            found[name] = float(number or 1)
        except ValueError as error:
            message = f"{text!r}: what follows the colon is no number"
            raise click.BadParameter(message, param_hint=option) from error
    return found


def command_line(context: click.Context) -> str:
    """The command that makes this pack again: the options as given, without the output's place."""
    parts = ["pastiche", context.command.name or ""]
    for parameter in context.command.params:
        name = parameter.name or ""
        source = context.get_parameter_source(name)
        given = source is not None and source.name == "COMMANDLINE"
        if not given or name in _NOT_OF_THE_PACK:
            continue
        value = context.params[name]
        for item in value if getattr(parameter, "multiple", False) else (value,):
            parts += [parameter.opts[-1], _spelled(item)]
    return shlex.join(parts)


def _spelled(value: object) -> str:
    """A parsed value as it is typed."""
    if not isinstance(value, tuple):
        return str(value)
    parts = cast("tuple[object, ...]", value)
    if isinstance(parts[0], str):
        return ":".join(str(part) for part in parts)
    return ",".join(str(part) for part in parts)
