"""Make the README's figure of `pastiche optimize`: pictures in the manner of paintings.

    python tools/make_optimized_figure.py --encoder compact --encoder vgg19-quarter \\
        --pair golden_gate.jpg starry_night.jpg "Golden Gate in The Starry Night" \\
        --pair tubingen.jpg composition_vii.jpg "Neckarfront in Composition VII"

Every encoder, by its name on this machine (`pastiche encoders list`), makes a column of the same
optimizations, with the defaults of `pastiche optimize`. Writes docs/gallery/optimized.jpg.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image
from rich.console import Console
from rich.progress import Progress

from pastiche_client.paths import data_paths
from pastiche_daemon.contact_sheet import contact_sheet
from pastiche_daemon.encoder_store import EncoderStore
from pastiche_daemon.encoders import load_encoder
from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.runtime import (
    channels_last,
    default_device,
    dtype_of,
    fast_precision,
    keep_freed_memory,
)
from pastiche_daemon.optimize import OptimizeOptions, OptimizeStep, StyleImage, optimize
from pastiche_daemon.photographs import (
    fit_long_side,
    load_picture,
    picture_tensor,
    tensor_picture,
)

_FIGURE = Path(__file__).parents[1] / "docs" / "gallery" / "optimized.jpg"
_SIZE = 512
_CELL = 448


def main() -> None:
    """Optimize every pair with every encoder."""
    options = _options()
    keep_freed_memory()
    store = EncoderStore.of(data_paths())
    names: list[str] = options.encoder
    pairs: list[tuple[str, str, str]] = options.pair
    encoders = {name: _encoder(store, name) for name in names}
    rows: list[list[Image.Image]] = []
    with Progress(console=Console(stderr=True)) as progress:
        for content, style, label in pairs:
            task = progress.add_task(label, total=len(names) * OptimizeOptions().pixels.steps)

            def advance(_: OptimizeStep, task=task) -> bool:
                progress.advance(task)
                return True

            rows.append(
                [_optimized(encoders[name], Path(content), Path(style), advance) for name in names]
            )
    sheet = contact_sheet(
        rows,
        row_labels=[label for _, _, label in pairs],
        column_labels=[store.label(name) for name in names],
        cell=_CELL,
    )
    _FIGURE.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(_FIGURE, quality=90)


def _encoder(store: EncoderStore, name: str) -> Encoder:
    device = default_device()
    encoder = load_encoder(name, store.find(name).path).encoder
    return channels_last(encoder.to(device=device, dtype=dtype_of(fast_precision(device))))


def _optimized(encoder: Encoder, content: Path, style: Path, on_step) -> Image.Image:
    device = encoder.preprocess.weight.device
    photograph, painting = (
        picture_tensor(fit_long_side(load_picture(path), _SIZE))[0].to(device)
        for path in (content, style)
    )
    found = optimize(encoder, photograph, [StyleImage(painting)], OptimizeOptions(), on_step)
    return tensor_picture(found.color.to(torch.device("cpu")))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--encoder", action="append", required=True, metavar="NAME")
    parser.add_argument(
        "--pair", action="append", nargs=3, required=True, metavar=("CONTENT", "STYLE", "LABEL")
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
