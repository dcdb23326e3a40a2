from __future__ import annotations

import base64
import io
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image, ImageDraw

from pastiche_daemon.cli.packs_card import card
from pastiche_daemon.pack_card import card_page, make_previews
from pastiche_daemon.packs.archive import Pack, read_pack
from pastiche_daemon.packs.diff import diff_packs
from pastiche_daemon.packs.manifest import StyleEntry
from pastiche_daemon.packs.signing import sign_pack, write_new_key
from pastiche_daemon.packs.trust import Origin, Trust
from tests.support.tiny_pack import write_tiny_pack
from tests.support.tiny_upscaler import write_tiny_upscaler

_VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Reads a page, and fails where its tags do not close."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] != "style":
            self.text += data

    def pictures(self) -> list[tuple[str, Image.Image]]:
        found: list[tuple[str, Image.Image]] = []
        for tag, attributes in self.tags:
            if tag == "img":
                kind, _, data = (attributes["src"] or "").partition(";base64,")
                assert kind in {"data:image/jpeg", "data:image/png"}
                picture = Image.open(io.BytesIO(base64.b64decode(data)))
                found.append((attributes["alt"] or "", picture))
        return found


def photograph() -> Image.Image:
    picture = Image.new("RGB", (96, 64), (40, 90, 160))
    ImageDraw.Draw(picture).ellipse((20, 10, 70, 55), (220, 180, 60))
    return picture


def page_of(pack: Pack, sizes: tuple[int, ...] = (16, 32)) -> Page:
    rows = make_previews(pack, photograph(), lambda *_: None, sizes=sizes)
    return Page(card_page(pack, Origin(Trust.UNSIGNED), rows, "a test"))


def test_every_style_is_shown_at_every_size(tmp_path: Path) -> None:
    page = page_of(read_pack(write_tiny_pack(tmp_path / "a.pastiche")))
    shown = {alt: picture.size for alt, picture in page.pictures()}
    assert shown == {
        f"{title}, {size[0]} x {size[1]}": size
        for title in ("Photograph", "One", "Two")
        for size in ((16, 11), (32, 21))
    }
    pixels = [picture.convert("RGB").tobytes() for _, picture in page.pictures()]
    assert len(set(pixels)) == len(pixels)  # the styles differ from each other


def test_the_page_is_complete_in_itself_and_nothing_runs(tmp_path: Path) -> None:
    page = page_of(read_pack(write_tiny_pack(tmp_path / "a.pastiche")))
    assert not {"script", "link", "iframe", "object", "a"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on")]
    policy = [a["content"] for _, a in page.tags if a.get("http-equiv")]
    assert policy == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    for text in ("CC0-1.0", "Made by Pastiche's tests.", "not signed", "relu2_1: 0.5", "none: the"):
        assert text in page.text


def test_what_packs_say_is_never_markup(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script>\"'&{title}"
    pack = read_pack(
        write_tiny_pack(
            tmp_path / "a.pastiche",
            display_name=evil,
            description=evil,
            attribution=evil,
            styles=("one",),
        )
    )
    style = StyleEntry(id="one", display_name=evil, artist=evil)
    manifest = pack.manifest.model_copy(update={"styles": [style]})
    pack = Pack(manifest, pack.path, pack.size_bytes)
    page = page_of(pack)
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count(evil) >= 5


def test_unknown_styles_and_sizes_are_refused(tmp_path: Path) -> None:
    pack = read_pack(write_tiny_pack(tmp_path / "a.pastiche"))
    with pytest.raises(ValueError, match="there is no style 'x'; there are: one, two"):
        make_previews(pack, photograph(), lambda *_: None, sizes=(16,), styles=("x",))
    for sizes in ((), (8,)):
        with pytest.raises(ValueError, match="at least 16"):
            make_previews(pack, photograph(), lambda *_: None, sizes=sizes)


def test_the_command_writes_a_page_with_losses_and_signature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASTICHE_HOME", str(tmp_path / "home"))
    run = tmp_path / "run"
    run.mkdir()
    pack = write_tiny_pack(run / "a.pastiche")
    sign_pack(pack, pack, write_new_key(tmp_path / "key.pem"))
    lines = ["step,total,content,style,tv,grid,seconds"]
    lines += [f"{step},{9 / step},{3 / step},{5 / step},{1 / step},0.0,0.1" for step in range(1, 9)]
    (run / "losses.csv").write_text("\n".join(lines) + "\n")
    target = tmp_path / "card.html"
    arguments = [str(pack), "-o", str(target), "--size", "32", "--style", "two"]
    result = CliRunner().invoke(card, arguments)
    assert result.exit_code == 0, result.output
    page = Page(target.read_text("utf-8"))
    assert [alt for alt, _ in page.pictures()] == [
        "Photograph, 32 x 21",
        "Two, 32 x 21",
        "The losses of the training by step",
    ]
    assert "signed by the key" in page.text
    assert "At step 8" in page.text
    again = CliRunner().invoke(card, arguments)
    assert (again.exit_code, "--force" in again.output) == (1, True)
    wrong = CliRunner().invoke(card, [*arguments, "--force", "--style", "nothing"])
    assert (wrong.exit_code, "there is no style" in wrong.output) == (1, True)
    assert Page(target.read_text("utf-8")).pictures()


def test_a_pack_that_upscales_stands_beside_interpolation(tmp_path: Path) -> None:
    path = write_tiny_upscaler(tmp_path / "a.pastiche")
    sign_pack(path, path, write_new_key(tmp_path / "key.pem"))
    pack = read_pack(path)
    assert pack.manifest.signature is not None
    factor = pack.upscaler_manifest.architecture.factor
    page = page_of(pack, sizes=(64,))
    shown = dict(page.pictures())
    small, bicubic, large = shown.values()
    assert small.size == (64 // factor, round(64 / factor * 2 / 3))
    assert large.size == bicubic.size == (small.width * factor, small.height * factor)
    assert large.tobytes() != bicubic.tobytes()
    assert "upscales" in page.text
    assert diff_packs(pack, pack).empty
