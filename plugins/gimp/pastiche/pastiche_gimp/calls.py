"""What all procedures on layers have in common."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import gi
from gi.repository import Gimp

from pastiche_client.paths import data_paths
from pastiche_gimp.return_values import (
    cancelled,
    failed,
    layers_returned,
    nothing_returned,
    text_returned,
)
from pastiche_gimp.source import check_layers
from pastiche_gimp.words import gimp_texts

if TYPE_CHECKING:
    from pastiche_client.client import Client
    from pastiche_client.editing.texts import Texts
    from pastiche_gimp.work import Done

    # Gives the client, which takes time to be imported: not before it is needed.
    GetClient: TypeAlias = Callable[[], Client]


@dataclass(frozen=True)
class Call:
    """A procedure that is run.

    Attributes:
        mode: whether a user is asked, and of what values.
        image: the one in front of the user, None for none.
        drawables: what is selected.
        config: the procedure's arguments.
    """

    mode: Gimp.RunMode
    image: Gimp.Image | None
    drawables: Sequence[Gimp.Drawable]
    config: Gimp.ProcedureConfig
    texts: Texts
    client: GetClient

    @property
    def asks(self) -> bool:
        """Whether a dialog is to be shown."""
        return self.mode == Gimp.RunMode.INTERACTIVE

    def layers(self) -> list[Gimp.Layer]:
        """The selected layers. Raises RefusalError, as `check_layers` does."""
        return check_layers(self.image, self.drawables)

    def load_windows(self) -> None:
        """Choose the versions of what windows are made of, before it is imported."""
        gi.require_version("GimpUi", "3.0")
        gi.require_version("Gtk", "3.0")


def answered(
    procedure: Gimp.Procedure,
    mode: Gimp.RunMode,
    image: Gimp.Image | None,
    drawables: Sequence[Gimp.Drawable],
    config: Gimp.ProcedureConfig,
    act: Callable[[Call], Done | str | None],
) -> Gimp.ValueArray:
    """Return what `act` did, a text, or that it was cancelled; what is raised is told in words."""
    loading = threading.Thread(target=_client_class, name="pastiche-import")
    loading.start()  # while GIMP reads the layer
    texts = gimp_texts()
    with ExitStack() as stack:
        stack.callback(loading.join)

        def client() -> Client:
            return stack.enter_context(_client_class()(client_id="gimp"))

        try:
            done = act(Call(mode, image, drawables, config, texts, client))
        except Exception as error:  # noqa: BLE001 - GIMP's boundary: it is reported there
            return failed(procedure, texts.sentence(error, data_paths()))
        if done is None:
            return cancelled(procedure)
        if isinstance(done, str):
            return text_returned(procedure, done)
        if mode == Gimp.RunMode.NONINTERACTIVE:
            return layers_returned(done.image, done.layers)
        for sentence in done.told:
            Gimp.message(sentence)
        return nothing_returned(procedure)


def _client_class() -> type[Client]:
    from pastiche_client.client import Client

    return Client
