"""`pastiche batch`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from pastiche_daemon.cli.batch_styles import ASSIGNMENTS
from pastiche_daemon.cli.style_arguments import look_options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from pastiche_client.client import Client
    from pastiche_daemon.cli.batch_plan import Settings
    from pastiche_daemon.cli.batch_run import Outcome
    from pastiche_daemon.cli.batch_sources import Source
    from pastiche_daemon.cli.batch_styles import StyleChooser
    from pastiche_daemon.cli.video import Video


@click.command(
    epilog="""
\b
Examples:
  pastiche batch photos/ --style starry_night -o stylized/
  pastiche batch "shots/*.jpg" --style starry_night --style great_wave --assign each -o out/
  pastiche batch dataset/ -r --style "masters/*" --assign random-mix --seed 1 -o augmented/
  pastiche batch frames/frame_%04d.png --style udnie -o out/frame_%04d.png
  pastiche batch film.mp4 --style starry_night -o film-starry.mp4
"""
)
@click.argument("sources", nargs=-1, required=True)
@click.option(
    "--style",
    "style_arguments",
    multiple=True,
    required=True,
    metavar="STYLE[:SHARE]",
    help="A style, several, or PACK/* for all of a pack. See `pastiche packs list --styles`.",
)
@click.option(
    "--assign",
    type=click.Choice(ASSIGNMENTS),
    default="mix",
    show_default=True,
    help=(
        "mix: every picture in the styles, mixed by their shares. each: every picture once in "
        "every style. random: every picture in one of them. random-mix: every picture in a mix "
        "of its own."
    ),
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Other seeds draw other styles."
)
@click.option(
    "-o",
    "--output",
    required=True,
    metavar="FOLDER",
    help="A folder, a pattern such as out/frame_%04d.png for frames, or a video for a video.",
)
@click.option("-r", "--recursive", is_flag=True, help="Take the subfolders of folders, too.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["png", "jpg", "tif", "webp"]),
    help="Of the results. Default: each its source's.",
)
@look_options
@click.option("--keep-frames", is_flag=True, help="Of a video: leave the frames' folder there.")
@click.option(
    "-f", "--force", is_flag=True, help="Make everything anew, and replace files that exist."
)
@click.pass_context
def batch(context: click.Context, **options: Any) -> None:
    """Stylize folders, frame sequences and videos.

    SOURCES are pictures, folders, patterns (in quotes), numbered frames or one video. What is
    finished is not made again: after an interruption the same command goes on where it was. The
    file batch.jsonl beside the results says what was applied to what.
    """
    from rich.console import Console

    from pastiche_daemon.cli.batch_run import BatchStoppedError
    from pastiche_daemon.cli.batch_sources import BatchError
    from pastiche_daemon.cli.imagefile import PictureFileError
    from pastiche_daemon.cli.video import VideoError
    from pastiche_daemon.packs.errors import StorageError, StorageFullError

    console = Console(stderr=True, markup=False, highlight=False, soft_wrap=True)
    troubles = (BatchError, BatchStoppedError, PictureFileError, VideoError)
    try:
        failed = _batch(console, options)
    except (*troubles, StorageError, StorageFullError) as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        console.print("Stopped; the same command goes on from here.")
        raise
    if failed:
        context.exit(1)


class _Work(NamedTuple):
    sources: Sequence[Source]
    output: str
    suffix: str | None


def _batch(console: Console, options: Mapping[str, Any]) -> int:
    """Do it all; returns how many pictures failed."""
    from pastiche_daemon.cli.batch_plan import Settings
    from pastiche_daemon.cli.batch_styles import chooser
    from pastiche_daemon.cli.connect import running_daemon
    from pastiche_daemon.cli.video import is_video_name

    names: tuple[str, ...] = options["sources"]
    is_video = any(is_video_name(Path(name)) for name in names)
    if is_video:
        _check_video(names, options)
    work = None if is_video else _pictures(console, names, options)
    with running_daemon(console) as client:
        styles = chooser(
            options["style_arguments"], options["assign"], options["seed"], client.list_styles()
        )
        settings = Settings(
            strength=options["strength"],
            preserve_colors=options["preserve_colors"],
            stroke_size=options["stroke_size"],
            quality=options["quality"],
        )
        if work is None:
            return _video(console, client, styles, settings, options)
        outcome = _run(console, client, work, styles, settings, force=options["force"])
    console.print(_summary(outcome, options["output"]))
    return len(outcome.failed)


def _pictures(console: Console, names: Sequence[str], options: Mapping[str, Any]) -> _Work:
    from pastiche_daemon.cli.batch_sources import BatchError, find_sources, is_sequence
    from pastiche_daemon.cli.imagefile import is_picture_name

    output: str = options["output"]
    if not is_sequence(output) and (is_picture_name(Path(output)) or Path(output).is_file()):
        raise BatchError(f"--output {output}: must be a folder, or a pattern such as f_%04d.png")
    found = find_sources(names, recursive=options["recursive"])
    if found.passed_over:
        console.print(f"{found.passed_over} other files were passed over.")
    kind: str | None = options["kind"]
    suffix = kind and f".{kind}"
    if is_sequence(output):
        suffix = Path(output).suffix
    return _Work(found.found, output, suffix)


def _run(
    console: Console,
    client: Client,
    work: _Work,
    styles: StyleChooser,
    settings: Settings,
    *,
    force: bool,
) -> Outcome:
    from pastiche_daemon.cli.batch_plan import plan_batch
    from pastiche_daemon.cli.batch_run import run_batch

    versions = {pack.id: pack.version for pack in client.list_packs()}
    plan = plan_batch(
        work.sources, work.output, styles, versions, settings, suffix=work.suffix, force=force
    )
    if plan.done:
        console.print(f"{plan.done} of {plan.done + len(plan.jobs)} pictures are there already.")
    return run_batch(client, console, plan)


def _summary(outcome: Outcome, output: str) -> str:
    failed = len(outcome.failed)
    text = f"{outcome.made} pictures made: {output}"
    return f"{text}. {failed} failed; the same command tries them again." if failed else text


def _check_video(names: Sequence[str], options: Mapping[str, Any]) -> None:
    from pastiche_daemon.cli.batch_sources import BatchError
    from pastiche_daemon.cli.video import is_video_name

    output = Path(options["output"])
    if len(names) > 1:
        raise BatchError("one video at a time; give each a batch of its own")
    if not is_video_name(output):
        raise BatchError(f"--output {output}: a video becomes a video; end it in .mp4 or .webm")
    if options["assign"] == "each":
        raise BatchError("--assign each: a video becomes one video; make one batch a style")
    if options["kind"] is not None:
        raise BatchError("--format: the frames of a video are always PNG")
    if output.resolve() == Path(names[0]).resolve():
        raise BatchError(f"{output} is the source and would be replaced; choose another --output")
    if output.exists() and not options["force"]:
        raise BatchError(f"{output} exists already; use --force to replace it")


def _video(
    console: Console,
    client: Client,
    styles: StyleChooser,
    settings: Settings,
    options: Mapping[str, Any],
) -> int:
    from pastiche_daemon.cli.batch_sources import find_sources
    from pastiche_daemon.cli.video import FRAME, extract_frames, open_video, write_video

    source, output = Path(options["sources"][0]), Path(options["output"])
    video: Video = open_video(source)
    # Beside the result, so that an interrupted batch goes on; gone at the end.
    folder = output.with_name(f"{output.name}.frames")
    with console.status("Taking the video apart ..."):
        frames = extract_frames(video, folder / "source")
    made = folder / "stylized" / FRAME
    work = _Work(find_sources([str(frames)], recursive=False).found, str(made), ".png")
    outcome = _run(console, client, work, styles, settings, force=False)
    if outcome.failed:
        console.print(_summary(outcome, str(folder)))
        return len(outcome.failed)
    with console.status("Putting the video together ..."):
        write_video(made, video, output)
    console.print(f"{source} -> {output}")
    if not options["keep_frames"]:
        shutil.rmtree(folder, ignore_errors=True)
    return 0
