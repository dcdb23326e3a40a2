"""The daemon answers before torch is loaded, which takes seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from pastiche_client.client import Client
from pastiche_client.layer import Layer, PixelFormat, SampleType
from tests.support.daemon_process import running_daemon, wait_until

# In place of torch: waits until the file `go` is there, then loads the real one.
_WAITING_TORCH = """
import sys, time
from pathlib import Path

folder = Path(__file__).parent
(folder / "asked").touch()
while not (folder / "go").exists():
    time.sleep(0.01)
sys.path.remove(str(folder.parent))
del sys.modules["torch"]
import torch
sys.modules["torch"] = torch

# For a thread that waited for this very module meanwhile.
def __getattr__(name):
    return getattr(torch, name)
"""


@pytest.fixture
def waiting_torch(tmp_path: Path) -> Path:
    folder = tmp_path / "path" / "torch"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text(_WAITING_TORCH)
    return folder


def test_health_styles_and_status_are_told_while_torch_is_loaded(
    own_home: Path, waiting_torch: Path
) -> None:
    environ = {"PYTHONPATH": str(waiting_torch.parent)}
    # It returns once the daemon's health is good.
    with running_daemon(own_home, environ=environ) as own, Client(own.paths, start=False) as client:
        wait_until((waiting_torch / "asked").exists, "that torch is asked for")
        info = client.info()
        assert (info.device, info.device_reason, info.torch_version) == ("", "", "")
        assert client.health()
        (waiting_torch / "go").touch()
        small = Layer(8, 8, PixelFormat.RGB, SampleType.U8, bytes(range(192)))
        assert client.stylize(small, "tiny/one").layer.data != small.data
        info = client.info()
        assert info.device.startswith("cpu (")
        assert info.device_reason


def test_a_device_that_is_not_there_does_not_keep_it_from_working(own_home: Path) -> None:
    environ = {"PASTICHE_DEVICE": "cuda", "PASTICHE_PRECISION": "float32"}
    with running_daemon(own_home, environ=environ) as own, Client(own.paths, start=False) as client:
        wait_until(lambda: bool(client.info().device), "that torch is loaded")
        info = client.info()
        assert info.device == "cpu (float32, 1 thread)"
        assert info.device_reason == ("cuda is set, but torch finds none here; float32 is set")


def test_the_start_may_choose_the_precision(own_home: Path) -> None:
    arguments = ["--device", "cpu", "--precision", "bfloat16"]
    with (
        running_daemon(own_home, arguments=arguments) as own,
        Client(own.paths, start=False) as client,
    ):
        wait_until(lambda: bool(client.info().device), "that torch is loaded")
        assert client.info().device.startswith("cpu (bfloat16")
        assert client.info().device_reason == "bfloat16 is set, and cpu"
