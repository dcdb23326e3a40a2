"""A real daemon, and the drivers that call it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pastiche_daemon.packs.manifest import TransformerArchitecture
from tests.contract.drivers import DRIVERS, Driver
from tests.support.daemon_process import DaemonProcess, running_daemon
from tests.support.tiny_pack import write_tiny_pack
from tests.support.tiny_training import write_encoder

# A minute's work in small steps: almost all of it is spent in many blocks at a quarter of the size.
_SLOW = TransformerArchitecture(
    channels=(2, 2, 64),
    residual_blocks=32,
    end_kernel=1,
    upsampling="nearest",
    norm="conditional_instance",
    padding="reflect",
    output="sigmoid",
)


@pytest.fixture(scope="session")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of packs as it is installed: tiny (one, two), other (three), slow (slow)."""
    folder = tmp_path_factory.mktemp("packs")
    write_tiny_pack(folder / "tiny-1.0.0.pastiche")
    write_tiny_pack(folder / "other-1.0.0.pastiche", pack_id="other", styles=("three",), seed=7)
    write_tiny_pack(
        folder / "slow-1.0.0.pastiche", pack_id="slow", styles=("slow",), architecture=_SLOW
    )
    return folder


def make_home(folder: Path, packs: Path) -> Path:
    """A data folder with these packs installed, and an encoder of random weights added."""
    installed = folder / "packs"
    installed.mkdir(parents=True)
    for pack in packs.iterdir():
        (installed / pack.name).write_bytes(pack.read_bytes())
    (folder / "encoders").mkdir()
    write_encoder(folder / "encoders" / "vgg19-quarter.safetensors")
    return folder


@pytest.fixture(scope="session")
def daemon(tmp_path_factory: pytest.TempPathFactory, packs: Path) -> Iterator[DaemonProcess]:
    """The daemon of all tests that leave it as it was."""
    home = make_home(tmp_path_factory.mktemp("home") / "data", packs)
    with running_daemon(home, arguments=["--idle-exit", "0", "--max-queued", "4"]) as running:
        yield running
        # Whatever the tests did to it, nothing surprised it.
        assert "Traceback" not in running.log
        assert " ERROR " not in running.log


@pytest.fixture
def own_home(tmp_path: Path, packs: Path) -> Path:
    """A data folder for a daemon of the test's own."""
    return make_home(tmp_path / "home", packs)


@pytest.fixture(params=list(DRIVERS))
def driver(request: pytest.FixtureRequest, daemon: DaemonProcess) -> Iterator[Driver]:
    driver = DRIVERS[request.param](daemon)
    yield driver
    driver.close()
