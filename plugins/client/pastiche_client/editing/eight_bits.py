"""Any layer with samples of eight bits, as windows show them."""

from __future__ import annotations

import sys
from array import array
from dataclasses import replace

from pastiche_client.layer import Layer, SampleType


def eight_bits(layer: Layer) -> Layer:
    """The same picture in its format, packed. Meant for previews: it takes time for large ones."""
    data = layer.packed()
    if layer.sample_type is SampleType.U16:
        data = data[1::2]  # the larger byte of each
    elif layer.sample_type is SampleType.F32:
        samples = array("f", data)
        if sys.byteorder == "big":
            samples.byteswap()
        # Compared so that NaN becomes 0.
        data = bytes(255 if v >= 1.0 else int(v * 255.0 + 0.5) if v > 0.0 else 0 for v in samples)
    return replace(layer, sample_type=SampleType.U8, data=data, row_stride=0)
