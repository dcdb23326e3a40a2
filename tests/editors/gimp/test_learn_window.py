"""The dialog of “Learn this layer's style”: what it starts goes on without it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pastiche_client import Client
from pastiche_client.trainings import Training, TrainingState
from tests.editors.gimp.driving import remove_trainings, stylize
from tests.editors.gimp.window import LEARN_DIALOG, LEARN_KEY, Window
from tests.support.daemon_process import wait_until

pytestmark = pytest.mark.gimp

# The button of the newest training: from the left side, and from the lower one.
_FINISH, _CANCEL = (210, -106), (300, -106)


@pytest.fixture
def learning(window: Window, client: Client) -> Iterator[Client]:
    """A client of a daemon that runs; what is learned is removed behind the test."""
    image = window.gimp.call("create_image")
    stylize(window.gimp, image, window.gimp.call("add_layer", image=image))
    remove_trainings(client)
    yield client
    remove_trainings(client)


def begin(window: Window, client: Client, name: str) -> tuple[str, str]:
    """Learn the layer's style from its dialog; returns the dialog and the training."""
    window.open(size=(120, 90))
    window.press(LEARN_KEY)
    dialog = window.display.wait_for_window(LEARN_DIALOG)
    height = window.height(dialog)
    window.display.key("ctrl+a", window=dialog)
    window.display.type(name)
    window.display.key("Return")
    wait_until(lambda: window.height(dialog) > height, "the training in the list")
    (training,) = client.trainings()
    assert training.display_name == name
    return dialog, training.name


def until_step(client: Client, name: str, step: int) -> Training:
    def reached() -> bool:
        assert not client.training(name).done
        return client.training(name).step >= step

    wait_until(reached, f"step {step}")
    return client.training(name)


def test_a_training_outlives_the_dialog_and_is_finished_in_another(
    window: Window, learning: Client
) -> None:
    dialog, name = begin(window, learning, "My Waves")
    window.display.dismiss(LEARN_DIALOG)
    made = until_step(learning, name, 1).step
    until_step(learning, name, made + 1)
    # Another dialog shows it, also without an image.
    window.gimp.call("close_all")
    main = window.display.wait_for_window("GNU Image Manipulation Program")
    window.display.key(LEARN_KEY, window=main)
    dialog = window.display.wait_for_window(LEARN_DIALOG)

    def finished() -> bool:
        window.click(dialog, _FINISH)
        return learning.training(name).done

    wait_until(finished, "the training's end")
    done = learning.training(name)
    assert done.state is TrainingState.DONE
    assert "My Waves" in [style.display_name for style in learning.list_styles()]
    window.display.dismiss(LEARN_DIALOG)


def test_a_training_is_cancelled_in_the_dialog(window: Window, learning: Client) -> None:
    dialog, name = begin(window, learning, "Not Mine")
    until_step(learning, name, 1)

    def cancelled() -> bool:
        window.click(dialog, _CANCEL)
        return learning.training(name).done

    wait_until(cancelled, "the training's end")
    assert learning.training(name).state is TrainingState.CANCELLED
    window.display.dismiss(LEARN_DIALOG)


def test_without_an_image_there_is_a_sentence(window: Window, learning: Client) -> None:
    assert learning.trainings() == []
    main = window.display.wait_for_window("GNU Image Manipulation Program")
    window.display.key(LEARN_KEY, window=main)
    dialog = window.display.wait_for_window(LEARN_DIALOG)
    height = window.height(dialog)
    window.display.type("Nothing", window=dialog)
    window.display.key("Return")
    wait_until(lambda: window.height(dialog) > height, "the sentence")
    assert learning.trainings() == []
    window.display.dismiss(LEARN_DIALOG)
