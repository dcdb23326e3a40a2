"""The work behind a training: what becomes of it when something goes wrong at the worst moment."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pastiche_client.paths import DataPaths
from pastiche_daemon.encoder_store import EncoderStore
from pastiche_daemon.engine import Engine
from pastiche_daemon.jobs import JobCancelledError, JobContext, QueueClosedError
from pastiche_daemon.learn_store import (
    LearnRequest,
    LearnState,
    TrainingFailedError,
    TrainingFolder,
    TrainingStore,
    is_outdated,
)
from pastiche_daemon.memory import InsufficientMemoryError, MemoryBudget
from pastiche_daemon.packs.errors import StorageError
from pastiche_daemon.packs.store import BUILT_IN_FOLDER, PackStore
from pastiche_daemon.services.learn_request import pack_id_of
from pastiche_daemon.services.learn_work import LearnWork
from tests.support.tiny_pack import write_tiny_pack
from tests.support.tiny_training import write_photographs


class Home:
    """A data folder with one training of three small steps."""

    def __init__(self, root: Path) -> None:
        self.paths = DataPaths(root / "home")
        self.packs = PackStore(BUILT_IN_FOLDER, self.paths.packs)
        self.trainings = TrainingStore(self.paths.root / "trainings")
        self.budget = MemoryBudget()
        pictures = write_photographs(root / "pictures", 1)
        base = write_tiny_pack(root / "tiny.pastiche")
        self.folder = self.trainings.create(
            LearnRequest(
                display_name="Mine",
                pack_id="mine",
                base_pack="tiny",
                steps=3,
                style_size=64,
                crop_size=64,
            ),
            base,
            (pictures / "photo0.png").read_bytes(),
            [],
        )

    def work(self) -> LearnWork:
        encoders = EncoderStore.of(self.paths)
        engine = Engine()
        return LearnWork(engine, encoders, self.packs, self.trainings, self.budget, self.folder)

    def run(self, context: JobContext | None = None) -> LearnState:
        return self.work()(context or JobContext(lambda: None, lambda: None))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def failing_at(step: int, failure: Exception) -> JobContext:
    """A context that makes the work end after so many steps."""
    given = 0

    def give_way() -> None:
        nonlocal given
        given += 1
        if given == step:
            context.stop(failure)

    context = JobContext(lambda: None, give_way)
    return context


def test_what_is_done_is_told_and_the_rest_removed(home: Home) -> None:
    done = home.run()
    assert (done.status, done.step, done.pack_id) == ("done", 3, "mine")
    assert home.packs.get("mine").style_manifest.styles[0].id == "mine"
    names = {path.name for path in home.folder.path.iterdir()}
    assert names == {"request.json", "state.json", "sample.jpg"}
    assert [folder.id for folder in home.trainings.list()] == [home.folder.id]
    assert home.folder.state() == done


def test_a_cancelled_one_is_removed(home: Home) -> None:
    with pytest.raises(JobCancelledError):
        home.run(failing_at(2, JobCancelledError("cancelled")))
    assert home.trainings.list() == []
    assert not home.folder.path.exists()


def test_a_stopped_one_goes_on_from_the_very_step(home: Home) -> None:
    with pytest.raises(QueueClosedError):
        home.run(failing_at(2, QueueClosedError("the daemon stops")))
    assert home.folder.state().status == "active"
    work = home.work()
    first: list[int] = []

    def look() -> None:
        first.append(work.progress.step)

    done = work(JobContext(lambda: None, look))
    assert first == [3]
    assert done.step == 3


def test_a_pack_that_is_written_but_not_installed_is_installed(home: Home) -> None:
    home.run()
    pack = home.packs.get("mine").path.read_bytes()
    home.packs.remove("mine")
    home.folder.pack.write_bytes(pack)
    home.folder.save(LearnState(step=3, planned_steps=3))
    work = home.work()
    assert work(JobContext(lambda: None, lambda: None)).status == "done"
    assert home.packs.get("mine").path.read_bytes() == pack
    assert (work.progress.step, work.progress.steps) == (3, 3)


def test_a_pack_that_is_installed_but_not_noted_is_not_installed_twice(home: Home) -> None:
    home.run()
    home.folder.pack.write_bytes(home.packs.get("mine").path.read_bytes())
    home.folder.save(LearnState(step=3))
    assert home.run().status == "done"


def test_a_pack_of_the_same_id_that_came_meanwhile_is_kept(home: Home, tmp_path: Path) -> None:
    other = write_tiny_pack(tmp_path / "other.pastiche", pack_id="mine", styles=("theirs",))
    home.packs.install(other)
    with pytest.raises(TrainingFailedError, match="installed meanwhile") as caught:
        home.run()
    assert caught.value.reason == "PACK_EXISTS"
    assert home.packs.get("mine").style_manifest.styles[0].id == "theirs"
    state = home.folder.state()
    assert (state.status, state.reason) == ("failed", "PACK_EXISTS")
    home.packs.remove("mine")
    assert home.run().status == "done"  # resumed: nothing has to be learned again
    assert home.packs.get("mine").style_manifest.styles[0].id == "mine"


def test_a_training_that_ends_every_daemon_is_given_up(home: Home) -> None:
    home.folder.save(LearnState(starts=3))
    with pytest.raises(TrainingFailedError, match="ended 3 times") as caught:
        home.run()
    assert caught.value.reason == "TRAINING_ENDS_DAEMON"
    state = home.folder.state()
    assert (state.status, state.starts) == ("failed", 0)


def test_too_little_memory_is_told_before_anything_is_loaded(home: Home) -> None:
    home.budget = MemoryBudget(available=lambda: 2**28, total=lambda: 2**33)
    with pytest.raises(InsufficientMemoryError):
        home.run()
    assert home.folder.state().reason == "OUT_OF_MEMORY"


def test_a_damaged_folder_fails_with_a_reason(home: Home) -> None:
    home.folder.style.write_bytes(b"no picture")
    with pytest.raises(TrainingFailedError, match=r"style\.png"):
        home.run()
    (home.folder.path / "state.json").write_text("{}}")
    assert home.folder.state().reason == "TRAINING_DAMAGED"


@pytest.mark.skipif(sys.platform == "win32", reason="needs setrlimit")
def test_a_checkpoint_that_does_not_fit_leaves_the_one_before(tmp_path: Path) -> None:
    program = """
