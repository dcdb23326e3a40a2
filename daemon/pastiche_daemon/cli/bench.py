"""``pastiche bench``: what the product claims, measured on this machine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

if TYPE_CHECKING:
    from pastiche_daemon.bench.report import BenchReport
    from pastiche_daemon.nn.runtime import Precision

_Option = Callable[[Callable[..., Any]], Callable[..., Any]]
_PATH = click.Path(path_type=Path)
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def _in_a_folder(_: click.Context, __: click.Parameter, value: Path | None) -> Path | None:
    """Measuring takes long: that the result cannot be written must not be found out after it."""
    if value is not None and not value.parent.is_dir():
        raise click.BadParameter(f"there is no folder {value.parent}")
    return value


_JSON = click.option(
    "--json",
    "json_path",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    callback=_in_a_folder,
    help="Write the results here as JSON.",
)

_EDITORS = click.option(
    "--editor",
    "names",
    type=click.Choice(["gimp", "krita"]),
    multiple=True,
    default=("gimp", "krita"),
    show_default=True,
    help="May be given several times.",
)
_THREADS = click.option(
    "--threads", type=click.IntRange(1), metavar="N", help="Default: one per core."
)
_PHOTOS = click.option(
    "--photo",
    "photos",
    type=_PATH,
    multiple=True,
    required=True,
    help="Photographs, or folders of them, that were not trained on.",
)


def _side(least: int, default: int, meaning: str, name: str = "--size") -> _Option:
    return click.option(
        name,
        name.strip("-").replace("crop", "crop_size"),
        type=click.IntRange(least),
        default=default,
        show_default=True,
        help=meaning,
    )


def _count(name: str, default: int, meaning: str) -> _Option:
    return click.option(
        name, type=click.IntRange(1), default=default, show_default=True, help=meaning
    )


def _weights(meaning: str, *, required: bool = True) -> _Option:
    return click.option("--encoder-weights", type=_FILE, required=required, help=meaning)


def _layers(name: str, meaning: str, default: tuple[str, ...] = ()) -> _Option:
    return click.option(
        name,
        f"{name.strip('-').replace('-', '_')}s",
        multiple=True,
        default=default,
        show_default=bool(default),
        metavar="LAYER",
        help=f"{meaning} May be given several times.",
    )


@click.group(
    epilog="""
\b
Examples:
  pastiche bench forward --size 1024
  pastiche bench quality --pack masters.pastiche --encoder-weights vgg.safetensors \\
      --style paintings --photo one.jpg --photo two.jpg
  pastiche bench optimize --encoder compact --photo cat.jpg --style painting.jpg
  pastiche bench editors
  pastiche bench painting
"""
)
def bench() -> None:
    """Measure speed and quality: a table, JSON, and a non-zero exit where a bar is missed."""


def _three_widths(
    _: click.Context, __: click.Parameter, value: str | None
) -> tuple[int, int, int] | None:
    if value is None:
        return None
    try:
        full, half, quarter = (int(part) for part in value.split(","))
    except ValueError as error:
        raise click.BadParameter("three widths are needed, such as 32,64,128") from error
    if min(full, half, quarter) < 1:
        raise click.BadParameter("widths must be at least 1")
    return full, half, quarter


@bench.command(
    epilog="""
\b
Examples:
  pastiche bench forward --size 1024
  pastiche bench forward --channels 32,64,128 --photo cat.jpg --json forward.json
  pastiche bench forward --size 4096 --rounds 1 --all-styles
"""
)
@click.option("--pack", type=_FILE, help="Pack file. Default: the built-in pack.")
@click.option(
    "--channels",
    callback=_three_widths,
    metavar="FULL,HALF,QUARTER",
    help="Instead of a pack, a Johnson network of these widths with random weights.",
)
@click.option("--photo", type=_FILE, help="Photograph to stylize. Default: a built-in one.")
@click.option(
    "--size",
    "sizes",
    type=click.IntRange(4),
    multiple=True,
    default=(512, 1024, 2048, 4096),
    show_default=True,
    help="Side of the square picture in pixels; may be given several times.",
)
@_count("--rounds", 5, "Passes that are timed, after one to warm up.")
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    metavar="NAME",
    help="Only this one, such as pastiche, eager or OpenVINO; may be given several times.",
)
@click.option(
    "--all-styles", is_flag=True, help="Also how far every style of the built-in pack is off."
)
@_JSON
def forward(
    pack: Path | None,
    channels: tuple[int, int, int] | None,
    photo: Path | None,
    sizes: tuple[int, ...],
    rounds: int,
    runtimes: tuple[str, ...],
    json_path: Path | None,
    *,
    all_styles: bool,
) -> None:
    """Our forward pass against what others run the same network with, on the CPU.

    These are eager torch, torch.compile, ONNX Runtime and OpenVINO; `pip install pastiche[bench]`
    has the last two, and torch.compile needs a C++ compiler.
    """
    from pastiche_daemon.bench.forward import ForwardRequest, bench_forward
    from pastiche_daemon.bench.forward_variants import ForwardCase
    from pastiche_daemon.learn_run import BUILT_IN_PHOTOGRAPHS
    from pastiche_daemon.packs.store import BUILT_IN_FOLDER

    if pack is not None and channels is not None:
        raise click.UsageError("--pack and --channels exclude each other.")
    if any(size % 4 for size in sizes):
        raise click.BadParameter("sizes must be multiples of 4", param_hint="--size")
    photo = photo or BUILT_IN_PHOTOGRAPHS / "chelsea.jpg"
    if channels is None:
        case = ForwardCase(photo, sizes[0], pack or BUILT_IN_FOLDER / "masters.pastiche")
    else:
        case = ForwardCase(photo, sizes[0], channels=channels)
    with _troubles_told():
        request = ForwardRequest(case, sizes, rounds, all_styles, runtimes)
        outcome = bench_forward(request, _say)
    _finish(outcome, json_path)


@bench.command(
    epilog="""
