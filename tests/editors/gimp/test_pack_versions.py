"""Layers are made again with the version of the pack that they were made with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.gimp.driving import RERUN, ask, pixels, refused, stylize
from tests.editors.support.gimp import Gimp
from tests.support.tiny_pack import write_tiny_pack

pytestmark = pytest.mark.gimp


@pytest.fixture
def image(gimp: Gimp) -> int:
    return gimp.call("create_image")


@pytest.fixture
def packs(gimp: Gimp) -> Iterator[Path]:
    """The installed packs; a pack of its own in version 1.0.0 is among them."""
    folder = gimp.workspace.data.packs
    write_tiny_pack(folder / "aged-1.0.0.pastiche", pack_id="aged")
    yield folder
    for path in folder.glob("aged-*"):
        path.unlink()


def test_a_recipe_keeps_its_version_when_a_newer_one_comes(
    gimp: Gimp, image: int, packs: Path
) -> None:
    source = gimp.call("add_layer", image=image, name="source")
    (made,) = stylize(gimp, image, source, style="aged/two")
    write_tiny_pack(packs / "aged-1.1.0.pastiche", pack_id="aged", version="1.1.0", seed=5)
    (newer,) = stylize(gimp, image, source, style="aged/two")
    assert (pixels(gimp, newer) != pixels(gimp, made)).any()

    answer = ask(gimp, image, made, procedure=RERUN)
    assert answer["status"] == "success", answer
    (again,) = answer["layers"]
    assert (pixels(gimp, again) == pixels(gimp, made)).all()
    assert gimp.call("recipe", layer=again) == gimp.call("recipe", layer=made)
    (pinned,) = stylize(gimp, image, source, style="aged@1.0.0/two")
    assert (pixels(gimp, pinned) == pixels(gimp, made)).all()


def test_a_recipe_whose_version_is_gone_says_what_to_do(
    gimp: Gimp, image: int, packs: Path
) -> None:
    source = gimp.call("add_layer", image=image, name="source")
    (made,) = stylize(gimp, image, source, style="aged/two")
    write_tiny_pack(packs / "aged-1.1.0.pastiche", pack_id="aged", version="1.1.0", seed=5)
    (packs / "aged-1.0.0.pastiche").unlink()
    sentence = refused(gimp, image, made, procedure=RERUN)
    assert "is not there any more" in sentence
    assert "takes the newest version" in sentence
    assert "from the newest on: 1.1.0" in sentence
