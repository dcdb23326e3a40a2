"""How the tests are spread over processes (`pytest -n`)."""

from __future__ import annotations

import os
from pathlib import PurePosixPath

import pytest
from xdist.scheduler import LoadScopeScheduling

_EDITORS = "tests/editors"
_MOST_WORKERS = 8


def group_of(nodeid: str) -> str:
    """What stays in one process, in its order: all of an editor, and otherwise a file.

    An editor's tests share a running one. Those between the editors share paths in their system.
    """
    file = nodeid.split("::", 1)[0]
    folder = PurePosixPath(file).parent
    if str(folder).startswith(_EDITORS):
        return str(folder)
    return file


def longest_first(items: list[pytest.Item]) -> None:
    """Put first, in place, the editors' groups, and then those that have slow tests.

    What is begun at last must not take long, or all other processes wait for it.
    """
    slow = {group_of(item.nodeid) for item in items if item.get_closest_marker("slow")}

    def place(item: pytest.Item) -> int:
        group = group_of(item.nodeid)
        return 0 if group.startswith(_EDITORS) else 1 if group in slow else 2

    items.sort(key=place)


def worker_count() -> int:
    """How many processes are worth it: tests of editors and daemons wait more than they work."""
    return min(os.cpu_count() or 1, _MOST_WORKERS) + 1


class GroupScheduling(LoadScopeScheduling):
    """Gives every process a group of `group_of` after the other, in the order of the tests."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)
