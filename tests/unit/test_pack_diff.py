from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from pastiche_daemon.cli.packs_diff import diff
from pastiche_daemon.packs.archive import Pack, read_pack, write_pack
from pastiche_daemon.packs.diff import Change, diff_packs
from pastiche_daemon.packs.network import network_tensors
from pastiche_daemon.packs.signing import public_text, sign_pack
from tests.support.tiny_pack import tiny_files, tiny_manifest, tiny_network, write_tiny_pack


def tiny(folder: Path, name: str, **fields: object) -> Pack:
    return read_pack(write_tiny_pack(folder / name, **fields))  # pyright: ignore[reportArgumentType]


def test_the_same_is_no_difference(tmp_path: Path) -> None:
    one, other = tiny(tmp_path, "a.pastiche"), tiny(tmp_path, "b.pastiche")
    found = diff_packs(one, other)
    assert found.empty
    assert found.equal_tensors == len(one.weights()) + 14  # every norm's rows are counted
    assert not found.tensors


def test_fields_are_told_by_their_paths(tmp_path: Path) -> None:
    found = diff_packs(
        tiny(tmp_path, "a.pastiche"),
        tiny(tmp_path, "b.pastiche", version="1.1.0", license="MIT", native_stroke_size=128),
    )
    assert found.manifest == (
        Change("license", "CC0-1.0", "MIT"),
        Change("native_stroke_size", 64, 128),
        Change("version", "1.0.0", "1.1.0"),
    )
    assert not found.provenance
    assert not found.files
    assert not found.tensors


def test_styles_that_came_and_went(tmp_path: Path) -> None:
    found = diff_packs(
        tiny(tmp_path, "a.pastiche", styles=("one", "two")),
        tiny(tmp_path, "b.pastiche", styles=("two", "three")),
    )
    assert (found.styles_added, found.styles_removed) == (("three",), ("one",))
    assert not found.styles
    assert {change.path for change in found.provenance} == {
        "style_sha256.one",
        "style_sha256.three",
    }
    # The rows of the style in both are compared, wherever they stand in the pack.
    assert {tensor.name.partition("[")[2] for tensor in found.tensors} == {"two]"}
    assert not found.incomparable


def test_numbers_are_compared(tmp_path: Path) -> None:
    before = tiny(tmp_path, "a.pastiche")
    manifest = tiny_manifest()
    network = tiny_network(manifest)
    parameters = dict(network.named_parameters())
    change = parameters["down.1.conv.conv.bias"].data
    change += 0.5
    files = {**tiny_files(manifest), "weights.safetensors": network_tensors(network)}
    write_pack(tmp_path / "b.pastiche", manifest, files)
    found = diff_packs(before, read_pack(tmp_path / "b.pastiche"))
    (moved,) = found.tensors
    assert (moved.name, moved.largest) == ("down.1.conv.conv.bias", pytest.approx(0.5, rel=1e-2))
    scale = before.weights()[moved.name].double().square().mean().sqrt().item()
    assert moved.relative == pytest.approx(0.5 / scale, rel=1e-2)
    assert [change.path for change in found.files] == ["weights.safetensors"]


def test_other_architectures_are_told(tmp_path: Path) -> None:
    manifest = tiny_manifest()
    deeper = manifest.architecture.model_copy(update={"residual_blocks": 2})
    found = diff_packs(
        tiny(tmp_path, "a.pastiche"), tiny(tmp_path, "b.pastiche", architecture=deeper)
    )
    assert Change("architecture.residual_blocks", 1, 2) in found.manifest
    assert any(name.startswith("trunk.1.") for name in found.incomparable)


def test_a_signature_is_no_content(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    before = tiny(tmp_path, "a.pastiche")
    sign_pack(before.path, tmp_path / "b.pastiche", key)
    found = diff_packs(before, read_pack(tmp_path / "b.pastiche"))
    assert found.empty
    assert found.signature == Change("signature.public_key", None, public_text(key))


def test_the_command_tells_and_ends_as_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASTICHE_HOME", str(tmp_path / "home"))
    write_tiny_pack(tmp_path / "a.pastiche")
    installed = tmp_path / "home" / "packs"
    installed.mkdir(parents=True)
    write_tiny_pack(installed / "tiny-1.1.0.pastiche", version="1.1.0", seed=1, styles=("one",))
    runner = CliRunner()
    names = [str(tmp_path / "a.pastiche"), "tiny@1.1.0"]
    told = runner.invoke(diff, [*names, "--tensors"])
    assert told.exit_code == 0, told.output
    assert 'version: "1.0.0" -> "1.1.0"' in told.stdout
    assert "Style - two" in told.stdout
    assert "network: by at most" in told.stdout
    assert "style one: by at most" in told.stdout
    assert "last.conv.weight: by at most" in told.stdout
    values = json.loads(runner.invoke(diff, [*names, "--json"]).stdout)
    assert (values["same"], values["styles_removed"]) == (False, ["two"])
    assert runner.invoke(diff, [*names, "--exit-code"]).exit_code == 1
    same = runner.invoke(diff, [names[0], names[0], "--exit-code"])
    assert (same.exit_code, same.stdout) == (0, "They hold the same.\n")
    for missing in ("tiny@3.0.0", "nothing", "missing.pastiche", "a/b/c"):
        refused = runner.invoke(diff, [names[0], missing])
        assert refused.exit_code == 1
        assert missing.split("@")[0] in refused.output
