"""The plug-in's words in the user's language."""

from __future__ import annotations

from gi.repository import GLib

from pastiche_client.editing.texts import Texts
from pastiche_client.editing.translations import DOMAIN, translator


def gimp_texts() -> Texts:
    """The texts, translated as GIMP's own are: a catalogue of the system's comes before ours."""
    return Texts(
        translator(GLib.get_language_names(), host=lambda text: GLib.dgettext(DOMAIN, text))
    )
