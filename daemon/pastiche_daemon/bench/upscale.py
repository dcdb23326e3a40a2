"""``pastiche bench upscale``: a pack that upscales, against interpolation, on held-out photographs.

The table of Johnson et al., ECCV 2016, section 4.2: photographs are blurred and reduced as in the
pack's training, made large again, and compared with themselves.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from pastiche_daemon.bench.picture_quality import luma, psnr, ssim
from pastiche_daemon.bench.report import Bar, BenchError, BenchReport, Cell
from pastiche_daemon.encoders import load_encoder
from pastiche_daemon.nn.degradation import reduced
from pastiche_daemon.nn.encoder import Encoder, UnknownLayerError
from pastiche_daemon.nn.runtime import channels_last, default_device, prepare_for_inference
from pastiche_daemon.nn.upscaler import UpscalerNetwork
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_upscaler
from pastiche_daemon.photographs import (
    fit_long_side,
    load_picture,
    picture_tensor,
    tensor_picture,
)
from pastiche_daemon.stylize import LayerTensors
from pastiche_daemon.upscale import upscale, whole

_INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bicubic": Image.Resampling.BICUBIC,
    "Lanczos": Image.Resampling.LANCZOS,
}
_NETWORK, _MATCHED = "network", "network, histogram matched"
_LEAST_SIDE = 64


@dataclass(frozen=True)
class UpscaleBenchRequest:
    """A pack that upscales, photographs that it was not trained on, and an encoder to compare with.

    ``layers`` are those of the feature distance. ``size`` is the longer side to which larger
    photographs are scaled down first.
    """

    pack: Path
    photographs: tuple[Path, ...]
    encoder: str
    encoder_weights: Path
    layers: tuple[str, ...] = ("relu2_2", "relu3_3")
    size: int = 512


def bench_upscale(request: UpscaleBenchRequest, report: Callable[[str], None]) -> BenchReport:
    """PSNR, SSIM and feature distances of every way to upscale, averaged over the photographs.

    The bar is a smaller feature distance than bicubic interpolation has, at every layer. Raises
    `BenchError`, `PackError`, `PictureError` or `EncoderFileError`.
    """
    pack = read_pack(request.pack)
    manifest = pack.upscaler_manifest
    told = manifest.training.weights
    blur, antialias = told.get("blur_largest", 1.0), bool(told.get("antialias", 1.0))
    network = prepare_for_inference(load_upscaler(pack), default_device())
    encoder = channels_last(load_encoder(request.encoder, request.encoder_weights).encoder)
    try:
        encoder.check_layers(request.layers)
    except UnknownLayerError as error:
        raise BenchError(f"encoder weights: {error}") from error
    factor = manifest.architecture.factor
    measured: dict[str, list[tuple[float, ...]]] = {}
    for path in request.photographs:
        report(path.name)
        photograph = _photograph(path, request.size, factor)
        small = _eight_bits(reduced(photograph, factor, blur=blur, antialias=antialias))
        for name, result in _upscaled(network, small).items():
            values = _measure(encoder, request.layers, result, photograph, factor)
            measured.setdefault(name, []).append(values)
    means = {
        name: tuple(statistics.fmean(column) for column in zip(*values, strict=True))
        for name, values in measured.items()
    }
    rows: list[Sequence[Cell]] = [(name, *values) for name, values in means.items()]
    count = len(request.photographs)
    bars: list[Bar] = []
    for index, layer in enumerate(request.layers, 2):
        ours, bicubic = means[_NETWORK][index], means["bicubic"][index]
        pairs = zip(measured[_NETWORK], measured["bicubic"], strict=True)
        better = sum(network[index] < other[index] for network, other in pairs)
        bars.append(
            Bar(
                f"{layer}: nearer to the photograph than bicubic interpolation",
                ours < bicubic,
                f"{ours:.4f} against {bicubic:.4f}; on {better} of {count} photographs",
            )
        )
    reduction = f"blurred with sigma {blur:g} and reduced bicubically"
    if antialias:
        reduction += ", antialiased"
    return BenchReport(
        name="upscale",
        columns=("method", "PSNR dB", "SSIM", *(f"distance {layer}" for layer in request.layers)),
        rows=rows,
        bars=bars,
        notes=(
            f"{manifest.id} {manifest.version}, x{factor}: means over {count} photographs.",
            f"They have at most {request.size} px a side, and were {reduction}.",
            f"PSNR and SSIM of 8-bit pictures on the Y channel, without a border of {factor} px.",
            f"Distance: squared difference of {request.encoder}'s features over their squares.",
        ),
    )


def _photograph(path: Path, size: int, factor: int) -> Tensor:
    """1 x 3 x H x W in 0..1; both sides multiples of the factor."""
    picture = load_picture(path)
    if max(picture.size) > size:
        picture = fit_long_side(picture, size)
    width, height = (side - side % factor for side in picture.size)
    if min(width, height) < _LEAST_SIDE:
        raise BenchError(f"photographs: {path} is too small; {_LEAST_SIDE} px a side are needed")
    return picture_tensor(picture.crop((0, 0, width, height))).contiguous()


def _upscaled(network: UpscalerNetwork, small: Tensor) -> dict[str, Tensor]:
    """A small picture, 1 x 3 x h x w, made large in every way, in 8 bits."""
    factor = network.spec.factor
    picture = tensor_picture(small[0])
    size = (factor * picture.width, factor * picture.height)
    results = {
        name: picture_tensor(picture.resize(size, method))
        for name, method in _INTERPOLATIONS.items()
    }
    for name, matched in ((_NETWORK, False), (_MATCHED, True)):
        layer = LayerTensors(small[0])
        color, _ = whole(upscale(network, layer, lambda _: None, match_histogram=matched))
        results[name] = _eight_bits(color[None])
    return results


@torch.no_grad()
def _measure(
    encoder: Encoder, layers: tuple[str, ...], result: Tensor, photograph: Tensor, factor: int
) -> tuple[float, ...]:
    inside = (..., slice(factor, -factor), slice(factor, -factor))
    ours, theirs = luma(result)[inside], luma(photograph)[inside]
    found, wanted = encoder(result, layers), encoder(photograph, layers)
    distances = [
        ((found[layer] - wanted[layer]).square().sum() / wanted[layer].square().sum()).item()
        for layer in layers
    ]
    return psnr(ours, theirs), ssim(ours, theirs), *distances


def _eight_bits(image: Tensor) -> Tensor:
    return picture_tensor(tensor_picture(image[0]))
