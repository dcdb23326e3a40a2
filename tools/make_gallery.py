"""Make the README's pictures: every built-in style on photographs that come with scikit-image.

    python tools/make_gallery.py

The photographs: astronaut (NASA, public domain), chelsea (Stefan van der Walt, CC0), coffee
(Rachel Michetti, CC0), rocket (SpaceX, public domain).
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from pastiche_daemon.contact_sheet import contact_sheet
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_network
from pastiche_daemon.packs.store import BUILT_IN_FOLDER
from pastiche_daemon.photographs import fit_long_side, load_picture
from pastiche_daemon.training_run import stylize_in_every_style

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
        network = load_network(pack)
        rows = [
            [photograph, *stylize_in_every_style(network, photograph)]
            for name in _PHOTOGRAPHS
            for photograph in [fit_long_side(load_picture(folder / name), _SIZE)]
        ]
        sheet = contact_sheet(
            rows,
            row_labels=[Path(name).stem for name in _PHOTOGRAPHS],
            column_labels=["photograph", *(style.display_name for style in pack.manifest.styles)],
            cell=224,
        )
        sheet.save(_GALLERY / f"{pack.manifest.id}.jpg", quality=88)


if __name__ == "__main__":
    main()
