"""The styles to choose from."""

from __future__ import annotations

import concurrent.futures
import dataclasses

import pytest

from pastiche_client.editing.catalogue import Catalogue, load_catalogue, load_in_background
from pastiche_client.editing.options import Options
from pastiche_client.errors import DaemonStartError
from tests.unit.editing.scripted import Window
from tests.unit.editing.styles import Source


@pytest.fixture
def catalogue() -> Catalogue:
    return load_catalogue(Source())


def test_styles_stand_by_their_packs(catalogue: Catalogue) -> None:
    assert [item.name for item in catalogue.items] == ["tiny/two", "tiny/one", "other/three"]
    assert catalogue.packs() == ("tiny", "other")
    assert [item.label for item in catalogue.of_pack("tiny")] == ["two", "One"]
    found = catalogue.find("tiny/one")
    assert found is not None
    assert (found.pack_label, found.pack_version, found.artist) == ("Tiny", "1.0.0", "Nobody")
    assert (found.preview, found.media_type) == (b"picture", "image/png")
    assert catalogue.find("tiny/three") is None


def test_only_others_of_the_pack_can_be_mixed_in(catalogue: Catalogue) -> None:
    assert [item.name for item in catalogue.mixable("tiny/one")] == ["tiny/two"]
    assert catalogue.mixable("other/three") == ()
    assert catalogue.mixable("gone/four") == ()


def test_a_pack_suggests_values(catalogue: Catalogue) -> None:
    assert catalogue.defaults("tiny/one") == Options("tiny/one", strength=0.8, stroke_size=1.5)


def test_a_mix_is_named_after_its_styles(catalogue: Catalogue) -> None:
    mix = Options("tiny/one", second_style="tiny/two", second_share=0.25)
    assert catalogue.label(mix) == "One + two"
    assert catalogue.label(dataclasses.replace(mix, second_share=0.0)) == "One"
    assert Catalogue(()).label(Options("gone/great_wave")) == "Great Wave"


def test_values_are_made_usable(catalogue: Catalogue) -> None:
    good = Options("tiny/one", second_style="tiny/two", strength=0.4)
    assert catalogue.usable(good) == good
    assert catalogue.usable(None) == catalogue.defaults("tiny/two")
    lost = dataclasses.replace(good, second_style="tiny/nine")
    assert catalogue.usable(lost) == dataclasses.replace(good, second_style="")
    gone = Options("gone/four", second_style="gone/five", strength=0.4)
    assert catalogue.usable(gone) == Options("tiny/two", strength=0.4)
    assert Catalogue(()).usable(good) is None


def test_loading_does_not_hold_up_the_window() -> None:
    window = Window()
    loaded: list[Catalogue] = []
    failed: list[Exception] = []
    load_in_background(Source(), window.post, loaded.append, failed.append)
    window.turn_until(lambda: bool(loaded or failed))
    assert [len(catalogue.items) for catalogue in loaded] == [3]

    error = DaemonStartError("no")
    load_in_background(Source(error), window.post, loaded.append, failed.append)
    window.turn_until(lambda: bool(failed))
    assert failed == [error]


def test_a_client_that_is_closed_meanwhile_says_nothing() -> None:
    window = Window()
    told: list[object] = []
    cancelled = Source(concurrent.futures.CancelledError())
    load_in_background(cancelled, window.post, told.append, told.append)
    # The next one comes after whatever the first one posted.
    load_in_background(Source(), window.post, told.append, told.append)
    window.turn_until(lambda: bool(told))
    assert isinstance(told[0], Catalogue)


def test_another_version_of_a_pack_can_stand_beside(catalogue: Catalogue) -> None:
    catalogue = Catalogue(
        tuple(
            dataclasses.replace(item, pack_versions=("1.0.0", "0.9.0")) for item in catalogue.items
        )
    )
    both = catalogue.with_version("tiny/one", "0.9.0")
    assert [item.name for item in both.items][3:] == ["tiny@0.9.0/two", "tiny@0.9.0/one"]
    old = both.find("tiny@0.9.0/one")
    assert old is not None
    assert (old.label, old.pack_version) == ("One (0.9.0)", "0.9.0")
    assert [item.name for item in both.mixable("tiny@0.9.0/one")] == ["tiny@0.9.0/two"]
    assert both.with_version("tiny@0.9.0/one", "0.9.0") is both
    for style, version in (("tiny/one", "1.0.0"), ("tiny/one", "0.8.0"), ("gone/four", "0.9.0")):
        assert catalogue.with_version(style, version) is catalogue


def test_options_name_a_version_that_is_there_or_not(catalogue: Catalogue) -> None:
    catalogue = Catalogue(
        tuple(
            dataclasses.replace(item, pack_versions=("1.0.0", "0.9.0")) for item in catalogue.items
        )
    )
    told = {
        style: (
            catalogue.is_missing(Options(style)),
            len(catalogue.with_version_of(Options(style)).items) - len(catalogue.items),
        )
        for style in ("tiny/one", "tiny@1.0.0/one", "tiny@0.9.0/one", "tiny@0.1.0/one", "no/one")
    }
    assert list(told.values()) == [(False, 0), (False, 0), (False, 2), (True, 0), (True, 0)]
    current = Options("tiny@1.0.0/one")
    assert catalogue.usable(current) == Options("tiny/one")


def test_the_current_version_stands_in_for_one_that_is_gone(catalogue: Catalogue) -> None:
    old = Options("tiny@0.1.0/one", second_style="tiny@0.1.0/two", strength=0.4)
    assert catalogue.usable(old) == Options("tiny/one", second_style="tiny/two", strength=0.4)
