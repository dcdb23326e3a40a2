"""Stylizes over the wire from the editors' own Python, without an editor: one run of three parts.

Arguments: width, height, style, and a strength for every layer. Writes a line of JSON for each:
the seconds that it took.
"""

# pyright: basic, reportMissingImports=false
from __future__ import annotations

import json
import os
import sys
import time

from pastiche_vendor.pastiche_client.client import Client
from pastiche_vendor.pastiche_client.layer import Layer, PixelFormat, SampleType

width, height = int(sys.argv[1]), int(sys.argv[2])


def layer(width, height):
    return Layer(width, height, PixelFormat.RGBA, SampleType.U8, os.urandom(4 * width) * height)


with Client(start=False) as client:
    client.stylize(layer(64, 64), sys.argv[3])  # loads the network
    large = layer(width, height)
    for strength in map(float, sys.argv[4:]):
        started = time.perf_counter()
        client.stylize(large, sys.argv[3], strength=strength)
        print(json.dumps(time.perf_counter() - started), flush=True)  # noqa: T201
