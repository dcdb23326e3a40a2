"""The styles to choose from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pastiche_client.editing import background
from pastiche_client.editing.options import Options
from pastiche_client.style_names import pinned_style, plain_style

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pastiche_client.editing.host import Post
    from pastiche_client.results import Pack, SliderRange, Style


class StyleSource(Protocol):
    """What lists packs and styles: a `Client`."""

    def list_packs(self) -> list[Pack]: ...

    def list_styles(self, pack: str = "-", *, with_previews: bool = False) -> list[Style]: ...


@dataclass(frozen=True)
class StyleItem:
    """A style to choose.

    Attributes:
        name: `pack/style`.
        label: its name for people.
        pack: the pack's id.
        pack_label: the pack's name for people.
        pack_version: the pack's version.
        pack_versions: all versions of the pack that can be used, the newest first.
        artist: who made the original; may be empty.
        license: SPDX name of the style's licence.
        preview: an encoded picture, empty if there is none.
        media_type: the preview's type, "image/png" or "image/jpeg".
        strength: the slider's range and default, within 0..1.
        stroke_size: the slider's range and default, within 0.25..4.
    """

    name: str
    label: str
    pack: str
    pack_label: str
    pack_version: str
    artist: str
    license: str
    preview: bytes = field(repr=False)
    media_type: str
    strength: SliderRange
    stroke_size: SliderRange
    pack_versions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """All styles, those of a pack side by side in the pack's own order."""

    items: tuple[StyleItem, ...]

    def find(self, name: str) -> StyleItem | None:
        """The style named `pack/style`, or None where there is none."""
        return next((item for item in self.items if item.name == name), None)

    def packs(self) -> tuple[str, ...]:
        """The ids of the packs that have styles, in the order of `items`."""
        return tuple(dict.fromkeys(item.pack for item in self.items))

    def of_pack(self, pack: str) -> tuple[StyleItem, ...]:
        return tuple(item for item in self.items if item.pack == pack)

    def with_version_of(self, options: Options) -> Catalogue:
        """`with_version` for options that name a version; the same for others."""
        return self.with_version(options.style, options.pack.partition("@")[2])

    def is_missing(self, options: Options) -> bool:
        """Whether the style is not there, or not in the version that the options name."""
        found = self.find(plain_style(options.style))
        version = options.pack.partition("@")[2]
        return found is None or version not in {"", found.pack_version, *found.pack_versions}

    def with_version(self, style: str, version: str) -> Catalogue:
        """The catalogue with the styles of another version of a style's pack beside them.

        The same where that version is the current one, is not there, or is in it already.
        """
        found = self.find(plain_style(style))
        if (
            found is None
            or version == found.pack_version
            or version not in found.pack_versions
            or self.find(pinned_style(style, version)) is not None
        ):
            return self
        added = (
            dataclasses.replace(
                item,
                name=pinned_style(item.name, version),
                label=f"{item.label} ({version})",
                pack=f"{item.pack}@{version}",
                pack_version=version,
            )
            for item in self.of_pack(found.pack)
        )
        return Catalogue((*self.items, *added))

    def mixable(self, name: str) -> tuple[StyleItem, ...]:
        """The styles that can be mixed with this one: the others of its pack."""
        found = self.find(name)
        if found is None:
            return ()
        return tuple(item for item in self.of_pack(found.pack) if item.name != name)

    def defaults(self, name: str) -> Options:
        """The options with which a style is meant to be used."""
        item = self.find(name)
        if item is None:
            return Options(name)
        return Options(name, strength=item.strength.default, stroke_size=item.stroke_size.default)

    def label(self, options: Options) -> str:
        """The styles' names for people, for a layer's name and an undo step."""
        found = [(name, self.find(name)) for name in options.styles()]
        return " + ".join(item.label if item else _readable(name) for name, item in found)

    def usable(self, options: Options | None) -> Options | None:
        """These options with styles that exist; None if there is no style at all."""
        if not self.items:
            return None
        if options is not None and self.find(options.style) is None:
            options = options.plain()
        if options is None or self.find(options.style) is None:
            first = self.items[0].name
            if options is None:
                return self.defaults(first)
            return dataclasses.replace(options, style=first, second_style="")
        if options.second_style and self.find(options.second_style) is None:
            return dataclasses.replace(options, second_style="")
        return options


def load_catalogue(client: StyleSource) -> Catalogue:
    """All styles with their previews. Waits for the daemon: not for the thread of windows.

    Raises:
        DaemonError: the daemon cannot be reached.
    """
    packs = {pack.id: pack for pack in client.list_packs()}
    # A pack may be removed between the two calls.
    styles = [style for style in client.list_styles(with_previews=True) if style.pack_id in packs]
    return Catalogue(_items(packs, styles))


def load_in_background(
    client: StyleSource,
    post: Post,
    on_loaded: Callable[[Catalogue], None],
    on_failed: Callable[[Exception], None],
) -> None:
    """Load the catalogue in a thread of its own; one of both callbacks comes through `post`.

    None comes if the client is closed meanwhile.
    """

    background.load_in_background(lambda: load_catalogue(client), post, on_loaded, on_failed)


def _readable(name: str) -> str:
    """`pack/starry_night` as Starry Night."""
    return name.rsplit("/", 1)[-1].replace("_", " ").title()


def _items(packs: dict[str, Pack], styles: Sequence[Style]) -> tuple[StyleItem, ...]:
    order = {pack: place for place, pack in enumerate(packs)}
    return tuple(
        StyleItem(
            name=f"{style.pack_id}/{style.id}",
            label=style.display_name or style.id,
            pack=style.pack_id,
            pack_label=packs[style.pack_id].display_name or style.pack_id,
            pack_version=packs[style.pack_id].version,
            artist=style.artist,
            license=style.license,
            preview=style.preview,
            media_type=style.preview_media_type,
            strength=packs[style.pack_id].strength,
            stroke_size=packs[style.pack_id].stroke_size,
            pack_versions=packs[style.pack_id].versions,
        )
        for style in sorted(styles, key=lambda style: order[style.pack_id])
    )
