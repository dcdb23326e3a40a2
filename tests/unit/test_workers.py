"""Training in several processes: the same training as in one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from pastiche_daemon.cli.train import train
from pastiche_daemon.packs.archive import read_pack
from pastiche_daemon.packs.network import load_network
from pastiche_daemon.photographs import RandomCrops
from pastiche_daemon.training_losses import LOSSES, StepReport, read_losses
from pastiche_daemon.workers import Workers, joined_workers, own_device
from tests.support.tiny_training import training_arguments, write_photographs


def test_shares_are_equal_and_make_the_whole() -> None:
    rows = list(range(12))
    shares = [rows[Workers(rank, 3).share(12)] for rank in range(3)]
    assert shares == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]
    assert [Workers(rank, 3).leads for rank in range(3)] == [True, False, False]
    for size in (0, 2, 13):
        with pytest.raises(ValueError, match="multiple of the 3 processes"):
            Workers(0, 3).share(size)


def test_a_share_of_a_batch_has_the_same_crops(tmp_path: Path) -> None:
    paths = tuple(sorted(write_photographs(tmp_path / "photos").iterdir()))
    crops = RandomCrops(paths, 32, seed=3)
    whole = crops.batch(5, 4)
    parts = [crops.batch(5, 4, Workers(rank, 2).share(4)) for rank in range(2)]
    assert torch.equal(torch.cat(parts), whole)


def test_a_single_process_is_alone() -> None:
    with joined_workers(torch.device("cpu"), {}) as workers:
        assert workers == Workers()
    given = torch.ones(2)
    Workers().average([given])
    assert torch.equal(given, torch.ones(2))


def test_every_worker_of_a_computer_has_a_gpu_of_its_own() -> None:
    environ = {"LOCAL_RANK": "3"}
    assert own_device(torch.device("cuda"), environ) == torch.device("cuda", 3)
    assert own_device(torch.device("cuda"), {}) == torch.device("cuda")
    assert own_device(torch.device("cuda", 1), environ) == torch.device("cuda", 1)
    assert own_device(torch.device("cpu"), environ) == torch.device("cpu")


@pytest.mark.slow
def test_two_processes_have_the_losses_of_one(tmp_path: Path) -> None:
    extra = ("--steps", "4", "--batch-size", "4", "--precision", "float32", "--seed", "5")
    alone = training_arguments(tmp_path, "alone", *extra)
    result = CliRunner().invoke(train, alone[1:], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"),
        *("-m", "pastiche_daemon", *training_arguments(tmp_path, "two", *extra)),
    ]
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [str(tmp_path / "two" / "two.pastiche")]  # told once

    def losses(name: str) -> list[StepReport]:
        return read_losses(tmp_path / name / LOSSES)

    assert len(losses("two")) == 4
    for one, two in zip(losses("alone"), losses("two"), strict=True):
        assert two.step == one.step
        for term, value in one.terms().items():
            # Adam makes much of the rounding of gradients that are almost zero.
            close = 1e-5 if one.step == 1 else 1e-3
            assert two.terms()[term] == pytest.approx(value, rel=close), (one.step, term)
    networks = [
        load_network(read_pack(tmp_path / name / f"{name}.pastiche")).state_dict()
        for name in ("alone", "two")
    ]
    for name, value in networks[0].items():
        if name.endswith(".conv.bias") and not name.startswith("last."):
            continue  # the norm that follows takes it away: its gradient is rounding alone
        assert torch.allclose(networks[1][name], value, atol=2e-3), name


def test_a_batch_that_cannot_be_shared_is_refused(tmp_path: Path) -> None:
    """In one process that is told of others, before it would wait for them."""
    arguments = training_arguments(tmp_path, "run", "--steps", "1")
    program = (
        "import sys, torch\n"
        "from pastiche_daemon.cli import train as module\n"
        "from pastiche_daemon import workers\n"
        "from contextlib import contextmanager\n"
        "@contextmanager\n"
        "def joined(device):\n"
        "    yield workers.Workers(0, 3)\n"
        "workers.joined_workers = joined\n"
        "module.train(sys.argv[1:])\n"
    )
    command = [sys.executable, "-c", program, *arguments[1:]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "batch_size must be a multiple of the 3 processes, not 2" in done.stderr
    assert not (tmp_path / "run").exists()
