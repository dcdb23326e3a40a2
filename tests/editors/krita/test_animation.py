"""All frames of a layer, at their own times, in one undo step."""

from __future__ import annotations

import pytest

from pastiche_client import Client, Layer, PixelFormat, SampleType
from tests.editors.krita.session import KritaSession, Rect, Space
from tests.editors.krita.test_layers import painting

pytestmark = pytest.mark.krita

RGBA = Space()
#: Where each frame of the layer is painted; they differ in size and place.
FRAMES = {0: Rect(10, 10, 30, 20), 7: Rect(30, 25, 40, 30), 60: Rect(-5, 40, 30, 30)}
RESULT = "animated - One"


def animate(krita: KritaSession, empty: tuple[int, ...] = ()) -> None:
    """A document with an animated layer."""
    krita.call("make")
    krita.call("animate", name="animated")
    krita.wait_until(lambda: krita.call("is_animated", name="animated"), "the animation")
    krita.call("activate", name="animated")
    krita.wait_until(lambda: krita.call("active") == "animated", "the active layer")
    for time, rect in FRAMES.items():
        add_frame(krita, time)
        krita.call("paint", name="animated", data=painting(rect, time), **rect.values)
    for time in empty:
        add_frame(krita, time)
    krita.call("set_time", time=3)


def add_frame(krita: KritaSession, time: int) -> None:
    krita.call("set_time", time=time)
    krita.wait_until(lambda: krita.call("shown_time") == time, "the change of the time")
    krita.call("trigger", action="add_blank_frame")
    krita.wait_until(lambda: time in krita.call("frames", name="animated"), "the frame")


def test_every_frame_at_its_time(krita: KritaSession) -> None:
    animate(krita, empty=(12,))
    times = sorted([*FRAMES, 12])
    assert krita.call("frames", name="animated") == times
    before, steps = frames_of(krita, "animated"), krita.call("history")["steps"]
    krita.call("set_all_frames", on=True)
    krita.done()

    assert krita.call("names") == ["Background", "animated", RESULT]
    assert krita.call("frames", name=RESULT) == times
    assert frames_of(krita, "animated") == before
    assert krita.call("time") == 3
    assert krita.call("history")["steps"] == [*steps, "Add Layer"]
    with Client(krita.krita.workspace.data, start=False) as client:
        for time, rect in FRAMES.items():
            sent = Layer(
                rect.width, rect.height, PixelFormat.BGRA, SampleType.U8, painting(rect, time)
            )
            expected = client.stylize(sent, "tiny/one").layer.packed()
            assert krita.pixels(RESULT, rect, time) == expected
    assert not any(krita.pixels(RESULT, Rect(0, 0, 120, 90), 12))

    result = frames_of(krita, RESULT)
    krita.undo()
    assert krita.call("names") == ["Background", "animated"]
    krita.redo()
    assert krita.call("frames", name=RESULT) == times
    assert frames_of(krita, RESULT) == result


def frames_of(krita: KritaSession, name: str) -> list[bytes]:
    rect = Rect(-20, -20, 160, 130)
    return [krita.pixels(name, rect, time) for time in krita.call("frames", name=name)]


def test_the_frames_are_saved(krita: KritaSession) -> None:
    animate(krita)
    krita.call("set_all_frames", on=True)
    krita.done()
    result = frames_of(krita, RESULT)
    file = krita.krita.workspace.inside("frames.kra")
    krita.call("save", path=file)
    krita.call("close_documents")
    krita.call("open_file", path=file)
    assert krita.call("frames", name=RESULT) == sorted(FRAMES)
    assert frames_of(krita, RESULT) == result


def test_a_selection_cuts_every_frame(krita: KritaSession) -> None:
    animate(krita)
    part = Rect(20, 15, 30, 40)
    krita.call("select", data=b"\xff" * (part.width * part.height), **part.values)
    krita.call("set_all_frames", on=True)
    krita.call("set_options", style="tiny/one", strength=0.0)
    krita.done()
    whole = Rect(-20, -20, 160, 130)
    for time in FRAMES:
        original = RGBA.array(krita.pixels("animated", whole, time), whole).copy()
        inside = original[35:75, 40:70].copy()
        original[:] = 0
        original[35:75, 40:70] = inside
        result = RGBA.array(krita.pixels(RESULT, whole, time), whole)
        assert (result[..., 3] == original[..., 3]).all()
        seen = original[..., 3] > 0
        assert (result[seen] == original[seen]).all()


def test_frames_that_share_their_pixels(krita: KritaSession) -> None:
    # A clone of a frame must not be stylized twice.
    animate(krita)
    krita.call("clone_frame", name="animated", source=7, target=20)
    krita.wait_until(lambda: 20 in krita.call("frames", name="animated"), "the cloned frame")
    krita.call("set_all_frames", on=True)
    krita.done()
    rect = FRAMES[7]
    with Client(krita.krita.workspace.data, start=False) as client:
        sent = Layer(rect.width, rect.height, PixelFormat.BGRA, SampleType.U8, painting(rect, 7))
        expected = client.stylize(sent, "tiny/one").layer.packed()
    assert krita.pixels(RESULT, rect, 7) == expected
    assert krita.pixels(RESULT, rect, 20) == expected


def test_only_the_present_frame(krita: KritaSession) -> None:
    animate(krita)
    krita.done()
    assert not krita.call("describe", name=RESULT)["animated"]
    assert krita.call("describe", name=RESULT)["bounds"] == FRAMES[0].bounds


def test_a_cancelled_animation_adds_nothing(krita: KritaSession) -> None:
    animate(krita)
    steps = krita.call("history")["steps"]
    krita.call("set_all_frames", on=True)
    # Small strokes make it slower still, so that it is not done before it is cancelled.
    krita.call("set_options", style="slow/slow", stroke_size=0.25)
    index = krita.start()
    krita.wait_until(lambda: krita.call("job", index=index)["fraction"] > 0.35, "the second frame")
    krita.call("cancel", index=index)
    assert krita.finished(index)["state"] == "cancelled"
    assert krita.call("names") == ["Background", "animated"]
    assert krita.call("history")["steps"] == steps
