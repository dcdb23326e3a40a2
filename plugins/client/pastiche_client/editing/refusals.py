"""Why an editor cannot do what was asked, in sentences that say what to do.

Raise them where the trouble is noticed; `Texts.sentence` tells them in the user's language.
"""

from __future__ import annotations

from pastiche_client.editing.told import ToldError, marked


class RefusalError(ToldError):
    """Something cannot be done as things are; nothing was changed."""


def no_image() -> RefusalError:
    return RefusalError(marked("No image is open. Open an image, then try again."))


def no_layer() -> RefusalError:
    return RefusalError(marked("No layer is selected. Select a layer, then try again."))


def no_style() -> RefusalError:
    return RefusalError(marked("Choose a style first."))


def no_packs() -> RefusalError:
    return RefusalError(
        marked("No style is installed. Install a style pack with “pastiche packs install”.")
    )


def layer_locked(layer: str) -> RefusalError:
    return RefusalError(
        marked("The layer “{layer}” is locked. Unlock it, then try again."), layer=layer
    )


def parent_locked(group: str) -> RefusalError:
    return RefusalError(
        marked(
            "The group “{group}” is locked, so that no layer can be put into it. Unlock it, then "
            "try again."
        ),
        group=group,
    )


def layer_invisible(layer: str) -> RefusalError:
    return RefusalError(
        marked("The layer “{layer}” is invisible. Make it visible, then try again."), layer=layer
    )


def layer_empty(layer: str) -> RefusalError:
    return RefusalError(
        marked("The layer “{layer}” is empty. Select a layer with something painted on it."),
        layer=layer,
    )


def selection_empty() -> RefusalError:
    return RefusalError(
        marked("The selection is empty. Select an area, or remove the selection, then try again.")
    )


def selection_outside(layer: str) -> RefusalError:
    return RefusalError(
        marked(
            "The selection does not touch the layer “{layer}”. Select an area of the layer, or "
            "remove the selection, then try again."
        ),
        layer=layer,
    )


def selection_on_nothing(layer: str) -> RefusalError:
    return RefusalError(
        marked(
            "The layer “{layer}” is empty within the selection. Select an area with something "
            "painted on it, or remove the selection."
        ),
        layer=layer,
    )


def layer_unsupported(layer: str, kind: str) -> RefusalError:
    """`kind` is the editor's name of the kind of layer."""
    return RefusalError(
        marked(
            "The layer “{layer}” ({kind}) has no pixels of its own to stylize. Select a paint, "
            "group, text or vector layer."
        ),
        layer=layer,
        kind=kind,
    )


def not_in_place(layer: str) -> RefusalError:
    return RefusalError(
        marked(
            "The layer “{layer}” is a group, text or vector layer and cannot be replaced in place. "
            "Choose “New layer above”."
        ),
        layer=layer,
    )


def color_unsupported(layer: str, space: str) -> RefusalError:
    """`space` is the editor's name of the colour model and precision."""
    return RefusalError(
        marked(
            "The layer “{layer}” has colors that Pastiche cannot convert ({space}). Convert the "
            "image to RGB, then try again."
        ),
        layer=layer,
        space=space,
    )


def image_closed() -> RefusalError:
    return RefusalError(
        marked(
            "The image was closed while its layer was being stylized, so that the result has no "
            "place any more. Nothing was changed."
        )
    )


def layer_deleted(layer: str) -> RefusalError:
    return RefusalError(
        marked(
            "The layer “{layer}” was deleted while it was being stylized. Undo the deletion, then "
            "try again."
        ),
        layer=layer,
    )


def layer_edited(layer: str) -> RefusalError:
    """For a result that was to replace the layer in place."""
    return RefusalError(
        marked(
            "The layer “{layer}” was edited while it was being stylized, so that it was not "
            "replaced. Try again."
        ),
        layer=layer,
    )


def image_resized() -> RefusalError:
    return RefusalError(
        marked(
            "The image was resized, rotated or cropped while its layer was being stylized, so that "
            "the result no longer fits. Try again."
        )
    )


def no_frames(layer: str) -> RefusalError:
    return RefusalError(
        marked(
            "The layer “{layer}” has no animation frames. Select an animated layer, or switch "
            "“All frames” off."
        ),
        layer=layer,
    )


def no_recipe(layer: str) -> RefusalError:
    return RefusalError(
        marked(
            "The layer “{layer}” has no Pastiche recipe. Select a layer that Pastiche has made."
        ),
        layer=layer,
    )


def no_last_values() -> RefusalError:
    return RefusalError(
        marked("Nothing was stylized yet that could be applied again. Choose a style first.")
    )


def source_missing(layer: str) -> RefusalError:
    """For a recipe that is to be used again on what the layer was made of."""
    return RefusalError(
        marked(
            "The layer that “{layer}” was made of is no longer in the image. Select another one "
            "and load the recipe in the dialog."
        ),
        layer=layer,
    )


