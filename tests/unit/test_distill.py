"""``pastiche distill-encoder``: learning, resumption, the file it writes, refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from safetensors import safe_open

from pastiche_daemon.cli.distill_encoder import distill_encoder
from pastiche_daemon.distill import gram_cosine, relative_error
from pastiche_daemon.encoders import load_encoder
from pastiche_daemon.nn.losses import gram_matrix
from pastiche_daemon.photographs import fit_long_side, load_picture, picture_tensor
from tests.support.tiny_training import write_encoder, write_photographs


def arguments(folder: Path, output: str, *extra: str) -> list[str]:
    if not (folder / "photos").exists():
        write_photographs(folder / "photos")
        write_encoder(folder / "teacher.safetensors")
    return [
        *("--photos", str(folder / "photos")),
        *("--teacher", f"vgg19-quarter:{folder / 'teacher.safetensors'}:relu1_1,relu2_1"),
        *("--output", str(folder / output)),
        *("--crop", "64"),
        *("--batch-size", "1"),
        *("--precision", "float32"),
        *extra,
    ]


def run(arguments: list[str]):
    return CliRunner().invoke(distill_encoder, arguments, catch_exceptions=False)


def test_the_student_learns_and_its_file_says_from_whom(tmp_path):
    photo = str(tmp_path / "photos" / "photo0.png")
    result = run(arguments(tmp_path, "run", "--steps", "25", "--held-out", photo))
    assert result.exit_code == 0, result.output
    path = tmp_path / "run" / "compact.safetensors"
    with (tmp_path / "run" / "losses.csv").open(newline="") as file:
        losses = [float(row[1]) for row in csv.reader(file)]
    assert len(losses) == 25
    assert sum(losses[-5:]) < 0.7 * sum(losses[:5])
    assert path.stat().st_size < 4_000_000
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    with safe_open(path.with_name("compact-heads.safetensors"), framework="pt") as file:
        heads, bias = file.get_tensor("aux2_1.weight"), file.get_tensor("aux2_1.bias")
        assert file.metadata() == metadata
    provenance = json.loads(metadata["provenance"])
    assert provenance["steps"] == 25
    assert provenance["teachers"][0]["encoder"] == "vgg19-quarter"
    assert "random weights for tests" in metadata["origin"]
    assert set(provenance["gram_cosines"]) == {"relu1_1", "relu2_1"}
    encoder = load_encoder("compact", path).encoder
    assert json.loads(metadata["channels"]) == [list(block) for block in encoder.spec.blocks]
    # What the file holds is what was measured: heads on its channels, within half precision.
    teacher = load_encoder("vgg19-quarter", tmp_path / "teacher.safetensors").encoder
    image = picture_tensor(fit_long_side(load_picture(Path(photo)), 512))
    felt = encoder(image, ["relu2_1"])["relu2_1"]
    encoder.metrics.clear()
    features = encoder(image, ["relu2_1"])["relu2_1"]
    predicted = torch.nn.functional.conv2d(features, heads.float(), bias.float())
    target = teacher(image, ["relu2_1"])["relu2_1"]
    measured = provenance["gram_cosines"]["relu2_1"]
    assert 0.3 < measured < 1
    assert gram_cosine(predicted, target).item() == pytest.approx(measured, abs=2e-3)
    # And what it gives out is as large as what the heads predict, in the teacher's mean.
    sizes = [maps.square().mean(1) for maps in (felt, predicted - bias.float()[:, None, None])]
    ratios = (sizes[0] / sizes[1]).sqrt()
    assert ratios.std() < 0.02 * ratios.mean()
    assert ratios.mean().item() == pytest.approx(1 / target.mean().item(), rel=0.3)


def test_resumed_equals_uninterrupted(tmp_path):
    assert run(arguments(tmp_path, "whole", "--steps", "4")).exit_code == 0
    assert run(arguments(tmp_path, "parts", "--steps", "2")).exit_code == 0
    refused = run(arguments(tmp_path, "parts", "--steps", "4"))
    assert refused.exit_code == 1
    assert "--resume" in refused.output
    other = run(arguments(tmp_path, "parts", "--steps", "4", "--seed", "1", "--resume"))
    assert other.exit_code == 1
    assert "another training" in other.output
    # The learning rate depends on the planned steps, so the losses of the first two do not.
    assert run(arguments(tmp_path, "parts", "--steps", "4", "--resume")).exit_code == 0
    logs = []
    for name in ("whole", "parts"):
        with (tmp_path / name / "losses.csv").open(newline="") as file:
            logs.append([row[1] for row in csv.reader(file)])
    assert logs[0][0] == logs[1][0]
    assert len(logs[1]) == 4


@pytest.mark.parametrize(
    ("teacher", "message"),
    [
        ("vgg19-quarter:nothing.safetensors:relu1_1", "does not exist"),
        ("vgg19-quarter", "NAME:FILE:LAYERS"),
        ("vgg99:nothing.safetensors:relu1_1", "there is no 'vgg99'"),
        ("vgg19-quarter:{}:relu9_1", "no layer 'relu9_1'"),
        ("vgg19-quarter:{}:relu1_1", "two of them teach relu1_1"),
        ("vgg19-quarter:{}:pool1", "no conv or relu layer"),
    ],
)
def test_teachers_that_cannot_teach_are_named(tmp_path, teacher, message):
    base = arguments(tmp_path, "run")
    result = run([*base, "--teacher", teacher.format(tmp_path / "teacher.safetensors")])
    assert result.exit_code != 0
    assert message in result.output.replace("\n", " ")
    assert not (tmp_path / "run").exists()


def test_measures_equal_their_equations():
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(1, 3, 4, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    expected = ((a - b) ** 2).sum() / (b**2).sum()
    torch.testing.assert_close(relative_error(a, b), expected)
    grams = [gram_matrix(x, "none")[0] for x in (a, b)]
    cosine = (grams[0] * grams[1]).sum() / (grams[0].norm() * grams[1].norm())
    torch.testing.assert_close(gram_cosine(a, b)[0], cosine)
    torch.testing.assert_close(gram_cosine(a, 2 * a), torch.ones(1, dtype=torch.float64))
