"""``pastiche train-upscaler``: resumption, outputs, and what is refused before anything starts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from pastiche_daemon.checkpoints import CHECKPOINT
from pastiche_daemon.cli.train_upscaler import train_upscaler
from pastiche_daemon.nn.encoder import Encoder, encoder_specs
from pastiche_daemon.nn.upscaler import UpscalerSpec
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.errors import WrongPackKindError
from pastiche_daemon.packs.network import load_upscaler
from pastiche_daemon.photographs import RandomCrops
from pastiche_daemon.train_upscaler import (
    UpscalerTraining,
    UpscaleTrainConfig,
    UpscaleWeights,
)
from pastiche_daemon.training_schedule import TrainingError
from tests.support.tiny_training import write_encoder, write_photographs


def arguments_of(folder: Path, output: str, *extra: str) -> list[str]:
    """A tiny run in ``folder``, after writing what it needs."""
    if not (folder / "photos").exists():
        write_photographs(folder / "photos")
        write_encoder(folder / "encoder.safetensors")
    return [
        *("--photos", str(folder / "photos")),
        *("--encoder", "vgg19-quarter"),
        *("--encoder-weights", str(folder / "encoder.safetensors")),
        *("--output", str(folder / output)),
        *("--blocks", "1"),
        *("--end-kernel", "3"),
        *("--crop", "32"),
        *("--batch-size", "2"),
        *("--device", "cpu"),
        *extra,
    ]


def run(arguments: list[str]):
    return CliRunner().invoke(train_upscaler, arguments, catch_exceptions=False)


def test_training_makes_a_pack_with_provenance_samples_and_curves(tmp_path):
    arguments = arguments_of(tmp_path, "run", "--channels", "6,5,4", "--seed", "7")
    sample = str(tmp_path / "photos" / "photo0.png")
    extra = ("--steps", "6", "--sample-every", "3", "--sample", sample, "--least-blur", "0.5")
    result = run([*arguments, *extra, "--precision", "float32"])
    assert result.exit_code == 0, result.output
    pack = read_pack(tmp_path / "run" / "run.pastiche")
    manifest = pack.upscaler_manifest
    assert manifest.architecture.factor == 4
    assert manifest.architecture.channels == (6, 5, 4)
    assert list(manifest.styles) == []
    training = manifest.training
    assert (training.steps, training.seed, training.photographs) == (6, 7, 3)
    assert training.encoder_origin == "random weights for tests"
    assert training.content_layers == {"relu2_2": 1.0}
    assert (training.weights["blur_least"], training.weights["blur_largest"]) == (0.5, 1.0)
    assert "--least-blur 0.5" in training.command
    assert "--output" not in training.command
    with pytest.raises(WrongPackKindError, match="'run' makes layers larger and has no styles"):
        _ = pack.style_manifest
    large = load_upscaler(pack)(torch.rand(1, 3, 5, 7))
    assert large.shape == (1, 3, 20, 28)
    assert large.isfinite().all()
    with Image.open(tmp_path / "run" / "samples-000006.png") as samples:
        assert samples.width > samples.height
    with Image.open(tmp_path / "run" / "losses.png") as curves:
        assert curves.format == "PNG"


@pytest.mark.parametrize(
    ("factor", "switches"),
    [
        ("2", ("--norm", "batch", "--upsampling", "transposed", "--padding", "zero")),
        ("4", ("--no-antialias", "--pixel-distance", "l2", "--tv-weight", "0.1", "--blur", "0")),
        ("8", ("--network-output", "direct", "--upsampling", "nearest", "--norm", "batch")),
    ],
)
def test_every_factor_and_switch_trains_and_round_trips(tmp_path, factor, switches):
    widths = ",".join(["6"] * int(factor).bit_length())
    extra = ("--factor", factor, "--channels", widths, "--steps", "3", "--sample-every", "0")
    result = run(arguments_of(tmp_path, "run", *extra, *switches))
    assert result.exit_code == 0, result.output
    network = load_upscaler(read_pack(tmp_path / "run" / "run.pastiche"))
    saved = torch.load(tmp_path / "run" / CHECKPOINT, weights_only=True)["average"]
    for name, value in network.state_dict().items():
        assert torch.allclose(value, saved[name], atol=2e-3), name
    assert any(
        not torch.equal(value, torch.zeros_like(value)) for value in network.last.parameters()
    ), "nothing was learned"


@pytest.mark.parametrize(
    "weights",
    [
        UpscaleWeights(),
        UpscaleWeights(feature=0.0, pixel=1.0),
        UpscaleWeights(feature=0.0, pixel=1.0, pixel_distance="l1"),
    ],
)
def test_the_loss_falls_below_that_of_bicubic_interpolation(tmp_path, weights):
    """An untrained network is bicubic interpolation, so the first losses are its."""
    write_photographs(tmp_path / "photos", 1)
    config = UpscaleTrainConfig(
        UpscalerSpec(2, (6, 6), residual_blocks=1, end_kernel=3),
        weights,
        steps=150,
        batch_size=4,
        crop_size=48,
        learning_rate=0.005,
    )
    torch.manual_seed(0)
    shallow = ["conv1_1", "conv1_2", "conv2_1", "conv2_2"]
    encoder = Encoder(encoder_specs()["vgg19-quarter"].truncated(shallow))
    paths = tuple(sorted((tmp_path / "photos").iterdir()))
    crops = RandomCrops(paths, config.crop_size, 0, zoom=1.0)
    cpu = torch.device("cpu")
    training = UpscalerTraining(
        config, encoder, crops, tmp_path / "run", fingerprint={}, device=cpu
    )
    totals = [report.total for report in training.steps()]
    assert sum(totals[-20:]) < 0.7 * sum(totals[:20])
    assert all(report.tv == 0 for report in training.history)


def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    """A real process, killed with SIGKILL in the middle, twice."""
    extra = ("--channels", "4,4,4", "--steps", "50", "--checkpoint-minutes", "0")
    extra = (*extra, "--sample-every", "0")
    command = [sys.executable, "-m", "pastiche_daemon", "train-upscaler"]
    whole = arguments_of(tmp_path, "whole", *extra)
    subprocess.run([*command, *whole], check=True, capture_output=True)
    folder = tmp_path / "killed"
    arguments = arguments_of(tmp_path, "killed", *extra)
    for resume, steps in ((False, 8), (True, 20)):
        process = subprocess.Popen(
            [*command, *arguments, *(["--resume"] if resume else [])],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            wait_for_steps(folder, steps, process)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
        assert process.returncode == -signal.SIGKILL, "the training ended before it was killed"
    assert 20 <= steps_of(folder) < 50
    assert not list(folder.glob("*.pastiche"))
    subprocess.run([*command, *arguments, "--resume"], check=True, capture_output=True)
    killed, uninterrupted = (
        torch.load(tmp_path / name / CHECKPOINT, weights_only=True) for name in ("killed", "whole")
    )
    # All but the time.
    assert [row[:-1] for row in killed["history"]] == [row[:-1] for row in uninterrupted["history"]]
    resumed, expected = (
        read_pack(tmp_path / name / f"{name}.pastiche").weights() for name in ("killed", "whole")
    )
    for name, value in expected.items():
        assert torch.equal(resumed[name], value), name


def steps_of(folder: Path) -> int:
    if not (folder / CHECKPOINT).exists():
        return 0
    return int(torch.load(folder / CHECKPOINT, weights_only=True)["step"])


def wait_for_steps(folder: Path, steps: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        if steps_of(folder) >= steps:
            return
        if process.poll() is not None:
            assert process.stderr is not None
            raise AssertionError(process.stderr.read().decode())
        time.sleep(0.01)
    raise AssertionError(f"no {steps} steps within five minutes")


def test_only_the_steps_and_the_weights_may_change_and_are_noted(tmp_path):
    widths = ("--channels", "4,4,4", "--sample-every", "0")
    assert run(arguments_of(tmp_path, "run", *widths, "--steps", "2")).exit_code == 0
    again = run(arguments_of(tmp_path, "run", *widths, "--steps", "2"))
    assert again.exit_code == 1
    assert "--resume" in again.output
    more = (*widths, "--steps", "4", "--pixel-weight", "0.5", "--resume")
    result = run(arguments_of(tmp_path, "run", *more))
    assert result.exit_code == 0, result.output
    notes = read_pack(tmp_path / "run" / "run.pastiche").manifest.training.notes
    assert notes == ["changed at step 2: steps 2 -> 4, pixel weight 1 -> 0.5"]
    other = run(arguments_of(tmp_path, "run", *more, "--blur", "2"))
    assert other.exit_code == 1
    assert "belongs to another training" in other.output.replace("\n", " ")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--factor", "3"), "'3' is not one of"),
        (("--channels", "4,4"), "expected 3 widths for the factor 4"),
        (("--channels", "4,x,4"), "expected 3 widths"),
        (("--crop", "34"), "crop_size must be a multiple of the factor, 4"),
        (("--end-kernel", "4"), "end_kernel must be odd"),
        (("--feature-layer", "relu9_9"), "has no layer 'relu9_9'"),
        (("--feature-layer", "relu2_2:-1"), "layers.relu2_2 weight"),
        (("--feature-weight", "0", "--pixel-weight", "0"), "feature and pixel weights are both 0"),
        (("--pixel-weight", "nan"), "pixel weight"),
        (("--tv-weight", "-1"), "tv weight"),
        (("--blur", "0.5", "--least-blur", "1"), "blur must be numbers"),
        (("--photos", "{}/missing"), "not a folder"),
        (("--encoder-weights", "{}/missing.safetensors"), "does not exist"),
        (("--sample", "{}/missing.png"), "missing.png"),
        (("--about", "{}/about.toml"), "license"),
        (("--learning-rate", "-1"), "learning_rate"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path, change, message):
    (tmp_path / "about.toml").write_text('id = "x"\ndisplay_name = "X"\nlicense = "a/b"\n')
    arguments = arguments_of(tmp_path, "run", "--steps", "1")
    result = run([*arguments, *(part.format(tmp_path) for part in change)])
    assert result.exit_code != 0
    assert message in result.output.replace("\n", " ")
    assert not (tmp_path / "run").exists()


def test_impossible_configurations_are_named():
    with pytest.raises(TrainingError, match="shift"):
        UpscaleTrainConfig(UpscalerSpec(), UpscaleWeights(), shift=200)
