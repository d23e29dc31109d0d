"""`fp.Pool`: workers that stay, for calls from everywhere, whatever becomes of them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import functions
import pytest
from conftest import REPOSITORY, descendants, ends_within, gone, run_python

import factorpool as fp
from factorpool.pool.gil import gil_enabled

pytestmark = pytest.mark.usefixtures("workers_left")


@pytest.fixture
def pool(strategy: str) -> Iterator[fp.Pool]:
    with ends_within(60), fp.Pool(strategy, 2) as made:
        yield made


def test_submit_and_map(pool: fp.Pool) -> None:
    assert isinstance(pool, concurrent.futures.Executor)
    assert pool.submit(pow, 2, exp=10).result() == 1024
    assert list(pool.map(pow, range(5), range(5))) == [1, 1, 4, 27, 256]
    with pytest.raises(LookupError, match="seven") as caught:
        pool.submit(functions.fail_at_7, 7).result()
    assert not [
        n for n in getattr(caught.value, "__notes__", []) if "factorpool" in n
    ]  # its items are nobody's business


def test_workers_stay_from_call_to_call() -> None:
    with fp.Pool("processes", 2) as pool:
        pids = {pool.submit(functions.worker_pid, 0).result() for _ in range(3)}
        for _ in range(3):
            pids |= set(fp.pmap(functions.worker_pid, range(4), pool=pool, chunksize=1))
            assert fp.factor_many([15, 21] * 3000, pool=pool).strategy == "processes"
        assert len(pids) <= 4
        assert all(os.path.exists(f"/proc/{pid}") for pid in pids)
    assert gone(pids)


def test_the_strategy_is_the_pools(pool: fp.Pool, strategy: str) -> None:
    results = fp.pmap(functions.square, range(5), pool=pool)
    assert list(results) == [0, 1, 4, 9, 16]
    assert results.strategy == strategy
    for options in ({"strategy": "serial"}, {"max_workers": 1}):
        with pytest.raises(fp.OptionError, match="are the pool's"):
            fp.pmap(functions.square, [1], pool=pool, **options)  # type: ignore[arg-type]


def test_auto_measures_pmap_and_takes_processes_for_submit() -> None:
    with fp.Pool(max_workers=2) as pool:
        results = fp.pmap(functions.square, range(5), pool=pool)
        assert list(results) == [0, 1, 4, 9, 16]
        assert results.strategy == "serial"
        assert (pool.submit(os.getpid).result() != os.getpid()) == gil_enabled()


@pytest.mark.parametrize("how", ["kill", "exit"])
def test_a_death_costs_the_call_that_kills(how: str) -> None:
    with ends_within(60), fp.Pool("processes", 2) as pool:
        futures = [
            pool.submit(functions.killed_at_sevens if how == "kill" else functions.exit_at_7, n) for n in range(1, 30)
        ]
        for n, future in enumerate(futures, 1):
            if n == 7 or (how == "kill" and n % 7 == 0):
                with pytest.raises(fp.WorkerDiedError):
                    future.result()
            else:
                assert future.result() == n
        assert pool.submit(functions.square, 5).result() == 25


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ((functions.kind, functions.Fatal()), "was killed by SIGKILL"),
        ((functions.answer_kills_at_7, 7), "was killed by SIGKILL"),
        ((functions.kind, functions.unsendable()), "cannot be pickled to reach a worker"),
        ((functions.kind, functions.Unloadable()), "cannot be unpickled in the worker"),
        ((functions.unpicklable_at_7, 7), "the result cannot be pickled"),
        ((functions.unloadable_at_7, 7), "a result cannot be unpickled here"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_travel_costs_itself(call: tuple[object, ...], message: str) -> None:
    with ends_within(60), fp.Pool("processes", 1) as pool:
        before, bad, after = pool.submit(pow, 2, 2), pool.submit(*call), pool.submit(pow, 2, 3)  # type: ignore[arg-type]
        with pytest.raises((fp.WorkerDiedError, fp.NotPicklableError), match=message):
            bad.result()
        assert (before.result(), after.result()) == (4, 8)


def test_an_initializer_prepares_each_worker_once(strategy: str, tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    with ends_within(60), fp.Pool(strategy, 2, initializer=functions.note, initargs=(str(notes), 1)) as pool:
        assert [pool.submit(functions.square, n).result() for n in range(4)] == [0, 1, 4, 9]
        for _ in range(3):
            assert list(fp.pmap(functions.square, range(4), pool=pool)) == [0, 1, 4, 9]
    # Each call has one worker at least: a thread that waits for the next `submit` is not taken from it at once.
    assert 1 <= len(notes.read_text().split()) <= (4 if strategy == "serial" else 3)


def test_an_initializer_that_fails_breaks_the_pool(strategy: str) -> None:
    with ends_within(60), fp.Pool(strategy, 2, initializer=functions.bad_start) as pool:
        future = pool.submit(functions.square, 1)
        with pytest.raises(fp.BrokenPoolError, match="RuntimeError: this worker cannot start") as caught:
            future.result()
        assert isinstance(caught.value, concurrent.futures.BrokenExecutor)
        assert isinstance(caught.value.__cause__, RuntimeError)
        with pytest.raises(fp.BrokenPoolError, match="this worker cannot start"):
            pool.submit(functions.square, 1)


def test_calls_from_many_threads_share_the_workers() -> None:
    with ends_within(60), fp.Pool("processes", 2) as pool:
        results: dict[int, list[int]] = {}

        def run(number: int) -> None:
            results[number] = list(fp.pmap(functions.square, range(number, number + 200), pool=pool))
            results[number].append(pool.submit(functions.square, number).result())

        threads = [threading.Thread(target=run, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert results == {n: [*(k * k for k in range(n, n + 200)), n * n] for n in range(6)}


def test_a_call_within_the_results_of_another_does_not_wait_for_ever(pool: fp.Pool) -> None:
    outer = fp.pmap(functions.square, range(20), pool=pool, chunksize=1)
    assert [list(fp.pmap(functions.square, [n], pool=pool)) for n in outer] == [[n**4] for n in range(20)]


def test_asyncio(pool: fp.Pool) -> None:
    async def both() -> list[int]:
        loop = asyncio.get_running_loop()
        first = loop.run_in_executor(pool, functions.square, 3)
        return await asyncio.gather(first, asyncio.wrap_future(pool.submit(functions.square, 4)))

    assert asyncio.run(both()) == [9, 16]


def test_a_quick_call_does_not_wait_for_a_slow_one() -> None:
    with ends_within(60), fp.Pool("processes", 2) as pool:
        slow = pool.submit(time.sleep, 2)
        assert [pool.submit(functions.square, n).result() for n in range(300)] == [n * n for n in range(300)]
        assert not slow.done()


def test_after_shutdown(pool: fp.Pool) -> None:
    futures = [pool.submit(functions.square, n) for n in range(10)]
    pool.shutdown()
    assert [future.result() for future in futures] == [n * n for n in range(10)]
    with pytest.raises(RuntimeError, match="cannot schedule new futures after shutdown"):
        pool.submit(functions.square, 1)
    with pytest.raises(fp.OptionError, match="has been shut down"):
        fp.pmap(functions.square, [1], pool=pool)


@pytest.mark.parametrize("ending", ["", "pool.shutdown(wait=False)", "del pool"])
def test_a_program_that_ends_does_what_was_submitted_first(strategy: str, ending: str) -> None:
    code = f"""
