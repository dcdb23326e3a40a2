"""Training data: found, checked and cut the same way every time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from pastiche_daemon.photographs import (
    PictureError,
    RandomCrops,
    find_photographs,
    fit_long_side,
    load_picture,
    picture_tensor,
    tensor_picture,
)


def write_picture(path, width=80, height=60, seed=0, **options):
    samples = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(samples).save(path, **options)
    return path


def test_corrupt_photographs_are_named_and_skipped(tmp_path):
    good = write_picture(tmp_path / "good.png")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    whole = write_picture(tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "notes.txt").write_text("not a photograph")
    found = find_photographs(tmp_path)
    assert found.paths == (good,)
    assert len(found.skipped) == 2
    assert any("broken.jpg" in reason for reason in found.skipped)
    assert any("cut.jpg" in reason for reason in found.skipped)


def test_a_folder_without_photographs_is_an_error(tmp_path):
    with pytest.raises(PictureError, match="no usable picture"):
        find_photographs(tmp_path)
    with pytest.raises(PictureError, match="not a folder"):
        find_photographs(tmp_path / "missing")
    (tmp_path / "broken.jpg").write_bytes(b"junk")
    with pytest.raises(PictureError, match="1 damaged"):
        find_photographs(tmp_path)


def test_exif_orientation_is_applied(tmp_path):
    image = Image.new("RGB", (40, 20), "red")
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert load_picture(tmp_path / "turned.jpg").size == (20, 40)


def test_pictures_and_tensors_round_trip(tmp_path):
    image = load_picture(write_picture(tmp_path / "a.png"))
    tensor = picture_tensor(image)
    assert tensor.shape == (1, 3, 60, 80)
    assert np.array_equal(np.asarray(tensor_picture(tensor[0])), np.asarray(image))


def test_long_side_fits():
    assert fit_long_side(Image.new("RGB", (100, 50)), 40).size == (40, 20)
    assert fit_long_side(Image.new("RGB", (3, 900)), 30).size == (1, 30)


def test_batches_are_functions_of_seed_and_step(tmp_path):
    paths = tuple(write_picture(tmp_path / f"{i}.png", seed=i) for i in range(3))
    crops = RandomCrops(paths, crop=32, seed=1)
    first = crops.batch(5, 4)
    assert first.shape == (4, 3, 32, 32)
    assert first.min() >= 0
    assert first.max() <= 1
    crops.batch(6, 4)
    assert torch.equal(crops.batch(5, 4), first)
    assert torch.equal(RandomCrops(paths, crop=32, seed=1, cache_bytes=0).batch(5, 4), first)
    assert not torch.equal(crops.batch(6, 4), first)
    assert not torch.equal(RandomCrops(paths, crop=32, seed=2).batch(5, 4), first)
