"""What goes wrong, really: workers that are killed in every phase, things that do not pickle, items that hang."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import functions
import pytest
from conftest import REPOSITORY, ends_within, gone, run_python

import factorpool as fp
from factorpool.pool.gil import gil_enabled
from factorpool.pool.protocol import Chunk, Died, Event, TaskRef
from factorpool.pool.strategies import find
from factorpool.pool.strategies.processes import workers
from factorpool.pool.task import MapTask

pytestmark = pytest.mark.usefixtures("workers_left")

EXITS = {"kill": -signal.SIGKILL, "segfault": -signal.SIGSEGV, "exit": 3}


@pytest.fixture
def notes(tmp_path: Path) -> Callable[[], Counter[int]]:
    """How often each item was noted in the file `notes`."""

    def read() -> Counter[int]:
        file = tmp_path / "notes"
        return Counter(map(int, file.read_text().split())) if file.exists() else Counter()

    return read


@pytest.fixture(params=["processes", "interpreters"])
def remote(request: pytest.FixtureRequest) -> str:
    """Strategies of which the workers share no memory with the caller."""
    if reason := find(request.param).why_unavailable():
        pytest.skip(reason)
    return str(request.param)


def collected(fn: Callable[[Any], Any], items: Any, **options: Any) -> list[fp.Outcome]:
    options = {"strategy": "processes", "max_workers": 2, "on_error": "collect", **options}
    return list(fp.pmap(fn, items, **options))


@pytest.mark.parametrize("how", list(EXITS))
def test_only_the_item_that_kills_is_lost(
    start_method: str, how: str, tmp_path: Path, notes: Callable[[], Counter[int]]
) -> None:
    fn = partial(functions.noted_and_killed_at_7, str(tmp_path / "notes"), how)
    outcomes = collected(fn, range(12), chunksize=6, mp_context=start_method)
    assert [o.value for o in outcomes] == [*range(7), None, *range(8, 12)]
    died = outcomes[7].error
    assert isinstance(died, fp.WorkerDiedError)
    assert (died.start, died.stop, died.exitcode) == (7, 8, EXITS[how])
    # In the chunk that was killed, and killed again, it was 7 that ran; alone it had its last try.
    assert notes() == {n: 3 if n == 7 else 1 for n in range(12)}


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_an_item_alone_has_its_retries(tmp_path: Path, retries: int, notes: Callable[[], Counter[int]]) -> None:
    fn = partial(functions.noted_and_killed_at_7, str(tmp_path / "notes"), "kill")
    outcomes = collected(fn, [7, 8], chunksize=1, retries=retries)
    assert isinstance(outcomes[0].error, fp.WorkerDiedError)
    assert outcomes[1].value == 8
    assert notes() == {7: retries + 1, 8: 1}


@pytest.mark.parametrize("on_error", ["raise", "collect"])
@pytest.mark.parametrize("chunksize", [1, 4, None])
def test_an_item_that_kills_once_is_not_lost(
    start_method: str, on_error: str, chunksize: int | None, tmp_path: Path
) -> None:
    fn = partial(functions.killed_once, str(tmp_path / "once"))
    results = fp.pmap(
        fn, range(20), strategy="processes", max_workers=2, chunksize=chunksize, on_error=on_error,
        mp_context=start_method,
    )  # fmt: skip
    assert [getattr(r, "value", r) for r in results] == list(range(20))


def test_many_items_that_kill() -> None:
    outcomes = collected(functions.killed_at_sevens, range(60), chunksize=30)
    assert [o.value for o in outcomes] == [n if n % 7 else None for n in range(60)]
    assert [o.error.start for o in outcomes if isinstance(o.error, fp.WorkerDiedError)] == list(range(0, 60, 7))


def test_unordered_and_buffered_runs_lose_nothing_either() -> None:
    outcomes = collected(functions.killed_at_sevens, iter(range(40)), ordered=False, buffersize=10)
    assert sorted(o.index for o in outcomes) == list(range(40))
    assert {o.index for o in outcomes if o.error is None} == {n for n in range(40) if n % 7}


def test_other_workers_are_left_alone(tmp_path: Path, notes: Callable[[], Counter[int]]) -> None:
    fn = partial(functions.noted_and_killed_at_7, str(tmp_path / "notes"), "kill")
    outcomes = collected(fn, [7, *range(20, 40)], chunksize=1)
    assert sum(o.error is None for o in outcomes) == 20
    assert all(count == 1 for n, count in notes().items() if n != 7)


def test_a_worker_killed_before_it_reads_its_chunk_is_no_try(start_method: str) -> None:
    results = fp.pmap(
        functions.worker_pid, iter(range(6)), strategy="processes", max_workers=1, chunksize=1, retries=0,
        mp_context=start_method,
    )  # fmt: skip
    first = next(results)
    os.kill(first, signal.SIGSTOP)  # it is idle, seems alive, and will read nothing more
    killer = threading.Timer(0.3, os.kill, (first, signal.SIGKILL))
    killer.start()
    rest = list(results)
    killer.join()
    assert len(rest) == 5
    assert first not in rest


@pytest.mark.parametrize("how", ["kill", "segfault"])
def test_workers_killed_while_they_start_are_replaced(start_method: str, how: str, tmp_path: Path) -> None:
    results = fp.pmap(
        functions.square, range(20), strategy="processes", max_workers=2, mp_context=start_method,
        initializer=functions.kill_first_starts, initargs=(str(tmp_path / "starts"), how, 2),
    )  # fmt: skip
    assert list(results) == [n * n for n in range(20)]


@pytest.mark.parametrize(("how", "times"), [("kill", 1000), ("exit", 1000)])
def test_workers_that_never_start_end_the_run(start_method: str, how: str, times: int, tmp_path: Path) -> None:
    options: dict[str, Any] = {
        "initializer": functions.kill_first_starts, "initargs": (str(tmp_path / "starts"), how, times),
    }  # fmt: skip
    with pytest.raises(fp.WorkerDiedError, match="it had not started yet") as caught:
        collected(functions.square, range(20), mp_context=start_method, **options)
    assert caught.value.exitcode == EXITS[how]
    assert not caught.value.ready


def test_killed_while_receiving(start_method: str) -> None:
    outcomes = collected(functions.kind, [1, "a", functions.Fatal(), 2.0], chunksize=4, mp_context=start_method)
    assert [o.value for o in outcomes] == ["int", "str", None, "float"]
    assert isinstance(outcomes[2].error, fp.WorkerDiedError)


def test_killed_while_answering(start_method: str) -> None:
    outcomes = collected(functions.answer_kills_at_7, range(12), chunksize=12, mp_context=start_method)
    assert [o.value for o in outcomes] == [*range(7), None, *range(8, 12)]
    assert isinstance(outcomes[7].error, fp.WorkerDiedError)


def test_killed_with_a_full_pipe(start_method: str, tmp_path: Path) -> None:
    fn = partial(functions.large_result, str(tmp_path / "pids"))
    results = fp.pmap(fn, range(4), strategy="processes", max_workers=2, chunksize=1, mp_context=start_method)
    assert len(next(results)) == 20_000_000
    deadline = time.monotonic() + 30
    while len(pids := (tmp_path / "pids").read_text().split()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.1)  # nobody reads what they answer: the pipes are full
    for pid in {int(pid) for pid in pids}:
        os.kill(pid, signal.SIGKILL)
    assert [len(result) for result in results] == [20_000_000] * 3


def test_items_that_do_not_unpickle(remote: str) -> None:
    items = [1, functions.Unloadable(), 2.0, "a"]
    outcomes = collected(functions.kind, items, strategy=remote, chunksize=4)
    assert [o.value for o in outcomes] == ["int", None, "float", "str"]
    assert isinstance(outcomes[1].error, fp.NotPicklableError)
    assert "cannot be unpickled in the worker" in str(outcomes[1].error)


def test_items_that_do_not_pickle(remote: str) -> None:
    outcomes = collected(functions.kind, [1, functions.unsendable(), 2.0, "a"], strategy=remote, chunksize=4)
    assert [o.value for o in outcomes] == ["int", None, "float", "str"]
    assert "item 1, <generator" in str(outcomes[1].error)


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("buffersize", [None, 1, 3])
def test_items_of_which_few_pickle(remote: str, ordered: bool, buffersize: int | None) -> None:
    items = [functions.unsendable() if n % 4 else n for n in range(12)]
    for count in (0, 1, 2, 12):
        outcomes = collected(
            functions.kind, items[-count:] if count else [], strategy=remote, ordered=ordered, buffersize=buffersize
        )
        assert sorted(o.index for o in outcomes) == list(range(count))
        assert sum(o.error is None for o in outcomes) == len([n for n in range(12 - count, 12) if n % 4 == 0])


@pytest.mark.parametrize("chunksize", [1, 3, 12])
def test_what_is_before_an_item_that_does_not_pickle_is_given(remote: str, chunksize: int) -> None:
    items = [0, 1, 2, 3, functions.unsendable(), 5, 6, 7, 8, 9, 10, 11]
    got = []
    with pytest.raises(fp.NotPicklableError, match="item 4"):
        got.extend(fp.pmap(functions.kind, items, strategy=remote, max_workers=2, chunksize=chunksize))
    assert got == ["int"] * 4


def test_results_that_do_not_pickle(remote: str) -> None:
    outcomes = collected(functions.unpicklable_at_7, range(12), strategy=remote, chunksize=12)
    assert [o.value for o in outcomes] == [*range(7), None, *range(8, 12)]
    assert "the result cannot be pickled" in str(outcomes[7].error)


def test_results_that_do_not_unpickle(remote: str) -> None:
    outcomes = collected(functions.unloadable_at_7, range(12), strategy=remote, chunksize=12)
    assert [o.value for o in outcomes] == [*range(7), None, *range(8, 12)]
    assert "a result cannot be unpickled here" in str(outcomes[7].error)


def test_timeout_kills_and_goes_on(start_method: str) -> None:
    outcomes = collected(functions.hang_at_7, range(12), chunksize=6, timeout=0.5, mp_context=start_method)
    assert [o.value for o in outcomes] == [*range(7), None, *range(8, 12)]
    assert isinstance(outcomes[7].error, fp.ItemTimeoutError)
    assert isinstance(outcomes[7].error, TimeoutError)
    assert "item 7 took longer than timeout=0.5 s" in str(outcomes[7].error)


def test_timeout_raises() -> None:
    results = fp.pmap(functions.hang_at_7, range(12), max_workers=2, chunksize=1, timeout=0.5)
    got = []
    with pytest.raises(fp.ItemTimeoutError):
        got.extend(results)
    assert got == list(range(7))
    assert results.strategy == "processes"


def test_a_worker_may_take_longer_to_start_than_an_item(start_method: str) -> None:
    outcomes = collected(
        functions.square, range(4), timeout=0.5, initializer=functions.nap, initargs=(1.0,), mp_context=start_method
    )
    assert [o.value for o in outcomes] == [0, 1, 4, 9]


def test_an_initializer_that_hangs_is_an_error_where_items_have_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "START_SECONDS", 1.5)
    with ends_within(30), pytest.raises(fp.FactorpoolError, match=r"did not start within 1\.5 s"):
        collected(functions.square, range(4), timeout=0.5, initializer=functions.nap, initargs=(600,))


def test_as_many_workers_as_there_are_descriptors_for() -> None:
    code = f"""