import resource, signal, sys
from pathlib import Path
import torch
from pastiche_daemon.checkpoints import write_checkpoint

folder = Path(sys.argv[1])
write_checkpoint(folder, {"step": 1})
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, 1 << 16))
try:
    write_checkpoint(folder, {"step": 2, "weights": torch.zeros(1 << 16)})
except OSError:
    assert torch.load(folder / "checkpoint.pt")["step"] == 1
    print("refused")
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == "refused\n"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint.pt"]


def test_what_a_crash_left_half_made_is_removed(home: Home) -> None:
    folder = home.folder.path.parent
    for name in (".new-20260101-000000-aaaaaaaa", ".old-20260101-000000-bbbbbbbb"):
        (folder / name / "run").mkdir(parents=True)
    (folder / "20260101-000000-cccccccc").mkdir()  # not ours: it has no request
    assert [found.id for found in home.trainings.list()] == [home.folder.id]
    assert {path.name for path in folder.iterdir()} == {
        home.folder.id,
        "20260101-000000-cccccccc",
    }


def test_a_training_that_cannot_be_made_leaves_nothing(home: Home) -> None:
    blocked = TrainingStore(home.folder.style)  # a file, where a folder is needed
    request = replace_name(home.folder, "Other")
    with pytest.raises(StorageError):
        blocked.create(request, home.folder.base, b"", [])
    assert home.folder.style.is_file()


def replace_name(folder: TrainingFolder, name: str) -> LearnRequest:
    return folder.request.model_copy(update={"display_name": name})


def test_results_are_told_for_a_week() -> None:
    day = 24 * 3600
    assert not is_outdated(LearnState(status="done", ended=time.time() - 6 * day))
    assert is_outdated(LearnState(status="done", ended=time.time() - 8 * day))
    assert not is_outdated(LearnState(status="failed"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Café by Night", "cafe-by-night"),
        ("  --Layer 1 copy--", "layer-1-copy"),
        ("1889", "style-1889"),
        ("星月夜", "style"),
        ("a" * 100, "a" * 63),
    ],
)
def test_ids_are_made_of_names(name: str, expected: str) -> None:
    assert pack_id_of(name) == expected


def test_progress_is_whole_whenever_it_is_looked_at(home: Home) -> None:
    work = home.work()
    seen = [work.progress]
    work(JobContext(lambda: None, lambda: seen.append(work.progress)))
    seen.append(work.progress)
    assert [progress.step for progress in seen] == [0, 1, 2, 3, 3]
    assert seen[0].preparing
    assert seen[0].losses is None
    assert seen[1].sample
    assert seen[-1].installing
    losses = seen[1].losses
    assert losses is not None
    parts = sum(value for name, value in losses.items() if name != "total")
    assert losses["total"] == pytest.approx(parts, rel=1e-3)
    assert replace(seen[-1], step=0).start_style
