"""A pack's card: one HTML page with previews, losses, license, provenance and signature.

Everything is in the page itself, and nothing in it runs: it can be mailed, and looked at anywhere.
"""

from __future__ import annotations

import base64
import html
import io
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from pastiche_daemon.loss_curves import draw_loss_curves
from pastiche_daemon.packs.manifest import Manifest, UpscalerManifest
from pastiche_daemon.photographs import fit_long_side, picture_tensor, tensor_picture
from pastiche_daemon.stylize import LayerTensors, StylizeOptions, stylize
from pastiche_daemon.upscale import upscale, whole

if TYPE_CHECKING:
    from pastiche_daemon.loss_curves import Report as LossReport
    from pastiche_daemon.packs.archive import Pack
    from pastiche_daemon.packs.trust import Origin

SIZES = (256, 512, 1024)
"""Pixels on the longer side of the previews."""
_JPEG_QUALITY = 88

Report = Callable[[str, int, int], None]
"""Called with what was made, its number from 1 on, and how many there are."""


@dataclass(frozen=True)
class Preview:
    """A picture and what it shows."""

    picture: Image.Image
    caption: str


@dataclass(frozen=True)
class PreviewRow:
    """The same at several sizes, the smallest first."""

    title: str
    note: str
    previews: tuple[Preview, ...]


def make_previews(
    pack: Pack,
    photograph: Image.Image,
    report: Report,
    *,
    sizes: Sequence[int] = SIZES,
    styles: Sequence[str] | None = None,
) -> list[PreviewRow]:
    """Run the pack's network on a photograph, scaled to each of the sizes.

    ``styles`` are ids; None for all. A pack that upscales gets the photograph in its size divided
    by the factor, and stands beside bicubic interpolation. What ``report`` raises stops the work.

    Raises:
        ValueError: there is no such style, or a size is not at least 16.
        PackError: the pack was damaged since it was read, or is gone.
    """
    if not sizes or min(sizes) < 16:
        raise ValueError("sizes: every one must be at least 16 pixels")
    if isinstance(pack.manifest, UpscalerManifest):
        return _upscaled(pack, photograph, report, sizes)
    return _stylized(pack, pack.manifest, photograph, report, sizes, styles)


def card_page(
    pack: Pack,
    origin: Origin,
    rows: Sequence[PreviewRow],
    photograph: str,
    losses: Sequence[LossReport] = (),
) -> str:
    """The page. ``photograph`` tells which one it was; ``losses`` are those of every step."""
    manifest = pack.manifest
    made = manifest.training
    sections = [
        _section("Previews", _rows(rows, photograph)),
        _section("License", _facts(_license_facts(manifest))),
        _section("Losses", _losses(made.model_dump(mode="json"), losses)),
        _section("Provenance", _facts(_provenance_facts(made.model_dump(mode="json")))),
        _section("Network", _facts(_network_facts(pack))),
        _section("Signature", _facts(_signature_facts(pack, origin))),
        _section("Files", _files(pack)),
    ]
    return _PAGE.format(
        title=_text(manifest.display_name),
        id=_text(f"{manifest.id} {manifest.version}"),
        description=_paragraphs(manifest.description),
        badges="".join(
            f'<span class="badge">{_text(badge)}</span>'
            for badge in (
                manifest.license,
                origin.told(),
                f"{len(manifest.styles)} styles" if manifest.styles else "upscales",
            )
        ),
        sections="\n".join(sections),
    )


def _stylized(
    pack: Pack,
    manifest: Manifest,
    photograph: Image.Image,
    report: Report,
    sizes: Sequence[int],
    styles: Sequence[str] | None,
) -> list[PreviewRow]:
    from pastiche_daemon.packs.network import load_network

    known = [style.id for style in manifest.styles]
    for style in styles or ():
        if style not in known:
            raise ValueError(f"styles: there is no style {style!r}; there are: {', '.join(known)}")
    network = load_network(pack)
    scaled = [fit_long_side(photograph, size) for size in sorted(sizes)]
    chosen = [
        (index, style)
        for index, style in enumerate(manifest.styles)
        if styles is None or style.id in styles
    ]
    rows = [_row("Photograph", "", scaled)]
    count = len(chosen) * len(scaled)
    for number, (index, style) in enumerate(chosen):
        mix = tuple(float(place == index) for place in range(len(known)))
        pictures: list[Image.Image] = []
        for picture in scaled:
            report(style.display_name, number * len(scaled) + len(pictures) + 1, count)
            layer = LayerTensors(picture_tensor(picture)[0])
            done = stylize(
                network,
                layer,
                StylizeOptions(mix, manifest.strength.default, stroke_size=1.0),
                lambda _: None,
            )
            pictures.append(tensor_picture(done.color))
        rows.append(_row(style.display_name, style.artist, pictures))
    return rows


