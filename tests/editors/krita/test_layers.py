"""Results lie over their sources, in one undo step, whatever the source is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.editors.krita.session import Array, KritaSession, Rect, Space

pytestmark = pytest.mark.krita

RGBA = Space()
RECT = Rect(20, 10, 40, 30)
RESULT = "layer - One"
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="120" height="90">'
    '<rect x="10" y="20" width="30" height="10" fill="#a03060"/>'
    '<text x="50" y="70" font-size="24" fill="#206090">Hi</text></svg>'
)


def painting(rect: Rect, seed: int = 0) -> bytes:
    """Opaque pixels in B, G, R, A."""
    pixels = np.random.default_rng(seed).integers(0, 256, (rect.height, rect.width, 4), np.uint8)
    pixels[..., 3] = 255
    return pixels.tobytes()


def add(krita: KritaSession, name: str = "layer", rect: Rect = RECT, parent: str = "") -> bytes:
    data = painting(rect)
    krita.add(name, data, rect, parent or None)
    return data


def whole(krita: KritaSession) -> bytes:
    """The image as it looks."""
    data: bytes = krita.call("composite", x=0, y=0, width=120, height=90)
    return data


def alpha(data: bytes, rect: Rect) -> Array:
    return RGBA.array(data, rect)[..., 3]


def test_one_undo_step(krita: KritaSession) -> None:
    krita.call("make")
    data = add(krita)
    before, steps = whole(krita), krita.call("history")["steps"]
    krita.done()
    result = krita.pixels(RESULT, RECT)
    after = whole(krita)
    assert krita.pixels("layer", RECT) == data
    assert result != data
    assert after != before
    assert krita.call("history")["steps"] == [*steps, "Add Layer"]

    krita.undo()
    assert krita.call("names") == ["Background", "layer"]
    assert whole(krita) == before
    krita.redo()
    assert krita.call("names") == ["Background", "layer", RESULT]
    assert krita.pixels(RESULT, RECT) == result
    assert whole(krita) == after


def test_a_layer_within_groups_between_others(krita: KritaSession) -> None:
    krita.call("make")
    krita.call("add_group", name="outer")
    krita.call("add_group", name="inner", parent="outer")
    for name in ("below", "layer", "above"):
        add(krita, name, parent="inner")
    krita.call("activate", name="layer")
    krita.done()
    assert krita.call("names") == [
        "Background",
        "outer",
        ["inner", ["below", "layer", RESULT, "above"]],
    ]
    told = krita.call("describe", name=RESULT)
    assert (told["type"], told["parent"], told["bounds"]) == ("paintlayer", "inner", RECT.bounds)


def test_several_layers_in_one_go(krita: KritaSession) -> None:
    krita.call("make")
    add(krita, "lower", Rect(3, 4, 30, 20))
    krita.call("add_group", name="group")
    add(krita, "upper", Rect(50, 40, 36, 28), parent="group")
    krita.call("remove", name="Background")
    krita.call("trigger", action="select_all_layers")
    krita.wait_until(lambda: len(krita.call("selected")) == 3, "the selection of layers")
    krita.done()
    assert krita.call("names") == [
        "lower",
        "lower - One",
        "group",
        ["upper", "upper - One"],
        "group - One",
    ]
    for name, bounds in (
        ("lower - One", [3, 4, 30, 20]),
        ("upper - One", [50, 40, 36, 28]),
        ("group - One", [50, 40, 36, 28]),
    ):
        assert krita.call("describe", name=name)["bounds"] == bounds


def test_a_group_is_read_as_it_looks(krita: KritaSession) -> None:
    krita.call("make")
    krita.call("add_group", name="group")
    add(krita, "one", Rect(10, 10, 20, 20), parent="group")
    add(krita, "two", Rect(25, 15, 30, 25), parent="group")
    krita.call("activate", name="group")
    rect = Rect(10, 10, 45, 30)
    looks = krita.call("projection", name="group", **rect.values)
    krita.call("set_options", style="tiny/one", strength=0.0)
    krita.done()
    assert krita.pixels("group - One", rect) == looks
    assert krita.call("names") == ["Background", "group", ["one", "two"], "group - One"]


def test_vectors_and_text_are_read_as_they_look(krita: KritaSession) -> None:
    krita.call("make")
    assert krita.call("add_vector", name="drawing", svg=SVG) == 2
    rect = Rect(0, 0, 120, 90)

    def looks() -> bytes:
        data: bytes = krita.call("projection", name="drawing", **rect.values)
        return data

    # Krita draws shapes and text with a delay, one after the other.
    krita.wait_until(lambda: bool(alpha(looks(), rect)[:, :45].any()), "the shape")
    krita.wait_until(lambda: bool(alpha(looks(), rect)[:, 50:].any()), "the text")
    krita.call("activate", name="drawing")
    krita.call("set_options", style="tiny/one", strength=0.0)
    before = looks()
    krita.done()
    assert krita.pixels("drawing - One", rect) == before == looks()
    assert krita.call("describe", name="drawing - One")["type"] == "paintlayer"


def test_a_masked_layer_is_read_as_it_looks(krita: KritaSession) -> None:
    krita.call("make")
    add(krita)
    krita.call("add_transparency", name="mask", layer="layer", **Rect(25, 15, 20, 10).values)
    looks = krita.call("projection", name="layer", **RECT.values)
    assert alpha(looks, RECT).any()
    assert not alpha(looks, RECT).all()
    krita.call("set_options", style="tiny/one", strength=0.0)
    krita.call("activate", name="layer")
    krita.done()
    assert krita.pixels(RESULT, RECT) == looks


def test_apply_again_takes_the_values_of_the_last_time(krita: KritaSession) -> None:
    krita.call("make")
    add(krita)
    krita.call("set_options", style="tiny/two", strength=0.7, stroke_size=2.0)
    krita.done()
    first = krita.pixels("layer - Two", RECT)
    krita.call("remove", name="layer - Two")
    krita.call("set_options", style="tiny/one")
    krita.call("activate", name="layer")
    index = krita.start("pastiche_again")
    krita.done(index)
    assert krita.pixels("layer - Two", RECT) == first
    assert krita.call("options")["style"] == "tiny/one"  # what the docker shows stays
    assert krita.call("shortcut", action="pastiche_again") == "Ctrl+Alt+P"


def test_the_recipe_is_kept_with_the_layer(krita: KritaSession, tmp_path: Path) -> None:
    krita.call("make")
    add(krita)
    values = {
        "style": "tiny/two",
        "second_style": "tiny/one",
        "second_share": 0.25,
        "strength": 0.5,
        "stroke_size": 1.5,
        "preserve_colors": True,
        "placement": "above",
    }
    krita.call("set_options", **values)
    krita.done()
    name = "layer - Two + One"
    first = krita.pixels(name, RECT)
    file = krita.krita.workspace.inside("recipe.kra")
    krita.call("save", path=file)
    krita.call("close_documents")

    krita.call("set_options", style="other/three")
    krita.call("open_file", path=file)
    krita.call("activate", name=name)
    krita.call("use_recipe")
    assert krita.call("options") == values
    assert name in krita.call("message")
    krita.call("remove", name=name)
    krita.call("activate", name="layer")
    krita.done()
    assert krita.pixels(name, RECT) == first

    krita.call("activate", name="layer")
    krita.call("use_recipe")
    assert "has no Pastiche recipe" in krita.call("message")


def test_a_damaged_recipe_is_told_of(krita: KritaSession) -> None:
    krita.call("make")
    add(krita)
    krita.done()
    krita.call("activate", name=RESULT)
    (name,) = krita.call("annotation_names")
    krita.call("set_annotation", name=name, data=b'{"schema": 1, "options": {"style": 7}}')
    krita.call("use_recipe")
    assert "recipe cannot be used" in krita.call("message")
    assert krita.call("options")["style"] == "tiny/one"


def test_refusals_say_what_to_do(krita: KritaSession) -> None:
    assert krita.refusal() == "No image is open. Open an image, then try again."
    assert krita.refusal("pastiche_again") == "No image is open. Open an image, then try again."
    krita.call("make")
    krita.call("add_group", name="group")
    assert "“group” is empty" in krita.refusal()
    add(krita, "layer", parent="group")

    krita.call("set_node", name="layer", locked=True)
    assert "“layer” is locked. Unlock it" in krita.refusal()
    krita.call("set_node", name="layer", locked=False)
    krita.call("set_node", name="group", locked=True)
    assert "“group” is locked" in krita.refusal()
    krita.call("set_node", name="group", locked=False, visible=False)
    assert "“group” is invisible. Make it visible" in krita.refusal()
    krita.call("set_node", name="group", visible=True)
    krita.call("set_node", name="layer", visible=False)
    assert "“layer” is invisible" in krita.refusal()
    krita.call("set_node", name="layer", visible=True)

    krita.call("select", data=b"", x=0, y=0, width=0, height=0)
    assert "The selection is empty" in krita.refusal()
    krita.call("select", data=b"\xff" * 16, x=90, y=70, width=4, height=4)
    assert "The selection does not touch the layer “layer”" in krita.refusal()
    krita.call("deselect")
    krita.call("add_filter", name="filter")
    assert "“filter”" in krita.refusal()
    krita.call("activate", name="layer")
    krita.call("set_all_frames", on=True)
    assert "has no animation frames" in krita.refusal()
    krita.call("set_all_frames", on=False)
    assert krita.call("names") == ["Background", "group", ["layer"], "filter"]
    krita.done()  # and after all that it still works


def test_one_that_cannot_be_stylized_holds_back_all(krita: KritaSession) -> None:
    krita.call("make")
    add(krita, "one")
    add(krita, "two")
    krita.call("set_node", name="one", locked=True)
    krita.call("trigger", action="select_all_layers")
    krita.wait_until(lambda: len(krita.call("selected")) == 3, "the selection of layers")
    assert "“one” is locked" in krita.refusal()
    assert krita.call("names") == ["Background", "one", "two"]


def test_a_layers_own_selection_holds(krita: KritaSession) -> None:
    krita.call("make")
    data = add(krita)
    part = Rect(25, 15, 12, 8)
    krita.call("add_selection_mask", name="own", layer="layer", **part.values)
    krita.call("activate", name="layer")
    krita.call("set_options", style="tiny/one", strength=0.0)
    krita.done()
    assert krita.call("describe", name=RESULT)["bounds"] == part.bounds
    original = RGBA.array(data, RECT)[5:13, 5:17]
    np.testing.assert_array_equal(RGBA.array(krita.pixels(RESULT, part), part), original)
