"""Learning a style with a real daemon: what it makes, who goes first, and what outlives what."""

from __future__ import annotations

import itertools
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pastiche_client.client import Client
from pastiche_client.errors import (
    CallCancelledError,
    DaemonError,
    DaemonLostError,
    InvalidRequestError,
    NotFoundError,
    RefusedError,
)
from pastiche_client.images import layer_from_image
from pastiche_client.layer import Layer, PixelFormat, SampleType
from pastiche_client.paths import DataPaths
from pastiche_client.trainings import LearnOptions, Training, TrainingState
from pastiche_daemon.packs.archive import read_pack
from tests.support.daemon_process import DaemonProcess, running_daemon, wait_until
from tests.support.tiny_pack import write_tiny_pack

SMALL = Layer(24, 20, PixelFormat.RGB, SampleType.U8, bytes(range(240)) * 6)
# A step of this takes a fraction of a second.
QUICK = LearnOptions(base_pack="tiny", crop_size=64, style_size=64, steps=3)
LONG = replace(QUICK, steps=100_000)


def picture(side: int = 48) -> Layer:
    image = Image.radial_gradient("L").resize((side, side))
    return layer_from_image(Image.merge("RGB", (image, image.rotate(90), image)))


@pytest.fixture
def home(own_home: Path) -> DataPaths:
    return DataPaths(own_home)


@pytest.fixture
def own(own_home: Path) -> Iterator[DaemonProcess]:
    """A daemon of the test's own."""
    with running_daemon(own_home, arguments=["--idle-exit", "0"]) as running:
        yield running


@pytest.fixture
def client(own: DaemonProcess) -> Iterator[Client]:
    with Client(own.paths, start=False) as client:
        yield client


def folders(paths: DataPaths) -> list[str]:
    """What is in the folder of the trainings, hidden things included."""
    folder = paths.root / "trainings"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def check_packs(paths: DataPaths) -> set[str]:
    """The ids of all packs, every file of which is whole; nothing else lies beside them."""
    return {read_pack(path).manifest.id for path in paths.packs.iterdir()}


def until_step(client: Client, name: str, step: int) -> Training:
    found: list[Training] = []

    def reached() -> bool:
        found[:] = [client.training(name)]
        assert not found[0].done, found[0]
        return found[0].step >= step

    wait_until(reached, f"step {step}")
    return found[0]


def test_a_style_is_learned_installed_and_used(client: Client, own: DaemonProcess) -> None:
    seen: list[Training] = []
    done = client.learn_style(
        picture(), "Mine, All Mine", replace(QUICK, artist="Anna"), on_progress=seen.append
    )
    assert done.state is TrainingState.DONE
    assert (done.style, done.pack) == (
        "packs/mine-all-mine/styles/mine-all-mine",
        "packs/mine-all-mine",
    )
    assert (done.step, done.steps, done.error) == (3, 3, None)
    assert done.seconds > 0
    assert done.start_style in {"one", "two", "the mean of all styles"}
    assert done.sample.startswith(b"\xff\xd8")
    assert done.sample_media_type == "image/jpeg"
    assert {training.name for training in seen} == {done.name}
    steps = [training.step for training in seen]
    assert steps == sorted(steps)
    assert folders(own.paths) == [done.id]

    pack = client.get_pack("mine-all-mine")
    assert (pack.display_name, pack.style_count, pack.built_in) == ("Mine, All Mine", 1, False)
    assert pack.license == client.get_pack("tiny").license
    assert any("base: tiny 1.0.0" in note for note in pack.provenance["notes"])
    (style,) = client.list_styles("mine-all-mine", with_previews=True)
    assert style.artist == "Anna"
    assert style.preview
    result = client.stylize(SMALL, done.style)
    assert bytes(result.layer.data) != SMALL.data

    assert [training.name for training in client.trainings()] == [done.name]
    client.delete_pack("mine-all-mine")
    client.forget_training(done.id)
    assert client.trainings() == []
    assert folders(own.paths) == []


def test_photographs_travel_with_it(client: Client) -> None:
    options = replace(QUICK, photographs=[picture(40), replace_alpha(picture(64))])
    done = client.learn_style(picture(), "Taught", options)
    dataset = client.get_pack(done.pack).provenance["dataset"]
    assert dataset.startswith("2 photographs of the user's, and Pastiche's 5")


def replace_alpha(layer: Layer) -> Layer:
    """The same pixels, the left half of them transparent."""
    pixels = bytes(layer.data)
    data = bytearray()
    for index in range(layer.width * layer.height):
        alpha = 0 if index % layer.width < layer.width // 2 else 255
        data += pixels[3 * index : 3 * index + 3] + bytes([alpha])
    return Layer(layer.width, layer.height, PixelFormat.RGBA, SampleType.U8, bytes(data))


NOTHING = Layer(20, 20, PixelFormat.RGBA, SampleType.U8, bytes(1600))
DOT = Layer(1, 1, PixelFormat.RGB, SampleType.U8, bytes(3))


