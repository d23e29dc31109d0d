"""`pmap` and the pool under it, on every strategy and start method, with real workers that really die."""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from array import array
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import functions
import pytest
from conftest import REPOSITORY, alive, descendants, ends_within, gone, run_python

import factorpool as fp

pytestmark = pytest.mark.usefixtures("workers_left")
SCHEDULES = ["static", "dynamic", "guided"]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("count", [0, 1, 2, 7, 100])
def test_one_result_an_item_in_order(strategy: str, schedule: str, count: int) -> None:
    results = fp.pmap(functions.square, range(count), strategy=strategy, max_workers=3, schedule=schedule)
    assert list(results) == [n * n for n in range(count)]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_iterators(strategy: str, schedule: str) -> None:
    results = fp.pmap(functions.square, iter(range(50)), strategy=strategy, max_workers=2, schedule=schedule)
    assert list(results) == [n * n for n in range(50)]


def test_infinite_iterator(strategy: str) -> None:
    results = fp.pmap(functions.square, itertools.count(), strategy=strategy, max_workers=2, buffersize=8)
    assert list(itertools.islice(results, 100)) == [n * n for n in range(100)]
    results.close()  # type: ignore[attr-defined]


def test_buffersize_bounds_what_is_drawn(strategy: str) -> None:
    drawn = 0

    def numbers() -> Iterator[int]:
        nonlocal drawn
        while True:
            drawn += 1
            yield drawn

    results = fp.pmap(functions.square, numbers(), strategy=strategy, max_workers=2, buffersize=5)
    for done in range(20):
        assert next(results) == (done + 1) ** 2
        assert drawn <= done + 2 * 5
    results.close()  # type: ignore[attr-defined]


def test_unordered_results_come_as_they_are_done() -> None:
    options: dict[str, Any] = {"strategy": "threads", "max_workers": 2, "chunksize": 1}
    results = list(fp.pmap(functions.slow_first, range(10), ordered=False, **options))
    assert sorted(results) == list(range(10))
    assert results[0] != 0
    assert list(fp.pmap(functions.slow_first, range(10), **options)) == list(range(10))


@pytest.mark.usefixtures("patient_errors")
def test_exception_keeps_its_type_and_names_the_item(strategy: str) -> None:
    results = fp.pmap(functions.fail_at_7, range(20), strategy=strategy, max_workers=2, chunksize=1)
    got = []
    with pytest.raises(LookupError, match="seven") as caught:
        got.extend(results)
    assert got == list(range(7))
    assert "factorpool: raised for item 7, 7" in caught.value.__notes__
    if strategy == "processes":
        assert "in fail_at_7" in str(caught.value.__cause__)


def test_collect_gives_an_outcome_an_item(strategy: str) -> None:
    outcomes = list(fp.pmap(functions.fail_at_7, range(9), strategy=strategy, max_workers=2, on_error="collect"))
    assert [o.index for o in outcomes] == list(range(9))
    assert [o.value for o in outcomes] == [*range(7), None, 8]
    assert isinstance(outcomes[7].error, LookupError)
    assert all(o.error is None for o in outcomes if o.index != 7)


def test_iterator_that_raises_midway_gives_what_came_before(strategy: str) -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise OSError("no more")

    got = []
    with pytest.raises(OSError, match="no more"):
        got.extend(fp.pmap(functions.square, items(), strategy=strategy, max_workers=2))
    assert got == [0, 1, 4, 9, 16]


@pytest.mark.parametrize(
    ("function", "exitcode", "cause"),
    [
        (functions.kill_self_at_7, -signal.SIGKILL, "was killed by SIGKILL"),
        (functions.exit_at_7, 3, "ended with exit code 3"),
    ],
)
def test_a_worker_that_dies_is_an_error_that_says_so(
    start_method: str, function: Any, exitcode: int, cause: str
) -> None:
    results = fp.pmap(function, range(20), strategy="processes", max_workers=2, chunksize=1, mp_context=start_method)
    got = []
    with pytest.raises(fp.WorkerDiedError, match=rf"{cause} while it had item 7") as caught:
        got.extend(results)
    assert got == list(range(7))
    assert (caught.value.start, caught.value.stop, caught.value.exitcode) == (7, 8, exitcode)