import sys, time
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
import factorpool as fp, functions
pool = fp.Pool({strategy!r}, 2)
pool.submit(functions.note, "/dev/stdout", 5)
{ending}
"""
    ran = run_python(code)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "5\n", "")


def test_submitting_while_the_program_ends() -> None:
    code = """
import atexit, factorpool as fp
@atexit.register
def late():
    try:
        pool.submit(id, None)
    except RuntimeError as error:
        print(error)
pool = fp.Pool("processes", 2)
pool.submit(id, 42).result()
"""
    ran = run_python(code)
    assert (ran.stdout, ran.stderr) == ("cannot schedule new futures after shutdown\n", "")


def test_memory_descriptors_and_threads_stay_flat_over_a_thousand_calls(strategy: str) -> None:
    def counts() -> tuple[int, int, int]:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return len(os.listdir("/proc/self/fd")), threading.active_count(), pages * os.sysconf("SC_PAGESIZE")

    with ends_within(120), fp.Pool(strategy, 2) as pool:

        def use(count: int) -> None:
            for n in range(count):
                if n % 3:
                    assert list(fp.pmap(functions.square, range(n % 7), pool=pool)) == [k * k for k in range(n % 7)]
                else:
                    assert pool.submit(functions.square, n).result() == n * n

        use(100)
        descriptors, threads, memory = counts()
        use(1000)
        after = counts()
    assert after[0] <= descriptors + 1
    assert after[1] <= threads
    assert after[2] - memory < 4_000_000


def test_bad_options() -> None:
    for wrong in (0, -1, True, 1.5):
        with pytest.raises(fp.OptionError, match="max_workers must be greater than 0"):
            fp.Pool(max_workers=wrong)  # type: ignore[arg-type]
    with pytest.raises(fp.OptionError, match="there is no strategy 'nope'"):
        fp.Pool("nope")
    with pytest.raises(fp.OptionError, match="is no strategy"):
        fp.Pool(fp.Threads)  # type: ignore[arg-type]
    with pytest.raises(fp.OptionError, match="inner_threads"):
        fp.Processes(inner_threads=0)


# Workers that calls share without a pool.


def shared_pids(count: int = 4) -> set[int]:
    return set(fp.pmap(functions.worker_pid, range(count), strategy="processes", max_workers=2, chunksize=1))


def test_a_second_call_finds_the_workers_of_the_first() -> None:
    first = shared_pids()
    assert shared_pids() == first
    assert set(fp.pmap(functions.worker_pid, [0], strategy=fp.Processes(inner_threads=2))).isdisjoint(first)


def test_an_initializer_leaves_no_trace_in_a_later_call() -> None:
    options = {"strategy": "processes", "max_workers": 1}
    shared_pids()
    assert list(fp.pmap(functions.started_value, [0], initializer=functions.start, initargs=(5,), **options)) == [5]  # type: ignore[arg-type]
    assert list(fp.pmap(functions.started_value, [0], **options)) == [0]  # type: ignore[arg-type]


def test_keeping_can_be_turned_off_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTORPOOL_KEEP_SECONDS", "0")
    assert gone(shared_pids())
    monkeypatch.setenv("FACTORPOOL_KEEP_SECONDS", "0.5")
    first = shared_pids()
    assert shared_pids() == first
    assert gone(first)
    assert shared_pids().isdisjoint(first)
    monkeypatch.setenv("FACTORPOOL_KEEP_SECONDS", "soon")
    with pytest.raises(fp.OptionError, match="FACTORPOOL_KEEP_SECONDS must be a number of seconds, not 'soon'"):
        shared_pids()


def test_an_edited_module_is_imported_anew(tmp_path: Path) -> None:
    code = f"""
