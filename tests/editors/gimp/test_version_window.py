"""GIMP's dialog takes recipes of versions of packs that are not the current ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.gimp.driving import pixels, stylize, tree
from tests.editors.gimp.test_window import load_recipe, options
from tests.editors.gimp.window import DIALOG, MENU_KEY, Window
from tests.support.daemon_process import wait_until
from tests.support.tiny_pack import write_tiny_pack

pytestmark = pytest.mark.gimp


@pytest.fixture
def packs(window: Window) -> Iterator[Path]:
    folder = window.gimp.workspace.data.packs
    write_tiny_pack(folder / "aged-1.0.0.pastiche", pack_id="aged")
    yield folder
    for path in folder.glob("aged-*"):
        path.unlink()


def made_in_the_dialog(window: Window, layer: int, *, recipe: bool = False) -> int:
    """Open the dialog for a layer, load the image's only recipe if asked to, and stylize."""
    before = set(window.gimp.call("layers", image=window.image))
    window.gimp.call("choose", image=window.image, layers=[layer])
    window.press(MENU_KEY)
    dialog = window.dialog()
    if recipe:
        load_recipe(window, dialog)
    window.display.key("Return", window=dialog)
    window.display.wait_for_no_window(DIALOG)
    wait_until(lambda: len(window.state()["layers"]) > len(before), "the new layer")
    (made,) = set(window.gimp.call("layers", image=window.image)) - before
    return made


def test_the_dialog_makes_a_layer_again_with_an_older_version(window: Window, packs: Path) -> None:
    source = window.open()
    (made,) = stylize(window.gimp, window.image, source, style="aged/two")
    write_tiny_pack(packs / "aged-1.1.0.pastiche", pack_id="aged", version="1.1.0", seed=5)
    again = made_in_the_dialog(window, source, recipe=True)
    assert options(window, again)[0] == "aged/two"
    assert (pixels(window.gimp, again) == pixels(window.gimp, made)).all()
    assert any("Two (1.0.0)" in str(name) for name in tree(window.gimp, window.image))
    # The dialog opens with the version that was used last.
    third = made_in_the_dialog(window, source)
    assert (pixels(window.gimp, third) == pixels(window.gimp, made)).all()

    # Other tests take the values of the last time, too: they are to be of a pack that stays.
    other = window.open()
    (model,) = stylize(window.gimp, window.image, other, style="tiny/one")
    last = made_in_the_dialog(window, other, recipe=True)
    assert (pixels(window.gimp, last) == pixels(window.gimp, model)).all()
