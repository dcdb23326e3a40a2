"""Photographs as training data: found, checked, and cut into random crops."""

from __future__ import annotations

import threading
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp"})


class PictureError(ValueError):
    """A picture or a folder of pictures that cannot be used; the message names it."""


@dataclass(frozen=True)
class FoundPhotographs:
    """The usable photographs of a folder, and why others were left out."""

    paths: tuple[Path, ...]
    skipped: tuple[str, ...]


def find_photographs(folder: Path) -> FoundPhotographs:
    """All pictures below ``folder`` that can be decoded, in a stable order.

    Corrupt files are named in ``skipped``. Raises `PictureError` where nothing usable is found.
    """
    if not folder.is_dir():
        raise PictureError(f"photographs: {folder} is not a folder")
    found: list[Path] = []
    skipped: list[str] = []
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in _SUFFIXES or not path.is_file():
            continue
        try:
            load_picture(path)
        except PictureError as error:
            skipped.append(str(error))
        else:
            found.append(path)
    if not found:
        detail = f"; {len(skipped)} damaged files were skipped" if skipped else ""
        raise PictureError(f"photographs: {folder} holds no usable picture{detail}")
    return FoundPhotographs(tuple(found), tuple(skipped))


def load_picture(path: Path) -> Image.Image:
    """Decode a whole picture as RGB, turned as its EXIF orientation says.

    Raises `PictureError` with the path.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                return ImageOps.exif_transpose(image).convert("RGB")
    except (
        OSError,
        SyntaxError,
        ValueError,
        UnidentifiedImageError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:
        raise PictureError(f"{path} is not a readable picture: {error}") from error


def picture_tensor(image: Image.Image) -> Tensor:
    """1 x 3 x H x W in 0..1, channels-last, from an RGB picture."""
    samples = torch.from_numpy(np.array(image))
    return samples.permute(2, 0, 1)[None].float().div(255)


def tensor_picture(image: Tensor) -> Image.Image:
    """An RGB picture from 3 x H x W in 0..1, rounded to 8 bits."""
    samples = image.detach().clamp(0, 1).mul(255).round().byte().permute(1, 2, 0)
    return Image.fromarray(samples.cpu().numpy())


def fit_long_side(image: Image.Image, size: int) -> Image.Image:
    """The picture scaled to ``size`` pixels on its longer side."""
    factor = size / max(image.size)
    width, height = (max(1, round(side * factor)) for side in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


class RandomCrops:
    """Random square crops of photographs; every batch is a pure function of seed and step.

    A photograph is scaled so that its shorter side is 1 to ``zoom`` times the crop, cut at a
    random place and mirrored half of the time. Without ``enlarge`` it is scaled up only where it is
    smaller than the crop. Decoded photographs are kept up to ``cache_bytes``.
    """

    def __init__(
        self,
        paths: tuple[Path, ...],
        crop: int,
        seed: int,
        *,
        zoom: float = 1.6,
        enlarge: bool = True,
        cache_bytes: int = 1 << 30,
    ) -> None:
        self._paths = paths
        self._crop = crop
        self._seed = seed
        self._zoom = zoom
        self._enlarge = enlarge
        self._cache: dict[Path, Image.Image] = {}
        self._room = cache_bytes
        self._lock = threading.Lock()

    def batch(self, step: int, size: int, rows: slice = slice(None)) -> Tensor:
        """The crops of one step: size x 3 x crop x crop in 0..1, channels-last.

        ``rows`` are the ones wanted of the ``size``, which decides all of them.
        """
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + step)
        drawn = [self._draw(generator) for _ in range(size)]
        crops = [self._cut(*place) for place in drawn[rows]]
        return torch.cat(crops).contiguous(memory_format=torch.channels_last)

    def _draw(self, generator: torch.Generator) -> tuple[int, list[float]]:
        """A photograph, and where to cut it."""
        index = int(torch.randint(len(self._paths), (), generator=generator))
        return index, torch.rand(4, generator=generator).tolist()

    def _cut(self, index: int, place: list[float]) -> Tensor:
        zoom, left, top, mirror = place
        image = self._load(self._paths[index])
        most = self._zoom
        if not self._enlarge:
            most = max(1.0, min(most, min(image.size) / self._crop))
        side = min(image.size) / (1 + zoom * (most - 1))
        x, y = left * (image.width - side), top * (image.height - side)
        crop = image.resize(
            (self._crop, self._crop), Image.Resampling.BICUBIC, box=(x, y, x + side, y + side)
        )
        return picture_tensor(ImageOps.mirror(crop) if mirror < 0.5 else crop)

    def _load(self, path: Path) -> Image.Image:
        with self._lock:
            cached = self._cache.get(path)
        if cached is not None:
            return cached
        image = load_picture(path)
        size = image.width * image.height * 3
        with self._lock:
            if size <= self._room and path not in self._cache:
                self._room -= size
                self._cache[path] = image
        return image
