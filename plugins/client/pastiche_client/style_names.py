"""The ways to name the styles of a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

#: One style, several, or several with their shares of the mix. A style is named
#: `packs/{pack}/styles/{style}` or, in short, `{pack}/{style}`. `{pack}@{version}` in the place of
#: the pack means that version of it, and not the current one.
Styles: TypeAlias = str | Sequence[str | tuple[str, float]] | Mapping[str, float]


def style_name(text: str) -> str:
    """The full name of a style named in full or as `{pack}/{style}`.

    Raises:
        ValueError: it is neither.
    """
    match text.split("/"):
        case ["packs", pack, "styles", style] if pack and style:
            return text
        case [pack, style] if pack and style and pack != "packs":
            return f"packs/{pack}/styles/{style}"
        case _:
            raise ValueError(f"style must be named pack/style, not {text!r}")


def pack_name(text: str) -> str:
    """The full name of a pack that is named in full or by its id."""
    return text if text.startswith("packs/") else f"packs/{text}"


def pinned_style(name: str, version: str) -> str:
    """The style `pack/style` of one version of its pack: `pack@version/style`."""
    pack, _, style = plain_style(name).partition("/")
    return f"{pack}@{version}/{style}"


def plain_style(name: str) -> str:
    """The style `pack/style` of whatever version its pack has now."""
    pack, slash, style = name.partition("/")
    return f"{pack.partition('@')[0]}{slash}{style}"


def style_shares(styles: Styles) -> tuple[tuple[str, float], ...]:
    """Full names with their shares; 1 where none was given.

    Raises:
        ValueError: a name is malformed, or there is none.
    """
    if isinstance(styles, str):
        pairs: list[tuple[str, float]] = [(styles, 1.0)]
    elif isinstance(styles, Mapping):
        pairs = list(styles.items())
    else:
        pairs = [(style, 1.0) if isinstance(style, str) else style for style in styles]
    if not pairs:
        raise ValueError("styles must name at least one style")
    return tuple((style_name(name), float(share)) for name, share in pairs)
