"""Learning one more style: where it starts, what it trains, how long it takes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from pastiche_daemon.encoders import LoadedEncoder, load_encoder
from pastiche_daemon.learn import (
    LEAST_STEPS,
    MOST_STEPS,
    closest_start,
    one_style,
    timed_steps,
)
from pastiche_daemon.learn_run import (
    BUILT_IN_PHOTOGRAPHS,
    SAMPLE_SIZE,
    LearnRun,
    training_photographs,
)
from pastiche_daemon.learn_store import LearnRequest, TrainingFolder, TrainingStore
from pastiche_daemon.nn.encoder import Encoder
from pastiche_daemon.nn.objective import ObjectiveWeights, PerceptualObjective
from pastiche_daemon.nn.transformer import TransformerNetwork
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_network
from pastiche_daemon.training_losses import StepReport, read_losses
from pastiche_daemon.training_run import PREVIEW_SIZE
from pastiche_daemon.training_schedule import TrainingError
from tests.support.tiny_pack import tiny_manifest, tiny_network, write_tiny_pack
from tests.support.tiny_training import write_encoder, write_photographs

CPU = torch.device("cpu")


def load(tmp_path: Path) -> LoadedEncoder[Encoder]:
    path = tmp_path / "encoder.safetensors"
    return load_encoder("vgg19-quarter", path if path.exists() else write_encoder(path))


def make_folder(tmp_path: Path, **fields: object) -> TrainingFolder:
    """A training of a tiny pack's network."""
    base = tmp_path / "tiny.pastiche"
    if not base.exists():
        write_tiny_pack(base, license="CC-BY-4.0")
        write_photographs(tmp_path / "pictures", 3)
    pictures = [path.read_bytes() for path in sorted((tmp_path / "pictures").iterdir())]
    request = {
        "display_name": "Mine",
        "pack_id": "mine",
        "base_pack": "tiny",
        "steps": 8,
        "style_size": 64,
        "crop_size": 64,
        **fields,
    }
    return TrainingStore(tmp_path / "trainings").create(
        LearnRequest.model_validate(request), base, pictures[0], pictures[1:]
    )


def run_of(tmp_path: Path, folder: TrainingFolder) -> LearnRun:
    return LearnRun(folder, load(tmp_path), CPU)


def test_one_style_is_the_same_network_with_that_style_alone() -> None:
    base = tiny_network(tiny_manifest())
    image = torch.rand(1, 3, 20, 24)
    with torch.no_grad():
        for style in range(2):
            expected = base(image, torch.eye(2)[style][None])
            assert torch.equal(one_style(base, style)(image, torch.ones(1, 1)), expected)
        mixed = base(image, torch.full((1, 2), 0.5))
        assert torch.allclose(one_style(base, None)(image, torch.ones(1, 1)), mixed, atol=1e-6)


def test_the_start_is_the_candidate_of_the_least_loss(tmp_path: Path) -> None:
    """A style that a network paints already is its own closest one."""
    base = tiny_network(tiny_manifest())
    objective = PerceptualObjective(load(tmp_path).encoder, ObjectiveWeights(content=0, tv=0))
    crops = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for style in range(2):
            painted = base(crops[:1], torch.eye(2)[style][None])
            start = closest_start(base, objective, painted, crops)
            assert set(start.losses) == {None, 0, 1}
            assert start.losses[start.style] == min(start.losses.values())
            assert start.style == style
            assert start.network.spec.styles == 1


def test_only_conditional_networks_learn(tmp_path: Path) -> None:
    spec = replace(tiny_network(tiny_manifest()).spec, styles=1, norm="instance")
    objective = PerceptualObjective(load(tmp_path).encoder, ObjectiveWeights())
    crops = torch.rand(1, 3, 64, 64)
    with pytest.raises(TrainingError, match="base_pack: its norm is instance"):
        closest_start(TransformerNetwork(spec), objective, crops, crops)


@pytest.mark.parametrize("also_convolutions", [False, True])
def test_only_scales_and_shifts_are_trained_unless_all_is_asked_for(
    tmp_path: Path, also_convolutions: bool
) -> None:
    folder = make_folder(tmp_path, also_convolutions=also_convolutions, steps=3)
    run = run_of(tmp_path, folder)
    assert [step.report.step for step in run.steps()] == [1, 2, 3]
    learned = load_network(read_pack(run.finish()))
    base = load_network(read_pack(folder.base))
    assert learned.spec == replace(base.spec, styles=1)
    before = base.state_dict()
    for name, value in learned.state_dict().items():
        if name.endswith((".norm.scale", ".norm.shift")):
            assert not any(torch.equal(value[0], row) for row in before[name]), name
        else:
            assert torch.equal(value, before[name]) != also_convolutions, name


def test_the_loss_falls(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, steps=60)
    run = run_of(tmp_path, folder)
    losses = [step.report.style for step in run.steps()]
    assert sum(losses[-10:]) < 0.7 * sum(losses[:10])


