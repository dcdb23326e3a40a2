"""Which build of torch an environment gets: with CUDA where a GPU is, the small one elsewhere."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

from installer.environment import run_pip
from installer.errors import InstallError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from installer.environment import Environment

_INDEX = "https://download.pytorch.org/whl"
_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class Gpu:
    """An NVIDIA GPU, and the newest CUDA that its driver supports."""

    name: str
    cuda: tuple[int, int]


@dataclass(frozen=True)
class TorchBuild:
    """A build of torch, `index` being pip's index for it or None for the usual one."""

    index: str | None
    description: str


@dataclass(frozen=True)
class Machine:
    """What decides which wheels fit: as `sys.platform`, `platform.machine()` and `cp311`."""

    platform: str
    architecture: str
    python_tag: str

    @staticmethod
    def this() -> Machine:
        version = sys.version_info
        return Machine(sys.platform, platform.machine(), f"cp{version[0]}{version[1]}")

    @property
    def wheel_tag(self) -> str:
        """How the names of fitting wheels end, as a regular expression."""
        system = {"win32": "win", "linux": "linux", "darwin": "macosx"}.get(self.platform, "linux")
        processor = re.escape(self.architecture.lower())
        return rf"-{self.python_tag}-{self.python_tag}-[\w.]*{system}[\w.]*_{processor}\.whl"


def find_gpu() -> Gpu | None:
    """The NVIDIA GPU of this computer, if its driver works."""
    try:
        answer = subprocess.run(
            ["nvidia-smi"], stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60
        )
        names = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=60,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return parse_gpu(answer.stdout.decode("utf-8", "replace"), names.stdout.decode("utf-8"))


def parse_gpu(report: str, names: str) -> Gpu | None:
    """The GPU that `nvidia-smi` reports."""
    found = re.search(r"CUDA Version:\s*(\d+)\.(\d+)", report)
    name = next((line.strip() for line in names.splitlines() if line.strip()), "")
    return Gpu(name, (int(found[1]), int(found[2]))) if found and name else None


def choose_torch(
    machine: Machine, gpu: Gpu | None, fetch: Callable[[str], str | None]
) -> TorchBuild:
    """The build for a machine.

    Args:
        machine: what wheels must fit.
        gpu: its GPU, if it has one.
        fetch: the page of an address, or None where it cannot be had.
    """
    if machine.platform == "darwin":
        return TorchBuild(None, "the build for macOS, which uses Apple's GPUs")
    if gpu is not None:
        if machine.platform != "win32":
            return TorchBuild(None, f"the GPU build (CUDA), for the {gpu.name}")
        index = _cuda_index(machine, gpu, fetch)
        if index is not None:
            return TorchBuild(index, f"the GPU build (CUDA), for the {gpu.name}")
        return TorchBuild(
            None,
            f"the CPU build: no GPU build for the {gpu.name} was found at {_INDEX}, "
            "which may be out of reach",
        )
    if machine.platform == "win32":
        return TorchBuild(None, "the small CPU build, as there is no NVIDIA GPU")
    page = fetch(f"{_INDEX}/cpu/torch/")
    if page is not None and re.search(machine.wheel_tag, page):
        return TorchBuild(f"{_INDEX}/cpu", "the small CPU build, as there is no NVIDIA GPU")
    return TorchBuild(
        None,
        "the usual build, several GB larger than a CPU needs: the small one is at "
        f"{_INDEX}/cpu, which has none for this computer or is out of reach",
    )


def _cuda_index(machine: Machine, gpu: Gpu, fetch: Callable[[str], str | None]) -> str | None:
    """The index of the newest CUDA that the driver supports and for which there are wheels."""
    page = fetch(f"{_INDEX}/torch/")
    if page is None:
        return None
    # As in torch-2.10.0%2Bcu128-cp312-cp312-win_amd64.whl
    tags = re.findall(rf"(?:\+|%2B)cu(\d{{2,3}})(\d){machine.wheel_tag}", page)
    usable = [(int(major), int(minor)) for major, minor in tags]
    usable = [version for version in usable if version <= gpu.cuda]
    if not usable:
        return None
    major, minor = max(usable)
    return f"{_INDEX}/cu{major}{minor}"


def fetch_page(address: str) -> str | None:
    """The text at an https address; None where it cannot be had."""
    try:
        with urllib.request.urlopen(address, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return answer.read().decode("utf-8", "replace")
    except (OSError, urllib.error.URLError, ValueError):
        return None


def add_torch(environment: Environment, build: TorchBuild, say: Callable[[str], None]) -> None:
    """Put the build into a new environment; the usual one comes later, with everything else."""
    if build.index is None:
        return
    try:
        run_pip(environment, "--index-url", build.index, *torch_requirements(environment.root))
    except InstallError as error:
        say(f"It could not be had from {build.index}, so the usual build is taken:")
        say(f"  {str(error).splitlines()[0]}")


def torch_requirements(root: Path) -> list[str]:
    """What pyproject.toml says of torch and torchvision."""
    project = (root / "pyproject.toml").read_text(encoding="utf-8")
    return re.findall(r'^\s*"((?:torch|torchvision)\s*[<>=!~][^";]*)"', project, re.MULTILINE)
