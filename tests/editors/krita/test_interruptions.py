"""What happens while the daemon works: the user goes on, or something breaks."""

from __future__ import annotations

import os
import signal

import psutil
import pytest

from pastiche_client import Client
from tests.contract.daemons import daemons
from tests.editors.krita.session import KritaSession, Rect
from tests.editors.krita.test_layers import add, painting
from tests.support.daemon_process import wait_until

pytestmark = pytest.mark.krita

SLOW = "layer - Slow"
RECT = Rect(20, 10, 500, 400)


@pytest.fixture
def slow(krita: KritaSession) -> KritaSession:
    """Krita with a layer whose stylization takes seconds."""
    krita.call("make", width=520, height=420)
    add(krita, rect=RECT)
    krita.call("set_options", style="slow/slow")
    return krita


def started(krita: KritaSession) -> int:
    """A job that the daemon works on."""
    index = krita.start()
    krita.wait_until(
        lambda: krita.call("job", index=index)["fraction"] > 0, "the first of the progress"
    )
    assert not krita.call("job", index=index)["final"]
    return index


def queue(krita: KritaSession) -> tuple[int, int]:
    """How many calls the daemon has waiting and running."""
    with Client(krita.krita.workspace.data, start=False) as client:
        info = client.info()
    return info.waiting, info.running


def test_cancel(slow: KritaSession) -> None:
    steps = slow.call("history")["steps"]
    index = started(slow)
    slow.call("cancel", index=index)
    assert slow.finished(index)["state"] == "cancelled"
    wait_until(lambda: queue(slow) == (0, 0), "the end of the call")
    assert slow.call("names") == ["Background", "layer"]
    assert slow.call("history")["steps"] == steps
    slow.call("set_options", style="tiny/one")
    slow.done()


def test_jobs_wait_in_the_daemons_queue(slow: KritaSession) -> None:
    first = started(slow)
    slow.call("activate", name="Background")
    second = slow.start()
    slow.wait_until(
        lambda: "next in the queue" in slow.call("job", index=second)["status"], "waiting"
    )
    slow.call("cancel", index=second)
    assert slow.finished(second)["state"] == "cancelled"
    slow.done(first)
    assert slow.call("names") == ["Background", "layer", SLOW]


def test_the_daemon_is_killed(slow: KritaSession) -> None:
    index = started(slow)
    data = slow.krita.workspace.data
    (daemon,) = daemons(data)
    os.kill(daemon.pid, signal.SIGKILL)
    job = slow.finished(index)
    assert job["state"] == "failed"
    assert "ended in the middle of the work" in job["message"]
    assert str(slow.krita.workspace.inside("pastiche")) in job["message"]  # where the log is
    assert slow.call("message") == job["message"]
    assert slow.call("names") == ["Background", "layer"]
    # The next one starts it anew.
    slow.call("set_options", style="tiny/one")
    slow.done()
    psutil.wait_procs([daemon], timeout=60)
    (other,) = daemons(data)
    assert other.pid != daemon.pid


def test_the_image_is_edited(slow: KritaSession) -> None:
    index = started(slow)
    more = Rect(70, 50, 20, 20)
    slow.add("more", painting(more, 5), more)
    slow.call(
        "paint", name="layer", data=bytes([1, 2, 3, 255]) * 100, **Rect(25, 15, 10, 10).values
    )
    edited = slow.pixels("layer", RECT)
    job = slow.finished(index)
    assert job["state"] == "done"
    assert "“layer” was edited while it was being stylized" in job["message"]
    assert slow.call("names") == ["Background", "layer", SLOW, "more"]
    assert slow.pixels("layer", RECT) == edited
    assert slow.pixels("more", more) == painting(more, 5)
    assert slow.call("describe", name=SLOW)["bounds"] == RECT.bounds
    slow.wait_until(lambda: slow.call("active") == "more", "the return to the user's layer")


def test_the_layer_is_moved(slow: KritaSession) -> None:
    index = started(slow)
    slow.call("move", name="layer", x=13, y=-7)
    job = slow.finished(index)
    assert job["state"] == "done"
    moved = [RECT.x + 13, RECT.y - 7, RECT.width, RECT.height]
    assert slow.call("describe", name="layer")["bounds"] == moved
    assert slow.call("describe", name=SLOW)["bounds"] == moved


def test_the_layer_is_put_into_a_group(slow: KritaSession) -> None:
    slow.call("add_group", name="group")
    slow.call("activate", name="layer")
    index = started(slow)
    slow.call("regroup", name="layer", group="group")
    slow.done(index)
    assert slow.call("names") == ["Background", "group", ["layer", SLOW]]


def test_the_layer_is_deleted(slow: KritaSession) -> None:
    index = started(slow)
    slow.call("remove", name="layer")
    job = slow.finished(index)
    assert job["state"] == "failed"
    assert "“layer” was deleted while it was being stylized" in job["message"]
    assert slow.call("names") == ["Background"]
    slow.undo()
    assert slow.call("names") == ["Background", "layer"]


def test_the_image_is_closed(slow: KritaSession) -> None:
    index = started(slow)
    slow.call("close_documents")
    job = slow.finished(index)
    assert job["state"] == "failed"
    assert "The image was closed" in job["message"]
    wait_until(lambda: queue(slow) == (0, 0), "the end of the call")
    slow.call("make")
    add(slow)
    slow.call("set_options", style="tiny/one")
    slow.done()


def test_another_image_is_worked_on(slow: KritaSession) -> None:
    index = started(slow)
    slow.call("make", width=60, height=50)
    slow.done(index)
    assert slow.call("names") == ["Background"]
    assert slow.call("names_of_first") == ["Background", "layer", SLOW]


def test_krita_stays_usable(slow: KritaSession) -> None:
    # Krita answers, draws and undoes while the daemon works.
    index = started(slow)
    slow.add("more", painting(RECT, 5), RECT)
    slow.undo()
    slow.redo()
    assert slow.call("names") == ["Background", "layer", "more"]
    assert not slow.call("job", index=index)["final"]
    slow.call("cancel", index=index)
    assert slow.finished(index)["state"] == "cancelled"


def test_a_style_that_is_gone(krita: KritaSession) -> None:
    krita.call("make")
    add(krita)
    krita.call("set_options", style="gone/style")
    job = krita.stylize()
    assert job["state"] == "failed"
    assert "not installed" in job["message"]
    assert krita.call("names") == ["Background", "layer"]