import importlib, os, sys, time
sys.dont_write_bytecode = True
sys.path.insert(0, {str(tmp_path)!r})
import factorpool as fp
def write(text):
    open({str(tmp_path / "edited.py")!r}, "w").write(text)
write("def f(n): return 'old'")
import edited
def run():
    return list(fp.pmap(edited.f, [1], strategy="processes"))
print(run(), run())
time.sleep(0.1)
write("def f(n): return 'new!'")
importlib.reload(edited)
print(run())
"""
    assert run_python(code).stdout == "['old'] ['old']\n['new!']\n"


def test_a_fork_of_the_program_has_workers_of_its_own(tmp_path: Path) -> None:
    code = f"""
import os, sys
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
import factorpool as fp, functions
def pids():
    return set(fp.pmap(functions.worker_pid, range(4), strategy="processes", max_workers=2, chunksize=1))
ours = pids()
child = os.fork()
if child == 0:
    print(pids().isdisjoint(ours), flush=True)
    sys.exit()
os.waitpid(child, 0)
print(pids() == ours)
"""
    ran = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("True\nTrue\n", "")


def test_idle_workers_end_with_a_program_that_is_killed(tmp_path: Path) -> None:
    code = f"""
import sys, time
sys.path.insert(0, {str(REPOSITORY / "tests")!r})
import factorpool as fp, functions
list(fp.pmap(functions.worker_pid, range(4), strategy="processes", max_workers=2, chunksize=1))
print("idle", flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "idle\n"
        below = descendants(program.pid)
        assert below
        program.send_signal(signal.SIGKILL)
    assert gone(below)


def test_a_partial_of_a_pool_call_travels() -> None:
    with fp.Pool("processes", 1) as pool:
        assert pool.submit(partial(pow, 2), 5).result() == 32


def test_kill_workers_ends_what_runs() -> None:
    pool = fp.Pool("processes", 1)
    running = pool.submit(time.sleep, 3600)
    waiting = [pool.submit(pow, 2, n) for n in range(5)]
    while not running.running() or not descendants(os.getpid()):
        time.sleep(0.01)
    pool.kill_workers()
    with pytest.raises(concurrent.futures.BrokenExecutor, match="workers were killed"):
        running.result(timeout=0)
    assert all(future.cancelled() or future.exception(timeout=0) for future in waiting)
    assert not [p for p in multiprocessing.active_children() if p.name == "factorpool"]
    with pytest.raises(RuntimeError):
        pool.submit(pow, 2, 2)
    fp.Pool("threads").kill_workers()  # nothing has started
