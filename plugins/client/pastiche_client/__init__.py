"""Pure-Python client of the Pastiche daemon, for editors, the command line and scripts.

    from pastiche_client import Client, Layer, PixelFormat, SampleType

    with Client.connect() as client:
        layer = Layer(width, height, PixelFormat.RGBA, SampleType.U8, pixels)
        result = client.stylize(layer, "masters/starry_night", strength=0.8)

The names below are imported when they are first used: the daemon reads `paths` and
`runtime_file` from this package without loading the transport.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pastiche_client.cancel import CancelToken, StopToken
    from pastiche_client.client import Client
    from pastiche_client.dream_options import DreamOptions
    from pastiche_client.errors import DaemonError
    from pastiche_client.layer import Layer, PixelFormat, SampleType
    from pastiche_client.optimize_options import (
        Minimizer,
        OptimizeOptions,
        PackStart,
        StyleLayer,
        Terms,
        Texture,
    )
    from pastiche_client.results import (
        DaemonInfo,
        DreamProgress,
        DreamResult,
        DreamSummary,
        Encoder,
        EncoderState,
        OptimizeProgress,
        OptimizeResult,
        OptimizeSummary,
        Pack,
        Preview,
        Progress,
        Queued,
        Style,
        StylizeResult,
        Summary,
        UpscaleProgress,
        UpscaleResult,
        UpscaleSummary,
    )

__all__ = [
    "CancelToken",
    "Client",
    "DaemonError",
    "DaemonInfo",
    "DreamOptions",
    "DreamProgress",
    "DreamResult",
    "DreamSummary",
    "Encoder",
    "EncoderState",
    "Layer",
    "Minimizer",
    "OptimizeOptions",
    "OptimizeProgress",
    "OptimizeResult",
    "OptimizeSummary",
    "Pack",
    "PackStart",
    "PixelFormat",
    "Preview",
    "Progress",
    "Queued",
    "SampleType",
    "StopToken",
    "Style",
    "StyleLayer",
    "StylizeResult",
    "Summary",
    "Terms",
    "Texture",
    "UpscaleProgress",
    "UpscaleResult",
    "UpscaleSummary",
]

_MODULES = {
    "CancelToken": "cancel",
    "Client": "client",
    "DaemonError": "errors",
    "DreamOptions": "dream_options",
    "Layer": "layer",
    "Minimizer": "optimize_options",
    "OptimizeOptions": "optimize_options",
    "PackStart": "optimize_options",
    "PixelFormat": "layer",
    "SampleType": "layer",
    "StopToken": "cancel",
    "StyleLayer": "optimize_options",
    "Terms": "optimize_options",
    "Texture": "optimize_options",
}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES.get(name, 'results')}"), name)
