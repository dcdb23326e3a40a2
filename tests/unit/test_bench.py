"""``pastiche bench``: its peer computes the same, its tables are whole, its bars can fail."""

from __future__ import annotations

import json
import math

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from pastiche_daemon.bench.optimize import OptimizeBenchRequest, Variant, measure
from pastiche_daemon.bench.plain_network import PlainNetwork
from pastiche_daemon.bench.plain_optimizer import PlainObjective
from pastiche_daemon.bench.report import Bar, BenchReport
from pastiche_daemon.cli.bench import bench
from pastiche_daemon.cli.train import train
from pastiche_daemon.encoders import load_encoder
from pastiche_daemon.nn.image_objective import ImageObjective, ImageTerms, WeightedStyle
from pastiche_daemon.nn.runtime import prepare_for_inference
from pastiche_daemon.optimize import OptimizeOptions
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_network
from tests.support.tiny_pack import write_tiny_pack
from tests.support.tiny_training import training_arguments, write_encoder


def run(*arguments: str):
    return CliRunner().invoke(bench, arguments, catch_exceptions=False)


def test_the_plain_peer_computes_the_same_picture(tmp_path):
    network = load_network(read_pack(write_tiny_pack(tmp_path / "tiny.pastiche")))
    image = torch.rand(1, 3, 32, 40)
    for style in range(2):
        with torch.no_grad():
            expected = network(image, torch.eye(2)[style : style + 1])
        torch.testing.assert_close(PlainNetwork(network, style)(image), expected, rtol=0, atol=2e-5)


def test_half_precision_keeps_the_picture(tmp_path):
    network = load_network(read_pack(write_tiny_pack(tmp_path / "tiny.pastiche")))
    cpu = torch.device("cpu")
    image = torch.rand(1, 3, 32, 40)
    with torch.no_grad():
        expected = network(image, torch.eye(2)[:1])
        wide = prepare_for_inference(network, cpu, "float32")(image, torch.eye(2)[:1])
        half = prepare_for_inference(network, cpu, "bfloat16")
        assert half.state_dict()["down.0.norm.scale"].dtype == torch.float32
        narrow = half(image.bfloat16(), torch.eye(2)[:1])
    torch.testing.assert_close(wide, expected, rtol=0, atol=2e-5)
    error = (narrow.float() - expected).square().mean().item()
    assert -10 * math.log10(error) > 30


def test_forward_prints_a_table_and_writes_json(tmp_path):
    pack = write_tiny_pack(tmp_path / "tiny.pastiche")
    photo = tmp_path / "photo.png"
    Image.effect_noise((50, 40), 80).convert("RGB").save(photo)
    out = tmp_path / "out.json"
    result = run(
        *("forward", "--pack", str(pack), "--photo", str(photo), "--size", "64"),
        *("--rounds", "2", "--runtime", "pastiche", "--runtime", "eager", "--json", str(out)),
    )
    assert result.exit_code == 0, result.output
    content = json.loads(out.read_text())
    rows = [dict(zip(content["columns"], row, strict=True)) for row in content["rows"]]
    assert {row["size"] for row in rows} == {"64 px"}
    ours = next(row for row in rows if row["runtime"] == "pastiche")
    eager = next(row for row in rows if row["runtime"] == "eager")
    assert ours["seconds"] > 0
    assert eager["times faster than eager"] == 1
    assert eager["peak MiB"] > 0
    assert ours["PSNR dB"] > 30
    assert content["machine"]["torch"] == torch.__version__


def test_sizes_that_the_network_would_pad_are_refused(tmp_path):
    pack = write_tiny_pack(tmp_path / "tiny.pastiche")
    photo = tmp_path / "photo.png"
    Image.new("RGB", (8, 8)).save(photo)
    result = run("forward", "--pack", str(pack), "--photo", str(photo), "--size", "66")
    assert result.exit_code == 2
    assert "multiples of 4" in result.output


@pytest.mark.parametrize("option", ["--pack", "--photo"])
def test_forward_names_an_input_that_cannot_be_read(tmp_path, option):
    write_tiny_pack(tmp_path / "tiny.pastiche")
    Image.new("RGB", (8, 8)).save(tmp_path / "photo.png")
    (tmp_path / "junk").write_bytes(b"junk")
    values = {"--pack": "tiny.pastiche", "--photo": "photo.png", option: "junk"}
    paths = [part for name, value in values.items() for part in (name, str(tmp_path / value))]
    result = run("forward", *paths, "--size", "64", "--rounds", "1")
    assert result.exit_code == 1
    assert result.output.startswith("Error: ")


def test_a_place_for_json_that_does_not_exist_is_refused_before_measuring(tmp_path):
    pack = write_tiny_pack(tmp_path / "tiny.pastiche")
    photo = tmp_path / "photo.png"
    Image.new("RGB", (8, 8)).save(photo)
    out = str(tmp_path / "missing" / "out.json")
    result = run("forward", "--pack", str(pack), "--photo", str(photo), "--json", out)
    assert result.exit_code == 2
    assert "--json" in result.output
    assert "measuring" not in result.output


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    arguments = training_arguments(folder, "run", "--steps", "2", "--sample-every", "0")
    assert CliRunner().invoke(train, arguments[1:]).exit_code == 0
    return folder


def quality_arguments(folder, **changes: str) -> list[str]:
    values = {
        "--pack": f"{folder}/run/run.pastiche",
        "--encoder-weights": f"{folder}/encoder.safetensors",
        "--style": f"{folder}/styles",
        "--photo": f"{folder}/photos/photo1.png",
        "--size": "64",
        "--iterations": "3",
    }
    values |= {f"--{name}": value for name, value in changes.items()}
    return ["quality", *(part for pair in values.items() for part in pair)]


