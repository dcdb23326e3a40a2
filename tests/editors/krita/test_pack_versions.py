"""Recipes are used with the version of the pack that the layer was made with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.editors.krita.session import KritaSession
from tests.editors.krita.test_layers import RECT, add
from tests.support.tiny_pack import write_tiny_pack

pytestmark = pytest.mark.krita

_NAME = "layer - Two"


def reload_styles(krita: KritaSession) -> None:
    krita.krita.run('studio().reload_catalogue(note="")')
    krita.wait_until(lambda: krita.call("ready"), "the styles")


@pytest.fixture
def packs(krita: KritaSession) -> Iterator[Path]:
    """The installed packs; a pack of its own in version 1.0.0 is among them."""
    folder = krita.krita.workspace.data.packs
    write_tiny_pack(folder / "aged-1.0.0.pastiche", pack_id="aged")
    reload_styles(krita)
    yield folder
    for path in folder.glob("aged-*"):
        path.unlink()
    krita.call("set_options", style="tiny/one")
    reload_styles(krita)


def made_with_the_first_version(krita: KritaSession, packs: Path) -> bytes:
    """Stylize with version 1.0.0, and let 1.1.0 come then; the layer is active."""
    krita.call("make")
    add(krita)
    krita.call("set_options", style="aged/two")
    krita.done()
    first = krita.pixels(_NAME, RECT)
    write_tiny_pack(packs / "aged-1.1.0.pastiche", pack_id="aged", version="1.1.0", seed=5)
    return first


def test_a_recipe_keeps_its_version_when_a_newer_one_comes(
    krita: KritaSession, packs: Path
) -> None:
    first = made_with_the_first_version(krita, packs)
    reload_styles(krita)
    krita.call("activate", name=_NAME)
    krita.call("use_recipe")
    assert krita.call("options")["style"] == "aged@1.0.0/two"
    assert "differ" not in krita.call("message")
    krita.call("activate", name="layer")
    krita.done()
    assert krita.pixels(f"{_NAME} (1.0.0)", RECT) == first

    krita.call("set_options", style="aged/two")
    krita.call("remove", name=_NAME)
    krita.call("activate", name="layer")
    krita.done()
    assert krita.pixels(_NAME, RECT) != first


def test_a_recipe_whose_version_is_gone_takes_the_newest_and_says_so(
    krita: KritaSession, packs: Path
) -> None:
    first = made_with_the_first_version(krita, packs)
    (packs / "aged-1.0.0.pastiche").unlink()
    reload_styles(krita)
    krita.call("activate", name=_NAME)
    krita.call("use_recipe")
    message = krita.call("message")
    assert "version 1.0.0" in message
    assert "version 1.1.0 is installed" in message
    assert krita.call("options")["style"] == "aged/two"
    krita.call("remove", name=_NAME)
    krita.call("activate", name="layer")
    krita.done()
    assert krita.pixels(_NAME, RECT) != first
