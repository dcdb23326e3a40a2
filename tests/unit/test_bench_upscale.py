"""``pastiche bench upscale``, and the measures that it takes."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from pastiche_daemon.bench.picture_quality import luma, psnr, ssim
from pastiche_daemon.cli.bench import upscale
from tests.support.tiny_pack import write_tiny_pack
from tests.support.tiny_training import write_encoder, write_photographs
from tests.support.tiny_upscaler import write_tiny_upscaler


def test_psnr_and_ssim_agree_with_scikit_image():
    random = torch.Generator().manual_seed(0)
    a = luma(torch.rand(1, 3, 40, 52, generator=random))
    b = (a + 12 * torch.randn(a.shape, generator=random, dtype=a.dtype)).clamp(0, 255)
    x, y = a[0, 0].numpy(), b[0, 0].numpy()
    assert psnr(a, b) == pytest.approx(peak_signal_noise_ratio(x, y, data_range=255))
    expected = structural_similarity(
        x, y, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
    )
    assert ssim(a, b) == pytest.approx(expected, abs=1e-9)
    assert psnr(a, a) == math.inf
    assert ssim(a, a) == pytest.approx(1)


def test_luma_goes_from_16_to_235():
    assert luma(torch.zeros(1, 3, 1, 1)).item() == pytest.approx(16)
    assert luma(torch.ones(1, 3, 1, 1)).item() == pytest.approx(235)
    rgb = np.array([[[200, 30, 90]]], np.uint8)
    pillow = np.asarray(Image.fromarray(rgb).convert("YCbCr"))[0, 0, 0]
    studio = 16 + 219 / 255 * pillow
    ours = luma(torch.from_numpy(rgb).permute(2, 0, 1)[None] / 255).item()
    assert ours == pytest.approx(studio, abs=1)


def test_the_table_has_every_method_and_the_bar_is_bicubic(tmp_path):
    photographs = write_photographs(tmp_path / "photos", 2)
    for path in photographs.iterdir():
        with Image.open(path) as picture:
            picture.resize((128, 96)).save(path)
    pack = write_tiny_upscaler(tmp_path / "tiny2.pastiche")
    weights = write_encoder(tmp_path / "encoder.safetensors")
    arguments = [
        *("--pack", str(pack), "--photo", str(photographs)),
        *("--encoder", "vgg19-quarter", "--encoder-weights", str(weights)),
        *("--layer", "relu2_2", "--json", str(tmp_path / "out.json")),
    ]
    result = CliRunner().invoke(upscale, arguments)
    assert result.exit_code == 1, result.output  # random weights are no good
    assert "MISSED: relu2_2" in result.output
    content = json.loads((tmp_path / "out.json").read_text())
    rows = {row[0]: row[1:] for row in content["rows"]}
    assert list(rows) == ["nearest", "bicubic", "Lanczos", "network", "network, histogram matched"]
    assert rows["bicubic"][0] > rows["network"][0]
    assert rows["bicubic"][2] < rows["network"][2]
    assert all(math.isfinite(value) for row in rows.values() for value in row)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--pack", "{}/styles.pastiche"), "is a pack of styles"),
        (("--photo", "{}/missing"), "does not exist"),
        (("--layer", "relu9_9"), "has no layer 'relu9_9'"),
        (("--photo", "{}/photos"), "photo0.png is too small"),
    ],
)
def test_what_cannot_be_measured_is_named(tmp_path, change, message):
    write_photographs(tmp_path / "photos", 1)
    write_tiny_pack(tmp_path / "styles.pastiche")
    arguments = {
        "--pack": str(write_tiny_upscaler(tmp_path / "tiny2.pastiche")),
        "--photo": str(tmp_path / "photos"),
        "--encoder": "vgg19-quarter",
        "--encoder-weights": str(write_encoder(tmp_path / "encoder.safetensors")),
        "--layer": "relu2_2",
    }
    arguments[change[0]] = change[1].format(tmp_path)
    result = CliRunner().invoke(upscale, [part for pair in arguments.items() for part in pair])
    assert result.exit_code == 1
    assert message in result.output.replace("\n", " ")
