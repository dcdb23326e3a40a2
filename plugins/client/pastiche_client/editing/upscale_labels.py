"""The words of “Upscale layer”."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pastiche_client.editing.told import Translate


class UpscaleLabels:
    """Labels, and `_tip`s that explain them, in the user's language."""

    _tr: Translate

    @property
    def upscale_menu_entry(self) -> str:
        return self._tr("Upscale Layer…")

    @property
    def upscale_title(self) -> str:
        return self._tr("Upscale layer")

    @property
    def upscale_blurb(self) -> str:
        return self._tr("Make a layer larger, with details that a network expects")

    @property
    def upscale_help(self) -> str:
        return self._tr(
            "Makes a larger copy of the selected layer, above it and from the same upper left "
            "corner. Its colors and its transparency are kept. The image stays as large as it is. "
            "The work is done by Pastiche's daemon on this computer."
        )

    @property
    def upscale(self) -> str:
        return self._tr("Upscale")

    @property
    def upscale_tip(self) -> str:
        return self._tr("Put a larger copy of the selected layer above it")

    @property
    def factor(self) -> str:
        return self._tr("Factor")

    @property
    def factor_tip(self) -> str:
        return self._tr("How many times as wide and as high the new layer is")

    @property
    def factor_argument(self) -> str:
        """For GIMP's scripts."""
        return self._tr("How many times as wide and as high; 0 for the smallest there is")

    @property
    def new_size(self) -> str:
        return self._tr("New size")

    def times(self, factor: int) -> str:
        """A factor for a list of them."""
        return self._tr("{factor} times").format(factor=factor)

    def size(self, width: int, height: int) -> str:
        """A size in pixels."""
        return self._tr("{width} x {height} pixels").format(width=width, height=height)

    def upscale_layer_name(self, source: str, factor: int) -> str:
        """The name of the new layer."""
        return self._tr("{layer}, {factor} times as large").format(layer=source, factor=factor)

    def upscale_undo_name(self, factor: int) -> str:
        """The name of the undo step."""
        return self._tr("Upscale {factor} times").format(factor=factor)
