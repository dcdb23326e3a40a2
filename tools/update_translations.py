"""Bring the plug-ins' translations up to date: `python tools/update_translations.py`.

Reads the texts out of the sources, adds new ones to every language's `pastiche.po`, drops those
that are gone, and compiles the `pastiche.mo` beside it. A new language begins with an empty file:
`mkdir -p LOCALE/fr/LC_MESSAGES; touch LOCALE/fr/LC_MESSAGES/pastiche.po`.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

SOURCES = Path(__file__).resolve().parent.parent / "plugins/client/pastiche_client/editing"
LOCALE = SOURCES / "locale"
DOMAIN = "pastiche"
_TOOL = "tools/update_translations.py"
# What surrounds a text in the sources: see `told.marked` and `labels.Labels`.
_KEYWORDS = {"marked": None, "_tr": None}


def source_texts() -> Catalog:
    """All texts of the sources, untranslated."""
    catalog = Catalog(project="Pastiche", fuzzy=False)
    for _, _, message, _, _ in extract_from_dir(
        SOURCES, method_map=[("**.py", "python")], keywords=_KEYWORDS
    ):
        catalog.add(message)
    return catalog


def catalogue_files() -> list[Path]:
    """The translations that there are, a file a language."""
    return sorted(LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def read_catalogue(file: Path) -> Catalog:
    """The translations of a file."""
    with file.open("rb") as content:
        return read_po(content, locale=file.parts[-3], domain=DOMAIN)


def compiled(catalog: Catalog) -> bytes:
    """What a .mo file of these translations holds."""
    output = BytesIO()
    write_mo(output, catalog)
    return output.getvalue()


def update(file: Path) -> int:
    """Write a language's files anew, and return how many texts still have no translation."""
    catalog = read_catalogue(file)
    catalog.update(source_texts(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    catalog.fuzzy = False
    catalog.project, catalog.version = "Pastiche", "1"
    catalog.header_comment = f"# Pastiche's texts: {catalog.locale_identifier}. See {_TOOL}."
    catalog.msgid_bugs_address = catalog.last_translator = catalog.language_team = "Pastiche"
    output = BytesIO()
    write_po(output, catalog, width=100, no_location=True, omit_header=False, sort_output=True)
    file.write_bytes(output.getvalue())
    file.with_suffix(".mo").write_bytes(compiled(read_catalogue(file)))
    return sum(1 for message in catalog if message.id and not message.string)


def main() -> None:
    missing = {file.parts[-3]: update(file) for file in catalogue_files()}
    incomplete = {language: count for language, count in missing.items() if count}
    if incomplete:
        told = ", ".join(f"{language}: {count}" for language, count in incomplete.items())
        sys.exit(f"texts without a translation: {told}; translate them, then run this again")


if __name__ == "__main__":
    main()