\b
Example:
  pastiche bench quality --pack masters.pastiche --encoder-weights vgg19_16x.safetensors \\
      --style paintings --photo photographs
"""
)
@click.option("--pack", type=_FILE, required=True, help="Pack file.")
@_weights("The training's loss network.")
@click.option("--style", "styles", type=_PATH, multiple=True, required=True, help="Its paintings.")
@_PHOTOS
@_side(64, 512, "Longer side of the photographs in pixels.")
@_count("--iterations", 50, "Of L-BFGS.")
@click.option(
    "--projected/--no-projected",
    default=True,
    help="Also an L-BFGS that keeps pixels in range, which is stronger; twice the time.",
)
@_JSON
def quality(
    pack: Path,
    encoder_weights: Path,
    styles: tuple[Path, ...],
    photos: tuple[Path, ...],
    size: int,
    iterations: int,
    json_path: Path | None,
    *,
    projected: bool,
) -> None:
    """A pack's losses against L-BFGS from the photograph, style by style."""
    from pastiche_daemon.bench.quality import QualityRequest, bench_quality
    from pastiche_daemon.training_run import find_styles

    with _troubles_told():
        request = QualityRequest(
            pack=pack,
            encoder_weights=encoder_weights,
            styles=find_styles(styles),
            photographs=find_styles(photos, field="photographs"),
            size=size,
            iterations=iterations,
            projected=projected,
        )
        outcome = bench_quality(request, _say)
    _finish(outcome, json_path)


@bench.command(
    epilog="""
\b
Example:
  pastiche bench optimize --encoder vgg19 --photo cat.jpg --style painting.jpg
"""
)
@click.option(
    "--encoder",
    default="compact",
    show_default=True,
    help="Name of an encoder on this machine, or of the one in --encoder-weights.",
)
@_weights("Weights of that encoder that are elsewhere.", required=False)
@click.option("--photo", type=_FILE, required=True, help="Content image.")
@click.option("--style", type=_FILE, required=True, help="Style image.")
@_side(64, 512, "Longer side of both pictures in pixels.")
@_count("--evaluations", 100, "Of the objective, for every optimizer.")
@click.option(
    "--precision",
    type=click.Choice(["float32", "bfloat16"]),
    help="Of ours. Default: bfloat16 where the CPU multiplies it in hardware.",
)
@_layers("--content-layer", "Default: relu4_2.")
@_layers("--style-layer", "Default: relu1_1 to relu5_1.")
@_JSON
def optimize(
    encoder: str,
    encoder_weights: Path | None,
    photo: Path,
    style: Path,
    size: int,
    evaluations: int,
    precision: Precision | None,
    content_layers: tuple[str, ...],
    style_layers: tuple[str, ...],
    json_path: Path | None,
) -> None:
    """Time to a given loss: our optimizers against a plain eager L-BFGS loop."""
    from pastiche_client.paths import data_paths
    from pastiche_daemon.bench.optimize import OptimizeBenchRequest, bench_optimize
    from pastiche_daemon.encoder_store import EncoderStore

    with _troubles_told():
        request = OptimizeBenchRequest(
            encoder=encoder,
            weights=encoder_weights or EncoderStore.of(data_paths()).find(encoder).path,
            content=photo,
            style=style,
            size=size,
            evaluations=evaluations,
            precision=precision,
            content_layers=content_layers,
            style_layers=style_layers,
        )
        outcome = bench_optimize(request, _say)
    _finish(outcome, json_path)


@bench.command(
    epilog="""
\b
Example:
  pastiche bench editors --editor krita --rounds 5 --json krita.json
"""
)
@_EDITORS
@click.option("--style", default="masters/starry_night", show_default=True, metavar="PACK/STYLE")
@_count("--rounds", 3, "Layers in each place, at strength 0 and again at 1.")
@_THREADS
@_JSON
def editors(
    names: tuple[str, ...], style: str, rounds: int, threads: int | None, json_path: Path | None
) -> None:
    """What GIMP, Krita and the wire add to the network's own time for a 4K layer.

    For developers: needs a clone, and the editors that tools/prepare_editors.py makes.
    """
    import os

    from pastiche_daemon.bench.editors import EditorsRequest, bench_editors

    request = EditorsRequest(names, style, rounds, threads or os.cpu_count() or 1)
    with _troubles_told():
        outcome = bench_editors(request, _say)
    _finish(outcome, json_path)


