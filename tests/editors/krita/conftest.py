"""One Krita for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pastiche_daemon.packs.manifest import TransformerArchitecture
from tests.editors.krita.session import KritaSession
from tests.editors.support.display import Display
from tests.editors.support.editor_root import EditorRoot
from tests.editors.support.krita import Krita, install_plugins, running_krita
from tests.editors.support.outside_daemon import write_daemon_command
from tests.editors.support.workspace import Workspace
from tests.support.tiny_pack import write_tiny_pack
from tests.support.tiny_training import write_encoder
from tests.support.tiny_upscaler import tiny_architecture, write_tiny_upscaler

INSIDE = Path(__file__).parent / "inside.py"

# Seconds of work for a small layer, in many steps.
_SLOW = TransformerArchitecture(
    channels=(2, 2, 128),
    residual_blocks=32,
    end_kernel=1,
    upsampling="nearest",
    norm="conditional_instance",
    padding="reflect",
    output="sigmoid",
)


@pytest.fixture(scope="session")
def krita_home(krita_root: EditorRoot, workspaces: Callable[[EditorRoot], Workspace]) -> Workspace:
    """A home with the plug-in, packs - tiny (one, two), other (three), slow (slow), and tiny2 and
    slow8 that upscale - and the encoder vgg19-quarter with random weights.

    No daemon runs yet: the plug-in starts one when it needs it.
    """
    workspace = workspaces(krita_root)
    write_packs(workspace)
    (workspace.data.root / "encoders").mkdir()
    write_encoder(workspace.data.root / "encoders" / "vgg19-quarter.safetensors")
    write_daemon_command(workspace, "--threads", "1", "--idle-exit", "0")
    install_plugins(workspace)
    return workspace


def write_packs(workspace: Workspace) -> None:
    packs = workspace.data.packs
    packs.mkdir()
    write_tiny_pack(packs / "tiny-1.0.0.pastiche")
    write_tiny_pack(packs / "other-1.0.0.pastiche", pack_id="other", styles=("three",), seed=7)
    write_tiny_pack(
        packs / "slow-1.0.0.pastiche", pack_id="slow", styles=("slow",), architecture=_SLOW
    )
    write_tiny_upscaler(packs / "tiny2-1.0.0.pastiche")
    slow = tiny_architecture(8, channels=(96, 64, 32, 16), residual_blocks=32)
    write_tiny_upscaler(packs / "slow8-1.0.0.pastiche", pack_id="slow8", architecture=slow)


@pytest.fixture(scope="session")
def running(krita_home: Workspace, display: Display) -> Iterator[KritaSession]:
    """Krita with its window, its docker shown and the styles loaded."""
    with ExitStack() as stack:

        def begin() -> Krita:
            stack.close()
            return stack.enter_context(running_krita(krita_home, INSIDE, display=display))

        session = KritaSession(begin(), display, begin)
        session.prepare()
        yield session


@pytest.fixture
def krita(running: KritaSession) -> Iterator[KritaSession]:
    """Krita without documents and with the same values for every test."""
    if not running.krita.process.running:  # a test has brought it down: that one has failed
        running.restart()
    running.reset()
    yield running
    if running.krita.process.running:
        running.reset()
