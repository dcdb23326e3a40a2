"""“Paint like another layer” for all frames of a layer, at their own times, in one undo step."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pastiche_client import Client, Layer, PixelFormat, SampleType, StyleLayer
from pastiche_client.editing.paint_options import PaintOptions
from tests.editors.krita.session import KritaSession, Rect
from tests.editors.krita.test_animation import add_frame, frames_of
from tests.editors.krita.test_painting import choose, soft

pytestmark = pytest.mark.krita

FRAMES = {0: Rect(10, 10, 48, 40), 5: Rect(30, 25, 60, 50)}
STYLE_RECT = Rect(0, 0, 48, 40)
RESULT = "animated like style"
#: Minutes of work for a frame.
LONG = {"quality": "full", "style_scale": 4.0}
LONG_FRAMES = {0: Rect(0, 0, 480, 400), 5: Rect(20, 10, 480, 400)}


def animate(
    krita: KritaSession, frames: dict[int, Rect] | None = None, width: int = 120, height: int = 90
) -> bytes:
    """A document with a style and an animated layer, the active one; returns the style's pixels."""
    krita.call("make", width=width, height=height)
    style = soft(STYLE_RECT, 4)
    krita.add("style", style, STYLE_RECT)
    krita.call("animate", name="animated")
    krita.wait_until(lambda: krita.call("is_animated", name="animated"), "the animation")
    krita.call("activate", name="animated")
    krita.wait_until(lambda: krita.call("active") == "animated", "the active layer")
    for time, rect in (frames or FRAMES).items():
        add_frame(krita, time)
        krita.call("paint", name="animated", data=soft(rect, time), **rect.values)
    krita.call("set_time", time=3)
    krita.call("show_page", page="Paint")
    krita.call("set_paint_frames", on=True)
    return style


def painted(krita: KritaSession, time: int, style: bytes, region: bytes | None = None) -> bytes:
    """What the daemon makes of a frame."""
    rect = FRAMES[time]
    options = PaintOptions.from_dict(krita.call("paint_options"))
    layer = Layer(rect.width, rect.height, PixelFormat.BGRA, SampleType.U8, soft(rect, time))
    picture = Layer(STYLE_RECT.width, STYLE_RECT.height, PixelFormat.BGRA, SampleType.U8, style)
    styles = [StyleLayer(picture, region=region)]
    with Client(krita.krita.workspace.data, start=False) as client:
        return bytes(client.optimize(layer, styles, options.optimize_options()).layer.packed())


def choose_style(krita: KritaSession, where: Any = None, **values: Any) -> None:
    choose(krita, [krita.call("layer_style", name="style", where=where)], **values)


def test_every_frame_at_its_time(krita: KritaSession) -> None:
    style = animate(krita)
    choose_style(krita)
    before, steps = frames_of(krita, "animated"), krita.call("history")["steps"]
    krita.done(krita.start("pastiche_paint"))

    assert krita.call("names") == ["Background", "style", "animated", RESULT]
    assert krita.call("frames", name=RESULT) == list(FRAMES)
    assert frames_of(krita, "animated") == before
    assert krita.call("time") == 3
    assert krita.call("history")["steps"] == [*steps, "Add Layer"]
    for time, rect in FRAMES.items():
        assert krita.pixels(RESULT, rect, time) == painted(krita, time, style)
    recipe = json.loads(krita.call("recipe", name=RESULT))
    assert (recipe["kind"], recipe["options"]) == ("paint", krita.call("paint_options"))

    krita.undo()
    assert krita.call("names") == ["Background", "style", "animated"]
    krita.redo()
    assert krita.call("frames", name=RESULT) == list(FRAMES)


def test_a_mask_is_cut_to_every_frame(krita: KritaSession) -> None:
    style = animate(krita)
    part = Rect(0, 0, 50, 90)
    krita.call("add_selection_mask", name="left", layer="style", **part.values)
    krita.call("activate", name="animated")
    krita.wait_until(lambda: krita.call("active") == "animated", "the active layer")
    choose_style(krita, krita.call("mask_region", name="left"))
    krita.done(krita.start("pastiche_paint"))
    for time, rect in FRAMES.items():
        row = [255 if x < part.width else 0 for x in range(rect.x, rect.x + rect.width)]
        region = bytes(row) * rect.height
        assert krita.pixels(RESULT, rect, time) == painted(krita, time, style, region)


def test_only_the_present_frame(krita: KritaSession) -> None:
    animate(krita)
    choose_style(krita)
    krita.call("set_paint_frames", on=False)
    krita.done(krita.start("pastiche_paint"))
    assert not krita.call("describe", name=RESULT)["animated"]
    assert krita.call("describe", name=RESULT)["bounds"] == FRAMES[0].bounds


def test_frames_are_offered_where_there_are_some(krita: KritaSession) -> None:
    animate(krita)
    krita.call("set_paint_frames", on=False)
    assert krita.call("paint_frames_box") == [True, False]
    krita.call("activate", name="style")
    krita.wait_until(lambda: krita.call("paint_frames_box") == [False, False], "the look")
    krita.call("set_paint_frames", on=True)
    choose(krita, [krita.call("layer_style", name="animated")])
    assert "has no animation frames" in krita.refusal("pastiche_paint")


def long_job(krita: KritaSession) -> int:
    animate(krita, LONG_FRAMES, 520, 420)
    choose_style(krita, **LONG)
    index = krita.start("pastiche_paint")
    krita.wait_until(lambda: krita.call("job", index=index)["fraction"] > 0, "the first steps")
    return index


def test_cancelling_within_a_frame_adds_nothing(krita: KritaSession) -> None:
    index = long_job(krita)
    steps = krita.call("history")["steps"]
    krita.call("cancel", index=index)
    assert krita.finished(index)["state"] == "cancelled"
    assert krita.call("names") == ["Background", "style", "animated"]
    assert krita.call("history")["steps"] == steps


def test_stop_and_keep_leaves_the_other_frames_empty(krita: KritaSession) -> None:
    index = long_job(krita)
    assert "frame 0" in krita.call("job", index=index)["status"]
    krita.call("stop_and_keep", index=index)
    job = krita.finished(index)
    assert job["state"] == "done"
    assert "Frames that were painted: 1 of 2." in job["message"]
    assert krita.call("frames", name=RESULT) == list(LONG_FRAMES)
    first, second = frames_of(krita, RESULT)
    assert any(first)
    assert not any(second)
    assert json.loads(krita.call("recipe", name=RESULT))["stopped"]
