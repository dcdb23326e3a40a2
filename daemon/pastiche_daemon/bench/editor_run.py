"""What is measured of one layer in an editor. Without torch: the measuring process has none."""

from __future__ import annotations

from dataclasses import dataclass

#: Where there is no editor around the client.
CLIENT_ALONE = "client alone"


@dataclass(frozen=True)
class EditorRun:
    """One layer, stylized.

    Attributes:
        place: where, such as "GIMP, dialog".
        strength: of the style; at 0 the network does not run, and all the rest does.
        seconds: from the request to the layer in the image.
        job_seconds: of them, the daemon's job: decoding, the network, encoding.
        frozen_seconds: the editor's longest freeze meanwhile; None where there is no editor.
        dialog_frozen_seconds: the same of the plug-in's own window; None where there is none.
        preview_seconds: from a change of the strength to its preview; None where none is shown.
    """

    place: str
    strength: float
    seconds: float
    job_seconds: float
    frozen_seconds: float | None = None
    dialog_frozen_seconds: float | None = None
    preview_seconds: float | None = None


@dataclass(frozen=True)
class PaintingRun:
    """One painting like another layer, which the user ends.

    Attributes:
        place: where, such as "GIMP".
        kept: with the picture as it stands; otherwise it was cancelled.
        seconds: from the click to the end: to the new layer in the image, or to the editor's being
            ready for another painting.
        freed_seconds: from the click until the daemon does nothing any more.
        step_seconds: one step of the same painting, the median of those before the click.
        preview_seconds: the longest time from one picture of it to the next, or from the first
            step to the first picture.
    """

    place: str
    kept: bool
    seconds: float
    freed_seconds: float
    step_seconds: float
    preview_seconds: float
