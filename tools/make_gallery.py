"""Make the README's pictures: every built-in pack on photographs that come with scikit-image.

    python tools/make_gallery.py

The photographs: astronaut (NASA, public domain), chelsea (Stefan van der Walt, CC0), coffee
(Rachel Michetti, CC0), rocket (SpaceX, public domain).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from PIL import Image

from pastiche_daemon.contact_sheet import contact_sheet
from pastiche_daemon.packs.archive import Pack, read_pack
from pastiche_daemon.packs.network import load_network, load_upscaler
from pastiche_daemon.packs.store import BUILT_IN_FOLDER
from pastiche_daemon.photographs import fit_long_side, load_picture
from pastiche_daemon.training_run import stylize_in_every_style
from pastiche_daemon.upscaler_run import sample_row

_GALLERY = Path(__file__).parents[1] / "docs" / "gallery"
_PHOTOGRAPHS = ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg")
_SIZE = 512


def main() -> None:
    """Write one sheet per built-in pack into docs/gallery."""
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        raise SystemExit("the photographs are missing: pip install scikit-image")
    folder = Path(package.origin).parent / "data"
    _GALLERY.mkdir(parents=True, exist_ok=True)
    for path in sorted(BUILT_IN_FOLDER.glob("*.pastiche")):
        pack = read_pack(path)
        photographs = {Path(name).stem: load_picture(folder / name) for name in _PHOTOGRAPHS}
        sheet = _styles(pack, photographs) if pack.manifest.styles else _upscaled(pack, photographs)
        sheet.save(_GALLERY / f"{pack.manifest.id}.jpg", quality=88)


def _styles(pack: Pack, photographs: dict[str, Image.Image]) -> Image.Image:
    """Every photograph in every style."""
    network = load_network(pack)
    fitted = [fit_long_side(photograph, _SIZE) for photograph in photographs.values()]
    return contact_sheet(
        [[photograph, *stylize_in_every_style(network, photograph)] for photograph in fitted],
        row_labels=list(photographs),
        column_labels=["photograph", *(style.display_name for style in pack.manifest.styles)],
        cell=224,
    )


def _upscaled(pack: Pack, photographs: dict[str, Image.Image]) -> Image.Image:
    """The middle of every photograph, and what becomes of it when it is reduced and made large."""
    network = load_upscaler(pack)
    return contact_sheet(
        [sample_row(network, image, blur=1.0, antialias=True) for image in photographs.values()],
        row_labels=list(photographs),
        column_labels=["photograph", "reduced, then bicubic", "reduced, then upscaled"],
        cell=320,
    )


if __name__ == "__main__":
    main()
