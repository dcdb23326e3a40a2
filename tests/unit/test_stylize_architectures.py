"""Everything that is done with a network works with every architecture."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pastiche_daemon import stylize as use_case
from pastiche_daemon.engine import Engine
from pastiche_daemon.nn.transformer import TransformerNetwork
from pastiche_daemon.packs.archive import read_pack, write_pack
from pastiche_daemon.packs.manifest import WEIGHTS_NAME
from pastiche_daemon.packs.network import architecture_of, load_network, network_tensors
from pastiche_daemon.stylize import LayerTensors, StylizeOptions, preview, stylize
from tests.support.architectures import ARCHITECTURES, picture, seeded_network, small
from tests.support.tiny_pack import tiny_manifest


def ignore(_: float) -> None:
    pass


def written(path: Path, network: TransformerNetwork) -> Path:
    """A pack of the network, as a training writes it."""
    spec = network.spec
    manifest = tiny_manifest(
        styles=[f"style{number}" for number in range(spec.styles)],
        architecture=architecture_of(spec),
        value_range=spec.value_range,
    )
    styles = [style.model_copy(update={"preview": None}) for style in manifest.styles]
    manifest = manifest.model_copy(update={"styles": styles})
    write_pack(path, manifest, {WEIGHTS_NAME: network_tensors(network)})
    return path


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_pack_of_it_is_loaded_stylized_previewed_and_streamed(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = seeded_network(small(name))
    mix = (1.0, *[0.0] * (network.spec.styles - 1))
    pack = read_pack(written(tmp_path / "pack.pastiche", network))
    loaded = load_network(pack)
    assert loaded.spec == network.spec
    color = picture(44, 36)[0]
    with torch.no_grad():
        wanted = network(color[None], torch.tensor([mix]))[0]
        got = loaded(color[None], torch.tensor([mix]))[0]
    # The pack holds half precision.
    assert (got - wanted).abs().max() < 0.05
    engine = Engine(threads=1)
    engine.prepare()
    ready = engine.network(pack)
    whole = stylize(ready, LayerTensors(color), StylizeOptions(mix), ignore).color
    assert (whole - wanted).square().mean().sqrt() < 0.03
    half = stylize(ready, LayerTensors(color), StylizeOptions(mix, strength=0.5), ignore).color
    torch.testing.assert_close(half, torch.lerp(color, whole, 0.5), rtol=0, atol=1e-5)
    fine = stylize(ready, LayerTensors(color), StylizeOptions(mix, stroke_size=0.5), ignore).color
    assert fine.shape == color.shape
    assert (fine - whole).abs().mean() > 0.01
    small_one = preview(ready, LayerTensors(color), StylizeOptions(mix), 24, ignore)
    assert max(small_one[0].shape[-2:]) == 24
    monkeypatch.setattr(use_case, "_WHOLE_PIXELS", 100)
    strips = stylize(ready, LayerTensors(color), StylizeOptions(mix), ignore).color
    assert (strips - whole).square().mean().sqrt() < 0.02