def test_quality_compares_every_style_and_fails_where_a_bar_is_missed(trained, tmp_path):
    out = tmp_path / "quality.json"
    result = run(*quality_arguments(trained, json=str(out)))
    content = json.loads(out.read_text())
    assert [row[0] for row in content["rows"]] == ["photo0", "photo1"]
    for row in content["rows"]:
        values = dict(zip(content["columns"], row, strict=True))
        parts = values["content loss"] + values["style loss"] + values["tv loss"]
        assert values["network"] == pytest.approx(parts, rel=1e-5)
        assert values["L-BFGS 3"] < values["photograph"]
        assert values["L-BFGS 3 projected"] < values["photograph"]
    # Two steps of training cannot reach what optimizing reaches.
    assert not all(bar["met"] for bar in content["bars"])
    assert result.exit_code == 1
    assert "MISSED" in result.output


def test_quality_refuses_what_the_pack_was_not_trained_with(trained, tmp_path):
    other = tmp_path / "other.safetensors"
    other.write_bytes((trained / "encoder.safetensors").read_bytes() + b" ")
    result = run(*quality_arguments(trained, **{"encoder-weights": str(other)}))
    assert result.exit_code == 1
    assert "other.safetensors" in result.output
    result = run(*quality_arguments(trained, style=f"{trained}/styles/photo0.png"))
    assert result.exit_code == 1
    assert "no picture given for photo1" in result.output
    result = run(*quality_arguments(trained, photo=f"{trained}/missing.png"))
    assert result.exit_code == 1
    assert "photographs: " in result.output


def test_the_plain_optimizer_has_the_same_objective(tmp_path):
    encoder = load_encoder("vgg19-quarter", write_encoder(tmp_path / "encoder.safetensors")).encoder
    content, style, image = (torch.rand(1, 3, 40, size) for size in (48, 56, 48))
    terms = ImageTerms(style_layers={"relu1_1": 1.0, "relu3_1": 0.5})
    ours, plain = image.clone().requires_grad_(), image.clone().requires_grad_()
    expected = ImageObjective(encoder, terms, content, [WeightedStyle(style)]).losses(ours).total
    found = PlainObjective(encoder, terms, content, style).loss(plain)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=0)
    expected.backward()
    found.backward()
    torch.testing.assert_close(plain.grad, ours.grad, rtol=1e-4, atol=1e-8)


def optimize_arguments(folder, *extra: str) -> list[str]:
    return [
        *("optimize", "--encoder", "vgg19-quarter"),
        *("--encoder-weights", f"{folder}/encoder.safetensors"),
        *("--photo", f"{folder}/photos/photo0.png"),
        *("--style", f"{folder}/photos/photo1.png"),
        *("--size", "64", "--evaluations", "6", "--precision", "float32"),
        *extra,
    ]


def test_optimize_tells_when_each_optimizer_had_the_plain_loops_loss(trained, tmp_path):
    out = tmp_path / "optimize.json"
    result = run(*optimize_arguments(trained, "--json", str(out)))
    content = json.loads(out.read_text())
    rows = {row[0]: dict(zip(content["columns"], row, strict=True)) for row in content["rows"]}
    assert list(rows) == ["plain L-BFGS", "pastiche", "L-BFGS", "Adam", "SGD", "L-BFGS, pyramid"]
    plain = rows["plain L-BFGS"]
    assert plain["share of plain"] == 1
    for name, row in rows.items():
        assert row["evaluations"] == (OptimizeOptions().pixels.steps if name == "pastiche" else 6)
        assert row["s in all"] > 0
        assert row["peak MiB"] > 0
        if row["s to the goal"] == "not reached":
            assert row["final loss"] > plain["final loss"]
        else:
            assert row["final loss"] <= plain["final loss"]
            assert row["s to the goal"] <= row["s in all"]
    assert result.exit_code == (0 if all(bar["met"] for bar in content["bars"]) else 1)


def test_optimize_judges_half_precision_in_full(trained):
    request = OptimizeBenchRequest(
        encoder="vgg19-quarter",
        weights=trained / "encoder.safetensors",
        content=trained / "photos/photo0.png",
        style=trained / "photos/photo1.png",
        size=64,
        evaluations=6,
    )
    half = measure(request, Variant("half", "adam", 1, "bfloat16"), goal=None)
    full = measure(request, Variant("full", "adam", 1, "float32"), goal=None)
    assert half.loss == pytest.approx(full.loss, rel=0.1)
    assert half.loss != full.loss


def test_optimize_names_an_input_that_cannot_be_used(trained, tmp_path):
    missing = run(*optimize_arguments(trained, "--content-layer", "relu9_1"))
    assert missing.exit_code == 1
    assert "relu9_1" in missing.output
    other = run(*optimize_arguments(trained, "--style-layer", "conv1_1"))
    assert other.exit_code == 1
    assert "relu layers only" in other.output
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    result = run(*optimize_arguments(trained, "--photo", str(broken)))
    assert result.exit_code == 1
    assert "broken.png" in result.output


def test_a_report_is_met_only_if_every_bar_is():
    good, bad = Bar("a", met=True, detail=""), Bar("b", met=False, detail="")
    assert BenchReport("x", ("a",), (), (good, good)).met
    assert not BenchReport("x", ("a",), (), (good, bad)).met
