"""`Executor` over the executors of the standard library: what it promises where workers die, break, or refuse."""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import functions
import pytest
from conftest import command, run_python

import factorpool as fp
from factorpool.pool.protocol import TaskRef
from factorpool.pool.strategies import elsewhere, find
from factorpool.pool.strategies import executor as executors
from factorpool.pool.strategies.executor import there, workers
from factorpool.pool.strategies.executor.kinds import Kind, Meaning, kind_of
from factorpool.pool.task import MapTask

pytestmark = pytest.mark.usefixtures("workers_left")


def two_processes() -> Executor:
    return ProcessPoolExecutor(2, mp_context=get_context("forkserver"))


@pytest.fixture
def processes() -> fp.Executor:
    return fp.Executor(two_processes)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def test_everything_above_takes_it(threads: ThreadPoolExecutor) -> None:
    strategy = fp.Executor(threads)
    assert list(fp.pmap(functions.square, range(100), strategy=strategy)) == [n * n for n in range(100)]
    assert fp.factor_many(range(1, 2000), strategy=strategy) == fp.factor_many(range(1, 2000))
    assert fp.factor(15, strategy=strategy) == {3: 1, 5: 1}
    p, q = 2**107 - 1, 2**89 - 1
    assert fp.factor(p * q, strategy=strategy) == {q: 1, p: 1}
    with fp.Pool(strategy) as pool:
        assert pool.max_workers == 2
        assert pool.submit(pow, 2, 10).result() == 1024
    assert threads.submit(abs, -1).result() == 1  # it is the caller's, and not shut down


@pytest.mark.parametrize("how", ["kill", "exit"])
def test_only_the_item_that_kills_is_lost(processes: fp.Executor, how: str, tmp_path: Path) -> None:
    """Though every call that ran at the time breaks, those that were beside it are not blamed."""
    fn = partial(functions.noted_and_killed_at_7, str(tmp_path / "notes"), how)
    outcomes = list(fp.pmap(fn, range(40), strategy=processes, on_error="collect", retries=0, chunksize=5))
    assert [o.value for o in outcomes] == [n if n != 7 else None for n in range(40)]
    error = outcomes[7].error
    assert isinstance(error, fp.WorkerDiedError)
    assert "BrokenProcessPool" in str(error) and (error.start, error.stop) == (7, 8)
    assert error.why and "BrokenProcessPool" in error.why


def test_an_item_that_kills_once_is_not_lost(processes: fp.Executor, tmp_path: Path) -> None:
    fn = partial(functions.killed_once, str(tmp_path / "once"))
    assert list(fp.pmap(fn, range(30), strategy=processes)) == list(range(30))


def test_an_executor_of_the_callers_own_is_not_made_anew() -> None:
    with (
        two_processes() as executor,
        pytest.raises(fp.WorkerDiedError, match=r"items .* are out .pass a function that makes the executor"),
    ):
        list(fp.pmap(functions.exit_at_7, range(20), strategy=fp.Executor(executor)))


def test_an_executor_that_is_shut_down_says_so() -> None:
    executor = ThreadPoolExecutor(1)
    executor.shutdown()
    with pytest.raises(fp.FactorpoolError, match=r"takes no calls: RuntimeError: .* is it shut down\?"):
        list(fp.pmap(functions.square, [1, 2], strategy=fp.Executor(executor)))


def test_an_executor_of_the_callers_own_is_not_kept() -> None:
    executor = ThreadPoolExecutor(2)
    assert list(fp.pmap(functions.square, range(20), strategy=fp.Executor(executor))) == [n * n for n in range(20)]
    executor.shutdown()
    here = weakref.ref(executor)
    del executor
    gc.collect()
    assert here() is None


