"""The catalogues of translations. English is in the sources."""

from __future__ import annotations

import gettext
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pastiche_client.editing.told import Translate

DOMAIN = "pastiche"
LOCALE_FOLDER = Path(__file__).parent / "locale"
_ENGLISH = {"en", "c", "posix"}


def translator(languages: Sequence[str], host: Callable[[str], str] | None = None) -> Translate:
    """What translates a text; a text without a translation stays English.

    Args:
        languages: the user's, the best first, such as "de_AT.UTF-8", "pt-BR" or "en".
        host: the editor's own translation, which is asked first; it gives back what it does not
            know, and its errors are not caught.
    """
    catalogue = _catalogue(languages)

    def translate(text: str) -> str:
        if host is not None:
            translated = host(text)
            if translated and translated != text:
                return translated
        return catalogue.gettext(text)

    return translate


def _catalogue(languages: Sequence[str]) -> gettext.NullTranslations:
    for language in languages:
        # "de_AT.UTF-8@euro" and "de-Latn-AT" to de_AT and de
        parts = language.split(".")[0].split("@")[0].replace("-", "_").split("_")
        main = parts[0].lower()
        if main in _ENGLISH:
            break
        for name in (f"{main}_{parts[-1].upper()}", main):
            file = LOCALE_FOLDER / name / "LC_MESSAGES" / f"{DOMAIN}.mo"
            if main.isalpha() and name.isidentifier() and file.is_file():
                with file.open("rb") as content:
                    return gettext.GNUTranslations(content)
    return gettext.NullTranslations()
