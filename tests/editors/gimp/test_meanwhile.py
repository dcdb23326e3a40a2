"""What happens to the image, and to the daemon, while a layer is being stylized."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import psutil
import pytest

from pastiche_client import Client
from tests.editors.gimp.driving import (
    SLOW_SIZE,
    ask,
    daemon_of,
    is_busy,
    pixels,
    stylize,
    tree,
    working,
)
from tests.editors.support.gimp import Gimp
from tests.support.daemon_process import wait_until

pytestmark = pytest.mark.gimp


@pytest.fixture
def image(gimp: Gimp) -> int:
    image = gimp.call("create_image", size=SLOW_SIZE)
    # The daemon is there before the work begins.
    tiny = gimp.call("add_layer", image=image, name="tiny", size=(2, 2), alpha=False)
    stylize(gimp, image, tiny)
    for layer in gimp.call("layers", image=image):
        gimp.call("delete_item", item=layer)
    return image


@pytest.fixture
def layer(gimp: Gimp, image: int) -> int:
    return gimp.call("add_layer", image=image, name="picture", alpha=False, fast=True)


def meanwhile(
    gimp: Gimp,
    client: Client,
    image: int,
    layers: list[int],
    act: Callable[[], object],
    **arguments: Any,
) -> dict[str, Any]:
    """Stylize slowly, do something meanwhile, and return the answer."""
    with working(
        gimp, client, lambda: ask(gimp, image, *layers, style="slow/slow", **arguments)
    ) as answer:
        act()
    return answer.result()


def test_the_layer_is_deleted(gimp: Gimp, client: Client, image: int, layer: int) -> None:
    rest = gimp.call("add_layer", image=image, name="rest", size=(4, 4))
    answer = meanwhile(
        gimp, client, image, [layer], lambda: gimp.second.call("delete_item", item=layer)
    )
    assert answer["status"] == "execution-error"
    assert "“picture” was deleted" in answer["error"]
    assert gimp.call("layers", image=image) == [rest]


def test_the_layer_is_scaled(gimp: Gimp, client: Client, image: int, layer: int) -> None:
    answer = meanwhile(
        gimp,
        client,
        image,
        [layer],
        lambda: gimp.second.call("resize_layer", layer=layer, width=100, height=90),
    )
    assert answer["status"] == "execution-error"
    assert "no longer fits" in answer["error"]
    assert tree(gimp, image) == ["picture"]


def test_the_layer_is_moved(gimp: Gimp, client: Client, image: int, layer: int) -> None:
    answer = meanwhile(
        gimp,
        client,
        image,
        [layer],
        lambda: gimp.second.call("move_layer", layer=layer, x=13, y=-7),
    )
    assert answer["status"] == "success"
    new, old = gimp.call("describe", image=image)["layers"]
    assert new["offset"] == old["offset"] == [13, -7]


def test_the_image_becomes_grey_and_deep(
    gimp: Gimp, client: Client, image: int, layer: int
) -> None:
    def convert() -> None:
        gimp.second.call("convert_grey", image=image)
        gimp.second.call("convert_precision", image=image, precision="float-linear")

    answer = meanwhile(gimp, client, image, [layer], convert)
    assert answer["status"] == "success"
    assert tree(gimp, image) == ["picture - Slow", "picture"]
    (made,) = answer["layers"]
    assert (pixels(gimp, made) != pixels(gimp, layer)).any()


def test_the_selection_is_changed(gimp: Gimp, client: Client, image: int, layer: int) -> None:
    gimp.call("select", image=image, kind="feathered", box=[5, 5, 240, 240])
    selected = gimp.call("selection_values", layer=layer)
    answer = meanwhile(
        gimp, client, image, [layer], lambda: gimp.second.call("select", image=image, kind="none")
    )
    assert gimp.call("mask_values", layer=answer["layers"][0]) == selected


@pytest.mark.parametrize("edit", ["pixels", "selection"])
def test_what_was_edited_is_not_replaced(
    gimp: Gimp, client: Client, image: int, layer: int, edit: str
) -> None:
    def act() -> None:
        if edit == "pixels":
            gimp.second.call("paint", layer=layer, seed=8, fast=True)
        else:
            gimp.second.call("select", image=image, kind="rectangle")

    answer = meanwhile(gimp, client, image, [layer], act, placement="in-place")
    assert answer["status"] == "success"
    new, old = gimp.call("describe", image=image)["layers"]
    assert (new["name"], old["id"]) == ("picture - Slow", layer)
    assert answer["layers"] == [new["id"]]
    if edit == "pixels":
        painted = pixels(gimp, layer)
        gimp.call("paint", layer=layer, seed=8, fast=True)
        assert (pixels(gimp, layer) == painted).all()


def test_the_daemon_is_killed(
    gimp: Gimp,
    client: Client,
    image: int,
    layer: int,
) -> None:
    second = gimp.call("add_layer", image=image, name="other", alpha=False, fast=True)
    before = gimp.call("describe", image=image)
    killed = daemon_of(gimp)
    answer = meanwhile(gimp, client, image, [layer, second], killed.kill)
    assert answer["status"] == "execution-error"
    assert "ended in the middle" in answer["error"]
    assert gimp.workspace.inside(gimp.workspace.data.log_file) in answer["error"]
    assert gimp.call("describe", image=image) == before
    # The next use starts it anew.
    (made,) = stylize(gimp, image, layer)
    assert tree(gimp, image)[1:3] == ["picture - One", "picture"]
    assert made in gimp.call("layers", image=image)
    assert daemon_of(gimp).pid != killed.pid


def test_a_plug_in_that_is_killed_gives_the_device_back(
    gimp: Gimp, client: Client, image: int, layer: int
) -> None:
    """The Cancel of GIMP's own progress bar kills the plug-in's process."""
    before = gimp.call("describe", image=image)

    def kill() -> None:
        (plug_in,) = (
            process
            for process in psutil.Process(gimp.process.process.pid).children(recursive=True)
            if "/pastiche/pastiche.py" in " ".join(process.cmdline())
        )
        plug_in.kill()

    answer = meanwhile(gimp, client, image, [layer], kill)
    assert answer["status"] != "success"
    wait_until(lambda: not is_busy(client), "the end of the daemon's work")
    assert gimp.call("describe", image=image) == before
    stylize(gimp, image, layer)
