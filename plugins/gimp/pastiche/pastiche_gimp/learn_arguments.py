"""What a training is asked for with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gi.repository import Gimp

from pastiche_client.editing import refusals
from pastiche_gimp.arguments import FLAGS

if TYPE_CHECKING:
    from pastiche_client.editing.texts import Texts
    from pastiche_gimp.calls import Call

LONGEST_NAME = 120
_MINUTES = (0.1, 1440.0)
_USUAL_MINUTES = 10.0


def add_learn_arguments(procedure: Gimp.Procedure, texts: Texts) -> None:
    """Declare the arguments, and what a script is told."""
    procedure.add_string_argument("name", texts.learn_name, texts.learn_name_tip, "", FLAGS)
    procedure.add_double_argument(
        "minutes", texts.learn_minutes, texts.learn_minutes_tip, *_MINUTES, _USUAL_MINUTES, FLAGS
    )
    procedure.add_string_return_value(
        "training",
        "Training",
        "For scripts: the training, as “pastiche trainings” names it",
        "",
        FLAGS,
    )


def one_layer(call: Call) -> Gimp.Layer:
    """The selected layer. Raises RefusalError unless there is just one that can be read."""
    layers = call.layers()
    if len(layers) > 1:
        raise refusals.one_layer_to_learn()
    return layers[0]
