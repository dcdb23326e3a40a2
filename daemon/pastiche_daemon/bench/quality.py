"""``pastiche bench quality``: a pack's losses against optimizing the picture itself.

The bar of Johnson et al., ECCV 2016, section 4.1: a forward pass should reach the objective that
some iterations of L-BFGS reach on the same photograph. The objective is the pack's own, from its
manifest, and every loss is taken of a picture, that is, of values in 0..1.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from pastiche_daemon.bench.report import Bar, BenchError, BenchReport, Cell
from pastiche_daemon.encoders import load_encoder
from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.objective import ObjectiveWeights, PerceptualObjective
from pastiche_daemon.nn.runtime import (
    channels_last,
    keep_freed_memory,
    prepare_for_inference,
    prepare_image,
)
from pastiche_daemon.nn.style_statistics import StyleStatistic, StyleTarget
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.manifest import Manifest
from pastiche_daemon.packs.network import load_network
from pastiche_daemon.photographs import (
    fit_long_side,
    load_picture,
    picture_tensor,
    tensor_picture,
)
from pastiche_daemon.training_run import style_id

_NOTES = (
    """L-BFGS: torch's, strong Wolfe, history 50, from the photograph; pixels free as in Gatys'
method and its re-implementations, the picture clamped when it is saved.""",
    """Projected: pixels clamped to 0..1 at every evaluation, a stronger optimizer than the
literature's; shown without a bar.""",
)

Range = Literal["free", "projected"]
_COLUMNS: dict[Range, str] = {"free": "L-BFGS {}", "projected": "L-BFGS {} projected"}


@dataclass(frozen=True)
class QualityRequest:
    """A pack, and what it was trained with: the encoder's weights and the paintings."""

    pack: Path
    encoder_weights: Path
    styles: tuple[Path, ...]
    photographs: tuple[Path, ...]
    size: int = 512
    iterations: int = 50
    projected: bool = True


def bench_quality(request: QualityRequest, report: Callable[[str], None]) -> BenchReport:
    """Mean losses of every style over the photographs, ``size`` px on the longer side.

    Raises `BenchError` where encoder or paintings are not those of the pack.
    """
    keep_freed_memory()
    pack = read_pack(request.pack)
    objective = PerceptualObjective(
        _encoder_of(pack.style_manifest, request.encoder_weights), _weights_of(pack.style_manifest)
    )
    network = prepare_for_inference(load_network(pack), torch.device("cpu"))
    paintings = _paintings_of(pack.style_manifest, request.styles)
    photographs = [
        picture_tensor(fit_long_side(load_picture(path), request.size)).contiguous()
        for path in request.photographs
    ]
    kinds: tuple[Range, ...] = ("free", "projected") if request.projected else ("free",)
    rows: list[Sequence[Cell]] = []
    bars: list[Bar] = []
    for index, style in enumerate(pack.style_manifest.styles):
        report(style.id)
        size = pack.style_manifest.native_stroke_size
        painting = picture_tensor(fit_long_side(load_picture(paintings[style.id]), size))
        targets = objective.style_targets(painting)
        losses: dict[str, list[float]] = {name: [] for name in ("photograph", "net", *kinds)}
        parts: list[tuple[float, float, float]] = []
        for photograph in photographs:
            goal = _Goal(objective, objective.content_targets(photograph), targets)
            mix = torch.eye(network.spec.styles)[index : index + 1]
            with torch.inference_mode():
                pastiche = network(prepare_image(network, photograph), mix).float()
            total, *terms = goal.evaluate(pastiche)
            losses["net"].append(total)
            parts.append((terms[0], terms[1], terms[2]))
            losses["photograph"].append(goal.evaluate(photograph)[0])
            for kind in kinds:
                optimized = optimize_pixels(goal, photograph, request.iterations, kind)
                losses[kind].append(goal.evaluate(optimized)[0])
        means = {name: statistics.fmean(values) for name, values in losses.items()}
        content, style_term, tv = (statistics.fmean(term) for term in zip(*parts, strict=True))
        rows.append(
            (
                style.id,
                means["photograph"],
                *(means[kind] for kind in kinds),
                means["net"],
                content,
                style_term,
                tv,
                means["net"] / means["free"],
            )
        )
        bars += [
            Bar(
                f"{style.id}: no higher than {request.iterations} iterations of L-BFGS",
                means["net"] <= means["free"],
                f"{means['net']:.4f} against {means['free']:.4f}",
            ),
            Bar(
                f"{style.id}: at most half of the untouched photograph's",
                means["net"] <= means["photograph"] / 2,
                f"{means['net']:.4f} against {means['photograph']:.4f}",
            ),
        ]
    iterations = request.iterations
    return BenchReport(
        name="quality",
        columns=(
            "style",
            "photograph",
            *(_COLUMNS[kind].format(iterations) for kind in kinds),
            "network",
            "content loss",
            "style loss",
            "tv loss",
            "network / L-BFGS",
        ),
        rows=rows,
        bars=bars,
        notes=(
            f"Mean total loss over {len(photographs)} photographs at {request.size} px.",
            "All losses are of 8-bit pictures.",
            *_NOTES,
        ),
    )


