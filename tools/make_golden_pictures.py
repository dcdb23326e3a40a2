"""Make the golden pictures: what small networks of every architecture paint.

    python tools/make_golden_pictures.py

writes tests/numerics/golden/NAME.png, one for every entry of `tests.support.architectures`, and
tests/numerics/golden_upscaled/NAME.png for those that upscale. Run it only where an architecture is
meant to compute something else than before, and look at the pictures.
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
    from tests.numerics.test_golden_upscaled import GOLDEN, NAMES, network_of
    from tests.support.architectures import ARCHITECTURES, picture, seeded_network, small

    FOLDER.mkdir(exist_ok=True)
    for name in ARCHITECTURES:
        network = seeded_network(small(name))
        mix = torch.full((1, network.spec.styles), 1 / network.spec.styles)
        with torch.no_grad():
            tensor_picture(network(picture(), mix)[0]).save(FOLDER / f"{name}.png", optimize=True)
    GOLDEN.mkdir(exist_ok=True)
    for name in NAMES:
        with torch.no_grad():
            result = network_of(name)(picture(15, 13))
        tensor_picture(result[0]).save(GOLDEN / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
