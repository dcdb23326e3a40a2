"""Make the golden pictures: what small networks of every architecture paint.

    python tools/make_golden_pictures.py

writes tests/numerics/golden/NAME.png, one for every entry of `tests.support.architectures`. Run it
only where an architecture is meant to compute something else than before, and look at the pictures.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "tests" / "numerics" / "golden"


def main() -> None:
    """Write all of them."""
    sys.path.insert(0, str(ROOT))
    from pastiche_daemon.photographs import tensor_picture
    from tests.support.architectures import ARCHITECTURES, picture, seeded_network, small

    FOLDER.mkdir(exist_ok=True)
    for name in ARCHITECTURES:
        network = seeded_network(small(name))
        mix = torch.full((1, network.spec.styles), 1 / network.spec.styles)
        with torch.no_grad():
            tensor_picture(network(picture(), mix)[0]).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
