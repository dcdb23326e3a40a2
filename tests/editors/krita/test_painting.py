"""“Paint like another layer”: the docker's page, and what it leaves in the document."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pastiche_client import Client, Layer, PixelFormat, SampleType, StyleLayer
from pastiche_client.editing.paint_options import PaintOptions
from tests.contract.daemons import daemons
from tests.editors.krita.session import KritaSession, Rect, Space
from tests.editors.krita.test_docker import click
from tests.editors.krita.test_interruptions import queue
from tests.support.daemon_process import wait_until

pytestmark = pytest.mark.krita

RGBA = Space()
RECT = Rect(14, 8, 72, 60)
STYLE_RECT = Rect(5, 4, 64, 48)
RESULT = "layer like style"
#: Minutes of work.
LONG = {"quality": "full"}
LONG_RECT = Rect(20, 10, 480, 400)


def soft(rect: Rect, seed: int) -> bytes:
    """Opaque soft shapes in B, G, R, A."""
    rows, columns = np.mgrid[: rect.height, : rect.width] / 12.0
    pixels = np.full((rect.height, rect.width, 4), 255, np.uint8)
    for channel in range(3):
        wave = np.sin(columns * (1 + seed % 3) + channel) * np.cos(rows - seed * channel)
        pixels[..., channel] = np.rint(wave * 127 + 128)
    return pixels.tobytes()


def make(krita: KritaSession, rect: Rect = RECT, **values: Any) -> tuple[bytes, bytes]:
    """A document whose `layer`, the active one, is to be painted like the layer `style`."""
    krita.call("make", width=max(120, rect.width + 40), height=max(90, rect.height + 20))
    style, data = soft(STYLE_RECT, 4), soft(rect, 1)
    krita.add("style", style, STYLE_RECT)
    krita.add("layer", data, rect)
    choose(krita, [krita.call("layer_style", name="style")], **values)
    return data, style


def choose(krita: KritaSession, styles: list[dict[str, Any]], **values: Any) -> None:
    chosen = {"encoder": "vgg19-quarter", "quality": "quick", **values}
    krita.call("set_paint", styles=styles, **chosen)


def painted(krita: KritaSession, data: bytes, *styles: StyleLayer) -> bytes:
    """What the daemon makes of the same pixels with the values that the docker shows."""
    options = PaintOptions.from_dict(krita.call("paint_options"))
    layer = Layer(RECT.width, RECT.height, PixelFormat.BGRA, SampleType.U8, data)
    with Client(krita.krita.workspace.data, start=False) as client:
        return bytes(client.optimize(layer, styles, options.optimize_options()).layer.packed())


def style_layer(data: bytes, rect: Rect = STYLE_RECT, weight: float = 1.0) -> StyleLayer:
    return StyleLayer(Layer(rect.width, rect.height, PixelFormat.BGRA, SampleType.U8, data), weight)


def paint(krita: KritaSession) -> None:
    krita.done(krita.start("pastiche_paint"))


def long_job(krita: KritaSession) -> int:
    """A job at work that would go on for minutes."""
    make(krita, LONG_RECT, **LONG)
    index = krita.start("pastiche_paint")
    krita.wait_until(lambda: krita.call("job", index=index)["fraction"] > 0, "the first steps")
    return index


def test_the_result_lies_over_its_layer_in_one_undo_step(krita: KritaSession) -> None:
    data, style = make(krita)
    steps = krita.call("history")["steps"]
    paint(krita)
    result = krita.pixels(RESULT, RECT)
    assert result == painted(krita, data, style_layer(style))
    assert result != data
    assert krita.pixels("layer", RECT) == data
    assert krita.call("names") == ["Background", "style", "layer", RESULT]
    told = krita.call("describe", name=RESULT)
    assert (told["type"], told["bounds"]) == ("paintlayer", RECT.bounds)
    assert krita.call("history")["steps"] == [*steps, "Add Layer"]
    krita.undo()
    assert krita.call("names") == ["Background", "style", "layer"]
    krita.redo()
    assert krita.pixels(RESULT, RECT) == result


def test_the_recipe_makes_the_same_picture_again(krita: KritaSession) -> None:
    make(krita, amount=0.75, style_scale=0.5, start="noise", colors="luminance")
    asked = krita.call("paint_options")
    paint(krita)
    recipe = json.loads(krita.call("recipe", name=RESULT))
    assert (recipe["kind"], recipe["options"]) == ("paint", asked)
    assert recipe["encoder"].endswith("vgg19-quarter")
    assert recipe["steps"] > 0
    file = krita.krita.workspace.inside("painted.kra")
    first = krita.pixels(RESULT, RECT)
    krita.call("save", path=file)
    krita.call("close_documents")
    choose(krita, [])

    krita.call("open_file", path=file)
    krita.call("activate", name=RESULT)
    krita.wait_until(lambda: krita.call("active") == RESULT, "the active layer")
    krita.call("use_recipe")
    assert krita.call("paint_options") == asked
    assert krita.call("shown_page") == "Paint"
    assert RESULT in krita.call("message")
    krita.call("set_node", name=RESULT, visible=False)
    krita.call("activate", name="layer")
    krita.wait_until(lambda: krita.call("active") == "layer", "the active layer")
    krita.call("remove", name=RESULT)
    paint(krita)
    assert krita.pixels(RESULT, RECT) == first


def test_a_feathered_selection_is_respected(krita: KritaSession) -> None:
    data, style = make(krita)
    mask = np.tile(np.linspace(1, 255, RECT.width).astype(np.uint8), (RECT.height, 1))
    krita.call("select", data=mask.tobytes(), **RECT.values)
    paint(krita)
    result = RGBA.array(krita.pixels(RESULT, RECT), RECT)
    assert (result[..., 3] == mask).all()
    expected = RGBA.array(painted(krita, data, style_layer(style)), RECT)
    assert (result[..., :3] == expected[..., :3]).mean() > 0.99


def test_several_styles_with_their_shares(krita: KritaSession) -> None:
    data, style = make(krita)
    other = soft(STYLE_RECT, 8)
    krita.add("other", other, STYLE_RECT)
    krita.call("set_node", name="other", visible=False)  # a hidden layer is a style, too
    krita.call("activate", name="layer")
    krita.wait_until(lambda: krita.call("active") == "layer", "the active layer")
    choose(
        krita,
        [
            krita.call("layer_style", name="style", weight=1.0),
            krita.call("layer_style", name="other", weight=3.0),
        ],
    )
    paint(krita)
    expected = painted(krita, data, style_layer(style), style_layer(other, weight=3.0))
    assert krita.pixels("layer like style + other", RECT) == expected


def test_another_image_is_a_style(krita: KritaSession) -> None:
    krita.call("make", width=STYLE_RECT.width, height=STYLE_RECT.height)
    whole = Rect(0, 0, STYLE_RECT.width, STYLE_RECT.height)
    style = soft(STYLE_RECT, 9)
    krita.add("content of the image", style, whole)
    data, _ = make(krita)
    assert krita.call("listed_styles") == [
        "Layer: style",
        "Layer: Background",
        "Image: test",
        "Choose a file…",
    ]
    choose(krita, [{"kind": "image", "name": "test"}])
    # Both images have that name: this is the other one.
    paint(krita)
    assert krita.pixels("layer like test", RECT) == painted(krita, data, style_layer(style))


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff"])
def test_a_file_is_a_style(krita: KritaSession, suffix: str) -> None:
    data, style = make(krita)
    picture = Image.fromarray(RGBA.array(style, STYLE_RECT)[..., [2, 1, 0]].copy(), "RGB")
    file = krita.krita.workspace.folder / f"Bild ü.{suffix}"
    picture.save(file, quality=95)
    before = krita.krita.run("result = len(app.documents())")
    choose(krita, [{"kind": "file", "name": "Bild ü", "file": krita.krita.workspace.inside(file)}])
    paint(krita)
    assert krita.krita.run("result = len(app.documents())") == before
    result = RGBA.array(krita.pixels("layer like Bild ü", RECT), RECT).astype(int)
    exact = RGBA.array(painted(krita, data, style_layer(style)), RECT).astype(int)
    assert np.abs(result - exact).mean() < (0.5 if suffix in {"png", "tiff"} else 6.0)
    assert np.abs(exact - RGBA.array(data, RECT)).mean() > 6.0


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
def test_every_kind_of_document_with_a_picture_of_how_far_it_is(
    krita: KritaSession, space: Space
) -> None:
    krita.call("make", model=space.model, depth=space.depth)
    rng = np.random.default_rng(3)
    count = {"RGBA": 4, "GRAYA": 2, "CMYKA": 5}[space.model]
    for name, rect in (("style", STYLE_RECT), ("layer", RECT)):
        samples = rng.uniform(0.1, 0.9, (rect.height, rect.width, count))
        samples[..., -1] = 1.0
        samples[20:24, :, -1] = 0.0  # transparent rows stay so
        krita.add(name, space.bytes(samples), rect)
    choose(krita, [krita.call("layer_style", name="style")])
    krita.call("show_page", page="Paint")
    # With a note, if there are colours that the document's space does not have.
    assert krita.finished(krita.start("pastiche_paint"))["state"] == "done"
    before, after = (
        space.array(krita.pixels(name, RECT), RECT).astype(float) for name in ("layer", RESULT)
    )
    assert (after[..., -1] == before[..., -1]).all()
    seen = before[..., -1] > 0
    assert (after[seen] != before[seen]).any(axis=-1).mean() > 0.5
    assert np.isfinite(after).all()
    width, height, colors = krita.call("paint_picture")
    assert (width, height) == (RECT.width, RECT.height)
    assert colors > 50


def test_stop_and_keep(krita: KritaSession) -> None:
    index = long_job(krita)
    krita.call("stop_and_keep", index=index)
    assert krita.call("job", index=index)["status"] == "Stopping; the picture is kept…"
    krita.done(index)
    assert krita.call("describe", name=RESULT)["bounds"] == LONG_RECT.bounds
    recipe = json.loads(krita.call("recipe", name=RESULT))
    assert recipe["stopped"]
    assert 0 < recipe["steps"] < 500
    assert krita.pixels(RESULT, LONG_RECT) != krita.pixels("layer", LONG_RECT)


def test_cancel_adds_nothing(krita: KritaSession) -> None:
    index = long_job(krita)
    steps = krita.call("history")["steps"]
    krita.call("cancel", index=index)
    assert krita.finished(index)["state"] == "cancelled"
    wait_until(lambda: queue(krita) == (0, 0), "the end of the call")
    assert krita.call("names") == ["Background", "style", "layer"]
    assert krita.call("history")["steps"] == steps


def test_the_image_is_closed(krita: KritaSession) -> None:
    index = long_job(krita)
    krita.call("close_documents")
    job = krita.finished(index)
    assert job["state"] == "failed"
    assert "The image was closed" in job["message"]
    wait_until(lambda: queue(krita) == (0, 0), "the end of the call")


def test_the_daemon_is_killed(krita: KritaSession) -> None:
    index = long_job(krita)
    (daemon,) = daemons(krita.krita.workspace.data)
    os.kill(daemon.pid, signal.SIGKILL)
    job = krita.finished(index)
    assert job["state"] == "failed"
    assert "ended in the middle of the work" in job["message"]
    assert krita.call("names") == ["Background", "style", "layer"]


def test_with_the_mouse(krita: KritaSession, tmp_path: Path) -> None:
    make(krita, LONG_RECT, **LONG)
    choose(krita, [], **LONG)
    krita.call("trigger", action="pastiche_paint_show")
    assert krita.call("shown_page") == "Paint"
    krita.wait_until(lambda: "vgg19-quarter" in krita.call("encoders"), "the encoders")
    assert krita.call("cut_labels") == []
    choose_style(krita, 0, "Layer: style")
    krita.wait_until(lambda: bool(krita.call("paint_options")["styles"]), "the choice")
    assert krita.call("paint_options")["styles"][0]["name"] == "style"
    assert "Stop and keep" not in krita.call("visible_buttons")
    click(krita, "Paint")
    krita.wait_until(lambda: krita.call("paint_picture") is not None, "the first picture")
    width, height, colors = krita.call("paint_picture")
    assert (width, height) == (384, 320)
    assert colors > 100
    assert "Paint" not in krita.call("visible_buttons")
    krita.display.screenshot(tmp_path / "painting.png")
    click(krita, "Stop and keep")
    krita.wait_until(lambda: RESULT in krita.call("names"), "the result")
    krita.wait_until(lambda: "Paint" in krita.call("visible_buttons"), "the end")


def choose_style(krita: KritaSession, row: int, entry: str) -> None:
    """With the mouse."""
    krita.display.click(*krita.call("style_box", row=row))
    krita.wait_until(lambda: entry in krita.call("style_popup", row=row), "the list of styles")
    krita.display.click(*krita.call("style_popup", row=row)[entry])
    krita.wait_until(lambda: not krita.call("style_popup", row=row), "the choice")


def chosen_styles(krita: KritaSession) -> list[tuple[str, float]]:
    return [(style["name"], style["weight"]) for style in krita.call("paint_options")["styles"]]


def test_rows_of_styles(krita: KritaSession) -> None:
    make(krita)
    choose(krita, [])
    krita.call("show_page", page="Paint")
    assert "Add a style" not in krita.call("visible_buttons")
    choose_style(krita, 0, "Layer: style")
    krita.wait_until(lambda: chosen_styles(krita) == [("style", 1.0)], "the first style")
    click(krita, "Add a style")
    choose_style(krita, 1, "Layer: Background")
    krita.wait_until(lambda: len(chosen_styles(krita)) == 2, "the second style")
    krita.call("set_share", row=1, value=2.5)
    assert chosen_styles(krita) == [("style", 1.0), ("Background", 2.5)]
    krita.call("set_share", row=1, value=0.0)
    krita.call("set_share", row=0, value=0.0)
    assert "The weights of the styles are all 0" in krita.call("message")
    assert chosen_styles(krita) == [("style", 1.0), ("Background", 0.0)]
    krita.call("remove_style", row=0)
    assert chosen_styles(krita) == [("Background", 1.0)]


def test_presets_of_painting(krita: KritaSession) -> None:
    make(krita, amount=0.25, colors="recolored", quality="fine")
    before = krita.call("paint_options")
    krita.call("save_paint_preset", name="Painted ü")
    krita.call("reset_paint")
    fresh = krita.call("paint_options")
    assert (fresh["amount"], fresh["quality"]) == (0.5, "good")
    assert fresh["styles"] == before["styles"]
    krita.call("choose_paint_preset", name="Painted ü")
    assert krita.call("paint_options") == before
    # Those of stylizing are others.
    assert krita.call("preset_names") == []


def test_no_style_is_chosen(krita: KritaSession) -> None:
    make(krita)
    choose(krita, [])
    assert krita.refusal("pastiche_paint") == "Choose a style to paint like first."


def test_the_style_is_the_layer_itself(krita: KritaSession) -> None:
    make(krita)
    choose(krita, [krita.call("layer_style", name="layer")])
    assert krita.refusal("pastiche_paint").startswith("There is no other layer to paint like.")


def test_the_style_is_gone(krita: KritaSession) -> None:
    make(krita)
    krita.call("remove", name="style")
    assert "“style”, whose style is asked for, is not in the image" in krita.refusal(
        "pastiche_paint"
    )
    choose(krita, [{"kind": "file", "name": "gone", "file": "/gone.png"}])
    assert "/gone.png is not there any more" in krita.refusal("pastiche_paint")
    choose(krita, [{"kind": "image", "name": "gone", "file": "/gone.kra"}])
    assert "The image of “gone”" in krita.refusal("pastiche_paint")


def test_a_file_that_is_no_picture(krita: KritaSession) -> None:
    make(krita)
    file = krita.krita.workspace.folder / "words.png"
    file.write_text("no picture", "utf-8")
    inside = krita.krita.workspace.inside(file)
    choose(krita, [{"kind": "file", "name": "words", "file": inside}])
    job = krita.finished(krita.start("pastiche_paint"))
    assert job["state"] == "failed"
    assert "cannot be opened as a picture" in job["message"]
    assert not krita.call("has_dialog")


def test_an_empty_style_and_one_that_is_too_small(krita: KritaSession) -> None:
    make(krita)
    small = Rect(10, 10, 9, 30)
    krita.add("small", soft(small, 2), small)
    krita.call("activate", name="layer")
    krita.wait_until(lambda: krita.call("active") == "layer", "the active layer")
    choose(krita, [krita.call("layer_style", name="small")])
    job = krita.finished(krita.start("pastiche_paint"))
    assert (job["state"], "too small to be a style" in job["message"]) == ("failed", True)
    krita.add("empty", bytes(4 * STYLE_RECT.width * STYLE_RECT.height), STYLE_RECT)
    krita.call("activate", name="layer")
    krita.wait_until(lambda: krita.call("active") == "layer", "the active layer")
    choose(krita, [krita.call("layer_style", name="empty")])
    job = krita.finished(krita.start("pastiche_paint"))
    assert (job["state"], "“empty” is empty" in job["message"]) == ("failed", True)


def test_several_selected_layers(krita: KritaSession) -> None:
    make(krita)
    krita.call("trigger", action="select_all_layers")
    krita.wait_until(lambda: len(krita.call("selected")) == 3, "the selection of layers")
    assert krita.refusal("pastiche_paint").startswith("Only one layer is painted at a time.")
