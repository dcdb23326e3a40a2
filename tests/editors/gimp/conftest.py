"""One GIMP without windows, and one with, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pastiche_client import Client
from pastiche_daemon.packs.manifest import TransformerArchitecture
from tests.editors.gimp.driving import ENCODER
from tests.editors.gimp.window import SHORTCUTS, Window, close_dialogs
from tests.editors.support.display import Display
from tests.editors.support.editor_root import EditorRoot
from tests.editors.support.gimp import Gimp, install_plugins, running_gimp
from tests.editors.support.outside_daemon import write_daemon_command
from tests.editors.support.workspace import Workspace
from tests.support.tiny_pack import write_tiny_pack
from tests.support.tiny_training import write_encoder
from tests.support.tiny_upscaler import tiny_architecture, write_tiny_upscaler

INSIDE = Path(__file__).parent / "inside.py"

# Seconds of work for a small layer, in many steps.
_SLOW = TransformerArchitecture(
    channels=(2, 2, 64),
    residual_blocks=32,
    end_kernel=1,
    upsampling="nearest",
    norm="conditional_instance",
    padding="reflect",
    output="sigmoid",
)


@pytest.fixture(scope="session")
def gimp_home(gimp_root: EditorRoot, workspaces: Callable[[EditorRoot], Workspace]) -> Workspace:
    """A home with the plug-in, and packs: tiny (one, two), other (three), slow (slow), tiny2 that
    upscales twice and slow8 eight times; and an encoder of random weights.

    No daemon runs yet: the plug-in starts one when it needs it.
    """
    workspace = workspaces(gimp_root)
    packs = workspace.data.packs
    packs.mkdir()
    write_tiny_pack(packs / "tiny-1.0.0.pastiche")
    write_tiny_pack(packs / "other-1.0.0.pastiche", pack_id="other", styles=("three",), seed=7)
    write_tiny_pack(
        packs / "slow-1.0.0.pastiche", pack_id="slow", styles=("slow",), architecture=_SLOW
    )
    write_tiny_upscaler(packs / "tiny2-1.0.0.pastiche")
    large = tiny_architecture(8, channels=(96, 64, 32, 16), residual_blocks=32)
    write_tiny_upscaler(packs / "slow8-1.0.0.pastiche", pack_id="slow8", architecture=large)
    (workspace.data.root / "encoders").mkdir()
    write_encoder(workspace.data.root / "encoders" / f"{ENCODER}.safetensors")
    write_daemon_command(workspace, "--threads", "1", "--idle-exit", "0")
    install_plugins(workspace)
    return workspace


@pytest.fixture(scope="session")
def gimp(gimp_home: Workspace) -> Iterator[Gimp]:
    """GIMP without windows."""
    with running_gimp(gimp_home, INSIDE) as running:
        yield running


@pytest.fixture(scope="session")
def started(gimp_home: Workspace, display: Display) -> Iterator[Window]:
    """GIMP with windows, and no image yet."""
    settings = next((gimp_home.home / ".config" / "GIMP").glob("3.*"))
    (settings / "shortcutsrc").write_text(SHORTCUTS, "utf-8")
    with running_gimp(gimp_home, INSIDE, display=display) as running:
        yield Window(running, display)


@pytest.fixture
def window(started: Window) -> Iterator[Window]:
    """GIMP with windows; what a test has opened is closed behind it."""
    yield started
    close_dialogs(started.display)
    started.gimp.call("close_all")


@pytest.fixture
def client(gimp_home: Workspace) -> Iterator[Client]:
    """A client of the daemon that the plug-in uses; it starts none."""
    with Client(gimp_home.data, start=False) as client:
        yield client
