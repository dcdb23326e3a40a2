"""What a dream is told, as plain values. None leaves a value to the daemon's default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pastiche_client.optimize_options import Pooling, Precision

GradientNormalization: TypeAlias = Literal["mean", "rms", "none"]
Smoothing: TypeAlias = Literal["none", "gaussian", "laplacian"]


@dataclass(frozen=True)
class DreamOptions:
    """Everything beside the pictures. The daemon checks the values and names what is wrong.

    Attributes:
        layers: whose activations grow, with weights of at least 0; empty for what shows most.
        encoder: the network; empty for the built-in one.
        octaves: how many sizes to go through, from coarse to fine, 1 to 16.
        octave_scale: from one size to the next.
        steps: at each size.
        step_size: what a step adds, as a share of the range from black to white.
        smoothing: of the gradient: `gaussian` with `sigma` pixels, or `laplacian`, which gives
            `levels` sizes of structures the same strength.
        jitter: pixels by which the picture is moved at random before every step.
        tile: the network sees at most this many pixels in a row and column at once.
        size: longer side to dream at in pixels; what changes in a larger layer is scaled up;
            0 for the layer's own size.
        seed: the same gives the same picture on the same machine.
        strength: 0 (the layer) to 1 (the dream).
        preview_size: longer side of previews in pixels, at most 1024; 0 for none.
        preview_seconds: from one preview to the next.
    """

    layers: Mapping[str, float] = field(default_factory=dict[str, float])
    encoder: str = ""
    pooling: Pooling | None = None
    precision: Precision | None = None
    octaves: int | None = None
    octave_scale: float | None = None
    steps: int | None = None
    step_size: float | None = None
    normalization: GradientNormalization | None = None
    smoothing: Smoothing | None = None
    sigma: float | None = None
    levels: int | None = None
    jitter: int | None = None
    tile: int | None = None
    size: int | None = None
    seed: int = 0
    strength: float = 1.0
    preview_size: int = 0
    preview_seconds: float | None = None
