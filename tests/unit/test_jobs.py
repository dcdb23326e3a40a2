"""The queue in front of the device."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from pastiche_daemon.jobs import (
    Admission,
    DeviceQueue,
    Job,
    JobCancelledError,
    JobContext,
    QueueClosedError,
    QueueFullError,
    Stage,
)

WAIT = 30.0


class Gate:
    """Work that has started, and ends when it is told to."""

    def __init__(self) -> None:
        self.started = threading.Event()
        self.may_end = threading.Event()

    def __call__(self, context: JobContext) -> str:
        self.started.set()
        while not self.may_end.wait(0.005):
            context.check()
        return "done"


def make_queue(
    *, max_waiting: int = 32, per_client: int = 8, initialize: Callable[[], None] = lambda: None
) -> DeviceQueue:
    return DeviceQueue(
        max_waiting=max_waiting, max_waiting_per_client=per_client, initialize=initialize
    )


@pytest.fixture
def queue() -> Iterator[DeviceQueue]:
    queue = make_queue()
    queue.start()
    yield queue
    assert queue.close(WAIT)


class Steps:
    """Work in steps that gives way after each, and takes the next when it is told to."""

    def __init__(self, ran: list[str]) -> None:
        self.steps = threading.Semaphore(0)
        self.started = threading.Event()
        self._ran = ran

    def __call__(self, context: JobContext) -> None:
        for step in range(3):
            self.started.set()
            assert self.steps.acquire(timeout=WAIT)
            self._ran.append(f"step {step}")
            context.give_way()


def submit(
    queue: DeviceQueue,
    work: Callable[[JobContext], object],
    client: str = "a",
    notify: Callable[[], None] = lambda: None,
    *,
    gives_way: bool = False,
    background: bool = False,
) -> Job[object]:
    with queue.admit(client) as admission:
        return admission.submit(work, notify, gives_way=gives_way, background=background)


def occupy(queue: DeviceQueue, client: str = "first") -> tuple[Job[object], Gate]:
    gate = Gate()
    job = submit(queue, gate, client)
    assert gate.started.wait(WAIT)
    return job, gate


def recorder(ran: list[str], name: str) -> Callable[[JobContext], None]:
    return lambda _: ran.append(name)


def test_returns_what_the_work_returns(queue: DeviceQueue) -> None:
    job = submit(queue, lambda _: 42)

    assert job.future.result(WAIT) == 42
    assert job.result() == 42
    assert job.done
    assert job.status().running


def test_raises_what_the_work_raises(queue: DeviceQueue) -> None:
    def work(_: JobContext) -> None:
        raise KeyError("broken")

    job = submit(queue, work)
    assert isinstance(job.future.exception(WAIT), KeyError)
    with pytest.raises(KeyError, match="broken"):
        job.result()
    assert submit(queue, lambda _: "still alive").future.result(WAIT) == "still alive"


def test_runs_in_one_thread_after_initialization() -> None:
    threads: list[int] = []
    queue = make_queue(initialize=lambda: threads.append(threading.get_ident()))
    queue.start()
    jobs = [submit(queue, lambda _: threading.get_ident()) for _ in range(3)]

    assert {job.future.result(WAIT) for job in jobs} == set(threads)
    assert queue.close(WAIT)


def test_failed_initialization_fails_every_job() -> None:
    def broken() -> None:
        raise OSError("no device")

    queue = make_queue(initialize=broken)
    queue.start()
    for _ in range(2):
        assert isinstance(submit(queue, lambda _: 1).future.exception(WAIT), OSError)
    assert queue.close(WAIT)


def test_one_clients_jobs_run_in_order(queue: DeviceQueue) -> None:
    ran: list[str] = []
    _, gate = occupy(queue)
    jobs = [submit(queue, recorder(ran, name)) for name in "123"]
    assert [job.status().position for job in jobs] == [1, 2, 3]

    gate.may_end.set()
    jobs[-1].future.result(WAIT)
    assert ran == ["1", "2", "3"]


def test_clients_take_turns(queue: DeviceQueue) -> None:
    ran: list[str] = []
    _, gate = occupy(queue)
    many = [submit(queue, recorder(ran, f"a{i}"), "a") for i in range(3)]
    two = [submit(queue, recorder(ran, f"b{i}"), "b") for i in range(2)]
    one = submit(queue, recorder(ran, "c0"), "c")
    assert one.status().position == 3
    assert [job.status().position for job in many] == [1, 4, 6]

    gate.may_end.set()
    many[-1].future.result(WAIT)
    assert ran == ["a0", "b0", "c0", "a1", "b1", "a2"]
    assert [job.done for job in two] == [True, True]


def test_a_returning_client_alternates_with_a_backlog(queue: DeviceQueue) -> None:
    ran: list[str] = []
    first, gate = occupy(queue, "single")
    backlog = [submit(queue, recorder(ran, f"b{i}"), "batch") for i in range(2)]
    second = Gate()
    submit(queue, second, "batch")
    gate.may_end.set()
    assert first.future.result(WAIT) == "done"
    assert second.started.wait(WAIT)
    late = [submit(queue, recorder(ran, f"l{i}"), "batch") for i in range(2)]
    again = submit(queue, recorder(ran, "s"), "single")

    assert again.status().position == 1
    second.may_end.set()
    late[-1].future.result(WAIT)
    assert ran == ["b0", "b1", "s", "l0", "l1"]
    assert backlog[0].done


def test_a_busy_time_that_is_over_counts_no_more(queue: DeviceQueue) -> None:
    for _ in range(5):
        submit(queue, lambda _: None, "early").future.result(WAIT)
    while queue.counts() != (0, 0):
        time.sleep(0.001)
    _, gate = occupy(queue)
    early = submit(queue, lambda _: None, "early")
    late = submit(queue, lambda _: None, "late")
    assert [early.status().position, late.status().position] == [1, 2]
    gate.may_end.set()
    late.future.result(WAIT)


def test_a_long_job_gives_way_to_one_other_at_each_step(queue: DeviceQueue) -> None:
    ran: list[str] = []
    steps = Steps(ran)
    long = submit(queue, steps, "a", gives_way=True)
    assert steps.started.wait(WAIT)
    next_long = submit(queue, recorder(ran, "long"), "b", gives_way=True)
    short = [submit(queue, recorder(ran, f"short {i}"), "a") for i in range(2)]
    assert [job.status().position for job in short] == [1, 1]
    assert next_long.status().position == 1

    for _ in range(3):
        steps.steps.release()
    next_long.future.result(WAIT)
    assert ran == ["step 0", "short 0", "step 1", "short 1", "step 2", "long"]
    assert long.done


def test_what_runs_in_the_middle_of_a_long_job_is_told_and_counted(queue: DeviceQueue) -> None:
    steps = Steps([])
    long = submit(queue, steps, gives_way=True)
    assert steps.started.wait(WAIT)
    gate = Gate()
    short = submit(queue, gate)
    after = submit(queue, lambda _: None)
    steps.steps.release()
    assert gate.started.wait(WAIT)
    time.sleep(0.05)

    assert queue.counts() == (1, 2)
    assert short.status().running
    assert long.status().running
    assert after.status().position == 1
    given = short.compute_seconds
    for _ in range(2):
        steps.steps.release()
    gate.may_end.set()
    long.future.result(WAIT)
    assert short.result() == "done"
    assert long.started is not None
    assert long.ended is not None
    assert long.compute_seconds <= long.ended - long.started - given


def test_a_failure_in_the_middle_of_a_long_job_is_not_its_own(queue: DeviceQueue) -> None:
    def fail(_: JobContext) -> None:
        raise ValueError("broken")

    steps = Steps([])
    long = submit(queue, steps, gives_way=True)
    assert steps.started.wait(WAIT)
    short = submit(queue, fail)
    for _ in range(3):
        steps.steps.release()
    assert long.future.result(WAIT) is None
    with pytest.raises(ValueError, match="broken"):
        short.result()


def test_a_long_job_that_is_cancelled_while_it_gives_way_ends(queue: DeviceQueue) -> None:
    ran: list[str] = []
    steps = Steps(ran)
    long = submit(queue, steps, gives_way=True)
    assert steps.started.wait(WAIT)
    gate = Gate()
    short = submit(queue, gate)
    steps.steps.release()
    assert gate.started.wait(WAIT)
    long.cancel()
    assert long.done
    gate.may_end.set()
    assert short.future.result(WAIT) == "done"
    submit(queue, lambda _: None).future.result(WAIT)
    assert ran == ["step 0"]


def test_the_background_gives_way_to_long_jobs_whose_own_steps_give_way(queue: DeviceQueue) -> None:
    ran: list[str] = []
    background = Steps(ran)
    trained = submit(queue, background, background=True)
    assert background.started.wait(WAIT)
    next_trained = submit(queue, recorder(ran, "next trained"), background=True)
    long_steps = Steps(ran)
    long = submit(queue, long_steps, gives_way=True)
    assert long.status().position == 1
    assert next_trained.status().position == 2
    background.steps.release()
    assert long_steps.started.wait(WAIT)
    short = submit(queue, recorder(ran, "short"))
    for _ in range(3):
        long_steps.steps.release()
    long.future.result(WAIT)
    assert not trained.done
    for _ in range(2):
        background.steps.release()
    next_trained.future.result(WAIT)
    first, *middle = ["step 0", "step 0", "short", "step 1", "step 2"]
    assert ran == [first, *middle, "step 1", "step 2", "next trained"]
    assert trained.done
    assert short.done


def test_what_came_later_goes_before_the_background(queue: DeviceQueue) -> None:
    ran: list[str] = []
    _, gate = occupy(queue)
    trained = submit(queue, recorder(ran, "trained"), background=True)
    long = submit(queue, recorder(ran, "long"), gives_way=True)
    assert [long.status().position, trained.status().position] == [1, 2]
    gate.may_end.set()
    trained.future.result(WAIT)
    assert ran == ["long", "trained"]


def test_only_a_job_that_said_so_may_give_way(queue: DeviceQueue) -> None:
    with pytest.raises(RuntimeError, match="gives way"):
        submit(queue, lambda context: context.give_way()).future.result(WAIT)


def test_cancelled_jobs_do_not_cost_their_client_its_turn(queue: DeviceQueue) -> None:
    _, gate = occupy(queue)
    backlog = [submit(queue, lambda _: None, "batch") for _ in range(4)]
    for _ in range(6):  # somebody who moves a slider
        submit(queue, lambda _: None, "slider").cancel()
    kept = submit(queue, lambda _: None, "slider")

    assert kept.status().position == 2
    gate.may_end.set()
    backlog[-1].future.result(WAIT)


def test_cancelling_moves_the_clients_later_jobs_up(queue: DeviceQueue) -> None:
    _, gate = occupy(queue)
    mine = [submit(queue, lambda _: None, "a") for _ in range(3)]
    theirs = [submit(queue, lambda _: None, "b") for _ in range(2)]
    mine[0].cancel()

    assert [job.status().position for job in (mine[1], theirs[0], mine[2], theirs[1])] == [
        1,
        2,
        3,
        4,
    ]
    gate.may_end.set()
    theirs[-1].future.result(WAIT)


def test_a_cancelled_job_leaves_the_queue_at_once(queue: DeviceQueue) -> None:
    ran: list[str] = []
    _, gate = occupy(queue)
    cancelled = submit(queue, recorder(ran, "cancelled"))
    behind = submit(queue, recorder(ran, "behind"))
    cancelled.cancel()

    assert cancelled.done
    assert behind.status().position == 1
    with pytest.raises(JobCancelledError):
        cancelled.result()
    gate.may_end.set()
    behind.future.result(WAIT)
    assert ran == ["behind"]


def test_a_cancelled_running_job_is_done_before_the_device_is_free(queue: DeviceQueue) -> None:
    started, checked = threading.Event(), threading.Event()
    may_check = threading.Event()

    def work(context: JobContext) -> None:
        started.set()
        assert may_check.wait(WAIT)
        try:
            context.report(0.5, Stage.STYLIZING)
        except JobCancelledError:
            checked.set()
            raise

    job = submit(queue, work)
    assert started.wait(WAIT)
    job.cancel()
    job.cancel()
    assert job.done
    assert queue.counts() == (0, 1)
    may_check.set()
    assert checked.wait(WAIT)
    with pytest.raises(JobCancelledError):
        job.result()


def test_cancelling_a_finished_job_changes_nothing(queue: DeviceQueue) -> None:
    job = submit(queue, lambda _: "result")
    job.future.result(WAIT)
    job.cancel()
    assert job.result() == "result"


def test_progress_never_goes_back_and_notifies(queue: DeviceQueue) -> None:
    fractions: list[float] = []
    notified = threading.Event()
    may_end = threading.Event()

    def work(context: JobContext) -> None:
        for fraction in (0.2, 0.6, 0.4, 1.7):
            context.report(fraction, Stage.STYLIZING)
            fractions.append(context.progress[0])
        assert may_end.wait(WAIT)

    job = submit(queue, work, notify=notified.set)
    assert notified.wait(WAIT)
    may_end.set()
    job.future.result(WAIT)
    assert fractions == [0.2, 0.6, 0.6, 1.0]
    status = job.status()
    assert (status.fraction, status.stage, status.position) == (1.0, Stage.STYLIZING, 0)


def test_waiting_jobs_hear_that_they_moved_up(queue: DeviceQueue) -> None:
    _, gate = occupy(queue)
    heard = threading.Event()
    ahead = submit(queue, lambda _: None)
    behind = submit(queue, lambda _: None, notify=heard.set)
    heard.clear()
    ahead.cancel()
    assert heard.is_set()
    gate.may_end.set()
    behind.future.result(WAIT)


def test_the_queue_has_a_limit_in_all_and_for_each_client() -> None:
    queue = make_queue(max_waiting=3, per_client=2)
    queue.start()
    _, gate = occupy(queue, "running")  # does not count
    jobs = [submit(queue, lambda _: None, "a") for _ in range(2)]
    with pytest.raises(QueueFullError, match="of this client") as own, queue.admit("a"):
        pass
    assert 1.0 <= own.value.retry_seconds <= 60.0

    with queue.admit("b"):  # uploads count
        assert queue.counts() == (3, 1)
        with pytest.raises(QueueFullError, match="3 calls"), queue.admit("c"):
            pass
    assert queue.counts() == (2, 1)
    jobs.append(submit(queue, lambda _: None, "c"))
    gate.may_end.set()
    for job in jobs:
        job.future.result(WAIT)
    assert queue.close(WAIT)


def test_an_admission_is_given_back_when_the_call_fails(queue: DeviceQueue) -> None:
    with pytest.raises(ValueError, match="upload"), queue.admit("a"):
        raise ValueError("upload broke")
    assert queue.counts() == (0, 0)


def test_an_admission_is_good_for_one_job(queue: DeviceQueue) -> None:
    def twice(admission: Admission) -> None:
        admission.submit(lambda _: None, lambda: None).future.result(WAIT)
        admission.submit(lambda _: None, lambda: None)

    with queue.admit("a") as admission, pytest.raises(RuntimeError, match="one job"):
        twice(admission)
    assert queue.counts()[0] == 0


def test_closing_cancels_what_waits_and_what_runs() -> None:
    queue = make_queue()
    queue.start()
    running, _ = occupy(queue)
    waiting = submit(queue, lambda _: None)
    with queue.admit("late") as admission:
        assert queue.close(WAIT)
        with pytest.raises(QueueClosedError):
            admission.submit(lambda _: None, lambda: None)
    for job in (running, waiting):
        with pytest.raises(QueueClosedError):
            job.result()
    with pytest.raises(QueueClosedError), queue.admit("a"):
        pass


def test_closing_gives_up_on_work_that_does_not_check() -> None:
    queue = make_queue()
    queue.start()
    started, may_end = threading.Event(), threading.Event()

    def deaf(_: JobContext) -> None:
        started.set()
        may_end.wait(WAIT)

    submit(queue, deaf)
    assert started.wait(WAIT)
    assert not queue.close(0.01)
    may_end.set()
    assert queue.close(WAIT)


def test_cleaning_up_when_idle_may_fail() -> None:
    cleaned = threading.Event()

    def clean() -> None:
        cleaned.set()
        raise OSError("cannot")

    queue = DeviceQueue(max_waiting=9, max_waiting_per_client=9, when_idle=clean, idle_seconds=0.01)
    queue.start()
    submit(queue, lambda _: None).future.result(WAIT)
    assert cleaned.wait(WAIT)
    assert submit(queue, lambda _: "alive").future.result(WAIT) == "alive"
    assert queue.close(WAIT)


def test_many_clients_in_many_threads_lose_nothing(queue: DeviceQueue) -> None:
    ran: list[str] = []
    jobs: list[Job[object]] = []

    def client(name: str) -> None:
        jobs.extend(submit(queue, recorder(ran, f"{name}{i}"), name) for i in range(4))

    threads = [threading.Thread(target=client, args=(name,)) for name in "abcdefg"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    for job in jobs:
        job.future.result(WAIT)
    assert sorted(ran) == sorted(f"{name}{i}" for name in "abcdefg" for i in range(4))
    for name in "abcdefg":
        assert [entry for entry in ran if entry[0] == name] == [f"{name}{i}" for i in range(4)]
