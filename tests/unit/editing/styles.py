"""Styles as a daemon lists them."""

from __future__ import annotations

from pastiche_client.results import Pack, SliderRange, Style


def pack(pack_id: str, label: str = "") -> Pack:
    return Pack(
        name=f"packs/{pack_id}",
        display_name=label,
        version="1.0.0",
        description="",
        architecture="",
        style_count=1,
        license="CC0-1.0",
        attribution="",
        built_in=False,
        size_bytes=1,
        provenance={},
        strength=SliderRange(0.0, 1.0, 0.8),
        stroke_size=SliderRange(0.5, 2.0, 1.5),
    )


def style(name: str, label: str = "") -> Style:
    pack_id, style_id = name.split("/")
    return Style(
        name=f"packs/{pack_id}/styles/{style_id}",
        display_name=label,
        artist="Nobody",
        license="CC0-1.0",
        preview=b"picture",
        preview_media_type="image/png",
    )


class Source:
    """A daemon with two packs; `gone` lost its pack between the two calls."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    def list_packs(self) -> list[Pack]:
        if self.error is not None:
            raise self.error
        return [pack("tiny", "Tiny"), pack("other")]

    def list_styles(self, pack: str = "-", *, with_previews: bool = False) -> list[Style]:
        assert pack == "-"
        assert with_previews
        names = ["other/three", "tiny/two", "tiny/one", "gone/four"]
        return [style(name, "One" if name == "tiny/one" else "") for name in names]
