"""The work behind OptimizeImage where memory is short: in tiles, which it can end between."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from pastiche_client.images import layer_from_array, layer_to_array
from pastiche_client.layer import Layer
from pastiche_client.optimize_header import optimize_header
from pastiche_client.optimize_options import Minimizer, OptimizeOptions, StyleLayer, Terms
from pastiche_daemon.encoder_store import BUILT_IN_ENCODERS, EncoderStore
from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import JobCancelledError, JobContext
from pastiche_daemon.memory import InsufficientMemoryError, MemoryBudget
from pastiche_daemon.optimize_size import OptimizeCost, SizePlan, plan_size
from pastiche_daemon.services.optimize_request import OptimizeRequest, check_request
from pastiche_daemon.services.optimize_work import Finished, OptimizeWork
from pastiche_daemon.wire import LayerLimits, PlanesUpload
from tests.contract.optimize_drivers import optimize_messages

MIB = 2**20
SHAPE = (392, 500)
OPTIONS = OptimizeOptions(
    terms=Terms(content_layers={"relu1_1": 1.0}, style_layers={"relu1_1": 1.0, "conv1_1": 1.0}),
    minimizer=Minimizer("adam", steps=2),
    precision="float32",
    scales=1,
    size=0,
)
# Two rows and two columns.
TILES = 4


def picture(height: int, width: int, seed: int) -> Layer:
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, 7, 9, generator=generator)
    grown = torch.nn.functional.interpolate(coarse, size=(height, width), mode="bicubic")
    return layer_from_array((grown[0].clamp(0, 1) * 255).byte().permute(1, 2, 0).numpy())


CONTENT, STYLE = picture(*SHAPE, seed=0), StyleLayer(picture(60, 70, seed=1))


class Daemon:
    """All that the work needs, with as much memory as is said."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.engine = Engine()
        monkeypatch.setattr(self.engine, "free_bytes", lambda: None)
        self.encoders = EncoderStore(BUILT_IN_ENCODERS, root)

    def checked(self, options: OptimizeOptions = OPTIONS) -> OptimizeRequest:
        header = optimize_header(CONTENT, [STYLE], options, "")
        return check_request(header, LayerLimits(), self.encoders)

    def work(self, free: int, options: OptimizeOptions = OPTIONS) -> OptimizeWork:
        request = self.checked(options)
        upload = PlanesUpload(request.planes)
        header = optimize_header(CONTENT, [STYLE], options, "")
        for message in optimize_messages(header, CONTENT, [STYLE], options):
            if message.WhichOneof("payload") == "chunk":
                upload.add(message.chunk)
        upload.finish()
        budget = MemoryBudget(lambda: free + 256 * MIB, lambda: 2**40)
        return OptimizeWork(self.engine, budget, request, None, upload)

    def cost(self) -> OptimizeCost:
        request = self.checked()
        encoder = self.engine.encoder(request.encoder, None, "float32").encoder
        return OptimizeCost(
            encoder.spec, request.options.terms, ((60, 70),), 1.0, history=0, value_bytes=4
        )

    def plan(self, free: int) -> SizePlan:
        return plan_size(SHAPE, None, self.cost(), free)

    @property
    def for_tiles(self) -> int:
        """Bytes that tiles of the smallest side just fit into."""
        cost = self.cost()
        return cost.tiled(SHAPE, cost.least_tile)


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Daemon:
    return Daemon(tmp_path, monkeypatch)


def run(work: OptimizeWork, give_way=lambda: None) -> Finished:
    return work(JobContext(lambda: None, give_way))


def pixels(finished: Finished) -> np.ndarray:
    header = finished.header
    layer = Layer(
        header.width, header.height, CONTENT.format, CONTENT.sample_type, bytes(finished.data)
    )
    return layer_to_array(layer).astype(int)


def test_tiles_give_the_picture_that_the_whole_gives(daemon: Daemon) -> None:
    plan = daemon.plan(daemon.for_tiles)
    assert (plan.shape, plan.tile) == (SHAPE, 384)
    whole, tiled = run(daemon.work(2**40)), run(daemon.work(daemon.for_tiles))
    assert whole.notes == ()
    assert len(tiled.notes) == 1
    assert "in tiles of at most 384 x 384 pixels" in tiled.notes[0]
    assert (tiled.width, tiled.height, tiled.steps, tiled.reason) == (500, 392, 2, "steps")
    assert tiled.losses is not None
    assert whole.losses is not None
    assert tiled.losses.total == pytest.approx(whole.losses.total, rel=1e-4)
    assert tiled.losses.style == pytest.approx(whole.losses.style, rel=1e-4)
    assert np.abs(pixels(tiled) - pixels(whole)).max() <= 1
    assert np.abs(pixels(tiled) - layer_to_array(CONTENT)).mean() > 0.5


def test_others_run_between_tiles(daemon: Daemon) -> None:
    given: list[None] = []
    done = run(daemon.work(daemon.for_tiles), lambda: given.append(None))
    # Of every step two passes and the step itself; once the content, and the style in its size.
    assert len(given) == done.steps * (2 * TILES + 1) + 2 * TILES


def test_it_is_cancelled_within_a_step(daemon: Daemon) -> None:
    given: list[None] = []

    def give_way() -> None:
        given.append(None)
        if len(given) == 2 * TILES + 3:
            context.stop(JobCancelledError("the call was cancelled"))

    context = JobContext(lambda: None, give_way)
    with pytest.raises(JobCancelledError):
        daemon.work(daemon.for_tiles)(context)
    assert len(given) == 2 * TILES + 3


def test_stop_and_keep_within_a_step_keeps_what_there_is(daemon: Daemon) -> None:
    work = daemon.work(daemon.for_tiles)
    given: list[None] = []

    def give_way() -> None:
        given.append(None)
        if len(given) == 2 * TILES + 3:
            work.stop()

    done = run(work, give_way)
    assert (done.steps, done.reason, done.losses) == (0, "asked", None)
    assert len(given) == 2 * TILES + 3
    assert (pixels(done) == layer_to_array(CONTENT)).all()


def test_where_not_even_tiles_fit_the_picture_shrinks_and_the_note_says_so(
    daemon: Daemon,
) -> None:
    short = daemon.for_tiles - 8 * MIB
    plan = daemon.plan(short)
    assert plan.shape < SHAPE
    done = run(daemon.work(short))
    assert (done.height, done.width) == plan.shape
    assert "which is what the memory has room for, and the result scaled up" in done.notes[-1]
    assert (done.header.width, done.header.height) == (500, 392)
    with pytest.raises(InsufficientMemoryError):
        run(daemon.work(1 * MIB + 96 * 200200))
