"""Layers that are larger than the memory that they may take."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from pastiche_client.layer import PixelFormat, SampleType
from pastiche_client.results import Preview, Progress
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_network
from pastiche_daemon.stylize import LayerTensors, StylizeOptions, preview, stylize
from tests.contract.conftest import make_home
from tests.contract.drivers import GrpcioDriver, Options, Refused
from tests.contract.test_stylize_image import random_layer, samples_of
from tests.support.daemon_process import DaemonProcess, running_daemon, wait_until

LEAST = ("--memory", "128MiB", "--precision", "float32", "--device", "cpu")
# Above an eighth of that, in bytes, with its mask.
LARGE = random_layer(1100, 1000, PixelFormat.RGBA, SampleType.F32, masked=True)


@pytest.fixture(scope="module")
def short_of_memory(
    tmp_path_factory: pytest.TempPathFactory, packs: Path
) -> Iterator[DaemonProcess]:
    home = make_home(tmp_path_factory.mktemp("short"), packs)
    with running_daemon(home, arguments=LEAST) as daemon:
        yield daemon


def files_of(daemon: DaemonProcess) -> tuple[int, list[Path]]:
    """How many temporary files the daemon has open, and those that have a name."""
    spool = daemon.paths.root / "spool"
    folder = Path(f"/proc/{daemon.info.pid}/fd")
    links = [str(link.readlink()) for link in folder.iterdir()] if folder.is_dir() else []
    return sum(str(spool) in link for link in links), list(spool.iterdir())


@pytest.mark.parametrize("stroke_size", [1.0, 2.5])
def test_the_result_is_that_of_the_whole_layer(
    short_of_memory: DaemonProcess, packs: Path, stroke_size: float
) -> None:
    with closing(GrpcioDriver(short_of_memory)) as driver:
        options = Options(strength=0.9, stroke_size=stroke_size, preview_size=64)
        got = driver.stylize(LARGE, "tiny/one", options)
    before, after = samples_of(LARGE), samples_of(got.layer)
    selected = torch.frombuffer(bytearray(LARGE.mask or b""), dtype=torch.uint8)
    layer = LayerTensors(
        torch.from_numpy(before[..., :3].copy()).permute(2, 0, 1),
        torch.from_numpy(before[..., 3].copy()),
        selected.view(LARGE.height, LARGE.width) / 255,
    )
    network = load_network(read_pack(packs / "tiny-1.0.0.pastiche"))
    chosen = StylizeOptions((1.0, 0.0), 0.9, stroke_size=stroke_size)
    wanted = stylize(network, layer, chosen, lambda _: None)
    changed = wanted.changed.numpy()
    expected = wanted.color.permute(1, 2, 0).numpy()
    assert np.abs(after[..., :3] - expected)[changed].max() < 1e-4
    assert np.array_equal(after[~changed], before[~changed])
    assert np.array_equal(after[..., 3], before[..., 3])
    assert 0 < changed.sum() < changed.size

    fractions = [event.fraction for event in got.events if isinstance(event, Progress)]
    assert fractions == sorted(fractions)
    # Only the latest are told where strips are faster than whoever listens.
    assert len(set(fractions)) > 3
    (shown,) = (event.layer for event in got.events if isinstance(event, Preview))
    small, _ = preview(network, layer, chosen, 64, lambda _: None)
    assert np.abs(samples_of(shown)[..., :3] - small.permute(1, 2, 0).numpy()).max() < 1e-4
    assert files_of(short_of_memory) == (0, [])


def test_rows_with_padding_come_back_from_a_file(short_of_memory: DaemonProcess) -> None:
    sent = random_layer(1500, 1500, PixelFormat.BGRA, SampleType.U16, padding=3)
    with closing(GrpcioDriver(short_of_memory)) as driver:
        answer = driver.stylize(sent, "tiny/one", Options(strength=0.0))
        assert answer.layer.data == sent.data
        got = driver.stylize(sent, "tiny/one").layer
    before, after = samples_of(sent), samples_of(got)
    assert np.array_equal(after[..., 3], before[..., 3])
    assert (after[..., :3] != before[..., :3]).mean() > 0.5
    rows = np.frombuffer(got.data, "u1").reshape(1500, -1)[:, -3:]
    assert np.array_equal(rows, np.frombuffer(sent.data, "u1").reshape(1500, -1)[:, -3:])
    assert files_of(short_of_memory) == (0, [])


def test_a_call_that_is_cancelled_leaves_no_file(short_of_memory: DaemonProcess) -> None:
    with closing(GrpcioDriver(short_of_memory)) as driver:
        running = driver.start(LARGE, "slow/slow")
        running.working()
        if psutil.LINUX:
            assert files_of(short_of_memory)[0] >= 1
        running.cancel()
        wait_until(lambda: driver.queue_counts() == (0, 0), "that the place is given back")
        wait_until(lambda: files_of(short_of_memory) == (0, []), "that the files are gone")
        assert driver.stylize(random_layer(30, 20), "tiny/one").summary.compute_seconds > 0


def test_a_folder_that_cannot_hold_a_layer_is_named_and_small_layers_go_on(
    tmp_path: Path, packs: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    place = {"PASTICHE_SPOOL_FOLDER": str(tmp_path / "file" / "spool"), "PASTICHE_MEMORY": "128M"}
    with (
        running_daemon(make_home(tmp_path / "home", packs), environ=place) as daemon,
        closing(GrpcioDriver(daemon)) as driver,
    ):
        with pytest.raises(Refused, match="--spool-folder") as refused:
            driver.stylize(LARGE, "tiny/one")
        assert (refused.value.code, refused.value.reason) == ("RESOURCE_EXHAUSTED", "STORAGE_FULL")
        assert str(tmp_path / "file") in refused.value.message
        assert driver.stylize(random_layer(30, 20), "tiny/one").summary.compute_seconds > 0