@pytest.mark.parametrize(
    ("style", "name", "fields", "field", "said"),
    [
        (picture(), "", {}, "display_name", "1 to 120"),
        (picture(), "a\u202eb", {}, "display_name", "printable"),
        (picture(), "Tiny", {}, "display_name", "installed already"),
        (picture(), "New", {"pack_id": "tiny"}, "pack_id", "installed already"),
        (picture(), "New", {"pack_id": "No!"}, "pack_id", "lower-case"),
        (picture(), "Masters", {"replace": True}, "display_name", "built in"),
        (DOT, "New", {}, "style", "1 x 1 pixels"),
        (NOTHING, "New", {}, "style", "fully transparent"),
        (picture(), "New", {"photographs": [picture(), DOT]}, "photographs[1]", "1 x 1"),
        (picture(), "New", {"photographs": [picture()] * 65}, "photographs", "at most 64"),
        (picture(), "New", {"minutes": 0.0}, "minutes", "from 0.1"),
        (picture(), "New", {"minutes": float("nan")}, "minutes", "number"),
        (picture(), "New", {"steps": 0}, "steps", "1 to"),
        (picture(), "New", {"style_size": 63}, "style_size", "64 to"),
        (picture(), "New", {"crop_size": 1000}, "crop_size", "64 to"),
        (picture(), "New", {"style_weight": 0.0}, "style_weight", "larger than 0"),
        (picture(), "New", {"tv_weight": -1.0}, "tv_weight", "from 0"),
        (picture(), "New", {"license": "all mine\n"}, "license", "SPDX"),
        (picture(), "New", {"base_pack": "packs/a/b"}, "base_pack", "packs/PACK"),
        (picture(), "New", {"base_pack": "plain"}, "base_pack", "no conditional instance norm"),
    ],
)
def test_what_is_wrong_is_named(
    daemon: DaemonProcess, style: Layer, name: str, fields: dict[str, Any], field: str, said: str
) -> None:
    plain = daemon.paths.packs / "plain-1.0.0.pastiche"
    architecture = read_pack(daemon.paths.packs / "tiny-1.0.0.pastiche").style_manifest.architecture
    write_tiny_pack(
        plain,
        pack_id="plain",
        styles=("only",),
        architecture=architecture.model_copy(update={"norm": "instance"}),
    )
    try:
        with Client(daemon.paths, start=False) as client:
            with pytest.raises(InvalidRequestError) as caught:
                client.start_learning(style, name, replace(QUICK, **fields))
            assert caught.value.field == field
            assert said in str(caught.value)
            assert client.trainings() == []
        assert folders(daemon.paths) == []
    finally:
        plain.unlink()


def test_what_does_not_exist_is_not_found(client: Client) -> None:
    with pytest.raises(NotFoundError, match="there are: "):
        client.start_learning(picture(), "New", replace(QUICK, base_pack="nowhere"))
    unknown: list[Callable[[str], object]] = [
        client.training,
        client.cancel_training,
        client.finish_training,
        client.resume_training,
        client.forget_training,
    ]
    for call in unknown:
        with pytest.raises(NotFoundError):
            call("never")


def test_where_only_signed_packs_may_be_used_nothing_is_learned(own_home: Path) -> None:
    environ = {"PASTICHE_TRUSTED_PACKS_ONLY": "1"}
    with running_daemon(own_home, environ=environ) as own, Client(own.paths, start=False) as client:
        with pytest.raises(DaemonError, match="has no signature") as caught:
            client.start_learning(picture(), "Mine", replace(QUICK, base_pack=""))
        assert caught.value.reason == "PACK_UNTRUSTED"
        assert folders(own.paths) == []


def test_a_cancelled_training_leaves_nothing(client: Client, own: DaemonProcess) -> None:
    packs = check_packs(own.paths)
    training = client.start_learning(picture(), "Mine", LONG)
    with pytest.raises(InvalidRequestError, match="being learned already") as caught:
        client.start_learning(picture(), "Mine", LONG)
    assert caught.value.reason == "TRAINING_EXISTS"
    waiting = client.start_learning(picture(), "Next", LONG)
    until_step(client, training.name, 1)
    assert client.training(waiting.name).state is TrainingState.QUEUED
    with pytest.raises(RefusedError, match="cancel it first"):
        client.forget_training(training.name)
    with pytest.raises(RefusedError, match=r"does not run|first step"):
        client.finish_training(waiting.name)
    for name in (waiting.name, training.name):
        client.cancel_training(name)
        with pytest.raises(CallCancelledError):
            client.wait_training(name)
        assert client.training(name).state is TrainingState.CANCELLED
    assert folders(own.paths) == []
    assert check_packs(own.paths) == packs
    assert client.learn_style(picture(), "Mine", QUICK).style  # the name is free again


