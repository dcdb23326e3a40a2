"""What the editors' plug-ins share, with a real daemon that is started when it is needed."""

from __future__ import annotations

import queue
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pastiche_client.client import Client
from pastiche_client.editing.blocking import run_and_wait
from pastiche_client.editing.catalogue import load_catalogue
from pastiche_client.editing.live_preview import LivePreview, PreviewPicture
from pastiche_client.editing.options import Options
from pastiche_client.editing.preview_plan import PreviewMode, PreviewPlan, plan_preview
from pastiche_client.editing.recipe import Recipe
from pastiche_client.editing.run import LayerRun, RunItem, RunResult, RunStage, RunState
from pastiche_client.editing.texts import Texts
from pastiche_client.editing.translations import translator
from pastiche_client.errors import DaemonLostError, DaemonStartError
from pastiche_client.images import layer_from_array, layer_to_array
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.paths import DataPaths
from tests.contract.daemons import daemons, end_daemons
from tests.support.daemon_process import WAIT_SECONDS, wait_until

TEXTS = Texts(translator(["en"]))
MIX = Options("tiny/one", second_style="tiny/two", second_share=0.25, strength=0.8)
# Small layers take a moment with it, large ones seconds.
SLOW = Options("slow/slow")


def layer(side: int, seed: int = 0) -> Layer:
    pixels = bytes((index * (7 + seed) + seed) % 256 for index in range(side)) * side * 4
    return Layer(side, side, PixelFormat.RGBA, SampleType.U8, pixels, offset=(3, -4))


def item(name: str, side: int, seed: int = 0) -> RunItem:
    return RunItem(name, layer(side, seed), name)


def ignore(_: RunState) -> None:
    pass


@pytest.fixture
def client(own_home: Path) -> Iterator[Client]:
    """A client whose daemon does not run yet."""
    paths = DataPaths(own_home)
    client = Client(paths)
    yield client
    client.close()
    end_daemons(paths)


def states(result: RunResult) -> list[str]:
    return [
        "done" if one.succeeded else "cancelled" if one.cancelled else "failed"
        for one in result.outcomes
    ]


def test_layers_share_one_daemon_and_can_be_made_again_from_their_recipes(client: Client) -> None:
    updates: list[RunState] = []
    items = [item("Sky", 40), item("Sea", 24, 1), item("Sand", 16, 2)]
    result = run_and_wait(client, items, MIX, on_update=updates.append)
    assert states(result) == ["done"] * 3
    assert TEXTS.summary(result, client.paths) == ""
    assert len(daemons(client.paths)) == 1
    assert updates[0].stage is RunStage.STARTING
    fractions = [state.fraction for state in updates]
    assert fractions == sorted(fractions)
    assert {state.index for state in updates} == {0, 1, 2}

    for number, outcome in enumerate(result.outcomes):
        made = outcome.result
        assert made is not None
        assert made.layer.offset == (3, -4)
        assert bytes(made.layer.data) != layer(made.layer.width, number).data
        recipe = Recipe.loads(Recipe.of(MIX, made).dumps())
        assert (recipe.pack, recipe.pack_version) == ("tiny", "1.0.0")
        assert recipe.daemon_version == client.info().version
        again = run_and_wait(client, [items[number]], recipe.options, on_update=ignore)
        repeated = again.outcomes[0].result
        assert repeated is not None
        assert repeated.layer == made.layer


def test_cancelling_in_the_middle_keeps_what_is_done_and_frees_the_daemon(client: Client) -> None:
    calls: queue.Queue[Callable[[], None]] = queue.Queue()
    results: list[RunResult] = []
    runs: list[LayerRun] = []

    def update(state: RunState) -> None:
        if state.index == 1 and state.stage is RunStage.STYLIZING:
            runs[0].cancel()

    runs.append(
        LayerRun(
            client,
            [item("small", 8), item("large", 1000), item("late", 8)],
            SLOW,
            post=calls.put,
            on_update=update,
            on_done=results.append,
        ).begin()
    )
    while not results:
        calls.get(timeout=WAIT_SECONDS)()
    assert results[0].cancelled
    assert states(results[0]) == ["done", "cancelled", "cancelled"]
    assert calls.empty()
    wait_until(lambda: client.info().running == client.info().waiting == 0)


def test_an_interrupted_script_frees_the_daemon(client: Client) -> None:
    def update(state: RunState) -> None:
        if state.stage is RunStage.STYLIZING:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_and_wait(client, [item("large", 1000)], SLOW, on_update=update)
    wait_until(lambda: client.info().running == client.info().waiting == 0)


def test_a_daemon_killed_in_the_middle_costs_one_layer(client: Client) -> None:
    killed: list[int] = []

    def update(state: RunState) -> None:
        if state.index == 1 and state.stage is RunStage.STYLIZING and not killed:
            (daemon,) = daemons(client.paths)
            killed.append(daemon.pid)
            daemon.kill()

    items = [item("small", 8), item("large", 1000), item("late", 8)]
    result = run_and_wait(client, items, SLOW, on_update=update)
    assert states(result) == ["done", "failed", "done"]
    assert isinstance(result.outcomes[1].error, DaemonLostError)
    told = TEXTS.summary(result, client.paths)
    assert "2 of 3" in told
    assert "large: Pastiche's daemon ended" in told
    assert str(client.paths.log_file) in told
    assert client.info().pid not in killed


