"""The user's presets, and the values of the last time."""

from __future__ import annotations

from collections.abc import Mapping

from pastiche_client.editing.option_store import LONGEST_NAME, OptionStore, PresetError
from pastiche_client.editing.options import Options
from pastiche_client.editing.paint_options import PaintOptions

__all__ = ["LONGEST_NAME", "PaintPresetStore", "PresetError", "PresetStore"]


class PresetStore(OptionStore[Options]):
    """Of stylizing."""

    @property
    def kind(self) -> str:
        return ""

    def load(self, values: Mapping[str, object]) -> Options:
        return Options.from_dict(values)


class PaintPresetStore(OptionStore[PaintOptions]):
    """Of painting like other layers."""

    @property
    def kind(self) -> str:
        return "paint"

    def load(self, values: Mapping[str, object]) -> PaintOptions:
        return PaintOptions.from_dict(values)
