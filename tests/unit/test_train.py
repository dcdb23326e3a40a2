"""``pastiche train``: resumption, outputs, and what is refused before anything starts."""

from __future__ import annotations

import csv
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
from safetensors.torch import load_file, save_file

from pastiche_daemon.cli.train import train
from pastiche_daemon.nn.objective import ObjectiveWeights
from pastiche_daemon.nn.transformer import TransformerSpec
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_network
from pastiche_daemon.train import TrainConfig, choose_styles
from pastiche_daemon.training_losses import LOSSES, read_losses
from pastiche_daemon.training_schedule import TrainingError
from tests.support.tiny_training import training_arguments


def run(arguments: list[str]):
    return CliRunner().invoke(train, arguments[1:], catch_exceptions=False)


def losses_of(folder: Path) -> list[list[str]]:
    """All logged values but the time."""
    with (folder / LOSSES).open(newline="") as file:
        return [row[:-1] for row in csv.reader(file)]


def test_training_makes_a_pack_with_provenance_samples_and_curves(tmp_path):
    photo = str(tmp_path / "photos" / "photo0.png")
    extra = ("--steps", "6", "--sample-every", "3", "--seed", "7", "--sample", photo)
    result = run(training_arguments(tmp_path, "run", *extra))
    assert result.exit_code == 0, result.output
    run_folder = tmp_path / "run"
    pack = read_pack(run_folder / "run.pastiche")
    training = pack.manifest.training
    assert [style.id for style in pack.manifest.styles] == ["photo0", "photo1"]
    assert (training.steps, training.seed, training.photographs) == (6, 7, 3)
    assert training.encoder == "vgg19-quarter"
    assert training.encoder_origin == "random weights for tests"
    assert "--seed 7" in training.command
    assert "--output" not in training.command
    assert len(training.style_sha256) == 2
    preview = pack.preview("photo1")
    assert preview is not None
    network = load_network(pack)
    out = network(torch.rand(1, 3, 16, 16), torch.tensor([[1.0, 0.0]]))
    assert out.isfinite().all()
    with Image.open(run_folder / "samples-000006.jpg") as samples:
        assert samples.width > samples.height
    with Image.open(run_folder / "losses.png") as curves:
        assert curves.format == "PNG"
    assert [report.step for report in read_losses(run_folder / LOSSES)] == [1, 2, 3, 4, 5, 6]


def test_the_loss_falls(tmp_path):
    extra = ("--steps", "60", "--learning-rate", "0.01", "--sample-every", "0")
    result = run(training_arguments(tmp_path, "run", *extra))
    assert result.exit_code == 0, result.output
    totals = [report.total for report in read_losses(tmp_path / "run" / LOSSES)]
    assert sum(totals[-10:]) < 0.7 * sum(totals[:10])


def test_killed_and_resumed_equals_uninterrupted(tmp_path):
    """A real process, killed with SIGKILL in the middle, twice."""
    extra = ("--steps", "40", "--checkpoint-minutes", "0", "--sample-every", "0")
    command = [sys.executable, "-m", "pastiche_daemon"]
    whole = training_arguments(tmp_path, "whole", *extra)
    subprocess.run([*command, *whole], check=True, capture_output=True)
    folder = tmp_path / "killed"
    arguments = training_arguments(tmp_path, "killed", *extra)
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
    assert 20 <= len(read_losses(folder / LOSSES)) < 40
    subprocess.run([*command, *arguments, "--resume"], check=True, capture_output=True)
    assert losses_of(folder) == losses_of(tmp_path / "whole")
    resumed, uninterrupted = (
        read_pack(tmp_path / name / f"{name}.pastiche").weights() for name in ("killed", "whole")
    )
    for name, value in uninterrupted.items():
        assert torch.equal(resumed[name], value), name


