"""The switches of ``pastiche train``: each trains, and round-trips through a pack."""

from __future__ import annotations

import json
from dataclasses import replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812
from click.testing import CliRunner

from pastiche_daemon.checkpoints import CHECKPOINT
from pastiche_daemon.cli.train import train
from pastiche_daemon.cli.training_options import PRESETS, switches
from pastiche_daemon.encoders import load_encoder
from pastiche_daemon.nn.objective import PerceptualObjective
from pastiche_daemon.nn.transformer import TransformerNetwork
from pastiche_daemon.packs.archive import Pack, read_pack
from pastiche_daemon.packs.manifest import Manifest
from pastiche_daemon.packs.network import load_network, spec_of
from pastiche_daemon.training_losses import LOSSES, read_losses
from pastiche_daemon.training_presets import OURS, training_presets
from pastiche_daemon.training_run import with_styles
from tests.support.architectures import picture, seeded_network, small
from tests.support.tiny_training import training_arguments, write_vgg16


def run(arguments: list[str], code: int = 0) -> str:
    result = CliRunner().invoke(train, arguments[1:], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def one_style(folder: Path, output: str, *extra: str) -> list[str]:
    arguments = training_arguments(folder, output, *extra)
    arguments[arguments.index("--style") + 1] = str(folder / "styles" / "photo0.png")
    return arguments


def pack_of(folder: Path) -> tuple[Pack, Manifest]:
    pack = read_pack(folder / f"{folder.name}.pastiche")
    assert isinstance(pack.manifest, Manifest)
    return pack, pack.manifest


def test_the_help_tells_the_defaults_and_every_preset() -> None:
    presets = training_presets()
    assert tuple(presets) == PRESETS
    assert PRESETS[0] == OURS
    for switch in switches():
        value = attrgetter(switch.field)(presets[OURS].config)
        if switch.several:
            assert set(value.values()) == {1.0}
            value = ", ".join(value)
        elif isinstance(value, tuple):
            value = ",".join(str(part) for part in value)
        else:
            value = f"{value:g}" if isinstance(value, float) else str(value)
        assert switch.default == value, switch.option


@pytest.mark.parametrize(
    ("option", "value", "field"),
    [
        ("--upsampling", "transposed", "spec.upsampling"),
        ("--upsampling", "nearest", "spec.upsampling"),
        ("--upsampling", "bilinear", "spec.upsampling"),
        ("--norm", "batch", "spec.norm"),
        ("--norm", "instance", "spec.norm"),
        ("--norm", "conditional_instance", "spec.norm"),
        ("--padding", "zero", "spec.padding"),
        ("--padding", "reflect", "spec.padding"),
        ("--network-output", "tanh", "spec.output"),
        ("--network-output", "sigmoid", "spec.output"),
        ("--network-output", "linear", "spec.output"),
        ("--value-range", "0..255", "spec.value_range"),
        ("--blocks", "2", "spec.residual_blocks"),
        ("--content-distance", "l1", "losses.content_distance"),
        ("--content-normalization", "gatys", "losses.content_normalization"),
        ("--style-distance", "l1", "losses.style_distance"),
        ("--style-statistic", "mmd-linear", "losses.style_statistic"),
        ("--style-statistic", "mmd-polynomial", "losses.style_statistic"),
        ("--style-statistic", "mmd-gaussian", "losses.style_statistic"),
        ("--style-statistic", "moments", "losses.style_statistic"),
        ("--style-statistic", "wasserstein", "losses.style_statistic"),
        ("--style-normalization", "johnson", "losses.style_normalization"),
        ("--style-normalization", "gatys", "losses.style_normalization"),
        ("--style-normalization", "none", "losses.style_normalization"),
        ("--tv-exponent", "1", "weights.tv_exponent"),
        ("--tv-weight", "0.5", "weights.tv"),
    ],
)
def test_every_switch_trains_and_is_told_by_the_pack(
    tmp_path: Path, option: str, value: str, field: str
) -> None:
    precision = "bfloat16" if field.startswith("spec.") else "float32"
    extra = ("--steps", "3", "--sample-every", "0", "--precision", precision, option, value)
    run(one_style(tmp_path, "run", *extra))
    losses = [report.total for report in read_losses(tmp_path / "run" / LOSSES)]
    assert len(losses) == 3
    pack, manifest = pack_of(tmp_path / "run")
    assert f"{option} {value}" in manifest.training.command
    network = load_network(pack)
    with torch.no_grad():
        pastiche = network(picture(), torch.ones(1, 1))
    assert pastiche.isfinite().all()
    assert pastiche.aminmax().min >= 0
    assert pastiche.aminmax().max <= 1
    section, _, name = field.partition(".")
    if section == "spec":
        found: Any = getattr(spec_of(manifest), name)
    elif section == "losses":
        found = getattr(manifest.training.losses, name)
    else:
        found = manifest.training.weights[name]
    assert str(found) == value or float(found) == float(value)


def test_batch_norm_is_trained_on_the_batch_and_kept_with_its_statistics(tmp_path: Path) -> None:
    run(one_style(tmp_path, "run", "--steps", "3", "--norm", "batch"))
    weights = pack_of(tmp_path / "run")[0].weights()
    variance = weights["down.0.norm.running_variance"]
    assert variance.dtype == torch.float32
    assert not torch.equal(variance, torch.ones_like(variance))
    refused = run(training_arguments(tmp_path, "two", "--steps", "1", "--norm", "batch"), 1)
    assert "norm: batch is for one style, and there are 2" in refused
    assert not (tmp_path / "two").exists()


@pytest.mark.parametrize("name", [name for name in PRESETS if name != OURS])
def test_presets_train_as_published_but_for_what_is_given_beside_them(
    tmp_path: Path, name: str
) -> None:
    preset = training_presets()[name]
    encoder = write_vgg16(tmp_path / "vgg16.safetensors")
    extra = ("--like", name, "--steps", "2", "--encoder", "vgg16", "--encoder-weights")
    told = run(one_style(tmp_path, "run", *extra, str(encoder)))
    assert f"Like {name}: {preset.about}." in told
    _, manifest = pack_of(tmp_path / "run")
    expected = replace(preset.config.spec, channels=(4, 6, 8), residual_blocks=1)
    assert spec_of(manifest) == expected
    training = manifest.training
    assert training.losses is not None
    assert training.losses.like == name
    assert training.content_layers == preset.config.weights.content_layers
    assert training.style_layers == preset.config.weights.style_layers
    assert (training.steps, training.batch_size) == (2, 2)
    assert training.weights["content"] == preset.config.weights.content


def test_the_preset_of_pytorchs_examples_has_their_loss(tmp_path: Path) -> None:
    """As neural_style.py takes it, from images in 0..255 and torchvision's normalization."""
    encoder = load_encoder("vgg16", write_vgg16(tmp_path / "vgg16.safetensors")).encoder
    goal = PerceptualObjective(encoder, training_presets()["pytorch-examples"].config.weights)
    pastiche, content, style = torch.rand(3, 2, 3, 32, 32).unbind()
    got = goal.losses(pastiche, goal.content_targets(content), goal.style_targets(style[:1]))

    layers = ["relu1_2", "relu2_2", "relu3_3", "relu4_3"]

    def gram(y: torch.Tensor) -> torch.Tensor:
        n, c, h, w = y.size()
        features = y.view(n, c, w * h)
        return features.bmm(features.transpose(1, 2)) / (c * h * w)

    of_pastiche, of_content = encoder(pastiche, layers), encoder(content, layers)
    of_style = encoder(style[:1], layers)
    content_loss = 1e5 * F.mse_loss(of_pastiche["relu2_2"], of_content["relu2_2"])
    style_loss = torch.zeros(())
    for layer in layers:
        wanted = gram(of_style[layer]).expand(2, -1, -1)
        style_loss = style_loss + F.mse_loss(gram(of_pastiche[layer].contiguous()), wanted)
    torch.testing.assert_close(got.content, content_loss, rtol=1e-4, atol=0)
    torch.testing.assert_close(got.style, 1e10 * style_loss, rtol=1e-4, atol=0)


def test_a_training_starts_from_a_pack_and_notes_it(tmp_path: Path) -> None:
    run(training_arguments(tmp_path, "first", "--steps", "3"))
    start = tmp_path / "first" / "first.pastiche"
    arguments = one_style(tmp_path, "second", "--steps", "1", "--learning-rate", "1e-12")
    for option in ("--channels", "--blocks"):
        place = arguments.index(option)
        del arguments[place : place + 2]
    run([*arguments, "--start-from", str(start)])
    first, second = load_network(read_pack(start)), load_network(pack_of(tmp_path / "second")[0])
    for name, value in second.state_dict().items():
        expected = first.state_dict()[name]
        # Row 0 is photo0 in both; the first pack is in half precision.
        expected = expected[:1] if ".norm." in name else expected
        torch.testing.assert_close(value, expected, rtol=2e-3, atol=1e-5)
    _, manifest = pack_of(tmp_path / "second")
    assert manifest.training.notes[0].startswith("started from first 1.0.0 (sha256 ")
    told = run([*one_style(tmp_path, "third"), "--start-from", str(start)], 2)
    assert "leave --channels out" in told
    arguments[arguments.index("--output") + 1] = str(tmp_path / "third")
    told = run([*arguments, "--start-from", str(tmp_path / "missing")], 1)
    assert "start_from: " in told


def test_styles_are_taken_over_by_name_and_others_begin_as_the_mean() -> None:
    network = seeded_network(replace(small("default"), styles=2))
    changed = with_styles(network, ["one", "two"], ["three", "two"])
    assert isinstance(changed, TransformerNetwork)
    old, new = network.down_layers()[0].norm.scale, changed.down_layers()[0].norm.scale
    torch.testing.assert_close(new, torch.stack([old.mean(dim=0), old[1]]))
    mix = torch.tensor([[0.0, 1.0]])
    with torch.no_grad():
        torch.testing.assert_close(changed.eval()(picture(), mix), network(picture(), mix))


def test_how_long_it_takes_is_told_beforehand(tmp_path: Path) -> None:
    arguments = training_arguments(tmp_path, "run", "--steps", "120", "--sample-every", "0")
    result = CliRunner().invoke(train, [*arguments[1:], "--dry-run"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert told["steps"] == 120
    assert told["seconds_per_step"] > 0
    assert told["seconds"] == pytest.approx(120 * told["seconds_per_step"], rel=0.1, abs=0.1)
    assert "It will take about" in result.stderr
    assert not (tmp_path / "run").exists()


def test_measuring_beforehand_changes_nothing(tmp_path: Path) -> None:
    """As many steps as are worth measuring end where as many that are not would."""
    from pastiche_daemon.cli import train as command

    told: dict[str, str] = {}
    for name, worth_measuring in (("measured", 10), ("plain", 11)):
        arguments = training_arguments(tmp_path, name, "--steps", "10", "--sample-every", "0")
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(command, "_WORTH_MEASURING", worth_measuring)
            told[name] = run(arguments)
    assert ["It will take" in told[name] for name in ("measured", "plain")] == [True, False]
    measured, plain = (read_losses(tmp_path / name / LOSSES) for name in ("measured", "plain"))
    assert [row[:-1] for row in measured] == [row[:-1] for row in plain]


def test_a_checkpoint_of_before_the_switches_can_be_continued(tmp_path: Path) -> None:
    arguments = training_arguments(tmp_path, "run", "--steps", "2")
    run(arguments)
    path = tmp_path / "run" / CHECKPOINT
    saved = torch.load(path, weights_only=True)
    description = json.loads(saved["description"])
    del description["config"]["spec"]["value_range"]
    for name in ("content_distance", "content_normalization", "statistic"):
        del description["config"]["weights"][name]
    torch.save({**saved, "description": json.dumps(description)}, path)
    run([*training_arguments(tmp_path, "run", "--steps", "4"), "--resume"])
    assert pack_of(tmp_path / "run")[1].training.steps == 4