def test_a_resumed_training_equals_an_uninterrupted_one(tmp_path: Path) -> None:
    whole = make_folder(tmp_path)
    for _ in run_of(tmp_path, whole).steps():
        pass
    halved = make_folder(tmp_path)
    first = run_of(tmp_path, halved)
    steps = first.steps()
    for _ in range(4):
        next(steps)
    steps.close()
    first.save()
    second = LearnRun(halved, load(tmp_path), CPU, start_style=first.start_style)
    assert second.step == 4
    for _ in second.steps():
        pass

    def rows(folder: TrainingFolder) -> list[StepReport]:
        return [row._replace(seconds=0) for row in read_losses(folder.run / "losses.csv")]

    assert rows(whole) == rows(halved)
    assert len(rows(whole)) == 8


def test_the_pack_tells_where_it_comes_from(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, artist="Anna", license="CC0-1.0", attribution="By Anna")
    run = run_of(tmp_path, folder)
    for _ in run.steps():
        pass
    pack = read_pack(run.finish())
    manifest = pack.style_manifest
    base = read_pack(folder.base).style_manifest
    assert (manifest.id, manifest.display_name) == ("mine", "Mine")
    assert (manifest.license, manifest.attribution) == ("CC-BY-4.0", base.attribution)
    style = manifest.styles[0]
    assert (style.id, style.artist, style.license) == ("mine", "Anna", "CC0-1.0")
    training = manifest.training
    assert "scales and shifts only" in training.command
    assert run.start_style in training.command
    assert any(note.startswith("base: tiny 1.0.0, sha256 ") for note in training.notes)
    assert "base licence: CC-BY-4.0" in training.notes
    assert training.dataset.startswith("2 photographs of the user's, and Pastiche's 5 built-in")
    assert (training.photographs, training.steps, training.crop_size) == (7, 8, 64)
    preview = pack.preview("mine")
    assert preview is not None
    for data, size in ((preview[0], PREVIEW_SIZE), (run.sample(), SAMPLE_SIZE)):
        with Image.open(io.BytesIO(data)) as picture:
            assert max(picture.size) == size


def test_the_built_in_photographs_stand_in_for_too_few() -> None:
    built_in = training_photographs(())
    assert len(built_in) == 5
    assert {path.parent for path in built_in} == {BUILT_IN_PHOTOGRAPHS}
    one = (Path("own.png"),)
    assert training_photographs(one) == (*one, *built_in)
    assert training_photographs(one * 8) == one * 8


def test_every_built_in_photograph_has_its_licence_told() -> None:
    told = (BUILT_IN_PHOTOGRAPHS / "README.md").read_text(encoding="utf-8")
    for path in training_photographs(()):
        assert f"`{path.name}`" in told


@dataclass
class _Config:
    steps: int
    decay: float = 0.3


@dataclass
class _Paced:
    """Stands for a training whose steps take as long as it says."""

    pace: list[float]
    config: _Config = field(default_factory=lambda: _Config(MOST_STEPS))

    def plan(self, steps: int) -> None:
        self.config = _Config(steps)

    def steps(self, *, checkpoint_seconds: float) -> Iterator[StepReport]:
        seconds, step = 0.0, 0
        while step < self.config.steps:
            seconds += self.pace[min(step, len(self.pace) - 1)]
            step += 1
            yield StepReport(step, 1, 0, 1, 0, 0, seconds)


@pytest.mark.parametrize(
    ("pace", "minutes", "low", "high"),
    [
        ([5.0, 1.0], 10, 590, 600),  # the first step, which loads, does not count
        ([0.001], 10, MOST_STEPS, MOST_STEPS),
        ([60.0], 1, LEAST_STEPS, LEAST_STEPS),
        ([1.0] * 100 + [2.0], 10, 320, 360),  # it gets slower on the way
        ([2.0] * 50 + [1.0], 10, 545, 555),  # or faster
    ],
)
def test_as_many_steps_as_fit_into_the_time(
    pace: list[float], minutes: float, low: int, high: int
) -> None:
    training = _Paced(pace)
    made = list(timed_steps(training, minutes * 60))  # pyright: ignore[reportArgumentType]
    assert low <= len(made) <= high
    assert made[-1].steps == len(made)
    assert made[-1].seconds_left == 0
    assert made[0].seconds_left is None
    # The learning rate must not begin to fall and then rise again.
    planned = [step.steps for step in made if step.report.step >= 0.7 * len(made)]
    assert set(planned) == {len(made)}


def test_a_number_of_steps_is_kept_whatever_the_time() -> None:
    training = _Paced([100.0], _Config(25))
    made = list(timed_steps(training, None))  # pyright: ignore[reportArgumentType]
    assert len(made) == 25
    assert made[0].steps == 25
    assert made[10].seconds_left == pytest.approx(14 * 100.0)
