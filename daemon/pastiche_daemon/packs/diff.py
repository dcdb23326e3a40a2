"""What two packs differ in: the manifest's fields, the styles, and the numbers of the weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

    from pastiche_daemon.packs.archive import Pack

_APART = ("styles", "files", "signature", "training")
_PER_STYLE = (".scale", ".shift")


@dataclass(frozen=True)
class Change:
    """A value by the path of its field. None: it is not there."""

    path: str
    before: Any
    after: Any


@dataclass(frozen=True)
class TensorChange:
    """How far the numbers of a parameter moved.

    ``largest`` is max |after - before|; ``relative`` is the root mean square of the difference
    divided by that of ``before``, None where ``before`` is all 0.
    """

    name: str
    largest: float
    relative: float | None


@dataclass(frozen=True)
class PackDiff:
    """All that differs from one pack to another.

    ``styles`` has those that are in both, by the fields that changed. ``tensors`` has only what
    can be compared: parameters of the same shape, and of those that have a row for every style
    the rows of styles in both, named ``NAME[STYLE]``. ``incomparable`` names the others.
    """

    manifest: tuple[Change, ...]
    provenance: tuple[Change, ...]
    styles_added: tuple[str, ...]
    styles_removed: tuple[str, ...]
    styles: tuple[Change, ...]
    files: tuple[Change, ...]
    signature: Change | None
    tensors: tuple[TensorChange, ...]
    equal_tensors: int
    incomparable: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether the packs hold the same; signatures are not content."""
        return not (
            self.manifest
            or self.provenance
            or self.styles_added
            or self.styles_removed
            or self.styles
            or self.files
            or self.tensors
            or self.incomparable
        )


def diff_packs(before: Pack, after: Pack) -> PackDiff:
    """Compare two packs.

    Raises:
        PackError: one of them was damaged since it was read, or is gone.
    """
    old, new = before.manifest.model_dump(mode="json"), after.manifest.model_dump(mode="json")
    old_styles = {style["id"]: style for style in old.get("styles", ())}
    new_styles = {style["id"]: style for style in new.get("styles", ())}
    tensors, equal, incomparable = _tensors(before, after)
    return PackDiff(
        manifest=tuple(_changes(_without(old), _without(new))),
        provenance=tuple(_changes(old["training"], new["training"])),
        styles_added=tuple(style for style in new_styles if style not in old_styles),
        styles_removed=tuple(style for style in old_styles if style not in new_styles),
        styles=tuple(
            change
            for style in old_styles
            if style in new_styles
            for change in _changes(old_styles[style], new_styles[style], style)
        ),
        files=tuple(_changes(_hashes(old), _hashes(new))),
        signature=_signature(before, after),
        tensors=tensors,
        equal_tensors=equal,
        incomparable=incomparable,
    )


def _without(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in _APART}


def _hashes(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: entry["sha256"] for name, entry in values["files"].items()}


def _signature(before: Pack, after: Pack) -> Change | None:
    old, new = before.manifest.signature, after.manifest.signature
    keys = (old.public_key if old else None, new.public_key if new else None)
    return None if keys[0] == keys[1] else Change("signature.public_key", *keys)


def _changes(old: Mapping[str, Any], new: Mapping[str, Any], path: str = "") -> Iterator[Change]:
    """The fields that differ, those within tables by themselves."""
    for name in sorted({*old, *new}):
        one, other = old.get(name), new.get(name)
        at = f"{path}.{name}" if path else name
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _changes(one, other, at)
        elif one != other:
            yield Change(at, one, other)


def _tensors(before: Pack, after: Pack) -> tuple[tuple[TensorChange, ...], int, tuple[str, ...]]:
    old = dict(_comparable(before))
    new = dict(_comparable(after))
    changed: list[TensorChange] = []
    equal = 0
    styles = [{style.id for style in pack.manifest.styles} for pack in (before, after)]
    alone = tuple(f"[{style}]" for style in styles[0] ^ styles[1])
    incomparable = sorted(name for name in old.keys() ^ new.keys() if not name.endswith(alone))
    for name in old:
        if name not in new:
            continue
        one, other = old[name].double(), new[name].double()
        if one.shape != other.shape:
            incomparable.append(name)
            continue
        difference = other - one
        largest = difference.abs().max().item() if difference.numel() else 0.0
        if largest == 0:
            equal += 1
            continue
        scale = one.square().mean().sqrt().item()
        moved = difference.square().mean().sqrt().item()
        changed.append(TensorChange(name, largest, moved / scale if scale else None))
    return tuple(changed), equal, tuple(incomparable)


def _comparable(pack: Pack) -> Iterator[tuple[str, Tensor]]:
    """The parameters by name; the rows that belong to a style by the style's id."""
    styles = [style.id for style in pack.manifest.styles]
    for name, value in pack.weights().items():
        if name.endswith(_PER_STYLE) and value.dim() == 2 and value.shape[0] == len(styles):
            for style, row in zip(styles, value, strict=True):
                yield f"{name}[{style}]", row
        else:
            yield name, value
