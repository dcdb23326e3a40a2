"""What is told of a pack on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

    from pastiche_client.results import Pack, SliderRange


def facts_table(facts: list[tuple[str, str]]) -> Table:
    """Names and values, those that are empty left out."""
    from rich.table import Table

    table = Table(show_header=False, box=None, pad_edge=False)
    for name, value in facts:
        if value:
            table.add_row(name, value)
    return table


def license_facts(pack: Pack) -> list[tuple[str, str]]:
    """What to know before a pack is installed."""
    return [
        ("Pack", f"{pack.id} {pack.version}"),
        ("Name", pack.display_name),
        ("License", pack.license),
        ("Attribution", pack.attribution),
        ("Origin", origin(pack)),
    ]


def facts(pack: Pack) -> list[tuple[str, str]]:
    """Everything that is not too long."""
    made = pack.provenance
    others = [version for version in pack.versions if version != pack.version]
    upscales = f"{pack.factor} times as wide and high" if pack.factor else ""
    return [
        ("Pack", f"{pack.id} {pack.version}{', pinned' if pack.pinned else ''}"),
        ("Name", pack.display_name),
        ("Description", pack.description),
        ("License", pack.license),
        ("Attribution", pack.attribution),
        ("Origin", origin(pack)),
        ("Other versions", ", ".join(others)),
        ("Network", pack.architecture),
        ("Upscales", upscales),
        ("Size", size(pack.size_bytes)),
        ("Strength", "" if pack.factor else _range(pack.strength)),
        ("Stroke size", "" if pack.factor else _range(pack.stroke_size)),
        ("Trained", f"{made.get('date', 'unknown')}, {made.get('steps', 'unknown')} steps"),
    ]


def origin(pack: Pack) -> str:
    """Where a pack is from, and whether that is trusted."""
    if pack.built_in:
        return "built in"
    signature = pack.signature
    if signature is None:
        signed = "not signed"
    elif signature.key_name:
        signed = f"signed by {signature.key_name}, trusted"
    else:
        signed = f"signed by {signature.public_key}, not trusted"
    return f"{signed}; in {pack.shared_folder}" if pack.shared_folder else signed


def size(count: int) -> str:
    """Bytes in kB or MB."""
    if count < 1_000_000:
        return f"{count / 1000:.0f} kB"
    return f"{count / 1_000_000:.1f} MB"


def _range(slider: SliderRange) -> str:
    return f"{slider.minimum:g} to {slider.maximum:g}, by default {slider.default:g}"