def test_kill_from_outside_in_the_middle_of_factoring() -> None:
    numbers = [4294967291**2] * 2  # each some seconds of trial division

    def kill_a_worker() -> None:
        while not (workers := [p for p in multiprocessing.active_children() if p.name == "factorpool"]):
            time.sleep(0.01)
        time.sleep(0.2)
        os.kill(workers[0].pid, signal.SIGKILL)  # type: ignore[arg-type]

    killer = threading.Thread(target=kill_a_worker)
    killer.start()
    fs = fp.factor_many(numbers, strategy="processes", max_workers=2, method="trial", chunksize=1)
    assert list(fs) == [{4294967291: 2}] * 2
    killer.join()


def test_what_does_not_pickle_is_told_apart() -> None:
    with pytest.raises(fp.NotPicklableError, match=r"item 1, <generator.*cannot be pickled"):
        list(fp.pmap(functions.square, [1, (n for n in ())], strategy="processes", max_workers=1, chunksize=2))
    with pytest.raises(fp.NotPicklableError, match="the result cannot be pickled to leave the worker"):
        list(fp.pmap(functions.unpicklable_result, [1], strategy="processes"))
    with pytest.raises(fp.NotPicklableError, match="the exception StubbornError"):
        list(fp.pmap(functions.stubborn, [1], strategy="processes"))


def test_numbers_on_processes_from_standard_input() -> None:
    code = b"import factorpool as fp; print(fp.factor_many([2**137 + 1, 3**90 + 2]).to_dict() != {})"
    ran = subprocess.run([sys.executable, "-"], input=code, capture_output=True, timeout=60)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"True\n", b"")


@pytest.mark.parametrize("workers", [1, 3])
def test_initializer_runs_once_in_every_worker(strategy: str, workers: int) -> None:
    functions.started = 0
    results = fp.pmap(
        functions.started_value,
        range(20),
        strategy=strategy,
        max_workers=workers,
        initializer=functions.start,
        initargs=(5,),
    )
    assert set(results) == {5}
    functions.started = 0


def test_initializer_that_fails(strategy: str) -> None:
    with pytest.raises(RuntimeError, match="cannot start"):
        list(fp.pmap(functions.square, [1, 2], strategy=strategy, initializer=functions.bad_start))


def test_processes_are_as_many_as_asked_for() -> None:
    pids = set(fp.pmap(functions.worker_pid, range(12), strategy="processes", max_workers=3, chunksize=1))
    assert len(pids) == 3
    assert os.getpid() not in pids
    assert set(fp.pmap(functions.worker_pid, range(2), strategy="threads")) == {os.getpid()}


def test_no_more_workers_than_chunks() -> None:
    pids = set(fp.pmap(functions.worker_pid, range(2), strategy="processes", max_workers=50, chunksize=1))
    assert len(pids) <= 2


def test_closing_early_gives_up_what_runs(start_method: str) -> None:
    results = fp.pmap(
        functions.forever_after_0, itertools.count(), strategy="processes", max_workers=2, mp_context=start_method
    )
    assert next(results) == 0
    results.close()  # type: ignore[attr-defined]


def test_closing_between_results_leaves_no_worker(start_method: str) -> None:
    results = fp.pmap(functions.square, itertools.count(), strategy="processes", max_workers=2, mp_context=start_method)
    assert [next(results) for _ in range(5)] == [0, 1, 4, 9, 16]
    results.close()  # type: ignore[attr-defined]


def test_workers_die_with_their_parent(start_method: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"""
import sys
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
import factorpool as fp
import functions
if __name__ == "__main__":
    options = dict(strategy="processes", max_workers=3, mp_context={start_method!r})
    list(fp.pmap(functions.forever_after_0, [1, 2, 3], **options))
""")
    parent = subprocess.Popen([sys.executable, script])
    deadline = time.monotonic() + 30
    while len(below := descendants(parent.pid)) < 3 + 2 * (start_method == "forkserver") + (start_method == "spawn"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.3)
    parent.kill()
    parent.wait()
    assert gone(below)


