"""Which runtimes there are on which machine, and what is said about it."""

from __future__ import annotations

import pytest
import torch

from pastiche_daemon.nn import runtime
from pastiche_daemon.nn.runtime import Runtime, choose_runtimes, warm_up


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """Makes torch tell of another machine; nothing is run there."""

    def make(*, cuda: bool = False, mps: bool = False, bf16_cpu: bool, bf16_gpu: bool = True):
        def supported(*, including_emulation: bool = True) -> bool:
            return bf16_gpu or including_emulation

        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.cuda, "is_bf16_supported", supported)
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Quadro")
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        capabilities = {"avx512_bf16": bf16_cpu}
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities)

    return make


def names(found: tuple[Runtime, ...]) -> list[tuple[str, str]]:
    return [(each.device.type, each.precision) for each in found]


def test_the_processor_in_half_precision_where_it_has_it_in_hardware(machine) -> None:
    machine(bf16_cpu=True)
    found = choose_runtimes()
    assert names(found) == [("cpu", "bfloat16"), ("cpu", "float32")]
    assert found[0].reason == "the processor multiplies bfloat16 in hardware"
    assert found[0].name == "the processor (bfloat16)"
    machine(bf16_cpu=False)
    found = choose_runtimes()
    assert names(found) == [("cpu", "float32")]
    assert found[0].reason == "the processor does not multiply bfloat16 in hardware"


def test_the_graphics_processor_goes_first(machine) -> None:
    machine(cuda=True, bf16_cpu=True)
    found = choose_runtimes()
    assert names(found) == [("cuda", "bfloat16"), ("cpu", "bfloat16"), ("cpu", "float32")]
    assert "Quadro" in found[0].reason
    machine(mps=True, bf16_cpu=False)
    assert names(choose_runtimes()) == [("mps", "float32"), ("cpu", "float32")]


def test_emulated_half_precision_is_none(machine) -> None:
    machine(cuda=True, bf16_cpu=False, bf16_gpu=False)
    found = choose_runtimes()
    assert names(found) == [("cuda", "float32"), ("cpu", "float32")]
    assert "does not multiply bfloat16" in found[0].reason


def test_settings_choose(machine) -> None:
    machine(cuda=True, bf16_cpu=True)
    found = choose_runtimes("cpu", "float32")
    assert names(found) == [("cpu", "float32")]
    assert found[0].reason == "float32 is set, and cpu"
    assert names(choose_runtimes("cpu")) == [("cpu", "bfloat16"), ("cpu", "float32")]
    assert choose_runtimes("cpu")[0].reason.startswith("cpu is set, and the processor multiplies")
    forced = choose_runtimes("auto", "float32")
    assert names(forced) == [("cuda", "float32"), ("cpu", "float32")]


def test_a_device_that_is_not_there_is_said_and_left_out(machine) -> None:
    machine(bf16_cpu=False)
    found = choose_runtimes("cuda", "bfloat16")
    assert names(found) == [("cpu", "bfloat16"), ("cpu", "float32")]
    assert found[0].reason == "cuda is set, but torch finds none here; bfloat16 is set"


def test_every_runtime_of_this_machine_works() -> None:
    state = torch.random.get_rng_state()
    for each in choose_runtimes():
        warm_up(each)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_runtime_that_computes_nonsense_does_not_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare = runtime.prepare_for_inference

    def broken(*arguments):
        network = prepare(*arguments)
        bias = network.last.conv.bias
        assert bias is not None
        bias.fill_(torch.nan)
        return network

    monkeypatch.setattr(runtime, "prepare_for_inference", broken)
    with pytest.raises(RuntimeError, match="not finite"):
        warm_up(choose_runtimes()[-1])