def _upscaled(
    pack: Pack, photograph: Image.Image, report: Report, sizes: Sequence[int]
) -> list[PreviewRow]:
    from pastiche_daemon.packs.network import load_upscaler

    network = load_upscaler(pack)
    factor = pack.upscaler_manifest.architecture.factor
    small = [fit_long_side(photograph, max(1, size // factor)) for size in sorted(sizes)]
    pictures: list[Image.Image] = []
    for picture in small:
        report(f"x{factor}", len(pictures) + 1, len(small))
        color, _ = whole(upscale(network, LayerTensors(picture_tensor(picture)[0]), lambda _: None))
        pictures.append(tensor_picture(color))
    bicubic = [
        picture.resize(large.size, Image.Resampling.BICUBIC)
        for picture, large in zip(small, pictures, strict=True)
    ]
    return [
        _row("Small photograph", "", small),
        _row(f"Bicubic, x{factor}", "for comparison", bicubic),
        _row(f"This pack, x{factor}", "", pictures),
    ]


def _row(title: str, note: str, pictures: Iterable[Image.Image]) -> PreviewRow:
    previews = tuple(
        Preview(picture, f"{picture.width} x {picture.height}") for picture in pictures
    )
    return PreviewRow(title, note, previews)


def _license_facts(manifest: Manifest | UpscalerManifest) -> list[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = [
        ("License", manifest.license),
        ("Attribution", manifest.attribution),
    ]
    for style in manifest.styles:
        told = [style.artist, style.license or manifest.license, style.attribution]
        facts.append((style.display_name, ". ".join(text for text in told if text)))
    return facts


def _provenance_facts(made: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        ("Trained", f"{made['date']}, {made['steps']} steps of {made['batch_size']}"),
        ("Time in steps", f"{made['seconds'] / 3600:.1f} hours, {made['precision']}"),
        ("Photographs", f"{made['photographs']}, crops of {made['crop_size']} pixels"),
        ("Data", made["dataset"]),
        ("Encoder", f"{made['encoder']} {made['encoder_origin']}".strip()),
        ("Encoder's sha256", made["encoder_sha256"]),
        ("Learning rate", f"{made['learning_rate']:g}"),
        ("Seed", made["seed"]),
        ("Style pictures' sha256", made["style_sha256"]),
        (
            "Made with",
            (
                f"Pastiche {made['pastiche_version']} ({made['commit']}), torch "
                f"{made['torch_version']}, torchvision {made['torchvision_version']}"
            ),
        ),
        ("Command", made["command"]),
        ("Notes", "\n".join(made["notes"])),
    ]


def _network_facts(pack: Pack) -> list[tuple[str, Any]]:
    manifest = pack.manifest
    facts: list[tuple[str, Any]] = [
        (name, value)
        for name, value in manifest.architecture.model_dump(mode="json").items()
        if value is not None
    ]
    if isinstance(manifest, Manifest):
        facts += [
            ("value range", manifest.value_range),
            ("Gram normalization", manifest.gram_normalization),
            ("native stroke size", f"{manifest.native_stroke_size} pixels"),
        ]
    return [*facts, ("least Pastiche", manifest.least_daemon_version)]


def _signature_facts(pack: Pack, origin: Origin) -> list[tuple[str, Any]]:
    signature = pack.manifest.signature
    if signature is None:
        return [("Origin", origin.told())]
    return [
        ("Origin", origin.told()),
        ("Ed25519 public key", signature.public_key),
        ("Signature", signature.value),
    ]


def _losses(made: Mapping[str, Any], losses: Sequence[LossReport]) -> str:
    switches = made.get("losses") or {}
    facts = _facts(
        [
            ("Weights", made["weights"]),
            ("Content layers", made["content_layers"]),
            ("Style layers", made["style_layers"]),
            *((name.replace("_", " "), value) for name, value in switches.items()),
        ]
    )
    if not losses:
        return facts + '<p class="note">The steps\' losses are not recorded in the pack.</p>'
    last = losses[-1]
    at_end = {name: f"{value:.4g}" for name, value in last.terms().items()}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "losses.png")
        draw_loss_curves(losses, path)
        curves = base64.b64encode(path.read_bytes()).decode()
    end = _facts([(f"At step {last.step}", at_end)])
    return (
        f'{facts}{end}<img class="curves" alt="The losses of the training by step" '
        f'src="data:image/png;base64,{curves}">'
    )


def _files(pack: Pack) -> str:
    lines = "".join(
        f"<tr><td>{_text(name)}</td><td class='number'>{entry.size:,}</td>"
        f"<td class='hash'>{entry.sha256}</td></tr>"
        for name, entry in pack.manifest.files.items()
    )
    return (
        "<table><thead><tr><th>File</th><th class='number'>Bytes</th><th>SHA-256</th></tr></thead>"
        f"<tbody>{lines}</tbody></table>"
    )


def _rows(rows: Sequence[PreviewRow], photograph: str) -> str:
    parts = [f'<p class="note">Photograph: {_text(photograph)}</p>' if photograph else ""]
    for row in rows:
        figures = "".join(_figure(preview, row.title) for preview in row.previews)
        note = f' <span class="note">{_text(row.note)}</span>' if row.note else ""
        parts.append(f'<h3>{_text(row.title)}{note}</h3><div class="previews">{figures}</div>')
    return "\n".join(parts)


def _figure(preview: Preview, title: str) -> str:
    buffer = io.BytesIO()
    preview.picture.save(buffer, "JPEG", quality=_JPEG_QUALITY)
    data = base64.b64encode(buffer.getvalue()).decode()
    width, height = preview.picture.size
    return (
        f'<figure style="flex-grow:{width}; max-width:{width}px">'
        f'<img width="{width}" height="{height}" alt="{_text(f"{title}, {preview.caption}")}" '
        f'src="data:image/jpeg;base64,{data}"><figcaption>{_text(preview.caption)}</figcaption>'
        "</figure>"
    )


def _section(title: str, content: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{content}</section>"


def _facts(facts: Iterable[tuple[str, Any]]) -> str:
    lines = "".join(
        f"<dt>{_text(name)}</dt><dd>{_value(value)}</dd>"
        for name, value in facts
        if value not in ("", None, {}, [])
    )
    return f"<dl>{lines}</dl>"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "<br>".join(f"{_text(name)}: {_text(part)}" for name, part in value.items())
    if isinstance(value, (list, tuple)):
        return _text(", ".join(str(part) for part in value))
    return _paragraphs(str(value))


def _paragraphs(text: str) -> str:
    return "<br>".join(_text(line) for line in text.split("\n"))


def _text(value: object) -> str:
    return html.escape(f"{value:g}" if isinstance(value, float) else str(value))


# Colours of WCAG's contrast AA and better on both backgrounds.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy"
  content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ --page: #fff; --text: #1c1e21; --quiet: #5a6069; --line: #d9dce1; --panel: #f5f6f8; }}
@media (prefers-color-scheme: dark) {{
  :root {{ --page: #16181c; --text: #e8e9eb; --quiet: #a2a8b1; --line: #363b43; --panel: #1f2329; }}
}}
* {{ box-sizing: border-box; }}
body {{ margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 76rem; background: var(--page);
  color: var(--text); font: 16px/1.5 system-ui, sans-serif; }}
h1 {{ margin: 0; font-size: 2.2rem; line-height: 1.2; }}
h2 {{ margin: 2.5rem 0 .75rem; padding-bottom: .3rem; border-bottom: 1px solid var(--line);
  font-size: 1.3rem; }}
h3 {{ margin: 1.5rem 0 .5rem; font-size: 1.05rem; }}
.id, .note, figcaption, dt {{ color: var(--quiet); }}
.id {{ margin: .2rem 0 .8rem; }}
.note {{ font-size: .9rem; font-weight: normal; }}
.badge {{ display: inline-block; margin: 0 .5rem .4rem 0; padding: .1rem .7rem; max-width: 100%;
  border: 1px solid var(--line); border-radius: 1rem; background: var(--panel);
  font-size: .9rem; overflow-wrap: anywhere; }}
.previews {{ display: flex; gap: .75rem; align-items: flex-end; }}
figure {{ flex-basis: 0; margin: 0; min-width: 0; }}
img {{ display: block; width: 100%; height: auto; border-radius: 4px; }}
figcaption {{ font-size: .8rem; }}
.curves {{ max-width: 56rem; padding: .5rem; background: #fff; }}
dl {{ display: grid; grid-template-columns: minmax(7rem, 13rem) 1fr; gap: .3rem 1.25rem;
  margin: 0; }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
table {{ width: 100%; border-collapse: collapse; font-size: .9rem; }}
th, td {{ padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }}
.number {{ text-align: right; }}
.hash {{ font-family: ui-monospace, monospace; overflow-wrap: anywhere; }}
@media (max-width: 40rem) {{
  dl {{ grid-template-columns: 1fr; gap: 0; }}
  dd {{ margin-bottom: .5rem; }}
  .previews {{ flex-wrap: wrap; }}
  figure {{ flex-basis: 100%; }}
}}
</style>
</head>
<body>
<header>
<h1>{title}</h1>
<p class="id">{id}</p>
<div>{badges}</div>
<p>{description}</p>
</header>
{sections}
</body>
</html>
"""