def test_slots_are_counted_while_it_runs(threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    """As clusters grow: no more calls are out at first than it has threads, and one that waits beside each."""
    monkeypatch.setattr(executors, "LOOK_SECONDS", 0.05)
    strategy, most = fp.Executor(threads), {2: 0, 6: 0}
    out = count = 0
    submit = threads.submit

    def counted(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        nonlocal out, count
        out, count = out + 1, count + 1
        if count == 40:
            threads._max_workers = 6
        slots = threads._max_workers
        most[slots] = max(most[slots], out)
        future: Future[Any] = submit(fn, *args, **kwargs)
        future.add_done_callback(back)
        return future

    def back(_: object) -> None:
        nonlocal out
        out -= 1

    monkeypatch.setattr(threads, "submit", counted)
    assert list(fp.pmap(functions.nap, [0.01] * 200, strategy=strategy, chunksize=1)) == [None] * 200
    assert most[2] <= 4 < most[6] <= 12
    assert strategy.capacity() == 6


@pytest.mark.skipif(sys.version_info < (3, 14), reason="InterpreterPoolExecutor came with Python 3.14")
def test_interpreters_of_the_standard_library() -> None:
    from concurrent import futures

    interpreters: Any = vars(futures).get("InterpreterPoolExecutor") or futures.__getattr__("InterpreterPoolExecutor")
    numbers = range(10**12, 10**12 + 2000)
    with interpreters(2) as executor:
        strategy = fp.Executor(executor)
        assert strategy.capacity() == 2
        assert list(fp.pmap(abs, range(-20, 0), strategy=strategy)) == list(range(20, 0, -1))
        assert fp.factor_many(list(numbers), strategy=strategy) == fp.factor_many(numbers)


class Silent(Executor):
    """It does not say how many calls it runs at once, and runs each in the caller's thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


def test_slots_are_asked_of_it_or_said() -> None:
    with pytest.raises(fp.StrategyUnavailableError, match="does not say how many calls"):
        list(fp.pmap(functions.square, [1, 2], strategy=fp.Executor(Silent())))
    assert list(fp.pmap(functions.square, [1, 2], strategy=fp.Executor(Silent(), slots=1))) == [1, 4]
    assert list(fp.pmap(functions.square, [1, 2], strategy=fp.Executor(Silent()), max_workers=1)) == [1, 4]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fp.Executor(7), "Executor takes a concurrent.futures.Executor, or a function .* not 7"),  # type: ignore[arg-type]
        (lambda: fp.Executor(ThreadPoolExecutor), "a function without arguments that makes one"),
        (lambda: fp.Executor(Silent(), slots=0), "slots must be a positive integer or None, not 0"),
        (lambda: list(fp.pmap(abs, [1, 2], strategy=fp.Executor(lambda: 5))), "is to make a concurrent.* not 5"),  # type: ignore[arg-type, return-value]
        (lambda: fp.pmap(abs, [1], strategy=fp.Executor(Silent()), timeout=1), "cannot keep to a timeout"),
        (lambda: find("executor:nowhere"), "executor:nowhere names no function"),
        (lambda: find("executor:nowhere:make"), "executor:nowhere:make cannot be imported: No module named"),
        (lambda: fp.Ray("ray://host:10001"), "is an address of Ray Client"),
        (lambda: fp.Auto("threads"), "auto considers what this machine has anyway, and threads is no cluster"),
        (lambda: fp.Pool("auto+ray"), r"auto\+ray is for calls that choose"),
    ],
)
def test_what_makes_no_sense_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(fp.OptionError, match=message):
        make()


def test_a_large_task_travels_once_to_each_process(processes: fp.Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte with each of hundreds of chunks would be noticed."""
    from factorpool.pool.pickling import traffic

    table = bytes(range(256)) * 4096
    before = traffic.bytes
    results = list(fp.pmap(partial(functions.look_up, table), range(300), strategy=processes, chunksize=1))
    assert results == [n % 256 for n in range(300)]
    assert 1 << 20 <= traffic.bytes - before < 12 << 20


def test_a_worker_without_the_task_asks_for_it() -> None:
    ref = TaskRef(MapTask(functions.square, True))
    data = there.pack(workers.task_message(ref, inherits=False))
    sender = there.Sender("", there.versions(), None)
    key = ("somebody", 1)
    chunk = workers.chunk_message(workers.Chunk(5, [2, 3]), by_name=False)
    assert there.run_chunk(key, None, chunk, sender) == there.NeedsTask()
    for sent in (data, None):
        answer = there.run_chunk(key, sent, chunk, sender)
        assert isinstance(answer, there.Answer)
        assert [value for message in answer.messages for value in workers.decode(message).value] == [4, 9]
    for number in range(there.MOST_TASKS):
        there.run_chunk(("others", number), data, chunk, sender)
    assert there.run_chunk(key, None, chunk, sender) == there.NeedsTask()


def test_other_versions_are_refused(threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = fp.Executor(threads)
    monkeypatch.setattr(there, "versions", iter([("3.9", "0.0.1")] + 9 * [there.versions()]).__next__)
    with pytest.raises(fp.StrategyUnavailableError, match=r"runs Python .* and this is Python .*: install Python"):
        list(fp.pmap(functions.square, range(9), strategy=strategy, max_workers=1))


def test_long_chunks_come_back_in_parts(threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a lost one costs little."""
    monkeypatch.setattr(there, "CHUNK_SECONDS", 0.05)
    chunks: list[int] = []
    submit = threads.submit

    def counted(fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        chunks.append(1)
        return submit(fn, *args, **kwargs)

    monkeypatch.setattr(threads, "submit", counted)
    naps = [0.01] * 40
    assert list(fp.pmap(functions.nap, naps, strategy=fp.Executor(threads), chunksize=20)) == [None] * 40
    assert len(chunks) >= 5


def test_log_records_arrive(processes: fp.Executor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    assert list(fp.pmap(functions.log, range(5), strategy=processes)) == list(range(5))
    assert sorted(record.getMessage() for record in caplog.records if "item" in record.getMessage()) == [
        f"item {n}" for n in range(5)
    ]


def test_one_that_is_made_rests_for_the_next_run(processes: fp.Executor) -> None:
    pids = [set(fp.pmap(functions.worker_pid, range(8), strategy=processes)) for _ in range(2)]
    assert os.getpid() not in pids[0]
    assert pids[0] & pids[1]


def test_equal_ones_are_made_once() -> None:
    """A loop that writes the strategy anew each time does not pile them up."""
    before = len(multiprocessing.active_children())
    for _ in range(4):
        assert list(fp.pmap(functions.square, range(8), strategy=fp.Executor(two_processes))) == [
            n * n for n in range(8)
        ]
    assert len(multiprocessing.active_children()) - before <= 2
    for _ in range(2):
        with pytest.raises(fp.NotPicklableError):
            list(fp.pmap(functions.square, [functions.unsendable()], strategy=fp.Executor(two_processes)))


class Unreadable:
    """It leaves a worker, and cannot be made again."""

    def __reduce__(self) -> tuple[object, ...]:
        return int, ("no number",)


def one_unreadable(n: int) -> object:
    return Unreadable() if n == 3 else n


def test_a_result_that_cannot_be_read_here_is_its_items_error(threads: ThreadPoolExecutor) -> None:
    outcomes = list(fp.pmap(one_unreadable, range(6), strategy=fp.Executor(threads), on_error="collect", chunksize=1))
    assert [o.value for o in outcomes] == [0, 1, 2, None, 4, 5]
    assert isinstance(outcomes[3].error, fp.NotPicklableError)
    with fp.Pool(fp.Executor(threads)) as pool:
        futures = [pool.submit(one_unreadable, n) for n in range(6)]
        assert isinstance(futures[3].exception(), fp.NotPicklableError)
        assert [futures[n].result() for n in (0, 1, 2, 4, 5)] == [0, 1, 2, 4, 5]


def never_works() -> Executor:
    executor = ThreadPoolExecutor(1)
    executor.submit = broken_at_once  # type: ignore[assignment]
    return executor


def broken_at_once(*_: object) -> None:
    raise BrokenExecutor("it is broken")


def test_an_executor_that_never_works_ends_the_run() -> None:
    with pytest.raises(fp.FactorpoolError, match="did not run a chunk: BrokenExecutor"):
        list(fp.pmap(functions.square, range(5), strategy=fp.Executor(never_works)))


def note_thread(path: str) -> None:
    import threading

    functions.note(path, threading.get_ident())


def test_a_pools_initializer_runs_in_every_thread(threads: ThreadPoolExecutor, tmp_path: Path) -> None:
    path = tmp_path / "threads"
    with fp.Pool(fp.Executor(threads), initializer=note_thread, initargs=(str(path),)) as pool:
        list(pool.map(functions.nap, [0.02] * 20))
    noted = path.read_text().split()
    assert len(noted) == len({*noted}) == 2


def test_what_fails_to_start_is_told(processes: fp.Executor) -> None:
    with pytest.raises(ValueError, match="no start"):
        list(fp.pmap(functions.square, range(5), strategy=processes, initializer=functions.fail_to_start))


def test_interrupted_runs_leave_nothing() -> None:
    """Ctrl-C ends the workers of an executor that was made here."""
    code = """
import os, signal, sys, threading, time
sys.path.insert(0, {tests!r})
import functions, test_any_executor
import factorpool as fp
def main():
    threading.Timer(1.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        list(fp.pmap(time.sleep, [600] * 8, strategy=fp.Executor(test_any_executor.two_processes)))
    except KeyboardInterrupt:
        print("interrupted")
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
    tests = str(Path(__file__).parent)
    code = code.replace("sys.path.insert(0, {tests!r})", f"sys.path[:0] = [{tests!r}, {str(Path(tests).parent)!r}]")
    ran = run_python(code)
    assert ran.stdout == "interrupted\n", ran.stderr


def test_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from concurrent.futures import ThreadPoolExecutor\ndef make():\n    return ThreadPoolExecutor(2)\n"
    )
    ran = command("factor", "-v", "-s", "executor:mine:make", "15", PYTHONPATH=str(tmp_path))
    assert (ran.stdout, ran.stderr) == (b"15: 3 5\n", b"factorpool factor: strategy executor: it was asked for\n")
    ran = command("factor", "-s", "executor:mine:nothing", "15", PYTHONPATH=str(tmp_path))
    assert ran.returncode == 2
    assert b"cannot be imported" in ran.stderr
    listed = command("strategies", DASK_SCHEDULER_ADDRESS="tcp://there:1", SLURM_JOB_ID="12").stdout.decode()
    assert "executor:MODULE:FUNCTION" in listed
    assert "SLURM_JOB_ID=12" in listed
    if find("dask:tcp://there:1").why_unavailable() is None:
        assert "DASK_SCHEDULER_ADDRESS=tcp://there:1" in listed


def test_what_is_not_installed_says_how_to_install_it() -> None:
    for info in elsewhere().values():
        assert info.available or "pip install" in info.reason or "needs a scheduler's address" in info.reason


def test_what_errors_mean() -> None:
    assert type(kind_of(Silent())) is Kind
    assert kind_of(Silent()).meaning(CancelledError()) is Meaning.LOST
    assert kind_of(Silent()).meaning(BrokenExecutor()) is Meaning.BROKEN
    assert kind_of(Silent()).meaning(LookupError()) is Meaning.OTHER
    with two_processes() as executor:
        assert kind_of(executor).slots(executor) == 2