def floating_selection() -> RefusalError:
    return RefusalError(
        marked(
            "A floating selection cannot be stylized. Anchor it or make a layer of it, then try "
            "again."
        )
    )


def busy() -> RefusalError:
    return RefusalError(
        marked("Pastiche is still at work. Wait until it is done, or cancel it, then try again.")
    )


def editor_failed(detail: str) -> RefusalError:
    """The editor itself refused; `detail` is what it said."""
    return RefusalError(
        marked("The editor could not do it: {detail} Nothing was changed."), detail=detail
    )


def no_paint_style() -> RefusalError:
    return RefusalError(marked("Choose a style to paint like first."))


def no_other_layer() -> RefusalError:
    """For a layer to paint like, where there is no picture but the layer itself."""
    return RefusalError(
        marked(
            "There is no other layer to paint like. Add a layer with the style, or choose a file."
        )
    )


def layer_too_small(layer: str, side: int) -> RefusalError:
    """`side`: pixels that both sides must have."""
    return RefusalError(
        marked(
            "“{layer}” is too small to be painted: both sides must have at least {side} pixels. "
            "Select a larger part, or scale it up."
        ),
        layer=layer,
        side=side,
    )


def style_too_small(style: str, side: int) -> RefusalError:
    """`side`: pixels that both sides must have."""
    return RefusalError(
        marked(
            "“{style}” is too small to be a style: both sides must have at least {side} pixels. "
            "Choose a larger picture."
        ),
        style=style,
        side=side,
    )


def style_empty(style: str) -> RefusalError:
    return RefusalError(
        marked("“{style}” is empty, so that there is no style in it. Choose another picture."),
        style=style,
    )


def style_layer_missing(style: str) -> RefusalError:
    """For a layer of the image to paint like, which is gone."""
    return RefusalError(
        marked(
            "The layer “{style}”, whose style is asked for, is not in the image any more. Choose "
            "another style in “Paint like another layer”."
        ),
        style=style,
    )


def style_image_missing(style: str) -> RefusalError:
    """For an open image, or a layer of one, to paint like."""
    return RefusalError(
        marked(
            "The image of “{style}”, whose style is asked for, is not open. Open it, or choose "
            "another style in “Paint like another layer”."
        ),
        style=style,
    )


def style_file_missing(file: str) -> RefusalError:
    return RefusalError(
        marked(
            "The style's file {file} is not there any more. Put it back, or choose another style "
            "in “Paint like another layer”."
        ),
        file=file,
    )


def style_file_unreadable(file: str) -> RefusalError:
    return RefusalError(
        marked("{file} cannot be opened as a picture. Choose another file for the style."),
        file=file,
    )


def region_missing(region: str, style: str) -> RefusalError:
    """For the mask of a style's place, which is gone."""
    return RefusalError(
        marked(
            "The mask “{region}”, in which the style “{style}” is asked for, is not in the image "
            "any more. Choose another place in “Paint like another layer”."
        ),
        region=region,
        style=style,
    )


def region_empty(region: str, style: str) -> RefusalError:
    return RefusalError(
        marked(
            "The place of the style “{style}” by the mask “{region}” is empty in what is painted. "
            "Choose another place, or paint the mask."
        ),
        region=region,
        style=style,
    )


def strength_mask_missing(mask: str) -> RefusalError:
    return RefusalError(
        marked(
            "The mask “{mask}”, which tells the strength, is not in the image any more. Choose "
            "another one in “Paint like another layer”."
        ),
        mask=mask,
    )


def strength_mask_empty(mask: str) -> RefusalError:
    return RefusalError(
        marked(
            "The strength by the mask “{mask}” is 0 in all that is painted. Choose another mask, "
            "or paint it."
        ),
        mask=mask,
    )


def one_layer_to_upscale() -> RefusalError:
    return RefusalError(
        marked("Only one layer is upscaled at a time. Select a single layer, then try again.")
    )


def upscaled_too_large(layer: str, width: int, height: int) -> RefusalError:
    """`width` and `height`: pixels that the result would have."""
    return RefusalError(
        marked(
            "“{layer}” would be too large for the editor with {width} x {height} pixels. Choose a "
            "smaller factor, or upscale a smaller layer."
        ),
        layer=layer,
        width=width,
        height=height,
    )


def no_upscalers() -> RefusalError:
    return RefusalError(
        marked("No network for upscaling is installed. Install one with “pastiche packs install”.")
    )


def one_layer_to_learn() -> RefusalError:
    return RefusalError(
        marked("The style of only one layer is learned at a time. Select a single layer.")
    )


def no_learn_name() -> RefusalError:
    return RefusalError(marked("Give the style that is to be learned a name."))


def one_layer_to_paint() -> RefusalError:
    return RefusalError(
        marked("Only one layer is painted at a time. Select a single layer, then try again.")
    )
