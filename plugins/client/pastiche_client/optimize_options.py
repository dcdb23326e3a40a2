"""What an optimization is told, as plain values. None leaves a value to the daemon's default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pastiche_client.layer import Layer, PixelFormat, Pixels, SampleType
from pastiche_client.style_names import Styles

Statistic: TypeAlias = Literal[
    "gram", "mmd-linear", "mmd-polynomial", "mmd-gaussian", "moments", "wasserstein"
]
StatisticNormalization: TypeAlias = Literal["target", "gatys", "none"]
ContentNormalization: TypeAlias = Literal["johnson", "gatys", "target"]
Distance: TypeAlias = Literal["l2", "l1"]
Algorithm: TypeAlias = Literal["lbfgs", "adam", "sgd"]
PixelRange: TypeAlias = Literal["projected", "free"]
Variables: TypeAlias = Literal["pixels", "pyramid"]
Pooling: TypeAlias = Literal["max", "average"]
Precision: TypeAlias = Literal["float32", "bfloat16"]
Colors: TypeAlias = Literal["style", "luminance", "recolored"]
StartKind: TypeAlias = Literal["content", "style", "noise"]


@dataclass(frozen=True)
class Texture:
    """What the answer is to be where there is no content: opaque, in this size and type."""

    width: int
    height: int
    format: PixelFormat = PixelFormat.RGB
    sample_type: SampleType = SampleType.U8


@dataclass(frozen=True)
class StyleLayer:
    """A style image.

    Attributes:
        layer: at least 16 pixels on both sides; what is transparent or not selected in it does
            not count.
        weight: its share; the shares are divided by their sum.
        region: where in the content the style applies, a byte for each of the content's pixels,
            255 is inside; None for everywhere. Where no style applies the content stays as it is.
    """

    layer: Layer
    weight: float = 1.0
    region: Pixels | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Terms:
    """What counts, and how much: weights of at least 0, layers with their weights.

    Attributes:
        content: alpha of the papers.
        style: beta of the papers.
        tv: of total variation.
        tv_exponent: 1 for absolute differences, else beta of Mahendran and Vedaldi.
        constant: of the polynomial kernel.
        bandwidth: of the Gaussian kernel, as a factor of the style's own spread.
        features: random Fourier features of the Gaussian kernel.
    """

    content: float | None = None
    style: float | None = None
    tv: float | None = None
    tv_exponent: float | None = None
    content_layers: Mapping[str, float] = field(default_factory=dict[str, float])
    style_layers: Mapping[str, float] = field(default_factory=dict[str, float])
    content_distance: Distance | None = None
    content_normalization: ContentNormalization | None = None
    statistic: Statistic | None = None
    distance: Distance | None = None
    normalization: StatisticNormalization | None = None
    constant: float | None = None
    bandwidth: float | None = None
    features: int | None = None


@dataclass(frozen=True)
class Minimizer:
    """How to go about it. A step is one evaluation of the objective and its gradient.

    Attributes:
        algorithm: by default "adam".
        max_seconds: end after this time; 0 for no limit.
        tolerance: end when the loss fell by less than this share of itself within 50 steps;
            0 for never.
        variables: what is changed: every pixel, as in Gatys' method, or the levels of a Laplacian
            pyramid, where large shapes and colours move as fast as details, by default for "adam".
    """

    algorithm: Algorithm | None = None
    learning_rate: float | None = None
    momentum: float | None = None
    steps: int | None = None
    max_seconds: float = 0.0
    tolerance: float = 0.0
    pixels: PixelRange | None = None
    variables: Variables | None = None


@dataclass(frozen=True)
class PackStart:
    """To start from the content as a pack paints it."""

    styles: Styles


@dataclass(frozen=True)
class OptimizeOptions:
    """Everything beside the pictures. The daemon checks the values and names what is wrong.

    Attributes:
        encoder: the loss network; empty for the built-in one.
        start: what to begin with: the content, the first style, noise, a picture of its own that is
            stretched to the content's size, or a pack's pastiche.
        size: longer side of the optimized picture in pixels, the result of which is scaled up;
            0 for as large as the layer and the memory allow.
        scales: how many sizes to go through, each half of the next, 1 to 8.
        style_scale: longer side of the style images as a factor of the picture's, 0.1 to 10.
        seed: the same gives the same picture on the same machine.
        strength: 0 (the layer) to 1 (the pastiche).
        preview_size: longer side of previews in pixels, at most 1024; 0 for none.
        preview_seconds: from one preview to the next.
    """

    terms: Terms = field(default_factory=Terms)
    minimizer: Minimizer = field(default_factory=Minimizer)
    encoder: str = ""
    pooling: Pooling | None = None
    precision: Precision | None = None
    start: StartKind | Layer | PackStart | None = None
    size: int | None = None
    scales: int | None = None
    style_scale: float | None = None
    colors: Colors | None = None
    seed: int = 0
    strength: float = 1.0
    preview_size: int = 0
    preview_seconds: float | None = None
