"""Which pictures of a batch become which, with what applied, and what is done already."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pastiche_client.style_names import plain_style
from pastiche_daemon.cli.batch_manifest import BatchManifest
from pastiche_daemon.cli.batch_sources import BatchError, Source, is_sequence, numbered
from pastiche_daemon.cli.batch_styles import StyleChooser
from pastiche_daemon.cli.imagefile import PictureFileError, output_format


@dataclass(frozen=True)
class Settings:
    """What is the same for all pictures of a batch."""

    strength: float = 1.0
    preserve_colors: bool = False
    stroke_size: float = 1.0
    quality: int = 92


@dataclass(frozen=True)
class BatchJob:
    """One result: `target` is its name below the batch's folder."""

    source: Source
    target: str
    styles: Mapping[str, float]
    settings: Settings
    versions: Mapping[str, str] = field(default_factory=dict[str, str])

    def record(self) -> dict[str, Any]:
        """What is applied to what, for the manifest, with its digest.

        Raises:
            PictureFileError: the source cannot be looked at.
        """
        try:
            stamp = self.source.path.stat()
        except OSError as error:
            raise PictureFileError(f"{self.source.path}: {error.strerror or error}") from error
        applied: dict[str, Any] = {
            "source": str(self.source.path),
            "source_bytes": stamp.st_size,
            "source_modified_ns": stamp.st_mtime_ns,
            "styles": dict(self.styles),
            "pack_versions": dict(self.versions),
            "strength": self.settings.strength,
            "preserve_colors": self.settings.preserve_colors,
            "stroke_size": self.settings.stroke_size,
            "quality": self.settings.quality,
        }
        text = json.dumps(applied, sort_keys=True, ensure_ascii=False)
        return {**applied, "digest": hashlib.sha256(text.encode()).hexdigest()}


@dataclass(frozen=True)
class BatchPlan:
    """What is to be done in `folder`, and how much of it is done already."""

    folder: Path
    jobs: tuple[BatchJob, ...]
    done: int


def plan_batch(
    sources: Iterable[Source],
    output: str,
    chooser: StyleChooser,
    versions: Mapping[str, str],
    settings: Settings,
    *,
    suffix: str | None = None,
    force: bool = False,
) -> BatchPlan:
    """Plan a batch; nothing is written.

    Args:
        output: a folder, or a pattern such as `out/frame_%04d.png` for numbered frames.
        versions: of the packs, by their ids.
        suffix: of the results' names, such as `.png`; None for the sources' own.
        force: make everything anew and replace files that are not the batch's.

    Raises:
        BatchError: results would replace sources, one another, or files that are not the batch's.
        PictureFileError: a format that cannot be written; a manifest that cannot be read.
    """
    folder = Path(output).parent if is_sequence(output) else Path(output)
    manifest = BatchManifest(folder)
    known = manifest.read()
    jobs: dict[str, BatchJob] = {}
    inputs: set[Path] = set()
    for source in sources:
        inputs.add(source.path.resolve())
        for assigned in chooser.of(source.name):
            target = _target(source, output, assigned.label, suffix)
            output_format(Path(target))
            if target in jobs:
                raise BatchError(
                    f"{jobs[target].source.path} and {source.path} would both become {target}; "
                    "make a batch of each folder, with an --output of its own"
                )
            used = {_pack_of(style): versions.get(_pack_of(style), "") for style in assigned.styles}
            jobs[target] = BatchJob(source, target, assigned.styles, settings, used)
    todo: list[BatchJob] = []
    for target, job in jobs.items():
        place = folder / target
        if place.resolve() in inputs:
            raise BatchError(
                f"{place} is one of the sources and would be replaced; choose another --output"
            )
        exists = place.exists()
        if exists and target not in known and not force:
            raise BatchError(
                f"{place} exists already and is not of this batch; use --force to replace it, or "
                "choose another --output"
            )
        if force or not exists or known.get(target) != job.record()["digest"]:
            todo.append(job)
    return BatchPlan(folder, tuple(todo), len(jobs) - len(todo))


def _target(source: Source, output: str, label: str, suffix: str | None) -> str:
    if is_sequence(output):
        if source.number is None:
            raise BatchError(
                f"--output {output}: only numbered frames, such as frame_%04d.png, can become "
                f"numbered frames; {source.path} has no number. Name a folder"
            )
        path = Path(numbered(output, source.number).name)
    else:
        path = Path(source.name)
    name = f"{path.stem}-{label}" if label else path.stem
    return path.with_name(name + (suffix or path.suffix)).as_posix()


def _pack_of(style: str) -> str:
    """The pack's id of `packs/PACK/styles/STYLE`."""
    return plain_style(style.removeprefix("packs/")).partition("/")[0]
