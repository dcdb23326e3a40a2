"""“Learn this layer's style”, as scripts call it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pastiche_client import Client
from pastiche_client.trainings import TrainingState
from tests.editors.gimp.driving import LEARN, pixels, remove_trainings, stylize
from tests.editors.support.gimp import Gimp
from tests.support.daemon_process import wait_until

pytestmark = pytest.mark.gimp


@pytest.fixture
def image(gimp: Gimp) -> int:
    return gimp.call("create_image", size=(96, 80))


@pytest.fixture
def layer(gimp: Gimp, image: int) -> int:
    return gimp.call("add_layer", image=image, name="waves")


def learn(gimp: Gimp, image: int | None, *layers: int, **arguments: Any) -> dict[str, Any]:
    return gimp.call("run", procedure=LEARN, image=image, layers=layers, **arguments)


def test_the_arguments_are_typed_and_described(gimp: Gimp) -> None:
    found = gimp.call("arguments", procedure=LEARN)
    assert (found["name"]["type"], found["minutes"]["type"]) == ("gchararray", "gdouble")
    assert found["minutes"]["range"] == [0.1, 1440.0]
    menu = gimp.call("menu", procedure=LEARN)
    assert menu == {"label": "Learn This Layer's Style…", "paths": ["<Image>/Filters/Artistic"]}


def test_a_layer_becomes_a_style(gimp: Gimp, client: Client, image: int, layer: int) -> None:
    before = gimp.call("describe", image=image)
    answer = learn(gimp, image, layer, name="My Waves", minutes=0.1)
    assert answer["status"] == "success", answer
    assert gimp.call("describe", image=image) == before
    training = client.training(answer["text"])
    assert (training.display_name, training.base_pack) == ("My Waves", "packs/masters")
    done = client.wait_training(training.name)
    assert done.state is TrainingState.DONE
    other = gimp.call("add_layer", image=image, name="picture", alpha=False)
    (made,) = stylize(gimp, image, other, style=done.style)
    assert (pixels(gimp, made) != pixels(gimp, other)).any()
    found = json.loads(gimp.call("recipe", layer=made))
    assert found["options"]["style"] == done.style.replace("packs/", "").replace("/styles", "")
    remove_trainings(client)
    assert client.trainings() == []


def test_a_training_outlives_its_image(gimp: Gimp, client: Client, image: int, layer: int) -> None:
    answer = learn(gimp, image, layer, name="Long", minutes=60)
    gimp.call("delete_image", image=image)
    name = answer["text"]
    wait_until(lambda: client.training(name).step > 0, "the first step")
    client.cancel_training(name)
    wait_until(lambda: client.training(name).done, "the end")
    assert client.training(name).state is TrainingState.CANCELLED
    remove_trainings(client)


def test_what_cannot_be_learned_is_told(gimp: Gimp, image: int, layer: int) -> None:
    other = gimp.call("add_layer", image=image, name="other")
    small = gimp.call("add_layer", image=image, name="small", size=(15, 40))
    empty = gimp.call("add_layer", image=image, name="nothing", size=(20, 20))
    gimp.call("make_transparent", layer=empty)
    for layers, name, told in (
        ([layer], "  ", "Give the style that is to be learned a name"),
        ([layer, other], "Two", "only one layer is learned"),
        ([small], "Small", "“small” is too small to be a style"),
        ([empty], "Nothing", "“nothing” is empty"),
        ([], "No", "No layer is selected"),
    ):
        answer = learn(gimp, image, *layers, name=name)
        assert answer["status"] == "execution-error"
        assert told in answer["error"]
