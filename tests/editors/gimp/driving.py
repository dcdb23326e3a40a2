"""What the tests of GIMP do again and again."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil

from pastiche_client import Client, DaemonError
from pastiche_client.errors import NotFoundError
from pastiche_client.runtime_file import read_runtime_file
from pastiche_client.trainings import TrainingState
from tests.support.daemon_process import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tests.editors.support.gimp import Gimp

PROCEDURE = "plug-in-pastiche"
PAINT = "plug-in-pastiche-paint-like"
UPSCALE = "plug-in-pastiche-upscale"
LEARN = "plug-in-pastiche-learn"
RERUN = "plug-in-pastiche-rerun"
# Of random weights, among the user's own encoders.
ENCODER = "vgg19-quarter"
# Seconds of work at this size, for the pack `slow`.
SLOW_SIZE = (768, 768)


def stylize(gimp: Gimp, image: int, *layers: int, **arguments: Any) -> list[int]:
    """Run the procedure as a script does; returns the layers' ids."""
    answer = ask(gimp, image, *layers, **arguments)
    assert answer["status"] == "success", answer
    return answer["layers"]


def refused(gimp: Gimp, image: int | None, *layers: int, **arguments: Any) -> str:
    """Run the procedure, which must fail; returns the sentence."""
    answer = ask(gimp, image, *layers, **arguments)
    assert answer["status"] == "execution-error", answer
    return answer["error"]


def ask(
    gimp: Gimp, image: int | None, *layers: int, procedure: str = PROCEDURE, **arguments: object
) -> dict[str, Any]:
    if procedure == PROCEDURE:
        arguments = {"style": "tiny/one", **arguments}
    elif procedure == PAINT:
        arguments = {"encoder": ENCODER, "quality": "quick", **arguments}
    return gimp.call("run", procedure=procedure, image=image, layers=layers, **arguments)


def tree(gimp: Gimp, image: int) -> Any:
    """The layers' names, those of a group in a list behind its name, from the top."""

    def names(layers: list[dict[str, Any]]) -> list[Any]:
        found: list[Any] = []
        for layer in layers:
            found.append(layer["name"])
            if layer["kind"] == "GroupLayer":
                found.append(names(layer["children"]))
        return found

    return names(gimp.call("describe", image=image)["layers"])


def pixels(gimp: Gimp, layer: int) -> NDArray[np.uint8]:
    """height x width x RGBA, sRGB with its curve"""
    found = gimp.call("pixels", layer=layer, babl="R'G'B'A u8")
    return np.frombuffer(b64decode(found["data"]), np.uint8).reshape(*found["shape"], 4)


@contextmanager
def working(gimp: Gimp, client: Client, call: Callable[[], Any]) -> Iterator[Future[Any]]:
    """Within the block the daemon works for `call`, and does not get on; then its result comes."""
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(call)
        wait_until(lambda: future.done() or is_busy(client), "the daemon's work")
        with held(gimp):
            assert not future.done(), future.result()
            yield future
        future.result()


@contextmanager
def held(gimp: Gimp) -> Iterator[psutil.Process]:
    """Stop the daemon for the time of the block, so that nothing depends on how fast it is."""
    process = daemon_of(gimp)
    process.suspend()
    try:
        yield process
    finally:
        with suppress(psutil.NoSuchProcess):
            process.resume()


def daemon_of(gimp: Gimp) -> psutil.Process:
    """The daemon that the plug-in has started."""
    info = read_runtime_file(gimp.workspace.data.runtime_file)
    assert info is not None
    return psutil.Process(info.pid)


def is_busy(client: Client) -> bool:
    """Whether the daemon runs something; false where there is none."""
    try:
        return client.info().running > 0
    except DaemonError:
        return False


def remove_trainings(client: Client) -> None:
    """End and forget all trainings of a daemon that runs, and remove what they have learned."""
    for training in client.trainings():
        if not training.done:
            client.cancel_training(training.name)
            wait_until(lambda name=training.name: client.training(name).done, "its end")
        if client.training(training.name).state is TrainingState.DONE:
            with suppress(NotFoundError):
                client.delete_pack(training.pack_id)
        client.forget_training(training.name)
