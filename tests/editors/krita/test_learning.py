"""“Learn this layer's style”: a training that outlives Krita, and ends in the list of styles."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pastiche_client import Client
from tests.editors.krita.session import KritaSession, Rect
from tests.editors.krita.test_docker import click
from tests.editors.krita.test_layers import RECT, RGBA, add
from tests.editors.krita.test_painting import soft
from tests.support.tiny_pack import write_tiny_pack

pytestmark = pytest.mark.krita

STYLE_RECT = Rect(5, 4, 96, 80)
SECONDS = 200.0
#: A step takes a fraction of a second, also on a busy computer.
SMALL = {"base_pack": "tiny", "style_size": 64, "crop_size": 64}
#: More than a test waits for.
ENDLESS = {**SMALL, "steps": 100_000}


@pytest.fixture
def learning(krita: KritaSession) -> Iterator[KritaSession]:
    """Krita with a layer to learn from, the active one, and no trainings."""
    krita.call("make")
    krita.add("style", soft(STYLE_RECT, 4), STYLE_RECT)
    krita.call("show_page", page="Learn")
    krita.call("learn_with", **SMALL, steps=3)
    yield krita
    with Client(krita.krita.workspace.data, start=False) as client:
        for training in client.trainings():
            if training.active:
                client.cancel_training(training.name)
    krita.wait_until(lambda: not any(is_active(krita)), "the end of the trainings", SECONDS)
    with Client(krita.krita.workspace.data, start=False) as client:
        for training in client.trainings():
            client.forget_training(training.name)
        for pack in client.list_packs():
            if pack.id.startswith("learned"):
                client.delete_pack(pack.id)


def is_active(krita: KritaSession) -> list[bool]:
    with Client(krita.krita.workspace.data, start=False) as client:
        return [training.active for training in client.trainings()]


def shown(krita: KritaSession, name: str) -> dict[str, Any]:
    """How far a training is; empty where there is none."""
    return next((entry for entry in krita.call("trainings") if entry["name"] == name), {})


def state(krita: KritaSession, name: str) -> str:
    return shown(krita, name).get("state", "")


def wait_for_state(krita: KritaSession, name: str, wanted: str) -> None:
    krita.wait_until(lambda: state(krita, name) == wanted, f"{wanted} of {name}", SECONDS)


def wait_for_steps(krita: KritaSession, name: str) -> None:
    def has_steps() -> bool:
        entry = shown(krita, name)
        return entry.get("state") == "RUNNING" and entry["step"] > 0

    krita.wait_until(has_steps, "the first step", SECONDS)


def test_from_a_layer_to_a_style_to_a_stylized_layer(learning: KritaSession) -> None:
    krita = learning
    assert krita.call("learn", name="Learned waves", minutes=1) == ""
    krita.wait_until(lambda: bool(shown(krita, "Learned waves")), "the training")
    krita.wait_until(
        lambda: "learned-waves/learned-waves" in (krita.call("styles_or_none") or []),
        "the style in the list",
        SECONDS,
    )
    wait_for_state(krita, "Learned waves", "DONE")
    krita.wait_until(
        lambda: krita.call("message").startswith("The style “Learned waves” was learned."),
        "the sentence",
    )
    assert shown(krita, "Learned waves")["shown"] == "Learned; the style is in the list of styles"
    # The styles are there as they were before, with the new one.
    assert {"tiny/one", "learned-waves/learned-waves"} <= set(krita.call("styles"))
    assert krita.call("options")["style"] == "tiny/one"

    krita.call("show_page", page="Stylize")
    add(krita)
    krita.call("set_options", style="learned-waves/learned-waves")
    krita.done()
    result, original = (
        RGBA.array(krita.pixels(name, RECT), RECT) for name in ("layer - Learned waves", "layer")
    )
    assert (result[..., 3] == original[..., 3]).all()
    assert (result[..., :3] != original[..., :3]).mean() > 0.5


def test_it_outlives_krita_and_is_seen_again(learning: KritaSession) -> None:
    krita = learning
    krita.call("learn_with", **ENDLESS)
    assert krita.call("learn", name="Learned slowly", minutes=1) == ""
    wait_for_steps(krita, "Learned slowly")
    before = shown(krita, "Learned slowly")
    krita.krita.process.kill()
    krita.restart()
    # Nobody has to look for it.
    krita.wait_until(lambda: bool(shown(krita, "Learned slowly")), "the training", SECONDS)
    krita.wait_until(
        lambda: shown(krita, "Learned slowly")["step"] > before["step"], "further steps", SECONDS
    )
    assert "Step " in shown(krita, "Learned slowly")["shown"]
    # Its end is told to this Krita.
    krita.call("show_page", page="Learn")
    tips = krita.call("training_buttons", name="Learned slowly")
    (finish,) = [tip for tip in tips if tip.startswith("Finish now")]
    krita.display.click(*tips[finish])
    krita.wait_until(
        lambda: "learned-slowly/learned-slowly" in (krita.call("styles_or_none") or []),
        "the style in the list",
        SECONDS,
    )


def test_a_picture_shows_how_far_it_is_and_the_mouse_cancels(learning: KritaSession) -> None:
    krita = learning
    krita.call("learn_with", **ENDLESS)
    assert krita.call("cut_labels") == []
    krita.call("learn", name="", minutes=2)
    assert krita.call("message") == "Give the style that is to be learned a name."
    krita.krita.run("docker()._learning._name.setText('Learned no more')")
    click(krita, "Learn")
    wait_for_steps(krita, "Learned no more")
    krita.wait_until(lambda: krita.call("learn_picture") is not None, "a sample", SECONDS)
    width, height = krita.call("learn_picture")
    assert min(width, height) > 32
    tips = krita.call("training_buttons", name="Learned no more")
    krita.display.click(*tips["End the learning; no style is installed"])
    krita.wait_until(lambda: not shown(krita, "Learned no more"), "the end", SECONDS)
    assert not any(is_active(krita))
    with Client(krita.krita.workspace.data, start=False) as client:
        assert "learned-no-more" not in [pack.id for pack in client.list_packs()]


def test_a_name_that_is_taken(learning: KritaSession) -> None:
    krita = learning
    krita.call("learn", name="Tiny", minutes=1)
    krita.wait_until(
        lambda: "There is a style pack of that name already" in krita.call("message"), "the refusal"
    )
    assert krita.call("trainings") == []


def test_one_that_fails_is_told_and_can_be_taken_off_the_list(
    learning: KritaSession, tmp_path: Path
) -> None:
    krita = learning
    krita.call("learn_with", **ENDLESS)
    krita.call("learn", name="Learned badly", minutes=1)
    wait_for_steps(krita, "Learned badly")
    # Somebody installs a pack of its name meanwhile.
    with Client(krita.krita.workspace.data, start=False) as client:
        client.install_pack(write_tiny_pack(tmp_path / "other.pastiche", pack_id="learned-badly"))
        client.finish_training(client.trainings()[-1].name)
    wait_for_state(krita, "Learned badly", "FAILED")
    assert shown(krita, "Learned badly")["shown"] == "failed"
    krita.wait_until(
        lambda: "There is a style pack of that name already" in krita.call("message"),
        "the sentence",
    )
    tips = krita.call("training_buttons", name="Learned badly")
    assert set(tips) == {"Take it off the list", "Go on where it failed"}
    krita.display.click(*tips["Take it off the list"])
    krita.wait_until(lambda: not shown(krita, "Learned badly"), "the end")


def test_refusals(learning: KritaSession) -> None:
    krita = learning
    assert krita.call("learn", name=" ", minutes=1).startswith("Give the style")
    small = Rect(0, 0, 10, 40)
    krita.add("small", soft(small, 1), small)
    assert "too small to be a style" in krita.call("learn", name="Learned", minutes=1)
    krita.call("trigger", action="select_all_layers")
    krita.wait_until(lambda: len(krita.call("selected")) == 3, "the selection of layers")
    told = krita.call("learn", name="Learned", minutes=1)
    assert told.startswith("The style of only one layer is learned at a time.")
    krita.call("close_documents")
    assert krita.call("learn", name="Learned", minutes=1).startswith("No image is open.")
