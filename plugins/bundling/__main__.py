"""`python plugins/bundling/__main__.py gimp|krita DESTINATION`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from plugins.bundling.bundle import BundleError, bundle_gimp, bundle_krita
from plugins.bundling.wheels import WheelError, fetch_wheels


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="bundling", description="Builds the folder of an editor's plug-in."
    )
    parser.add_argument("what", choices=["gimp", "krita", "wheels"])
    parser.add_argument("destination", type=Path, help="for wheels: the folder to fetch them to")
    parser.add_argument("--wheels", type=Path, help="folder of the wheels (default: build/wheels)")
    options = parser.parse_args(arguments)
    try:
        if options.what == "wheels":
            fetch_wheels(options.destination)
        else:
            build = bundle_gimp if options.what == "gimp" else bundle_krita
            build(options.destination, options.wheels)
    except (BundleError, WheelError, OSError) as error:
        sys.stderr.write(f"Error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
