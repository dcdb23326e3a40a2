"""Switches a Python plug-in on in Krita's `kritarc`, every other byte of which stays.

The file is an INI file as KConfig writes it: `[group]` lines, `key=value` lines, UTF-8.
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_GROUP = b"python"
_KEY = b"enable_pastiche"
_HEADER = re.compile(rb"\s*\[(.*)\]\s*")  # a group within a group is `[outer][inner]`
_ENTRY = re.compile(rb"([ \t]*" + _KEY + rb"[ \t]*=[ \t]*)(\S*)(\s*)")
_RESOURCE_ENTRY = re.compile(rb"\s*ResourceDirectory(\[\$e\])?\s*=\s*(.*?)\s*")


@dataclass(frozen=True)
class Change:
    """What was done to a `kritarc`, and is to be undone.

    Attributes:
        made_file: it did not exist.
        made_group: it had no group `[python]`.
        added_newline: its last line did not end.
        former: the value that the entry had, or None if it was not there.
    """

    made_file: bool = False
    made_group: bool = False
    added_newline: bool = False
    former: str | None = None


def is_enabled(content: bytes) -> bool:
    """Whether the plug-in is switched on."""
    values = [match[2] for _, match in _entries(content)]
    return bool(values) and values[-1].lower() == b"true"


def enable(content: bytes | None) -> tuple[bytes, Change | None]:
    """The file with the plug-in switched on.

    Args:
        content: the file, or None if there is none.

    Returns:
        The new content, and the change, which is None where nothing had to be changed.
    """
    if content is None:
        return b"[" + _GROUP + b"]\n" + _KEY + b"=true\n", Change(made_file=True, made_group=True)
    if is_enabled(content):
        return content, None
    lines = content.splitlines(keepends=True)
    end = b"\r\n" if b"\r\n" in content else b"\n"
    entries = list(_entries(content))
    if entries:
        index, match = entries[-1]
        former = match[2].decode("utf-8", "replace")
        lines[index] = match[1] + b"true" + match[3]
        return b"".join(lines), Change(former=former)
    added_newline = bool(lines) and not lines[-1].endswith(b"\n")
    if added_newline:
        lines[-1] += end
    header = _python_header(lines)
    if header is not None:
        lines.insert(header + 1, _KEY + b"=true" + end)
        return b"".join(lines), Change(added_newline=added_newline)
    lines += [end, b"[" + _GROUP + b"]" + end, _KEY + b"=true" + end]
    return b"".join(lines), Change(made_group=True, added_newline=added_newline)


def undo(content: bytes, change: Change) -> bytes | None:
    """The file as it was before `enable`, with what Krita has changed in it since.

    Returns:
        The content, or None if the file is to be removed.
    """
    lines = content.splitlines(keepends=True)
    entries = list(_entries(content))
    if entries and change.former is not None:
        index, match = entries[-1]
        lines[index] = match[1] + change.former.encode("utf-8") + match[3]
    elif entries:
        for index, _ in reversed(entries):
            del lines[index]
        if change.made_group:
            _remove_empty_group(lines)
    if change.made_file and not b"".join(lines).strip():
        return None
    if change.added_newline and lines and entries:
        lines[-1] = lines[-1].rstrip(b"\r\n")
    return b"".join(lines)


def resource_folder(path: Path, home: Path) -> Path | None:
    """The resource folder that the user has chosen in Krita, or None for the usual one."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    for line in content.splitlines():
        if _HEADER.fullmatch(line):
            break
        match = _RESOURCE_ENTRY.fullmatch(line)
        if match:
            text = match[2].decode("utf-8", "replace")
            text = text.replace("${HOME}", str(home)).replace("$HOME", str(home))
            folder = Path(text)
            return folder if text and folder.is_absolute() else None
    return None


def write(path: Path, content: bytes | None) -> None:
    """Write the file whole or not at all, or remove it. A link stays one.

    Raises:
        OSError: it cannot be written.
    """
    if content is None:
        path.unlink(missing_ok=True)
        return
    target = path.resolve()
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    try:
        temporary.write_bytes(content)
        if target.exists():
            os.chmod(temporary, target.stat().st_mode & 0o7777)  # noqa: PTH101
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _entries(content: bytes) -> Iterator[tuple[int, re.Match[bytes]]]:
    """The plug-in's entries: number of the line, and key, value and rest."""
    group = None
    for index, line in enumerate(content.splitlines(keepends=True)):
        header = _HEADER.fullmatch(line)
        if header:
            group = header[1]
        elif group == _GROUP:
            entry = _ENTRY.fullmatch(line)
            if entry:
                yield index, entry


def _python_header(lines: list[bytes]) -> int | None:
    for index, line in enumerate(lines):
        header = _HEADER.fullmatch(line)
        if header and header[1] == _GROUP:
            return index
    return None


def _remove_empty_group(lines: list[bytes]) -> None:
    header = _python_header(lines)
    if header is None:
        return
    after = header + 1
    while after < len(lines) and not lines[after].strip():
        after += 1
    if after < len(lines) and not _HEADER.fullmatch(lines[after]):
        return  # others have put something into it
    # The group and the empty line that was put before it; one after it is another group's.
    start = header - 1 if header and not lines[header - 1].strip() else header
    del lines[start : header + 1]
