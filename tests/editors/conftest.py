"""The real editors. Tests that need one are marked `gimp` or `krita`, and skipped without it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import NoReturn

import pytest

from tests.editors.support.display import Display, virtual_display, why_no_display
from tests.editors.support.editor_root import EditorRoot, Editors, find_editors
from tests.editors.support.ending import interrupted_by_sigterm
from tests.editors.support.workspace import Workspace, make_workspace, processes_of
from tests.support.bundles import needs_wheels

_EDITORS = pytest.StashKey[Editors]()
_TITLES = {"gimp": "GIMP 3", "krita": "Krita"}


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_EDITORS] = find_editors()


def pytest_runtest_setup(item: pytest.Item) -> None:
    editors = item.config.stash[_EDITORS]
    for name, title in _TITLES.items():
        if not item.get_closest_marker(name):
            continue
        if getattr(editors, name) is None:
            _skip(f"needs a real {title}: {editors.reason}")
        if needs_wheels.args[0]:  # the plug-in is installed with them
            _skip(needs_wheels.kwargs["reason"])


@pytest.fixture(scope="session", autouse=True)
def no_process_stays() -> Iterator[None]:
    """Nothing that the tests of editors started outlives them."""
    with interrupted_by_sigterm():
        yield
    left = processes_of()
    for process in left:
        process.kill()
    assert not left, f"these processes stayed behind: {left}"


@pytest.fixture(scope="session")
def gimp_root(request: pytest.FixtureRequest) -> EditorRoot:
    """Where GIMP is."""
    return _root(request, "gimp")


@pytest.fixture(scope="session")
def krita_root(request: pytest.FixtureRequest) -> EditorRoot:
    """Where Krita is."""
    return _root(request, "krita")


def _root(request: pytest.FixtureRequest, name: str) -> EditorRoot:
    editors = request.config.stash[_EDITORS]
    root: EditorRoot | None = getattr(editors, name)
    if root is None:
        _skip(f"needs a real {_TITLES[name]}: {editors.reason}")
    return root


def _skip(reason: str) -> NoReturn:
    """Skip, unless whoever runs the tests knows that the editors are there."""
    if os.environ.get("PASTICHE_REQUIRE_EDITORS"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def display() -> Iterator[Display]:
    """The screen that the editors' windows share; tests close what they open."""
    reason = why_no_display()
    if reason:
        _skip(f"no virtual screen: {reason}")
    with virtual_display() as found:
        yield found


@pytest.fixture(scope="session")
def workspaces() -> Iterator[Callable[[EditorRoot], Workspace]]:
    """Makes workspaces that live as long as the session."""
    with ExitStack() as stack:
        yield lambda root: stack.enter_context(make_workspace(root))


@pytest.fixture
def gimp_workspace(gimp_root: EditorRoot) -> Iterator[Workspace]:
    """A workspace for GIMP, of one test."""
    with make_workspace(gimp_root) as workspace:
        yield workspace


@pytest.fixture
def krita_workspace(krita_root: EditorRoot) -> Iterator[Workspace]:
    """A workspace for Krita, of one test."""
    with make_workspace(krita_root) as workspace:
        yield workspace