def test_what_workers_print_is_not_lost(start_method: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(f"""
import factorpool as fp
if __name__ == "__main__":
    list(fp.pmap(print, range(3), strategy="processes", max_workers=2, mp_context={start_method!r}))
""")
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert sorted("".join(ran.stdout.split())) == ["0", "1", "2"]  # lines may mix


def test_worker_killed_between_chunks_is_replaced() -> None:
    results = fp.pmap(functions.worker_pid, range(6), strategy="processes", max_workers=1, chunksize=1)
    first = next(results)
    os.kill(first, signal.SIGKILL)
    time.sleep(0.2)
    rest = list(results)
    assert len(rest) == 5
    assert first not in rest[1:]


def test_grandchild_that_outlives_a_dead_worker(tmp_path: Path) -> None:
    with pytest.raises(fp.WorkerDiedError, match="exit code 3"):
        list(fp.pmap(functions.fork_and_exit, [str(tmp_path / "pid")], strategy="processes", max_workers=1))
    grandchild = int((tmp_path / "pid").read_text())
    assert alive(grandchild)  # it holds the worker's pipe; nobody waited for it
    os.kill(grandchild, signal.SIGKILL)


def test_collect_keeps_the_other_items_of_a_chunk_that_cannot_travel() -> None:
    for function, what in (
        (functions.unpicklable_at_7, "the result cannot"),
        (functions.stubborn_at_7, "the exception"),
    ):
        outcomes = list(
            fp.pmap(function, range(9), strategy="processes", max_workers=1, chunksize=9, on_error="collect")
        )
        assert [o.value for o in outcomes] == [*range(7), None, 8]
        assert isinstance(outcomes[7].error, fp.NotPicklableError)
        assert what in str(outcomes[7].error)


def test_items_of_every_kind_of_series(strategy: str) -> None:
    import collections

    array_items = memoryview(array("Q", [1000, 2000]))
    for items in (array_items, collections.deque([1000, 2000]), (1000, 2000), {1000: 1, 2000: 2}):
        results = fp.pmap(functions.square, items, strategy=strategy, max_workers=2)  # type: ignore[arg-type]
        assert list(results) == [1_000_000, 4_000_000]


def test_every_worker_gets_a_share_of_the_buffer() -> None:
    pids = fp.pmap(functions.worker_pid, range(40), strategy="processes", max_workers=4, buffersize=8)
    assert len(set(pids)) == 4


def test_a_lock_made_before_does_not_change_the_start_method() -> None:
    code = """
import multiprocessing
multiprocessing.Lock()
from factorpool.pool.strategies.processes.starting import context
print(context(None).get_start_method(), context("fork").get_start_method())
"""
    assert run_python(code).stdout.split() == ["forkserver", "fork"]


def test_start_methods(start_method: str) -> None:
    fs = fp.factor_many(range(1, 2000), strategy="processes", max_workers=2, mp_context=start_method)
    assert fs == fp.factor_many(range(1, 2000), strategy="serial")


def test_a_worker_goes_on_while_the_caller_takes_its_time() -> None:
    """Also where all workers had finished before the caller got the first result."""
    begun = threading.Semaphore(0)
    results = fp.pmap(lambda _: begun.release(), range(9), strategy="threads", max_workers=1, chunksize=1)
    next(results)
    assert all(begun.acquire(timeout=30) for _ in range(2))


def test_bad_arguments() -> None:
    with pytest.raises(fp.OptionError, match="fn must be a function"):
        fp.pmap(7, [1])  # type: ignore[arg-type]
    with pytest.raises(fp.OptionError, match="buffersize"):
        fp.pmap(functions.square, [1], buffersize=0)
    with pytest.raises(TypeError):
        fp.pmap(functions.square, 7)  # type: ignore[arg-type]


@pytest.mark.parametrize("ordered", [True, False])
def test_an_iterator_may_wait_for_results(strategy: str, ordered: bool) -> None:
    """A queue that is fed by what comes back: each number that is not too large brings two more."""
    if strategy == "serial":
        pytest.skip("it draws and works in turn")
    waiting: SimpleQueue[int | None] = SimpleQueue()
    waiting.put(1)
    left, came = 1, []
    with ends_within(60):
        results = fp.pmap(functions.square, iter(waiting.get, None), strategy=strategy, max_workers=8, ordered=ordered)
        for result in results:
            came.append(result)
            if len(came) <= 20:
                waiting.put(2 * len(came))
                waiting.put(2 * len(came) + 1)
                left += 2
            left -= 1
            if not left:
                waiting.put(None)
    assert sorted(came) == [n * n for n in range(1, 42)]


def test_an_iterator_that_is_slow_holds_up_no_results() -> None:
    asked = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        asked.wait(30)  # until the first result has come
        yield 2

    with ends_within(60):
        results = fp.pmap(functions.square, items(), strategy="threads", max_workers=8)
        assert next(results) == 1
        asked.set()
        assert list(results) == [4]


def test_closing_from_another_thread_ends_a_wait(strategy: str) -> None:
    if strategy in ("serial", "interpreters"):
        pytest.skip("nothing can end an item there")
    results = fp.pmap(functions.forever_after_0, range(9), strategy=strategy, max_workers=2, chunksize=1)
    assert next(results) == 0
    closer = threading.Timer(0.3, results.close)
    closer.start()
    with ends_within(30):
        assert list(results) == []
    closer.join()


def test_several_iterables(strategy: str) -> None:
    options: Any = {"strategy": strategy, "max_workers": 2}
    assert list(fp.pmap(pow, [2, 3, 4], (1, 2, 3, 4), **options)) == [2, 9, 64]
    assert list(fp.pmap(pow, itertools.count(), [2] * 5, **options)) == [0, 1, 4, 9, 16]
    assert len(fp.pmap(pow, [2, 3, 4], (1, 2, 3, 4))) == 3
    with pytest.raises(fp.OptionError, match="at least one iterable"):
        fp.pmap(pow)
    outcome = next(fp.pmap(divmod, [1], [0], on_error="collect", **options))
    assert outcome.error.__notes__ == ["factorpool: raised for item 0, (1, 0)"]  # type: ignore[union-attr]


def test_async_for(strategy: str) -> None:
    async def collect() -> list[int]:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0.001)

        ticking = asyncio.create_task(tick())
        results = [n async for n in fp.pmap(functions.nap_and_square, range(20), strategy=strategy, max_workers=2)]
        ticking.cancel()
        assert ticks > 5
        return results

    assert asyncio.run(collect()) == [n * n for n in range(20)]


