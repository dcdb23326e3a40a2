"""The tests' own tools for real editors, tried on the editors' system without an editor."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pastiche_client.runtime_file import read_runtime_file
from plugins.bundling.bundle import project_version
from plugins.bundling.vendoring import write_vendor_package
from plugins.bundling.wheels import fetched_wheels
from tests.contract.daemons import daemons
from tests.editors.support.display import virtual_display, why_no_display
from tests.editors.support.editor_root import EditorRoot, find_editors
from tests.editors.support.outside_daemon import running_outside, write_daemon_command
from tests.editors.support.workspace import Workspace, make_workspace, processes_of
from tests.support.bundles import WHEELS, needs_wheels
from tests.support.daemon_process import wait_until

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["gimp", "krita"])
def editor_root(request: pytest.FixtureRequest) -> EditorRoot:
    return request.getfixturevalue(f"{request.param}_root")


@pytest.fixture
def workspace(editor_root: EditorRoot) -> Iterator[Workspace]:
    with make_workspace(editor_root) as made:
        yield made


def python_of(root: EditorRoot) -> str:
    found = root.find("python3")
    assert found
    return found


def ask(workspace: Workspace, *, start: bool) -> str:
    """The daemon's process, as a program beside the editor learns it through the client."""
    package = workspace.folder / "pastiche_vendor"
    if not package.exists():
        write_vendor_package(package, package.name, fetched_wheels(WHEELS), project_version())
    script = workspace.folder / "ask.py"
    script.write_text(
        "from pastiche_vendor.pastiche_client.client import Client\n"
        f"with Client(start={start}) as client:\n"
        "    print(client.info().pid)\n",
        "utf-8",
    )
    done = workspace.run([python_of(workspace.root), workspace.inside("ask.py")], seconds=180)
    assert done.code == 0, done.output
    return done.output.strip()


def test_a_missing_folder_has_a_reason(tmp_path: Path) -> None:
    found = find_editors({"PASTICHE_EDITORS": str(tmp_path / "none")})
    assert (found.gimp, found.krita) == (None, None)
    assert str(tmp_path / "none") in found.reason


def test_an_unfinished_folder_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "usr" / "bin").mkdir(parents=True)
    (tmp_path / "usr" / "bin" / "krita").touch()
    found = find_editors({"PASTICHE_EDITORS": str(tmp_path)})
    assert found.krita is None
    assert "unfinished" in found.reason


def test_paths_are_translated(tmp_path: Path) -> None:
    root = EditorRoot(tmp_path)
    assert root.inside(tmp_path / "tmp" / "a b") == "/tmp/a b"
    assert root.outside("/tmp/a b") == tmp_path / "tmp" / "a b"
    with pytest.raises(ValueError, match="not in the subpath"):
        root.inside(Path("/elsewhere"))
    assert EditorRoot(Path("/")).inside(Path("/tmp/a b")) == "/tmp/a b"


def test_a_program_runs_in_its_workspace(workspace: Workspace) -> None:
    source = (
        "import os; print(os.environ['HOME'], os.environ['PASTICHE_HOME']);"
        "open(os.environ['HOME'] + '/written', 'w').write('x')"
    )
    done = workspace.run([python_of(workspace.root), "-c", source], seconds=60)
    assert done.code == 0, done.output
    assert done.output.split() == [workspace.inside("home"), workspace.inside("pastiche")]
    assert (workspace.home / "written").read_text() == "x"


def test_a_program_that_hangs_is_killed_with_its_children(workspace: Workspace) -> None:
    source = "import os, time; os.fork(); print('here', flush=True); time.sleep(3600)"
    with pytest.raises(AssertionError, match=r"did not end within 5 s:\nhere"):
        workspace.run([python_of(workspace.root), "-c", source], seconds=5)
    assert not processes_of(workspace.folder)


def test_a_process_that_got_away_is_ended_and_told_of(editor_root: EditorRoot) -> None:
    # What ends with the process group is no failure; what has left it, is.
    source = "import os, time; os.setsid(); print('away', flush=True); time.sleep(3600)"
    shell = f'{python_of(editor_root)} -c "{source}" &'
    context = make_workspace(editor_root)
    workspace = context.__enter__()
    try:
        started = workspace.start(["/bin/sh", "-c", shell])
        assert started.wait(60) == 0
        wait_until(lambda: "away" in started.output)
        (escaped,) = processes_of(workspace.folder)
    finally:
        with pytest.raises(AssertionError, match=r"stayed behind.*setsid"):
            context.__exit__(None, None, None)
    assert not workspace.folder.exists()
    assert not psutil.pid_exists(escaped.pid)


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_tests_that_are_killed(
    editor_root: EditorRoot, ending: signal.Signals, tmp_path: Path
) -> None:
    source = f"""
import time
from pathlib import Path
from tests.editors.support.editor_root import EditorRoot
from tests.editors.support.ending import interrupted_by_sigterm
from tests.editors.support.workspace import make_workspace

root = EditorRoot(Path({str(editor_root.folder)!r}))
with interrupted_by_sigterm(), make_workspace(root) as made:
    made.start([{python_of(editor_root)!r}, "-c", "import time; time.sleep(3600)"])
    Path({str(tmp_path / "folder")!r}).write_text(str(made.folder))
    time.sleep(3600)
"""
    with subprocess.Popen([sys.executable, "-c", source], cwd=ROOT) as killed:
        wait_until(lambda: (tmp_path / "folder").exists(), "the workspace")
        folder = Path((tmp_path / "folder").read_text())
        try:
            wait_until(lambda: len(processes_of(folder)) == 1, "the program's start")
            killed.send_signal(ending)
            killed.wait(60)
            wait_until(lambda: processes_of(folder) == [], "the program's end")
            assert folder.exists() == (ending == signal.SIGKILL)
        finally:
            killed.kill()
            shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.skipif(bool(why_no_display()), reason=f"no virtual screen: {why_no_display()}")
def test_a_screen_of_its_own_is_empty() -> None:
    # Not the fixture's: an editor of another test may stand there still.
    with virtual_display() as display:
        empty = display.screenshot()
        assert empty.size == (1366, 768)
        assert empty.getextrema() == ((0, 0),) * 3
        assert display.windows(".") == []
        with pytest.raises(TimeoutError, match="no such window"):
            display.wait_for_window("no such window", seconds=0.2)


@needs_wheels
def test_the_daemon_answers_from_outside(workspace: Workspace) -> None:
    with running_outside(workspace) as daemon:
        answer = ask(workspace, start=False)
    assert answer == str(daemon.process.pid)


@needs_wheels
def test_the_daemon_starts_when_the_editor_needs_it(workspace: Workspace) -> None:
    write_daemon_command(workspace, "--threads", "1", "--idle-exit", "0")
    answer = ask(workspace, start=True)
    (process,) = daemons(workspace.data)
    info = read_runtime_file(workspace.data.runtime_file)
    assert info is not None
    assert answer == str(info.pid) == str(process.pid)
    # The second editor takes the same one.
    assert ask(workspace, start=True) == answer
    assert "listens on" in workspace.data.log_file.read_text()
    os.kill(process.pid, signal.SIGTERM)
    psutil.wait_procs([process], timeout=60)
    assert not workspace.data.runtime_file.exists()
