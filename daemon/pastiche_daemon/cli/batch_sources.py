"""What a batch works through: files, folders, globs and numbered frames."""

from __future__ import annotations

import glob
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pastiche_daemon.cli.imagefile import is_picture_name

_NUMBER = re.compile(r"%0?\d*d")
_DIGITS = re.compile(r"(\d+)")


class BatchError(ValueError):
    """A batch that cannot begin; the message names the argument and says what to do."""


@dataclass(frozen=True)
class Source:
    """A picture to work on.

    Attributes:
        name: its path below the folder that was named, or its file name; `/` between the parts.
        number: of a numbered frame.
    """

    path: Path
    name: str
    number: int | None = None


@dataclass(frozen=True)
class Sources:
    """All pictures in their order, and how many files beside them are none."""

    found: tuple[Source, ...]
    passed_over: int = 0


def find_sources(arguments: Iterable[str], *, recursive: bool) -> Sources:
    """The pictures that arguments mean, each once, in natural order within an argument.

    An argument is a file, a folder (whose pictures are taken, with `recursive` those of its
    subfolders too), a numbered sequence such as `frame_%04d.png`, or a pattern with `*`, `?`, `[`.

    Raises:
        BatchError: an argument means no picture.
    """
    found: dict[Path, Source] = {}
    passed_over = 0
    for argument in arguments:
        sources = list(_of(argument, recursive=recursive))
        pictures = [source for source in sources if is_picture_name(source.path)]
        if not pictures:
            raise BatchError(_nothing(argument, any_file=bool(sources)))
        passed_over += len(sources) - len(pictures)
        for source in sorted(pictures, key=lambda source: natural_key(source.name)):
            found.setdefault(source.path.resolve(), source)
    return Sources(tuple(found.values()), passed_over)


def is_sequence(text: str) -> bool:
    """Whether a name stands for numbered files, such as `frame_%04d.png`."""
    return _NUMBER.search(text) is not None


def numbered(pattern: str, number: int) -> Path:
    """The file of that number. `pattern` has one place for it."""
    return Path(_NUMBER.sub(lambda place: place[0] % number, pattern, count=1))


def natural_key(name: str) -> list[tuple[int, int, str]]:
    """Sorts `frame2` before `frame10`."""
    return [
        (1, int(part), part) if part.isdecimal() else (0, 0, part) for part in _DIGITS.split(name)
    ]


def _of(argument: str, *, recursive: bool) -> Iterator[Source]:
    path = Path(argument)
    if path.is_dir():
        for file in path.rglob("*") if recursive else path.iterdir():
            if file.is_file() and not file.name.startswith("."):
                yield Source(file, file.relative_to(path).as_posix())
    elif path.is_file():
        yield Source(path, path.name)
    elif is_sequence(argument):
        yield from _frames(path)
    else:
        for name in glob.glob(argument, recursive=recursive):  # noqa: PTH207 - takes whole paths
            file = Path(name)
            if file.is_file():
                yield Source(file, file.name)


def _frames(pattern: Path) -> Iterator[Source]:
    if len(_NUMBER.findall(pattern.name)) != 1 or is_sequence(str(pattern.parent)):
        raise BatchError(f"{pattern}: one %04d is needed, in the file's name")
    before, after = _NUMBER.split(pattern.name)
    name = re.compile(f"{re.escape(before)}(\\d+){re.escape(after)}")
    if not pattern.parent.is_dir():
        return
    for file in pattern.parent.iterdir():
        match = name.fullmatch(file.name)
        # Other files may have the digits of another sequence, such as frame_001 and frame_0001.
        if match and numbered(pattern.name, int(match[1])).name == file.name:
            yield Source(file, file.name, int(match[1]))


def _nothing(argument: str, *, any_file: bool) -> str:
    if any_file:
        return f"{argument}: holds no PNG, JPEG, TIFF or WebP pictures"
    if is_sequence(argument):
        return f"{argument}: there are no such numbered files"
    if glob.has_magic(argument):
        return f"{argument}: nothing fits this pattern"
    if Path(argument).is_dir():
        return f"{argument}: the folder is empty; with --recursive its subfolders are looked at"
    return f"{argument}: there is no such file or folder"
