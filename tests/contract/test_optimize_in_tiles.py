"""OptimizeImage where memory has no room for all of a picture at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pastiche_client.optimize_options import Minimizer, Terms
from pastiche_client.results import StopReason
from tests.contract.conftest import make_home
from tests.contract.drivers import GrpcioDriver as StylizeDriver
from tests.contract.drivers import Refused
from tests.contract.optimize_drivers import GrpcioDriver
from tests.contract.test_optimize_image import FAST, MANY, STYLE, colors, smooth
from tests.contract.test_stylize_image import random_layer
from tests.support.daemon_process import DaemonProcess, running_daemon, wait_until

LARGE = smooth(500, 400)
# Of layers that do not take long.
SHALLOW = Terms(content_layers={"relu2_1": 1.0}, style_layers={"relu1_1": 1.0, "relu2_1": 1.0})


@pytest.fixture(scope="module")
def short_of_memory(
    tmp_path_factory: pytest.TempPathFactory, packs: Path
) -> Iterator[DaemonProcess]:
    home = make_home(tmp_path_factory.mktemp("short"), packs)
    arguments = ("--memory", "128MiB", "--precision", "float32", "--device", "cpu")
    with running_daemon(home, arguments=arguments) as daemon:
        yield daemon


def test_tiles_give_the_picture_that_the_whole_gives(
    short_of_memory: DaemonProcess, daemon: DaemonProcess
) -> None:
    options = replace(FAST, terms=SHALLOW, minimizer=Minimizer("adam", steps=2), size=0)
    with closing(GrpcioDriver(short_of_memory)) as few, closing(GrpcioDriver(daemon)) as plenty:
        tiled = few.optimize(LARGE, [STYLE], options)
        whole = plenty.optimize(LARGE, [STYLE], options)
    assert whole.summary.notes == ()
    (note,) = tiled.summary.notes
    assert "in tiles of at most 384 x 384 pixels" in note
    assert (tiled.summary.width, tiled.summary.height, tiled.summary.steps) == (500, 400, 2)
    assert np.abs(colors(tiled.layer) - colors(whole.layer)).max() <= 1
    assert tiled.summary.losses is not None
    assert whole.summary.losses is not None
    assert tiled.summary.losses.total == pytest.approx(whole.summary.losses.total, rel=1e-3)


def test_it_gives_way_stops_and_is_cancelled(short_of_memory: DaemonProcess) -> None:
    endless = replace(MANY, terms=SHALLOW, size=0)
    with (
        closing(GrpcioDriver(short_of_memory)) as driver,
        closing(StylizeDriver(short_of_memory)) as other,
    ):
        running = driver.start(LARGE, [STYLE], endless)
        wait_until(lambda: other.queue_counts() == (0, 1), "that it runs")
        assert other.stylize(random_layer(80, 60), {"tiny/one": 1.0}).layer.width == 80
        running.stop()
        answer = running.result()
        assert answer.summary.reason is StopReason.ASKED
        assert answer.summary.steps < 100_000
        running = driver.start(LARGE, [STYLE], endless)
        running.working()
        running.cancel()
        with pytest.raises(Refused, match="CANCELLED"):
            running.result()
        wait_until(lambda: other.queue_counts() == (0, 0), "that the device is free")
