"""“Upscale layer”: a larger copy above its layer, in one undo step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pastiche_client import Client, Layer, PixelFormat, SampleType
from tests.editors.krita.session import KritaSession, Rect, Space
from tests.editors.krita.test_docker import click
from tests.editors.krita.test_interruptions import queue
from tests.editors.krita.test_painting import soft
from tests.support.daemon_process import wait_until

pytestmark = pytest.mark.krita

RGBA = Space()
RECT = Rect(14, 8, 72, 60)
LARGE = Rect(14, 8, 144, 120)
RESULT = "layer, 2 times as large"


@pytest.fixture
def upscaling(krita: KritaSession) -> KritaSession:
    """Krita with the factors, of which 2 is chosen."""
    krita.wait_until(lambda: krita.call("factors") == [2, 4, 8], "the factors")
    krita.call("set_factor", factor=2)
    return krita


def make(krita: KritaSession, data: bytes | None = None) -> bytes:
    data = data or soft(RECT, 3)
    krita.call("make")
    krita.add("layer", data, RECT)
    return data


def upscaled(krita: KritaSession, data: bytes, factor: int = 2) -> bytes:
    """What the daemon makes of the same pixels."""
    layer = Layer(RECT.width, RECT.height, PixelFormat.BGRA, SampleType.U8, data)
    with Client(krita.krita.workspace.data, start=False) as client:
        return bytes(client.upscale(layer, factor).layer.packed())


def upscale(krita: KritaSession) -> None:
    krita.done(krita.start("pastiche_upscale"))


def test_the_result_lies_over_its_layer_in_one_undo_step(upscaling: KritaSession) -> None:
    krita = upscaling
    data = make(krita)
    steps = krita.call("history")["steps"]
    upscale(krita)
    assert krita.call("names") == ["Background", "layer", RESULT]
    told = krita.call("describe", name=RESULT)
    # It is as large as that also where the image ends.
    assert (told["type"], told["bounds"]) == ("paintlayer", LARGE.bounds)
    result = krita.pixels(RESULT, LARGE)
    assert result == upscaled(krita, data)
    assert krita.pixels("layer", RECT) == data
    assert krita.call("history")["steps"] == [*steps, "Add Layer"]
    krita.undo()
    assert krita.call("names") == ["Background", "layer"]
    krita.redo()
    assert krita.pixels(RESULT, LARGE) == result


def test_transparency_is_kept(upscaling: KritaSession) -> None:
    krita = upscaling
    samples = RGBA.array(soft(RECT, 3), RECT).copy()
    samples[:30, :, 3] = 0
    samples[:, 40:, 3] = 128
    samples[:30, 40:, 3] = 0
    samples[0, 0, 3] = 255  # Krita's bounds of a layer are those of what can be seen
    data = make(krita, samples.tobytes())
    upscale(krita)
    result = RGBA.array(krita.pixels(RESULT, LARGE), LARGE)
    assert result.tobytes() == upscaled(krita, data)
    assert not result[8:52, :, 3].any()
    assert (result[70:, :70, 3] == 255).all()
    assert (np.abs(result[70:, 90:, 3].astype(int) - 128) <= 1).all()


@pytest.mark.parametrize(
    "space",
    [
        Space("RGBA", "U16"),
        Space("RGBA", "F32"),
        Space("GRAYA", "U8"),
        Space("CMYKA", "U8"),
    ],
    ids=lambda space: f"{space.model}-{space.depth}",
)
def test_every_kind_of_document(upscaling: KritaSession, space: Space) -> None:
    krita = upscaling
    krita.call("make", model=space.model, depth=space.depth)
    count = {"RGBA": 4, "GRAYA": 2, "CMYKA": 5}[space.model]
    rows, columns = np.mgrid[: RECT.height, : RECT.width] / 9.0
    samples = np.stack([np.sin(columns + c) * np.cos(rows - c) for c in range(count)], axis=-1)
    samples = samples * 0.3 + 0.5
    samples[..., -1] = 1.0
    krita.add("layer", space.bytes(samples), RECT)
    made = krita.call("describe", name="layer")["space"]
    assert krita.finished(krita.start("pastiche_upscale"))["state"] == "done"
    told = krita.call("describe", name=RESULT)
    assert (told["space"], told["bounds"]) == (made, LARGE.bounds)
    after = space.array(krita.pixels(RESULT, LARGE), LARGE)
    assert (after[..., -1] == space.largest).all()
    # The same picture, larger: each of its pixels is the mean of four, but for what was added.
    before, after = (
        seen(krita, name, rect, made) for name, rect in (("layer", RECT), (RESULT, LARGE))
    )
    small = after.reshape(RECT.height, 2, RECT.width, 2, 3).mean(axis=(1, 3))
    difference = np.abs(small - before)
    assert difference.mean() < 0.08 * 255
    assert difference.max() > 0


def seen(krita: KritaSession, name: str, rect: Rect, space: list[str]) -> Any:
    """The colours of a layer as a screen shows them: those of CMYK have many ways to be mixed."""
    data = krita.call(
        "convert",
        data=krita.pixels(name, rect),
        width=rect.width,
        height=rect.height,
        source=space,
        target=["RGBA", "U8", "sRGB-elle-V2-srgbtrc.icc"],
    )
    return RGBA.array(data, rect)[..., :3].astype(float)


def test_all_of_the_layer_whatever_is_selected(upscaling: KritaSession) -> None:
    krita = upscaling
    data = make(krita)
    krita.call("select", data=b"\xff" * 400, x=20, y=20, width=20, height=20)
    upscale(krita)
    assert krita.pixels(RESULT, LARGE) == upscaled(krita, data)


def test_with_the_built_in_network(upscaling: KritaSession) -> None:
    krita = upscaling
    data = make(krita)
    krita.call("set_factor", factor=4)
    upscale(krita)
    rect = Rect(RECT.x, RECT.y, 4 * RECT.width, 4 * RECT.height)
    assert krita.pixels("layer, 4 times as large", rect) == upscaled(krita, data, 4)


def test_with_the_mouse(upscaling: KritaSession) -> None:
    krita = upscaling
    make(krita)
    krita.call("trigger", action="pastiche_upscale_show")
    assert krita.call("shown_page") == "Upscale"
    krita.wait_until(
        lambda: krita.call("upscale_page")[2] == "144 x 120 pixels", "the new layer's size"
    )
    assert krita.call("upscale_page")[:2] == [
        ["2 times", "4 times", "8 times"],
        "2 times",
    ]
    assert krita.call("cut_labels") == []
    krita.call("set_factor", factor=8)
    assert krita.call("upscale_page")[1:] == ["8 times", "576 x 480 pixels"]
    krita.call("set_factor", factor=2)
    click(krita, "Upscale")
    krita.wait_until(lambda: RESULT in krita.call("names"), "the new layer")
    krita.call("focus_canvas")
    krita.display.key("ctrl+z")
    krita.wait_until(lambda: RESULT not in krita.call("names"), "undo")


def test_cancel(upscaling: KritaSession) -> None:
    krita = upscaling
    krita.call("make", width=520, height=420)
    rect = Rect(20, 10, 480, 400)
    krita.add("layer", soft(rect, 3), rect)
    krita.call("set_factor", factor=8)
    steps = krita.call("history")["steps"]
    index = krita.start("pastiche_upscale")
    krita.wait_until(
        lambda: "Upscaling “layer”" in krita.call("job", index=index)["status"], "the work"
    )
    krita.call("cancel", index=index)
    assert krita.finished(index)["state"] == "cancelled"
    wait_until(lambda: queue(krita) == (0, 0), "the end of the call")
    assert krita.call("names") == ["Background", "layer"]
    assert krita.call("history")["steps"] == steps


def test_refusals(upscaling: KritaSession) -> None:
    krita = upscaling
    assert krita.refusal("pastiche_upscale").startswith("No image is open.")
    make(krita)
    krita.call("set_node", name="layer", locked=True)
    assert "is locked" in krita.refusal("pastiche_upscale")
    krita.call("set_node", name="layer", locked=False)
    krita.call("trigger", action="select_all_layers")
    krita.wait_until(lambda: len(krita.call("selected")) == 2, "the selection of layers")
    assert krita.refusal("pastiche_upscale").startswith("Only one layer is upscaled at a time.")


def test_a_result_that_krita_cannot_hold(upscaling: KritaSession) -> None:
    krita = upscaling
    krita.call("make", width=3000, height=3000)
    krita.call("set_factor", factor=8)
    told = krita.refusal("pastiche_upscale")
    assert "would be too large for the editor with 24000 x 24000 pixels" in told