import resource, sys
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
import factorpool as fp, functions
resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
pids = set(fp.pmap(functions.worker_pid, range(60), strategy="processes", max_workers=60, chunksize=1))
print(1 < len(pids) < 60)
resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))
files = [open("/dev/null") for _ in range(12 - len(__import__("os").listdir("/proc/self/fd")) + 1)]
try:
    fp.factor_many([2**200 + 1], strategy="processes")
except fp.StartError as error:
    print(error)
except OSError as error:
    print("OSError", error)
"""
    ran = run_python(code, FACTORPOOL_KEEP_SECONDS="0")
    assert ran.stdout.splitlines()[0] == "True", ran.stderr
    assert "worker process 1 cannot be started: [Errno 24] Too many open files" in ran.stdout
    assert "RuntimeWarning: factorpool goes on with" in ran.stderr


def test_forked_workers_may_be_started_from_many_threads_at_once() -> None:
    code = f"""
import sys, threading
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
import factorpool as fp, functions
failed = []
def run():
    try:
        for _ in range(5):
            results = fp.pmap(functions.square, range(4), strategy="processes", mp_context="fork", max_workers=2)
            assert list(results) == [0, 1, 4, 9]
    except BaseException as error:
        failed.append(error)
threads = [threading.Thread(target=run) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
print(failed)
"""
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_in_a_forked_worker_of_another_library(tmp_path: Path) -> None:
    """Whose parent has used processes, and so has a fork server that is no child of the worker."""
    code = f"""
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
import factorpool as fp, functions
def use(strategy):
    results = fp.pmap(functions.square, range(4), strategy=strategy)
    return list(results), results.strategy, fp.factor_many([2**200 + 1] * 2).strategy
list(fp.pmap(functions.square, [1], strategy="processes"))
with ProcessPoolExecutor(1, get_context("fork")) as executor:
    print(executor.submit(use, "auto").result())
    print(executor.submit(use, "processes").result())
with get_context("fork").Pool(1) as pool:
    print(pool.apply(use, ("auto",)))
"""
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=120)
    squares = [0, 1, 4, 9]
    expected = [(squares, "serial", "serial"), (squares, "processes", "serial"), (squares, "serial", "serial")]
    assert (ran.stdout, ran.stderr) == ("".join(f"{line}\n" for line in expected), "")


def test_a_fork_with_an_open_run_ends_politely() -> None:
    code = f"""
import os, sys
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
import factorpool as fp, functions
results = fp.pmap(functions.square, range(100), strategy="processes", max_workers=2, chunksize=1)
next(results)
if os.fork() == 0:
    sys.exit()
os.wait()
print(sum(results))
"""
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == (f"{sum(n * n for n in range(1, 100))}\n", "")


@pytest.mark.parametrize("wrong", [0, -1, True, "1", float("nan")])
def test_bad_timeouts(wrong: Any) -> None:
    with pytest.raises(fp.OptionError, match="timeout must be a positive number of seconds"):
        fp.pmap(functions.square, [1], timeout=wrong)


def test_what_cannot_be_stopped_says_so(strategy: str) -> None:
    if strategy == "processes":
        pytest.skip("it can")
    with pytest.raises(
        fp.OptionError, match=f"strategy '{strategy}' cannot keep to a timeout.*use strategy='processes'"
    ):
        fp.pmap(functions.square, [1], timeout=1, strategy=strategy)


def test_an_error_does_not_wait_for_slow_items_before_it(strategy: str) -> None:
    if strategy in ("serial", "interpreters"):
        pytest.skip("one runs items one after the other, the other cannot give one up")
    with pytest.raises(LookupError, match="1"):
        list(fp.pmap(functions.hang_first_fail_second, range(9), strategy=strategy, max_workers=2, chunksize=1))


def test_an_error_gives_what_is_before_it_in_its_chunk(strategy: str) -> None:
    got = []
    with pytest.raises(LookupError) as caught:
        got.extend(fp.pmap(functions.fail_at_7, range(20), strategy=strategy, max_workers=1, chunksize=20))
    assert got == list(range(7))
    assert "factorpool: raised for item 7, 7" in caught.value.__notes__


def test_a_function_that_raises_stop_iteration_ends_nothing_quietly(strategy: str) -> None:
    outcomes = collected(functions.stop_iteration_at_7, range(40), strategy=strategy)
    assert [o.value for o in outcomes] == [*range(7), None, *range(8, 40)]
    assert "the function raised StopIteration" in str(outcomes[7].error)


def test_a_function_that_exits_does_not_end_its_worker(strategy: str) -> None:
    outcomes = collected(functions.exit_politely_at_7, range(12), strategy=strategy)
    assert [o.value for o in outcomes] == [*range(7), None, *range(8, 12)]
    assert isinstance(outcomes[7].error, SystemExit)
    with pytest.raises(SystemExit, match="enough"):
        list(fp.pmap(functions.exit_politely_at_7, range(12), strategy=strategy))


def test_a_slow_first_item_lets_no_more_pile_up_than_the_buffer(strategy: str) -> None:
    drawn = 0

    def items() -> Iterator[int]:
        nonlocal drawn
        while drawn < 1000:
            drawn += 1
            yield drawn - 1

    results = fp.pmap(functions.slow_first, items(), strategy=strategy, max_workers=2, buffersize=30)
    assert next(results) == 0
    assert drawn <= 60
    assert list(results) == list(range(1, 1000))


def test_a_dropped_iterator_leaves_no_worker(start_method: str) -> None:
    results = fp.pmap(functions.worker_pid, range(1000), strategy="processes", max_workers=2, mp_context=start_method)
    pid = next(results)
    del results
    assert gone({pid})


def test_a_function_that_raises_worker_died_has_not_died(strategy: str) -> None:
    outcomes = collected(functions.raise_worker_died, range(6), strategy=strategy, chunksize=3)
    assert [o.value for o in outcomes] == [0, 1, 2, None, 4, 5]
    assert isinstance(outcomes[3].error, fp.WorkerDiedError)


def test_each_item_of_a_chunk_has_its_own_retries(tmp_path: Path) -> None:
    fn = partial(functions.killed_once, str(tmp_path / "once"))
    results = fp.pmap(fn, [0, 5, 10, 15], strategy="processes", max_workers=1, chunksize=4)
    assert list(results) == [0, 5, 10, 15]


def test_a_timeout_where_there_can_be_no_processes_says_so() -> None:
    with multiprocessing.get_context("fork").Pool(1) as daemons:
        assert "strategy 'processes' cannot run here" in daemons.apply(functions.with_timeout, (3,))


def test_a_timeout_may_be_for_ever() -> None:
    assert list(fp.pmap(functions.square, range(5), timeout=1e9, max_workers=2)) == [0, 1, 4, 9, 16]


def test_an_item_that_needs_too_much_memory_costs_itself() -> None:
    outcomes = collected(
        functions.allocate, [1, 2, 3000, 4], strategy=fp.Processes(memory_limit="1.5G"), max_workers=1, chunksize=4
    )
    assert [o.value for o in outcomes] == [1, 2, None, 4]
    assert isinstance(outcomes[2].error, MemoryError)
    for wrong in ("2X", "", -1, True, 0, "0G"):
        with pytest.raises(fp.OptionError, match="memory_limit must be"):
            fp.Processes(memory_limit=wrong)
    assert fp.Processes(memory_limit="1.5G").memory_bytes() == 3 * 2**29
    assert fp.Processes(memory_limit="512 MiB").memory_bytes() == 2**29


def test_workers_end_after_so_many_items() -> None:
    strategy = fp.Processes(max_tasks_per_child=3)
    pids = Counter(fp.pmap(functions.worker_pid, range(9), strategy=strategy, max_workers=1, chunksize=1))
    assert sorted(pids.values()) == [3, 3, 3]
    with pytest.raises(fp.OptionError, match="max_tasks_per_child must be a positive integer"):
        fp.Processes(max_tasks_per_child=0)


def test_a_deleted_directory_is_named_and_auto_does_without(tmp_path: Path) -> None:
    gone_folder = tmp_path / "gone"
    gone_folder.mkdir()
    # A file, not `-c`: with "" on its path CPython itself stumbles over imports from there.
    (tmp_path / "script.py").write_text(f"""
import os, sys
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
import factorpool as fp, functions
os.chdir({str(gone_folder)!r})
os.rmdir({str(gone_folder)!r})
try:
    list(fp.pmap(functions.square, range(4), strategy="processes"))
except fp.StartError as error:
    print(error)
results = fp.pmap(functions.spin_for, [(0.01, n) for n in range(200)], max_workers=2)
print(len(list(results)), results.strategy)
""")
    command = [sys.executable, "-W", "ignore", tmp_path / "script.py"]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    message = "worker process 1 cannot be started: [Errno 2] the current directory does not exist any more"
    assert ran.stdout == f"{message}\n200 {'serial' if gil_enabled() else 'threads'}\n", ran.stderr


def test_a_worker_that_dies_before_its_chunk_is_sent_blames_no_item() -> None:
    """It has started, and says so; a large chunk is kept back until then, and it is killed in between."""
    made = find("processes").open(TaskRef(MapTask(functions.kind, True)), 1, None)
    made.submit(Chunk(0, [bytes(1_000_000)]))
    (process,) = [p for p in multiprocessing.active_children() if p.name == "factorpool"]
    (connection,) = [key for key in made._busy if isinstance(key, Connection)]  # type: ignore[attr-defined]
    assert connection.poll(30)  # nobody reads that it is ready
    assert process.pid
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    events: list[Event] = []
    while not events:
        events = made.wait(30)
    assert events == [Died(0, -signal.SIGKILL, begun=False)]
    made.close(graceful=True)