def test_results_say_how_many_they_are() -> None:
    results = fp.pmap(functions.square, [1, 2, 3], strategy="threads")
    assert (len(results), repr(results)) == (3, "<Results of 3 items, not begun>")
    assert list(results) == [1, 4, 9]
    assert repr(results) == "<Results of 3 items, strategy threads>"
    endless = fp.pmap(functions.square, itertools.count())
    assert repr(endless) == "<Results of items of unknown number, not begun>"
    with pytest.raises(TypeError, match="is not known before"):
        len(endless)


def test_a_list_of_its_own_kind_is_iterated() -> None:
    class Doubled(list[int]):
        def __iter__(self) -> Iterator[int]:
            return (2 * n for n in super().__iter__())

    assert list(fp.pmap(functions.square, Doubled([1, 2, 3]), strategy="threads")) == [4, 16, 36]
    assert list(fp.factor_many(Doubled([3, 5]))) == [{2: 1, 3: 1}, {2: 1, 5: 1}]


def test_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(fp.pmap(functions.square, range(4), strategy="serial", progress=True)) == [0, 1, 4, 9]
    assert "4 items" in capsys.readouterr().err
    with pytest.raises(fp.OptionError, match="progress must be a function, True for a bar, or None, not 'yes'"):
        fp.pmap(functions.square, [1], progress="yes")  # type: ignore[call-overload]


def test_progress() -> None:
    seen: list[tuple[int, int | None]] = []
    list(fp.pmap(functions.square, range(4), strategy="serial", chunksize=2, progress=lambda *at: seen.append(at)))
    assert seen == [(2, 4), (4, 4)]
