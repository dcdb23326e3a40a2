"""The words of “Paint like another layer”."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pastiche_client.editing.paint_options import PaintColors, PaintStart, Quality

if TYPE_CHECKING:
    from pastiche_client.editing.told import Translate


class PaintLabels:
    """Labels, and `_tip`s that explain them, in the user's language."""

    _tr: Translate

    @property
    def paint_menu_entry(self) -> str:
        return self._tr("Paint like Another Layer…")

    @property
    def paint_title(self) -> str:
        return self._tr("Paint like another layer")

    @property
    def paint_blurb(self) -> str:
        return self._tr("Paint a layer in the manner of any other picture")

    @property
    def paint_help(self) -> str:
        return self._tr(
            "Paints the selected layer in the manner of another layer, an open image or a file, "
            "and puts the result above it. No trained style is needed, but it takes minutes. A "
            "selection limits it. The work is done by Pastiche's daemon on this computer."
        )

    @property
    def paint(self) -> str:
        return self._tr("Paint")

    @property
    def paint_tip(self) -> str:
        return self._tr("Paint the selected layer like the chosen style")

    @property
    def paint_style(self) -> str:
        return self._tr("Paint like")

    @property
    def paint_style_tip(self) -> str:
        return self._tr("The picture whose style the layer gets")

    @property
    def choose_file(self) -> str:
        return self._tr("Choose a file…")

    @property
    def choose_file_title(self) -> str:
        return self._tr("Choose a picture with the style")

    @property
    def add_style(self) -> str:
        return self._tr("Add a style")

    @property
    def remove_style(self) -> str:
        return self._tr("Remove the style")

    @property
    def style_weight(self) -> str:
        return self._tr("Share")

    @property
    def style_weight_tip(self) -> str:
        return self._tr("How much of the mix is this style")

    @property
    def where(self) -> str:
        return self._tr("Where")

    @property
    def where_tip(self) -> str:
        """For GIMP, whose saved selections are channels."""
        return self._tr(
            "The part of the layer that gets this style. Save a selection to a channel to have a "
            "place to choose here"
        )

    @property
    def where_masks_tip(self) -> str:
        """For Krita."""
        return self._tr(
            "The part of the layer that gets this style. Add a local selection or a transparency "
            "mask to a layer to have a place to choose here"
        )

    @property
    def everywhere(self) -> str:
        return self._tr("Everywhere")

    @property
    def strength_mask(self) -> str:
        return self._tr("Strength by mask")

    @property
    def strength_mask_tip(self) -> str:
        return self._tr(
            "How much of the painting each pixel gets: all of it where the mask is white, nothing "
            "where it is black. A selection limits the painting in any case"
        )

    @property
    def full_strength(self) -> str:
        return self._tr("Full everywhere")

    @property
    def amount(self) -> str:
        return self._tr("Amount of style")

    @property
    def amount_tip(self) -> str:
        return self._tr("How far the layer's own forms give way to those of the style")

    @property
    def style_scale(self) -> str:
        return self._tr("Size of style")

    @property
    def style_scale_tip(self) -> str:
        return self._tr("Finer or coarser forms than in the style's own picture")

    @property
    def colors(self) -> str:
        return self._tr("Colors")

    @property
    def colors_tip(self) -> str:
        return self._tr("Whose colors the result has")

    @property
    def colors_of_style(self) -> str:
        return self._tr("Of the style")

    @property
    def colors_by_luminance(self) -> str:
        return self._tr("Of the layer: only light and dark are painted")

    @property
    def colors_recolored(self) -> str:
        return self._tr("Of the layer: the style gets them first")

    @property
    def start(self) -> str:
        return self._tr("Start from")

    @property
    def start_tip(self) -> str:
        return self._tr("What the painting begins with")

    @property
    def start_layer(self) -> str:
        return self._tr("The layer")

    @property
    def start_noise(self) -> str:
        return self._tr("Noise")

    @property
    def start_style(self) -> str:
        return self._tr("The style")

    @property
    def quality(self) -> str:
        return self._tr("Quality")

    @property
    def quality_tip(self) -> str:
        return self._tr("Better pictures are larger, and take longer")

    @property
    def quality_quick(self) -> str:
        return self._tr("Sketch")

    @property
    def quality_good(self) -> str:
        return self._tr("Good")

    @property
    def quality_fine(self) -> str:
        return self._tr("Fine, slow")

    @property
    def quality_full(self) -> str:
        return self._tr("In the layer's own size, very slow")

    @property
    def encoder(self) -> str:
        return self._tr("Encoder")

    @property
    def encoder_tip(self) -> str:
        return self._tr("The network that judges the picture; compact is built in")

    @property
    def stop_and_keep(self) -> str:
        return self._tr("Stop and keep")

    @property
    def stop_and_keep_tip(self) -> str:
        return self._tr("End now, with the picture as it stands")

    @property
    def stopping(self) -> str:
        return self._tr("Stopping; the picture is kept…")

    @property
    def paint_frames_tip(self) -> str:
        return self._tr(
            "Paint every animation frame of the layer, at its own time; each takes as long as a "
            "single picture"
        )

    @property
    def paint_preview_tip(self) -> str:
        return self._tr("Shows how far the painting is")

    @property
    def paint_style_argument(self) -> str:
        return self._tr("The layer or other drawable to paint like; empty for a file")

    @property
    def paint_file_argument(self) -> str:
        return self._tr("The file to paint like, where no layer is given")

    @property
    def paint_second_argument(self) -> str:
        return self._tr("Another layer or other drawable, to be mixed in")

    @property
    def where_argument(self) -> str:
        return self._tr("The channel or mask in which the style goes; empty for everywhere")

    @property
    def where_second_argument(self) -> str:
        return self._tr("The channel or mask in which the second style goes")

    @property
    def strength_mask_argument(self) -> str:
        return self._tr("The channel or mask that tells the strength; empty for full strength")

    def color_names(self) -> dict[PaintColors, str]:
        return {
            PaintColors.STYLE: self.colors_of_style,
            PaintColors.LUMINANCE: self.colors_by_luminance,
            PaintColors.RECOLORED: self.colors_recolored,
        }

    def start_names(self) -> dict[PaintStart, str]:
        return {
            PaintStart.LAYER: self.start_layer,
            PaintStart.NOISE: self.start_noise,
            PaintStart.STYLE: self.start_style,
        }

    def quality_names(self) -> dict[Quality, str]:
        return {
            Quality.QUICK: self.quality_quick,
            Quality.GOOD: self.quality_good,
            Quality.FINE: self.quality_fine,
            Quality.FULL: self.quality_full,
        }
