"""The committed catalogues are complete, and belong to the sources."""

from __future__ import annotations

import gettext
import importlib.util
import io
import string
from pathlib import Path
from types import ModuleType

import pytest

from pastiche_client.editing.translations import LOCALE_FOLDER, translator

ROOT = Path(__file__).resolve().parents[3]
LANGUAGES = sorted(path.name for path in LOCALE_FOLDER.iterdir())


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "update_translations", ROOT / "tools" / "update_translations.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def po_file(language: str) -> Path:
    return LOCALE_FOLDER / language / "LC_MESSAGES" / "pastiche.po"


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_there_is_german() -> None:
    assert "de" in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str, tool: ModuleType) -> None:
    texts = {message.id for message in tool.source_texts() if message.id}
    assert "Strength" in texts
    assert "No image is open. Open an image, then try again." in texts
    translated = {m.id: m.string for m in tool.read_catalogue(po_file(language)) if m.id}
    assert set(translated) == texts, "run tools/update_translations.py"
    assert all(translated.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_fields_of_their_texts(language: str, tool: ModuleType) -> None:
    for message in tool.read_catalogue(po_file(language)):
        if message.id:
            assert fields(message.string) == fields(message.id), message.id


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_catalogue_is_up_to_date(language: str, tool: ModuleType) -> None:
    file = po_file(language)
    with file.with_suffix(".mo").open("rb") as content:
        committed = gettext.GNUTranslations(content)
    fresh = gettext.GNUTranslations(io.BytesIO(tool.compiled(tool.read_catalogue(file))))
    for message in tool.source_texts():
        if message.id:
            assert committed.gettext(message.id) == fresh.gettext(message.id)


def test_no_text_can_be_taken_for_an_editors_markup(tool: ModuleType) -> None:
    """Krita's `i18n` replaces %1 and reads tags, Qt and GTK take & and _ for shortcuts."""
    for message in tool.source_texts():
        assert not set("<>%&") & set(message.id), message.id
        outside_fields = "".join(part for part, _, _, _ in string.Formatter().parse(message.id))
        assert "_" not in outside_fields, message.id


@pytest.mark.parametrize(
    ("languages", "expected"),
    [
        (["de"], "Stärke"),
        (["de_AT.UTF-8"], "Stärke"),
        (["de-Latn-CH"], "Stärke"),
        (["DE_de@euro"], "Stärke"),
        (["xx", "de", "en"], "Stärke"),
        (["en_GB", "de"], "Strength"),
        (["C", "de"], "Strength"),
        (["../de", "de/..", "", "/", "xx"], "Strength"),
        ([], "Strength"),
    ],
)
def test_the_best_language_is_chosen(languages: list[str], expected: str) -> None:
    assert translator(languages)("Strength") == expected


def test_the_editors_own_words_come_first() -> None:
    words = {"Strength": "Kraft", "Cancel": ""}
    translate = translator(["de"], lambda text: words.get(text, text))
    assert translate("Strength") == "Kraft"
    assert translate("Cancel") == "Abbrechen"
    assert translate("Stroke size") == "Strichgröße"
    assert translate("Nothing that is in any catalogue") == "Nothing that is in any catalogue"
