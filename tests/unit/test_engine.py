"""Networks are loaded once and kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pastiche_daemon.engine import Engine
from pastiche_daemon.packs.archive import Pack, read_pack
from pastiche_daemon.packs.errors import DamagedPackError
from tests.support.tiny_pack import write_tiny_pack


def pack(folder: Path, name: str, seed: int = 0) -> Pack:
    return read_pack(write_tiny_pack(folder / f"{name}.pastiche", pack_id=name, seed=seed))


def test_a_network_is_loaded_once(tmp_path: Path) -> None:
    engine, first = Engine(), pack(tmp_path, "first")
    assert engine.network(first) is engine.network(first)


def test_the_least_recently_used_networks_are_dropped(tmp_path: Path) -> None:
    engine = Engine()
    packs = [pack(tmp_path, name) for name in ("one", "two", "three", "four")]
    loaded = [engine.network(each) for each in packs[:3]]
    assert engine.network(packs[0]) is loaded[0]  # used again
    engine.network(packs[3])
    assert engine.network(packs[0]) is loaded[0]
    assert engine.network(packs[2]) is loaded[2]
    assert engine.network(packs[1]) is not loaded[1]


def test_a_replaced_file_is_loaded_again(tmp_path: Path) -> None:
    engine = Engine()
    before = engine.network(pack(tmp_path, "same", seed=1))
    after = engine.network(pack(tmp_path, "same", seed=2))
    assert not torch.equal(before.last.conv.weight, after.last.conv.weight)


def test_a_file_that_was_changed_behind_our_back_is_not_loaded(tmp_path: Path) -> None:
    listed = pack(tmp_path, "listed", seed=1)
    pack(tmp_path, "listed", seed=2)
    with pytest.raises(DamagedPackError):
        Engine().network(listed)


def test_networks_are_ready_to_run(tmp_path: Path) -> None:
    network = Engine().network(pack(tmp_path, "ready"))
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_the_device_is_known_once_it_is_prepared() -> None:
    threads = torch.get_num_threads()
    engine = Engine(threads=1)
    assert engine.info is None
    try:
        engine.prepare()
        assert engine.info is not None
        assert engine.info.torch_version == torch.__version__
        assert "1 thread)" in engine.info.device or not engine.info.device.startswith("cpu")
        engine.release_unused()
    finally:
        torch.set_num_threads(threads)