def program(client: Client, monkeypatch: pytest.MonkeyPatch, source: str) -> Path:
    """Let this be what is started for a daemon; the path of a file for its use."""
    file = client.paths.root / "program.py"
    file.write_text(source, encoding="utf-8")
    monkeypatch.setenv("PASTICHE_DAEMON", f'"{sys.executable}" "{file}" serve')
    return file.with_suffix(".log")


def test_a_daemon_that_cannot_start_is_tried_once_and_told(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = "import sys\nopen(sys.argv[0][:-3] + '.log', 'a').write('x')\nsys.exit('no torch')"
    started = program(client, monkeypatch, source)
    result = run_and_wait(client, [item("a", 8), item("b", 8)], MIX, on_update=ignore)
    assert states(result) == ["failed", "failed"]
    assert all(isinstance(outcome.error, DaemonStartError) for outcome in result.outcomes)
    told = TEXTS.summary(result, client.paths)
    assert "no torch" in told
    assert str(client.paths.log_file) in told
    assert started.read_text("utf-8") == "x"


def test_cancelling_while_the_daemon_starts(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(client, monkeypatch, "import time\ntime.sleep(600)")
    calls: queue.Queue[Callable[[], None]] = queue.Queue()
    results: list[RunResult] = []
    updates: list[RunState] = []
    run = LayerRun(
        client,
        [item("a", 8), item("b", 8)],
        MIX,
        post=calls.put,
        on_update=updates.append,
        on_done=results.append,
    ).begin()
    while not updates:
        calls.get(timeout=WAIT_SECONDS)()
    assert updates[0].stage is RunStage.STARTING
    wait_until(lambda: bool(daemons(client.paths)))
    run.cancel()
    while not results:
        calls.get(timeout=WAIT_SECONDS)()
    assert results[0].cancelled
    assert states(results[0]) == ["cancelled", "cancelled"]


def test_the_catalogue_has_the_styles_with_pictures(client: Client) -> None:
    catalogue = load_catalogue(client)
    assert {"tiny", "other", "slow", "masters"} <= set(catalogue.packs())
    assert [style.name for style in catalogue.of_pack("tiny")] == ["tiny/one", "tiny/two"]
    assert all(style.preview and style.media_type for style in catalogue.items)


class Show:
    """A window with a live preview."""

    def __init__(self, client: Client) -> None:
        self.shown: queue.Queue[PreviewPicture] = queue.Queue()
        self.failures: queue.Queue[str] = queue.Queue()
        self.preview = LivePreview(
            client, lambda call: call(), self.shown.put, self.failures.put, TEXTS
        )

    def next(self) -> PreviewPicture:
        return self.shown.get(timeout=WAIT_SECONDS)


@pytest.fixture
def show(client: Client) -> Iterator[Show]:
    show = Show(client)
    yield show
    show.preview.close()


def test_a_preview_is_what_the_layer_becomes(client: Client, show: Show) -> None:
    show.preview.request(layer(64), MIX, "tag")
    picture = show.next()
    assert (picture.options, picture.tag) == (MIX, "tag")
    result = client.stylize(layer(64), MIX.styles(), strength=MIX.strength)
    assert picture.layer == result.layer


def test_the_detail_of_a_layer_that_is_not_large_is_exactly_its_part_of_the_result(
    client: Client, show: Show
) -> None:
    pixels = (np.mgrid[:330, :400].sum(axis=0) % 256).astype("uint8")
    plan = plan_preview(PreviewMode.DETAIL, 400, 330, MIX, (0.9, 0.1))

    def read(part: PreviewPlan) -> Layer:
        assert (part.out_width, part.out_height) == (part.width, part.height)
        rows = slice(part.y, part.y + part.height)
        return layer_from_array(pixels[rows, part.x : part.x + part.width])

    show.preview.request(read(plan), plan.options, plan, plan.surround(read))
    picture = layer_to_array(show.next().layer)
    result = client.stylize(layer_from_array(pixels), MIX.styles(), strength=MIX.strength)
    whole = layer_to_array(result.layer)
    assert picture.shape == (320, 320, 1)
    np.testing.assert_array_equal(picture, whole[plan.y : plan.y + 320, plan.x : plan.x + 320])


def test_the_last_of_many_requests_is_shown_last(show: Show) -> None:
    last = 0.99
    for step in range(100):
        show.preview.request(layer(32), Options("tiny/one", strength=step / 100))
        show.preview._thread.join(0.005)
    seen = [show.next().options.strength]
    while seen[-1] != last:
        seen.append(show.next().options.strength)
    assert seen == sorted(seen)
    assert show.failures.empty()


def test_a_newer_request_ends_one_that_takes_long(client: Client, show: Show) -> None:
    show.preview.request(layer(1000), SLOW)
    wait_until(lambda: client.info().running == 1)
    show.preview.request(layer(16), MIX)
    assert show.next().options == MIX
    show.preview.request(layer(1000), SLOW)
    wait_until(lambda: client.info().running == 1)
    show.preview.clear()
    wait_until(lambda: client.info().running == 0)
    assert show.shown.empty()
    assert show.failures.empty()


def test_a_preview_survives_its_daemon(client: Client, show: Show) -> None:
    show.preview.request(layer(1000), SLOW)
    wait_until(lambda: bool(daemons(client.paths)) and client.info().running == 1)
    end_daemons(client.paths)
    assert str(client.paths.log_file) in show.failures.get(timeout=WAIT_SECONDS)
    show.preview.request(layer(16), MIX)
    assert show.next().options == MIX
