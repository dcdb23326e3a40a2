"""Errors whose sentence can be told in the user's language."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

#: Gives a text in the user's language, or the same text.
Translate: TypeAlias = "Callable[[str], str]"


def marked(text: str) -> str:
    """The same text. Marks it for the catalogues of translations."""
    return text


class ToldError(Exception):
    """A sentence for the user that says what to do; `str(error)` is its English.

    `template` has named fields in braces; `values` are theirs.
    """

    def __init__(self, template: str, **values: object) -> None:
        super().__init__(template.format(**values))
        self.template = template
        self.values = values

    def told(self, translate: Translate) -> str:
        """The sentence in the user's language."""
        return translate(self.template).format(**self.values)