@dataclass(frozen=True)
class _Goal:
    objective: PerceptualObjective
    content: dict[str, Tensor]
    styles: dict[str, StyleTarget]

    def loss(self, image: Tensor) -> Tensor:
        return self.objective.losses(image, self.content, self.styles).total

    def evaluate(self, image: Tensor) -> tuple[float, float, float, float]:
        """Total, content, style and TV loss of the 8-bit picture that an image becomes."""
        picture = picture_tensor(tensor_picture(image[0]))
        with torch.no_grad():
            total, content, style, tv = self.objective.losses(picture, self.content, self.styles)
        return total.item(), content.item(), style.item(), tv.item()


def optimize_pixels(goal: _Goal, start: Tensor, iterations: int, kind: Range) -> Tensor:
    """The image after ``iterations`` of L-BFGS on its pixels (Gatys et al., CVPR 2016).

    ``free`` lets them leave 0..1 on the way; ``projected`` clamps them before every evaluation.
    """
    image = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [image],
        max_iter=iterations,
        max_eval=iterations * 25,
        history_size=50,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        if kind == "projected":
            with torch.no_grad():
                image.clamp_(0, 1)
        optimizer.zero_grad()
        loss = goal.loss(image)
        loss.backward()
        return loss

    optimizer.step(closure)  # pyright: ignore[reportArgumentType]
    return image.detach().clamp(0, 1)


def _weights_of(manifest: Manifest) -> ObjectiveWeights:
    training = manifest.training
    told = training.losses
    statistic = StyleStatistic()
    if told is not None:
        statistic = StyleStatistic(
            kind=told.style_statistic,
            distance=told.style_distance,
            normalization=told.style_normalization,
        )
    return ObjectiveWeights(
        content=training.weights["content"],
        style=training.weights["style"],
        tv=training.weights["tv"],
        tv_exponent=training.weights["tv_exponent"],
        content_layers=training.content_layers,
        style_layers=training.style_layers,
        content_distance="l2" if told is None else told.content_distance,
        content_normalization="johnson" if told is None else told.content_normalization,
        statistic=statistic,
    )


def _encoder_of(manifest: Manifest, path: Path) -> Encoder:
    loaded = load_encoder(manifest.training.encoder, path)
    if loaded.sha256 != manifest.training.encoder_sha256:
        raise BenchError(
            f"encoder weights: {path} is not the file that {manifest.id} was trained with "
            f"(sha256 {manifest.training.encoder_sha256[:12]}...)"
        )
    return channels_last(loaded.encoder)


def _paintings_of(manifest: Manifest, paths: Sequence[Path]) -> dict[str, Path]:
    found = {style_id(path): path for path in paths}
    missing = [style.id for style in manifest.styles if style.id not in found]
    if missing:
        raise BenchError(f"styles: no picture given for {', '.join(missing)}")
    return found