def test_a_training_may_end_early_and_keep_what_it_has(client: Client) -> None:
    training = client.start_learning(picture(), "Mine", LONG)
    with pytest.raises(RefusedError, match="only a training that failed"):
        client.resume_training(training.name)
    reached = until_step(client, training.name, 2)
    client.finish_training(training.name)
    done = client.wait_training(training.name)
    assert reached.step <= done.step < 100_000
    assert client.get_pack(done.pack).provenance["steps"] == done.step
    client.stylize(SMALL, done.style)
    with pytest.raises(RefusedError, match="does not run"):
        client.finish_training(training.name)


def test_other_work_goes_first(client: Client) -> None:
    training = client.start_learning(picture(), "Mine", LONG)
    until_step(client, training.name, 1)
    for _ in range(3):
        client.stylize(SMALL, "tiny/one")
    now = client.training(training.name)
    assert now.state is TrainingState.RUNNING
    until_step(client, training.name, now.step + 1)  # and the training goes on after it
    client.cancel_training(training.name)


def test_a_stopped_daemon_goes_on_where_it_was(own_home: Path) -> None:
    with running_daemon(own_home) as first, Client(first.paths, start=False) as client:
        training = client.start_learning(picture(), "Mine", LONG)
        reached = until_step(client, training.name, 3)
        client.stop_daemon()
        first.wait()
    assert folders(DataPaths(own_home)) == [training.id]
    with running_daemon(own_home) as second, Client(second.paths, start=False) as client:
        (listed,) = client.trainings()
        assert (listed.name, listed.display_name) == (training.name, "Mine")
        resumed = until_step(client, training.name, 1)
        assert resumed.step >= reached.step
        client.finish_training(training.name)
        assert client.wait_training(training.name).style == "packs/mine/styles/mine"
    with running_daemon(own_home) as third, Client(third.paths, start=False) as client:
        (told,) = client.trainings()  # what became of it is still known
        assert (told.state, told.style) == (TrainingState.DONE, "packs/mine/styles/mine")
        assert told.sample


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_a_killed_daemon_leaves_a_training_that_goes_on_or_nothing(own_home: Path) -> None:
    """Killed at a later moment each time, until the training is done in spite of it."""
    paths = DataPaths(own_home)
    before = check_packs(paths)
    name = ""
    states: set[TrainingState] = set()
    for looks in itertools.count():
        with running_daemon(own_home) as daemon, Client(paths, start=False) as client:
            if not name:
                name = client.start_learning(picture(), "Mine", replace(QUICK, steps=12)).name
            (training,) = client.trainings()
            assert training.name == name
            for _ in range(looks * looks):
                training = client.training(name)
                states.add(training.state)
                if training.done:
                    break
            if not training.done:
                daemon.process.send_signal(signal.SIGKILL)
                daemon.wait()
                assert check_packs(paths) in (before, before | {"mine"})
                with pytest.raises(DaemonError):
                    client.training(name)
                continue
            # As often as the daemon is killed before the first step, it is given up in the end.
            if training.state is TrainingState.FAILED:
                assert training.error is not None
                assert training.error.reason == "TRAINING_ENDS_DAEMON"
                client.resume_training(name)
                training = client.wait_training(name)
            assert training.style == "packs/mine/styles/mine"
            client.stylize(SMALL, training.style)
            assert training.step == 12
            break
    assert check_packs(paths) == before | {"mine"}
    assert states & {TrainingState.PREPARING, TrainingState.RUNNING}


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_who_waits_for_a_killed_daemon_hears_of_it(own_home: Path) -> None:
    with running_daemon(own_home) as daemon, Client(daemon.paths, start=False) as client:
        training = client.start_learning(picture(), "Mine", LONG)

        def kill(now: Training) -> None:
            if now.step:
                daemon.process.kill()

        with pytest.raises(DaemonLostError):
            client.wait_training(training.name, on_progress=kill)


def test_a_daemon_with_a_training_does_not_leave_for_idleness(own_home: Path) -> None:
    arguments = ["--idle-exit", "1"]
    with running_daemon(own_home, arguments=arguments) as daemon:
        with Client(daemon.paths, start=False) as client:
            client.start_learning(picture(), "Mine", replace(QUICK, steps=20))
        assert daemon.wait() == 0  # nobody calls any more
        assert "mine" in check_packs(daemon.paths)
        assert "nobody called" in daemon.log


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_a_training_that_cannot_write_fails_and_can_be_resumed(
    client: Client, own: DaemonProcess
) -> None:
    training = client.start_learning(picture(), "Mine", LONG)
    until_step(client, training.name, 1)
    # Every write fails where the folder of the checkpoints is a file.
    run = own.paths.root / "trainings" / training.id / "run"
    run.rename(run.with_name("moved"))
    run.write_bytes(b"")
    client.finish_training(training.name)
    with pytest.raises(DaemonError) as caught:
        client.wait_training(training.name)
    assert caught.value.reason.startswith("STORAGE_")
    assert "mine" not in check_packs(own.paths)
    failed = client.training(training.name)
    assert failed.state is TrainingState.FAILED
    run.unlink()
    run.with_name("moved").rename(run)
    client.resume_training(training.name)
    until_step(client, training.name, 1)
    client.finish_training(training.name)
    assert client.wait_training(training.name).style
