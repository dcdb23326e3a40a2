"""Which build of torch is chosen, from what `nvidia-smi` and pytorch.org's pages say."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from installer import torch_build
from installer.environment import Environment, clone_environment
from installer.errors import InstallError
from installer.torch_build import (
    Gpu,
    Machine,
    TorchBuild,
    add_torch,
    choose_torch,
    fetch_page,
    parse_gpu,
    torch_requirements,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
LINUX = Machine("linux", "x86_64", "cp311")
ARM = Machine("linux", "aarch64", "cp311")
WINDOWS = Machine("win32", "AMD64", "cp311")
MACOS = Machine("darwin", "arm64", "cp311")
GPU = Gpu("NVIDIA GeForce RTX 4070", (12, 8))

CPU_PAGE = """
<a href="/whl/cpu/torch-2.10.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl#sha256=0">torch</a>
<a href="/whl/cpu/torch-2.10.0%2Bcpu-cp311-cp311-win_amd64.whl#sha256=0">torch</a>
"""
CUDA_PAGE = "\n".join(
    f'<a href="/whl/cu{cuda}/torch-2.10.0%2Bcu{cuda}-{python}-{python}-{system}.whl">torch</a>'
    for cuda, python, system in (
        ("118", "cp311", "win_amd64"),
        ("126", "cp311", "win_amd64"),
        ("128", "cp311", "manylinux_2_28_x86_64"),
        ("128", "cp312", "win_amd64"),
        ("130", "cp311", "win_amd64"),
    )
)


def _pages(**pages: str) -> Callable[[str], str | None]:
    """pytorch.org, with pages by the part of their address between `whl/` and `torch/`."""

    def fetch(address: str) -> str | None:
        assert address.startswith("https://download.pytorch.org/whl/")
        return pages.get(address.removeprefix("https://download.pytorch.org/whl/").strip("/"))

    return fetch


def _reachable(address: str) -> str | None:
    return _pages(**{"cpu/torch": CPU_PAGE, "torch": CUDA_PAGE})(address)


def _unreachable(_: str) -> str | None:
    return None


@pytest.mark.parametrize(
    ("machine", "gpu", "index"),
    [
        (LINUX, None, "https://download.pytorch.org/whl/cpu"),
        (LINUX, GPU, None),  # the usual one is for GPUs
        (ARM, None, None),  # no wheel for it on the page
        (WINDOWS, None, None),  # the usual one is for CPUs
        (WINDOWS, GPU, "https://download.pytorch.org/whl/cu126"),
        (WINDOWS, Gpu("new", (13, 2)), "https://download.pytorch.org/whl/cu130"),
        (WINDOWS, Gpu("old", (11, 7)), None),
        (MACOS, None, None),
    ],
)
def test_the_build_that_fits(machine: Machine, gpu: Gpu | None, index: str | None) -> None:
    build = choose_torch(machine, gpu, _reachable)
    assert build.index == index
    if gpu is not None and (index or machine is LINUX):
        assert f"GPU build (CUDA), for the {gpu.name}" in build.description


def test_what_cannot_be_had_is_said() -> None:
    usual = choose_torch(LINUX, None, _unreachable)
    assert usual.index is None
    assert "out of reach" in usual.description
    cpu = choose_torch(WINDOWS, GPU, _unreachable)
    assert cpu.index is None
    assert "CPU build" in cpu.description
    assert GPU.name in cpu.description


REPORT = """
| NVIDIA-SMI 570.86.15    Driver Version: 570.86.15    CUDA Version: 12.8     |
"""


def test_the_gpu_and_its_driver_are_read() -> None:
    assert parse_gpu(REPORT, "NVIDIA GeForce RTX 4070\nsecond\n") == GPU
    assert parse_gpu(REPORT, "\n") is None
    assert parse_gpu("NVIDIA-SMI has failed", "No devices were found") is None


def test_torch_is_asked_for_as_the_project_does() -> None:
    found = torch_requirements(ROOT)
    assert [requirement.split(">")[0] for requirement in found] == ["torch", "torchvision"]


@pytest.fixture
def environment() -> Environment:
    return clone_environment(ROOT)


def test_the_chosen_index_is_given_to_pip(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[str, ...]] = []
    monkeypatch.setattr(torch_build, "run_pip", lambda _, *arguments: called.append(arguments))
    add_torch(environment, TorchBuild("https://x/cpu", "small"), pytest.fail)
    add_torch(environment, TorchBuild(None, "usual"), pytest.fail)
    assert called == [("--index-url", "https://x/cpu", *torch_requirements(ROOT))]


def test_an_index_that_fails_leads_to_the_usual_build_and_is_told(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise InstallError("no such wheel\nlong output")

    monkeypatch.setattr(torch_build, "run_pip", fail)
    said: list[str] = []
    add_torch(environment, TorchBuild("https://x/cpu", "small"), said.append)
    assert "https://x/cpu" in said[0]
    assert "no such wheel" in said[1]


def test_a_page_that_cannot_be_had_is_none() -> None:
    assert fetch_page("https://127.0.0.1:9/torch/") is None