@bench.command(
    epilog="""
\b
Example:
  pastiche bench painting --editor gimp --rounds 5 --json gimp.json
"""
)
@_EDITORS
@_count("--rounds", 3, "Paintings in each editor that are cancelled, and again that are kept.")
@_THREADS
@_JSON
def painting(
    names: tuple[str, ...], rounds: int, threads: int | None, json_path: Path | None
) -> None:
    """How soon painting like another layer ends in GIMP and Krita, and how often it shows.

    For developers: needs a clone, and the editors that tools/prepare_editors.py makes.
    """
    import os

    from pastiche_daemon.bench.painting import PaintingRequest, bench_painting

    request = PaintingRequest(names, rounds, threads or os.cpu_count() or 1)
    with _troubles_told():
        outcome = bench_painting(request, _say)
    _finish(outcome, json_path)


@bench.command(
    epilog="""
\b
Example:
  pastiche bench upscale --photo photographs --encoder vgg19 --encoder-weights vgg19.safetensors
"""
)
@click.option("--pack", type=_FILE, help="Pack file. Default: the built-in pack.")
@_PHOTOS
@click.option("--encoder", default="vgg19", show_default=True, help="What the distances are of.")
@_weights("Its weights file.")
@_layers("--layer", "Of the feature distance.", ("relu2_2", "relu3_3"))
@_side(64, 512, "Longer side, in pixels, to which larger photographs are scaled down first.")
@_JSON
def upscale(
    pack: Path | None,
    photos: tuple[Path, ...],
    encoder: str,
    encoder_weights: Path,
    layers: tuple[str, ...],
    size: int,
    json_path: Path | None,
) -> None:
    """A pack that upscales against nearest, bicubic and Lanczos interpolation."""
    from pastiche_daemon.bench.upscale import UpscaleBenchRequest, bench_upscale
    from pastiche_daemon.packs.store import BUILT_IN_FOLDER
    from pastiche_daemon.training_run import find_styles

    with _troubles_told():
        request = UpscaleBenchRequest(
            pack=pack or BUILT_IN_FOLDER / "fourfold.pastiche",
            photographs=find_styles(photos, field="photographs"),
            encoder=encoder,
            encoder_weights=encoder_weights,
            layers=layers,
            size=size,
        )
        outcome = bench_upscale(request, _say)
    _finish(outcome, json_path)


@bench.command(
    epilog="""
\b
Example:
  pastiche bench train --photos photos --style wave.jpg --json train.json
"""
)
@click.option("--photos", type=_PATH, required=True, help="Folder of photographs to train on.")
@click.option("--style", type=_FILE, required=True, help="A painting.")
@_count("--batch-size", 4, "Crops of a step.")
@_side(32, 256, "Side of the crops in pixels.", "--crop")
@_count("--rounds", 5, "That are timed.")
@_count("--steps", 2, "Of every round.")
@_JSON
def train(
    photos: Path,
    style: Path,
    batch_size: int,
    crop_size: int,
    rounds: int,
    steps: int,
    json_path: Path | None,
) -> None:
    """Our training against pytorch/examples' fast_neural_style loop, written plainly."""
    from pastiche_daemon.bench.train import TrainBenchRequest, bench_train

    request = TrainBenchRequest(
        photographs=photos,
        style=style,
        batch_size=batch_size,
        crop_size=crop_size,
        rounds=rounds,
        steps=steps,
    )
    with _troubles_told():
        outcome = bench_train(request, _say)
    _finish(outcome, json_path)


@contextmanager
def _troubles_told() -> Iterator[None]:
    """What the user can mend ends the command with its message."""
    from pastiche_daemon.bench.report import BenchError
    from pastiche_daemon.encoders import EncoderFileError
    from pastiche_daemon.packs.errors import PackError
    from pastiche_daemon.photographs import PictureError

    try:
        yield
    except (BenchError, EncoderFileError, PackError, PictureError) as error:
        raise click.ClickException(str(error)) from error


def _say(text: str) -> None:
    click.echo(f"measuring {text} ...", err=True)


def _finish(report: BenchReport, json_path: Path | None) -> None:
    console = Console(width=None if Console().is_terminal else 160)
    console.print(report.table())
    for note in report.notes:
        console.print(note, markup=False)
    machine = ", ".join(f"{name} {value}" for name, value in report.machine.items())
    console.print(f"machine: {machine}", markup=False)
    for bar in report.bars:
        state = "met" if bar.met else "MISSED"
        console.print(f"{state}: {bar.name} ({bar.detail})", markup=False)
    if json_path is not None:
        try:
            report.write(json_path)
        except OSError as error:
            raise click.ClickException(f"{json_path}: {error.strerror or error}") from error
        console.print(f"written: {json_path}", markup=False)
    if not report.met:
        raise SystemExit(1)
