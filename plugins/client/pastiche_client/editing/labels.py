"""The words of the dialog and the docker."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pastiche_client.editing.told import Translate


class Labels:
    """Labels, and `_tip`s that explain them, in the user's language."""

    def __init__(self, translate: Translate) -> None:
        self._tr = translate

    @property
    def title(self) -> str:
        return "Pastiche"

    @property
    def menu_entry(self) -> str:
        return self._tr("Pastiche…")

    @property
    def again(self) -> str:
        return self._tr("Apply Pastiche Again")

    @property
    def again_tip(self) -> str:
        return self._tr("Stylize the selected layers with the values of the last time")

    @property
    def rerun(self) -> str:
        return self._tr("Repeat Pastiche with the Layer's Recipe")

    @property
    def rerun_tip(self) -> str:
        return self._tr(
            "Stylize once more what the selected layer was made of, with the values it was made "
            "with"
        )

    @property
    def blurb(self) -> str:
        return self._tr("Repaint the selected layers in the style of a painting")

    @property
    def help(self) -> str:
        return self._tr(
            "Stylizes the selected layers with a trained style and puts each result above its "
            "layer. A selection limits it, and its feathered edges are kept. The work is done by "
            "Pastiche's daemon on this computer."
        )

    @property
    def style(self) -> str:
        return self._tr("Style")

    @property
    def style_tip(self) -> str:
        return self._tr("The painting whose style the layer gets")

    @property
    def style_argument(self) -> str:
        return self._tr("The style, named pack/style; empty for the last one")

    @property
    def second_style(self) -> str:
        return self._tr("Second style")

    @property
    def second_style_tip(self) -> str:
        return self._tr("Another style of the same pack to mix in")

    @property
    def no_second_style(self) -> str:
        return self._tr("No second style")

    @property
    def second_share(self) -> str:
        return self._tr("Second share")

    @property
    def second_share_tip(self) -> str:
        return self._tr("How much of the mix is the second style")

    @property
    def strength(self) -> str:
        return self._tr("Strength")

    @property
    def strength_tip(self) -> str:
        return self._tr("From the layer as it is to the full style")

    @property
    def stroke_size(self) -> str:
        return self._tr("Stroke size")

    @property
    def stroke_size_tip(self) -> str:
        return self._tr("Finer or coarser strokes than the style's own")

    @property
    def preserve_colors(self) -> str:
        return self._tr("Preserve colors")

    @property
    def preserve_colors_tip(self) -> str:
        return self._tr("Keep the layer's colors and take only the strokes of the style")

    @property
    def placement(self) -> str:
        return self._tr("Result")

    @property
    def placement_tip(self) -> str:
        return self._tr("Where the result goes")

    @property
    def above(self) -> str:
        return self._tr("New layer above")

    @property
    def in_place(self) -> str:
        return self._tr("In place")

    @property
    def preview(self) -> str:
        return self._tr("Preview")

    @property
    def preview_tip(self) -> str:
        return self._tr("Show the result while the values are changed")

    @property
    def preview_fit(self) -> str:
        return self._tr("Whole layer")

    @property
    def preview_detail(self) -> str:
        return self._tr("Detail")

    @property
    def preview_detail_tip(self) -> str:
        return self._tr("A part of the layer, pixel by pixel; click on the layer to move it")

    @property
    def preview_waiting(self) -> str:
        return self._tr("The preview is being made…")

    @property
    def preview_strokes_larger(self) -> str:
        return self._tr("Strokes look larger here than in the result; see the detail")

    @property
    def no_preview(self) -> str:
        return self._tr("No preview")

    @property
    def styles_loading(self) -> str:
        return self._tr("The styles are being loaded…")

    @property
    def retry(self) -> str:
        return self._tr("Try again")

    @property
    def presets(self) -> str:
        return self._tr("Presets")

    @property
    def preset_tip(self) -> str:
        return self._tr("Values that were saved under a name")

    @property
    def save_preset(self) -> str:
        return self._tr("Save preset…")

    @property
    def delete_preset(self) -> str:
        return self._tr("Delete preset")

    @property
    def preset_name(self) -> str:
        return self._tr("Name of the preset")

    @property
    def reset(self) -> str:
        return self._tr("Reset")

    @property
    def reset_tip(self) -> str:
        return self._tr("Go back to the style's own values")

    @property
    def load_recipe(self) -> str:
        return self._tr("Load from layer")

    @property
    def load_recipe_tip(self) -> str:
        return self._tr("Take the values with which the selected layer was made")

    @property
    def stylize(self) -> str:
        return self._tr("Stylize")

    @property
    def stylize_tip(self) -> str:
        return self._tr("Stylize the selected layers")

    @property
    def all_frames(self) -> str:
        return self._tr("All frames")

    @property
    def all_frames_tip(self) -> str:
        return self._tr("Stylize every animation frame of the layer, at its own time")

    @property
    def cancel(self) -> str:
        return self._tr("Cancel")

    @property
    def close(self) -> str:
        return self._tr("Close")

    @property
    def ok(self) -> str:
        return self._tr("OK")

    @property
    def jobs(self) -> str:
        return self._tr("Jobs")

    @property
    def clear_jobs(self) -> str:
        return self._tr("Clear finished jobs")

    @property
    def job_waiting(self) -> str:
        return self._tr("waiting")

    @property
    def job_done(self) -> str:
        return self._tr("done")

    @property
    def job_failed(self) -> str:
        return self._tr("failed")

    @property
    def job_cancelled(self) -> str:
        return self._tr("cancelled")