def wait_for_steps(folder: Path, steps: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if (folder / LOSSES).exists() and len(read_losses(folder / LOSSES)) >= steps:
            return
        if process.poll() is not None:
            assert process.stderr is not None
            raise AssertionError(process.stderr.read().decode())
        time.sleep(0.01)
    raise AssertionError(f"no {steps} steps within two minutes")


def test_an_encoder_that_was_added_needs_no_file(tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.setenv("PASTICHE_HOME", str(home))
    arguments = training_arguments(tmp_path, "run", "--steps", "1")
    place = arguments.index("--encoder-weights")
    file = Path(arguments[place + 1])
    del arguments[place : place + 2]
    result = run(arguments)
    assert result.exit_code == 1
    assert "pastiche encoders add vgg19-quarter FILE" in result.output
    (home / "encoders").mkdir(parents=True)
    file.rename(home / "encoders" / "vgg19-quarter.safetensors")
    assert run(arguments).exit_code == 0


def test_a_started_training_is_neither_overwritten_nor_mixed_up(tmp_path):
    steps = ("--steps", "2", "--sample-every", "0")
    assert run(training_arguments(tmp_path, "run", *steps)).exit_code == 0
    again = run(training_arguments(tmp_path, "run", *steps))
    assert again.exit_code == 1
    assert "--resume" in again.output
    other = run(training_arguments(tmp_path, "run", *steps, "--resume", "--seed", "5"))
    assert other.exit_code == 1
    assert "seed: 0 then, 5 now" in other.output.replace("\n", " ")
    nothing = run(training_arguments(tmp_path, "new", *steps, "--resume"))
    assert nothing.exit_code == 1
    assert "no checkpoint" in nothing.output
    assert not (tmp_path / "new").exists()


def test_changed_steps_and_loss_weights_are_noted(tmp_path):
    assert run(training_arguments(tmp_path, "run", "--steps", "2")).exit_code == 0
    result = run(
        training_arguments(tmp_path, "run", "--steps", "4", "--tv-weight", "5", "--resume")
    )
    assert result.exit_code == 0, result.output
    notes = read_pack(tmp_path / "run" / "run.pastiche").manifest.training.notes
    assert notes == ["changed at step 2: steps 2 -> 4, tv weight 2 -> 5"]


def test_an_emphasis_may_change_and_is_noted(tmp_path):
    assert run(training_arguments(tmp_path, "run", "--steps", "2")).exit_code == 0
    more = ("--steps", "4", "--emphasis", "photo1:3", "--resume")
    result = run(training_arguments(tmp_path, "run", *more))
    assert result.exit_code == 0, result.output
    notes = read_pack(tmp_path / "run" / "run.pastiche").manifest.training.notes
    assert notes == ["changed at step 2: steps 2 -> 4, emphasis none -> 1 3"]
    unknown = run(training_arguments(tmp_path, "new", "--emphasis", "foto1:3"))
    assert unknown.exit_code == 1
    assert "no style is called foto1; there are photo0, photo1" in unknown.output


def test_an_emphasised_style_is_trained_more_often():
    spec = TransformerSpec(styles=3)
    config = TrainConfig(spec, ObjectiveWeights(), batch_size=3000, emphasis=(1, 4, 1))
    chosen = choose_styles(config, torch.Generator().manual_seed(0))
    shares = torch.bincount(chosen, minlength=3) / 3000
    assert torch.allclose(shares, torch.tensor([1 / 6, 4 / 6, 1 / 6]), atol=0.03)


def test_layers_of_the_losses_can_be_chosen(tmp_path):
    layers = (
        "--content-layer",
        "relu3_1:0.5",
        "--style-layer",
        "relu1_1",
        "--style-layer",
        "conv2_2:3",
    )
    result = run(training_arguments(tmp_path, "run", "--steps", "1", *layers))
    assert result.exit_code == 0, result.output
    training = read_pack(tmp_path / "run" / "run.pastiche").manifest.training
    assert training.content_layers == {"relu3_1": 0.5}
    assert training.style_layers == {"relu1_1": 1.0, "conv2_2": 3.0}


def test_corrupt_photographs_are_named_and_the_rest_is_used(tmp_path):
    arguments = training_arguments(tmp_path, "run", "--steps", "1")
    (tmp_path / "photos" / "broken.jpg").write_bytes(b"junk")
    result = run(arguments)
    assert result.exit_code == 0, result.output
    assert "broken.jpg" in result.output
    assert "3 photographs" in result.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--style", "{}/encoder.safetensors"), "encoder.safetensors is not a readable picture"),
        (("--style", "{}/missing.png"), "missing.png does not exist"),
        (("--photos", "{}/empty"), "no usable picture"),
        (("--photos", "{}/missing"), "not a folder"),
        (("--encoder-weights", "{}/missing.safetensors"), "does not exist"),
        (("--encoder", "vgg99"), "vgg99"),
        (("--sample", "{}/missing.png"), "missing.png"),
        (("--about", "{}/missing.toml"), "missing.toml"),
        (("--about", "{}/about.toml"), "license"),
        (("--encoder-weights", "{}/short.safetensors"), "has no layer 'relu4_2'"),
        (("--device", "abacus"), "--device: 'abacus' cannot be used"),
        (("--device", "cuda:99"), "--device: 'cuda:99' cannot be used"),
        (("--checkpoint-minutes", "nan"), "--checkpoint-minutes"),
        (("--learning-rate", "-1"), "learning_rate"),
        (("--channels", "1,2"), "three widths"),
        (("--content-weight", "nan"), "content"),
        (("--content-layer", "relu9_9"), "has no layer 'relu9_9'"),
        (("--style-layer", "relu1_1:much"), "no number"),
        (("--style-layer", "relu1_1:-2"), "style_layers.relu1_1"),
        (("--style-weight", "-1"), "style"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path, change, message):
    option, value = change
    (tmp_path / "empty").mkdir()
    (tmp_path / "about.toml").write_text('id = "x"\ndisplay_name = "X"\nlicense = "a/b"\n')
    arguments = training_arguments(tmp_path, "run", "--steps", "1", option, value.format(tmp_path))
    state = load_file(tmp_path / "encoder.safetensors")
    shallow = {key: value for key, value in state.items() if not key.startswith("conv4")}
    save_file(shallow, tmp_path / "short.safetensors")
    result = run(arguments)
    assert result.exit_code != 0
    assert message in result.output.replace("\n", " ")
    assert not (tmp_path / "run").exists()


def test_learning_rate_is_constant_and_then_falls_to_zero():
    config = TrainConfig(TransformerSpec(), ObjectiveWeights(), steps=100, decay=0.3)
    rates = [config.learning_rate_at(step) for step in range(101)]
    assert set(rates[:71]) == {1e-3}
    assert rates[71:] == sorted(rates[71:], reverse=True)
    assert rates[85] == pytest.approx(0.5e-3)
    assert rates[100] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    "values",
    [
        {"shift": 200},
        {"steps": 0},
        {"batch_size": 0},
        {"crop_size": 8},
        {"decay": 2.0},
        {"average": 1.0},
        {"emphasis": (1.0, 2.0)},
        {"emphasis": (0.0,)},
    ],
)
def test_impossible_configurations_are_named(values):
    with pytest.raises(TrainingError, match=next(iter(values))):
        TrainConfig(TransformerSpec(), ObjectiveWeights(), **values)
