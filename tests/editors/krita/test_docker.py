"""The docker, used with the mouse and looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.editors.krita.session import KritaSession, Rect
from tests.editors.krita.test_layers import RECT, RGBA, add

pytestmark = pytest.mark.krita


def click(krita: KritaSession, text: str) -> None:
    """Click a button of the docker with the real mouse."""
    x, y = krita.call("button_center", text=text)
    krita.display.click(x, y)


def preview(krita: KritaSession) -> bytes:
    data: bytes = krita.call("preview_pixels")
    return data


def test_the_styles_have_their_pictures(krita: KritaSession) -> None:
    krita.call("make")
    shown = krita.call("shown_styles")
    assert {"other/three", "slow/slow", "tiny/one", "tiny/two"} <= {
        style["name"] for style in shown
    }
    krita.wait_until(
        lambda: all(style["pictured"] for style in krita.call("shown_styles")), "the pictures"
    )


def test_stylize_and_undo_with_mouse_and_keys(krita: KritaSession) -> None:
    krita.call("make")
    add(krita)
    click(krita, "Stylize")
    krita.wait_until(lambda: "layer - One" in krita.call("names"), "the new layer")
    krita.call("focus_canvas")
    krita.display.key("ctrl+z")
    krita.wait_until(lambda: "layer - One" not in krita.call("names"), "undo")
    krita.call("activate", name="layer")
    krita.call("focus_canvas")
    krita.display.key("ctrl+alt+p")
    krita.wait_until(lambda: "layer - One" in krita.call("names"), "apply again by its shortcut")


def test_a_refusal_is_shown_in_the_docker(krita: KritaSession) -> None:
    krita.call("make")
    add(krita)
    krita.call("set_node", name="layer", locked=True)
    click(krita, "Stylize")
    krita.wait_until(lambda: bool(krita.call("message")), "the sentence")
    assert krita.call("message") == "The layer “layer” is locked. Unlock it, then try again."
    assert krita.call("message_is_visible")
    assert not krita.call("has_dialog")


def test_without_an_image_the_docker_comes_to_tell(krita: KritaSession) -> None:
    # Krita hides the dockers then.
    krita.wait_until(lambda: not krita.call("message_is_visible"), "the welcome page")
    assert krita.refusal("pastiche_again").startswith("No image is open.")
    krita.wait_until(lambda: krita.call("message_is_visible"), "the docker")
    assert not krita.call("has_dialog")


def test_choosing_a_style_with_the_mouse(krita: KritaSession) -> None:
    krita.call("make")
    krita.call("set_options", style="tiny/one", second_style="tiny/two", second_share=0.3)
    x, y = krita.call("style_center", name="tiny/two")
    krita.display.click(x, y)
    krita.wait_until(lambda: krita.call("options")["style"] == "tiny/two", "the choice")
    # A style is not mixed with itself, nor with one of another pack.
    assert krita.call("options")["second_style"] == ""
    assert krita.call("second_styles") == ["", "tiny/one"]


def test_the_preview_follows_the_values_and_the_layer(krita: KritaSession) -> None:
    krita.call("make")
    data = add(krita)
    krita.call("set_preview", on=True)
    krita.wait_until(lambda: krita.call("preview_is_done"), "the preview")
    first = preview(krita)
    krita.call("set_slider", label="Strength", value=0.0)
    krita.wait_until(lambda: preview(krita) == data, "the layer itself at a strength of 0")
    krita.call("set_slider", label="Strength", value=1.0)
    krita.wait_until(lambda: preview(krita) == first, "the pastiche again")
    krita.call("paint", name="layer", data=bytes(data[:400])[::-1], **Rect(25, 15, 10, 10).values)
    krita.wait_until(lambda: preview(krita) != first, "the preview of the painted layer")
    krita.call("activate", name="Background")
    krita.wait_until(lambda: krita.call("preview_size") == [120, 90], "that of another layer")
    krita.call("close_documents")
    krita.wait_until(lambda: krita.call("preview_size") == [0, 0], "no preview")


def test_the_preview_of_a_selection(krita: KritaSession) -> None:
    krita.call("make")
    add(krita)
    krita.call("set_preview", on=True)
    part = Rect(22, 12, 16, 12)
    krita.call("select", data=b"\xff" * (16 * 12), **part.values)
    krita.wait_until(lambda: krita.call("preview_size") == [16, 12], "the selected part")


def test_a_detail_of_a_large_layer_is_its_middle_amid_the_rest(krita: KritaSession) -> None:
    rect = Rect(0, 0, 900, 640)
    krita.call("make", width=900, height=640)
    data = RGBA.array(add(krita, rect=rect), rect)
    middle = data[160:480, 290:610].tobytes()
    krita.call("set_preview", on=True)
    krita.call("set_preview_mode", mode="detail")
    krita.call("set_slider", label="Strength", value=0.0)
    krita.wait_until(lambda: preview(krita) == middle, "the layer's middle at a strength of 0")
    krita.call("set_slider", label="Strength", value=1.0)
    krita.wait_until(lambda: preview(krita) != middle, "the pastiche of the detail")
    amid = preview(krita)
    # The same pixels as a layer of their own have other statistics, and other colours.
    krita.call("make", width=320, height=320)
    krita.add("alone", middle, Rect(0, 0, 320, 320), None)
    krita.wait_until(
        lambda: krita.call("preview_is_done") and preview(krita) not in (amid, middle),
        "the pastiche of the same pixels alone",
    )
    krita.call("set_preview_mode", mode="fit")


def test_presets(krita: KritaSession) -> None:
    values: dict[str, Any] = {"style": "tiny/two", "strength": 0.5, "stroke_size": 2.0}
    krita.call("set_options", **values)
    krita.call("save_preset", name="Mine ü")
    krita.call("set_options", style="tiny/one")
    krita.call("choose_preset", name="Mine ü")
    chosen = krita.call("options")
    assert {name: chosen[name] for name in values} == values
    krita.call("delete_preset", name="Mine ü")
    assert krita.call("preset_names") == []


def test_the_whole_docker_fits(krita: KritaSession, tmp_path: Path) -> None:
    # Labels are not cut, and nothing lies outside of the docker.
    krita.call("make")
    add(krita, rect=RECT)
    krita.call("set_options", style="tiny/one", second_style="tiny/two")
    assert krita.call("cut_labels") == []
    picture = np.asarray(krita.display.screenshot(tmp_path / "docker.png"))
    assert picture.shape == (768, 1366, 3)
    assert picture.std() > 5
    assert isinstance(krita.display.screenshot(), Image.Image)
