"""Checks which encoder a call wants, and which of its layers.

Takes torch's time to be imported the first time: not for the event loop's thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from pastiche.v1 import optimization_pb2
from pastiche_daemon.services.fields import optional
from pastiche_daemon.wire import InvalidFieldError

if TYPE_CHECKING:
    from pastiche_daemon.encoder_store import EncoderFile, EncoderStore, NetworkFile
    from pastiche_daemon.nn.encoder import Pooling
    from pastiche_daemon.nn.runtime import Precision

_Choice = optimization_pb2.EncoderChoice

LARGEST_WEIGHT = 1e12
_MOST_LAYERS = 64

POOLINGS: Mapping[int, Pooling | None] = {
    _Choice.POOLING_UNSPECIFIED: None,
    _Choice.POOLING_MAX: "max",
    _Choice.POOLING_AVERAGE: "avg",
}
PRECISIONS: Mapping[int, Precision | None] = {
    _Choice.PRECISION_UNSPECIFIED: None,
    _Choice.PRECISION_FLOAT32: "float32",
    _Choice.PRECISION_BFLOAT16: "bfloat16",
}


def find_encoder(choice: _Choice, store: EncoderStore) -> EncoderFile:
    """The VGG network of a choice.

    Raises:
        InvalidFieldError: there is none of that name.
        EncoderFileError: its weights are missing or damaged.
    """
    from pastiche_daemon.encoders import UnknownEncoderError

    try:
        return store.find(_name(choice))
    except UnknownEncoderError as error:
        raise _unknown(error) from error


def find_network(choice: _Choice, store: EncoderStore) -> NetworkFile:
    """As `find_encoder`, the Inception networks included."""
    from pastiche_daemon.encoders import UnknownEncoderError

    try:
        return store.find_network(_name(choice))
    except UnknownEncoderError as error:
        raise _unknown(error) from error


def check_layer_weights(
    given: Sequence[optimization_pb2.LayerWeight], field: str, encoder: NetworkFile
) -> dict[str, float]:
    """Layers with their weights. Raises InvalidFieldError."""
    if len(given) > _MOST_LAYERS:
        raise InvalidFieldError(field, f"must be at most {_MOST_LAYERS}, not {len(given)}")
    layers: dict[str, float] = {}
    for index, entry in enumerate(given):
        place = f"{field}[{index}]"
        if entry.layer in layers:
            raise InvalidFieldError(f"{place}.layer", f"{entry.layer!r} is given twice")
        check_layers([entry.layer], f"{place}.layer", encoder)
        layers[entry.layer] = optional(entry, "weight", 1.0, 0.0, LARGEST_WEIGHT, f"{place}.")
    if layers and not any(layers.values()):
        raise InvalidFieldError(field, "the weights are all 0; one at least must be larger")
    return layers


def check_layers(layers: Iterable[str], field: str, encoder: NetworkFile) -> None:
    """Raises InvalidFieldError, with the right ones, for a layer that the encoder does not have."""
    for layer in layers:
        if layer not in encoder.layers:
            raise InvalidFieldError(
                field,
                f"{encoder.name} has no layer {layer!r}; it has {', '.join(encoder.layers)}",
                reason="LAYER_UNKNOWN",
            )


def _name(choice: _Choice) -> str:
    from pastiche_daemon.encoder_store import DEFAULT_ENCODER

    return choice.name or DEFAULT_ENCODER


def _unknown(error: Exception) -> InvalidFieldError:
    return InvalidFieldError(
        "encoder.name", str(error).removeprefix("encoder: "), reason="ENCODER_UNKNOWN"
    )
