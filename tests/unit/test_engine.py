"""Networks are loaded once and kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import JobCancelledError
from pastiche_daemon.nn import runtime
from pastiche_daemon.nn.runtime import Runtime, prepare_for_inference
from pastiche_daemon.packs.archive import Pack, read_pack
from pastiche_daemon.packs.errors import DamagedPackError
from pastiche_daemon.packs.network import load_network
from pastiche_daemon.settings import RuntimeSettings
from pastiche_daemon.stylize import LayerTensors, StylizeOptions, stylize
from tests.support.tiny_pack import write_tiny_pack


def ignore(_: float) -> None:
    pass


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
        assert engine.info.reason == engine.runtime.reason
        engine.release_unused()
    finally:
        torch.set_num_threads(threads)


def test_settings_force_device_and_precision(tmp_path: Path) -> None:
    engine = Engine(settings=RuntimeSettings("cpu", "float32"))
    assert engine.network(pack(tmp_path, "wide")).last.conv.weight.dtype == torch.float32
    half = Engine(settings=RuntimeSettings("cpu", "bfloat16"))
    assert half.network(pack(tmp_path, "wide")).last.conv.weight.dtype == torch.bfloat16


# --- where a runtime fails ---

# Torch's device without memory: networks run there, and reading what they give fails in earnest.
BROKEN = Runtime(torch.device("meta"), "bfloat16", "it is broken")
WORKING = Runtime(torch.device("cpu"), "float32", "it works")


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(runtime, "choose_runtimes", lambda *_: (BROKEN, WORKING))
    return Engine()


def test_the_next_runtime_takes_over_with_a_note(failing: Engine, tmp_path: Path) -> None:
    tiny, layer = pack(tmp_path, "tiny"), LayerTensors(torch.rand(3, 20, 24))

    def work() -> torch.Tensor:
        return stylize(failing.network(tiny), layer, StylizeOptions((1.0, 0.0)), ignore).color

    color, notes = failing.attempt(work)
    network = prepare_for_inference(load_network(tiny), WORKING.device, WORKING.precision)
    assert torch.equal(color, stylize(network, layer, StylizeOptions((1.0, 0.0)), ignore).color)
    (note,) = notes
    assert "the graphics processor (bfloat16) failed" in note
    assert "the processor (float32) did the work instead" in note
    # It is not tried again, and the daemon says why.
    assert failing.runtime == WORKING
    assert failing.attempt(work)[1] == ()
    assert failing.info is not None
    assert failing.info.device.startswith("cpu (float32")
    assert failing.info.reason.startswith("the graphics processor (bfloat16) failed")


def test_a_runtime_that_ran_out_of_memory_is_used_again(failing: Engine) -> None:
    def work() -> str:
        if failing.runtime == BROKEN:
            torch.empty(2**55, dtype=torch.uint8)
        return failing.runtime.precision

    found, (note,) = failing.attempt(work)
    assert found == "float32"
    assert "ran out of memory" in note
    assert failing.runtime == BROKEN
    assert failing.info is not None
    assert failing.info.reason == "it is broken"


def test_memory_that_the_computer_lacks_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    both = (Runtime(WORKING.device, "bfloat16", "it is fast"), WORKING)
    monkeypatch.setattr(runtime, "choose_runtimes", lambda *_: both)
    engine = Engine()
    with pytest.raises(RuntimeError, match="can't allocate memory"):
        engine.attempt(lambda: torch.empty(2**55, dtype=torch.uint8))


def test_other_errors_are_not_the_runtimes(failing: Engine) -> None:
    def cancelled() -> None:
        raise JobCancelledError("the call was cancelled")

    with pytest.raises(JobCancelledError):
        failing.attempt(cancelled)
    assert failing.runtime == BROKEN


def test_what_fails_everywhere_is_raised(failing: Engine) -> None:
    calls: list[Runtime] = []

    def work() -> None:
        calls.append(failing.runtime)
        torch.dot(torch.ones(2), torch.ones(3))

    with pytest.raises(RuntimeError):
        failing.attempt(work)
    assert calls == [BROKEN, WORKING]
    assert failing.runtime == BROKEN  # it was not to blame


def test_a_runtime_that_fails_at_the_start_is_left_out(failing: Engine) -> None:
    failing.prepare()
    assert failing.info is not None
    assert failing.info.device.startswith("cpu (float32")
    assert "failed" in failing.info.reason


def test_a_setting_that_makes_no_sense_is_told_with_the_device() -> None:
    engine = Engine(settings=RuntimeSettings(problem="PASTICHE_DEVICE is 'gpu'"))
    engine.prepare()
    assert engine.info is not None
    assert engine.info.reason.endswith("(PASTICHE_DEVICE is 'gpu')")
