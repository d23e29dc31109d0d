"""factorpool beside the pools that people use: what is kept when things go wrong, and what it costs when they do not.

    pip install joblib mpire pebble
    python benchmarks/pools.py            # all, or name some: faults overhead makespan

Every run is a process of its own, for some of them never end: after LIMIT seconds it is killed, and said to hang.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from common import save

import factorpool as fp
from factorpool.bench.predict import list_schedule

WORKERS = 2
LIMIT = 30
ITEMS = 20
ROUNDS = {"overhead": 5, "makespan": 3}
NO_OPS = 1_000_000
HEAVY = 100_000
FORKSERVER = multiprocessing.get_context("forkserver")


# What runs in the workers.


def no_op(item: Any) -> Any:
    """Gives back what it got."""
    return item


def raise_at_7(path: str, n: int) -> int:
    """One item raises."""
    if n == 7:
        raise LookupError("seven")
    return n


def die_once_at_7(path: str, n: int) -> int:
    """One worker is killed, as by the kernel for want of memory."""
    time.sleep(0.02)
    if n == 7 and not os.path.exists(f"{path}/died"):
        Path(f"{path}/died").touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def die_at_7(path: str, n: int) -> int:
    """One item kills whoever runs it."""
    time.sleep(0.02)
    if n == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def work_for_long(path: str, n: int) -> int:
    """Notes its process, and computes for ten minutes."""
    Path(f"{path}/{os.getpid()}").touch()
    spin(600)
    return n


def spin(seconds: float) -> None:
    """Uses a CPU for so long."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


# The contestants: each gives the results that it keeps, in whatever order; errors of single items are left out.

Contestant = Callable[[Callable[[Any], Any], Any], Iterator[Any]]


def ours(fn: Callable[[Any], Any], items: Any) -> Iterator[Any]:
    """This one."""
    for outcome in fp.pmap(fn, items, strategy="processes", max_workers=WORKERS, on_error="collect"):
        if outcome.error is None:
            yield outcome.value


def executor_map(chunksize: int, fn: Callable[[Any], Any], items: Any) -> Iterator[Any]:
    """concurrent.futures, all at once: it ends with the first error."""
    with concurrent.futures.ProcessPoolExecutor(WORKERS, mp_context=FORKSERVER) as executor:
        yield from executor.map(fn, items, chunksize=chunksize)


def executor_submit(fn: Callable[[Any], Any], items: Any) -> Iterator[Any]:
    """concurrent.futures, a future for each item."""
    with concurrent.futures.ProcessPoolExecutor(WORKERS, mp_context=FORKSERVER) as executor:
        for future in [executor.submit(fn, item) for item in items]:
            if future.exception() is None:
                yield future.result()


def pool(chunksize: int, fn: Callable[[Any], Any], items: Any) -> Iterator[Any]:
    """multiprocessing.Pool: its iterator goes on after an error."""
    with FORKSERVER.Pool(WORKERS) as workers:
        yield from without_errors(workers.imap(fn, items, chunksize))


def joblib_parallel(fn: Callable[[Any], Any], items: Any) -> Iterator[Any]:
    """joblib with its default backend, loky, and batch_size="auto"."""
    import joblib

    yield from joblib.Parallel(WORKERS, return_as="generator")(joblib.delayed(fn)(item) for item in items)


def mpire_pool(fn: Callable[[Any], Any], items: Any) -> Iterator[Any]:
    """mpire with its default chunks."""
    from mpire import WorkerPool

    with WorkerPool(WORKERS, start_method="forkserver") as workers:
        yield from workers.imap(fn, items, iterable_len=len(items))


def pebble_pool(chunksize: int, fn: Callable[[Any], Any], items: Any) -> Iterator[Any]:
    """pebble."""
    import pebble

    with pebble.ProcessPool(WORKERS, context=FORKSERVER) as workers:
        yield from without_errors(workers.map(fn, items, chunksize=chunksize).result())


def without_errors(results: Iterable[Any]) -> Iterator[Any]:
    """What an iterator gives that goes on after it has raised."""
    iterator = iter(results)
    while True:
        try:
            yield next(iterator)
        except StopIteration:
            return
        except Exception:  # that item's
            continue


CONTESTANTS: dict[str, Contestant] = {
    "factorpool": ours,
    "concurrent.futures map": partial(executor_map, 1),
    "concurrent.futures submit": executor_submit,
    "multiprocessing.Pool": partial(pool, 1),
    "joblib": joblib_parallel,
    "mpire": mpire_pool,
    "pebble": partial(pebble_pool, 1),
}

# For speed each gets the chunksize that suits it best; where it has none of its own, several were tried.
FAST: dict[str, dict[str, Contestant]] = {
    "factorpool": {"guided": lambda fn, items: fp.pmap(fn, items, strategy="processes", max_workers=WORKERS)},
    "concurrent.futures map": {str(n): partial(executor_map, n) for n in (100, 1_000, 10_000)},
    "multiprocessing.Pool": {str(n): partial(pool, n) for n in (100, 1_000, 10_000)},
    "joblib": {"auto": joblib_parallel},
    "mpire": {"default": mpire_pool},
    "pebble": {str(n): partial(pebble_pool, n) for n in (100, 1_000, 10_000)},
}


def versions() -> dict[str, str]:
    """Of all contestants."""
    python = sys.version.split()[0]
    found = {name: version(name) for name in ("factorpool", "joblib", "mpire", "pebble")}
    return {**found, "concurrent.futures": python, "multiprocessing": python}


# One run, in a process of its own.


def child(name: str, what: str, path: str) -> None:
    """Prints how many results were kept."""
    scenarios = {"raise": raise_at_7, "once": die_once_at_7, "always": die_at_7, "long": work_for_long}
    kept = set()
    try:
        for result in CONTESTANTS[name](partial(scenarios[what], path), list(range(ITEMS))):
            kept.add(result)
    except Exception as error:
        print(type(error).__name__, file=sys.stderr)
    print(len(kept), flush=True)


def started(name: str, what: str, path: str) -> subprocess.Popen[str]:
    """A child, in a process group of its own, as in a terminal."""
    command = [sys.executable, __file__, "child", name, what, path]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )


def kept(name: str, what: str) -> str:
    """How many results were kept, or that it hangs."""
    with tempfile.TemporaryDirectory() as path, started(name, what, path) as process:
        try:
            return process.communicate(timeout=LIMIT)[0].strip()
        except subprocess.TimeoutExpired:
            return "hangs"
        finally:
            kill_group(process)


def kill_group(process: subprocess.Popen[str]) -> None:
    """Ends whatever is left of a child."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def ended(name: str, how: signal.Signals) -> tuple[float | None, int]:
    """Seconds until a child with busy workers ends after a signal (None: not at all), and workers left 2 s after."""
    with tempfile.TemporaryDirectory() as path, started(name, "long", path) as process:
        try:
            deadline = time.monotonic() + LIMIT
            while len(os.listdir(path)) < WORKERS and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.5)
            began = time.perf_counter()
            if how == signal.SIGINT:
                os.killpg(process.pid, how)
            else:
                process.send_signal(how)
            try:
                process.wait(LIMIT)
                seconds: float | None = time.perf_counter() - began
            except subprocess.TimeoutExpired:
                seconds = None
            time.sleep(max(0.0, 2 - (time.perf_counter() - began)))
            return seconds, sum(alive(int(pid)) for pid in os.listdir(path))
        finally:
            kill_group(process)
            for pid in os.listdir(path):
                if alive(int(pid)):
                    os.kill(int(pid), signal.SIGKILL)


def alive(pid: int) -> bool:
    """Whether the process is there, and not only its entry."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# The three parts.


def faults() -> list[dict[str, Any]]:
    """What is kept, and what is left behind."""
    rows = []
    for name in CONTESTANTS:
        row: dict[str, Any] = {"contestant": name, "items": ITEMS}
        for what in ("raise", "once", "always"):
            row[what] = kept(name, what)
        interrupted = [ended(name, signal.SIGINT) for _ in range(3)]
        times = [seconds for seconds, _ in interrupted]
        row["ctrl_c_s"] = None if None in times else statistics.median(times)  # type: ignore[type-var]
        row["left_after_ctrl_c"] = max(left for _, left in interrupted)
        row["left_after_sigkill"] = ended(name, signal.SIGKILL)[1]
        row["left_after_sigterm"] = ended(name, signal.SIGTERM)[1]
        rows.append(row)
        print(row, flush=True)
    return rows


def timed(part: str, name: str, form: str) -> float:
    """Seconds of a run in a fresh process, without the start of Python."""
    ran = subprocess.run(
        [sys.executable, __file__, "timed", part, name, form], capture_output=True, text=True, check=False
    )
    if ran.returncode:
        print(name, form, ran.stderr[-300:], file=sys.stderr)
        return float("nan")
    return float(ran.stdout.splitlines()[-1])


def heavy_tail() -> list[float]:
    """Seconds of 100 000 items: Pareto's law with exponent 1.3, from 30 us; the heaviest take thousands of times as
    long as most."""
    rng = random.Random(2012)
    return [30e-6 * rng.paretovariate(1.3) for _ in range(HEAVY)]


def run_timed(part: str, name: str, form: str) -> None:
    """Prints the seconds."""
    fn, items = (no_op, list(range(NO_OPS))) if part == "overhead" else (spin, heavy_tail())
    began = time.perf_counter()
    count = sum(1 for _ in FAST[name][form](fn, items))
    seconds = time.perf_counter() - began
    assert count == len(items)
    print(seconds)


def race(part: str) -> list[dict[str, Any]]:
    """Every contestant's seconds, in turn; the best form of each counts."""
    seconds: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS[part]):
        for name, forms in FAST.items():
            for form in forms:
                seconds.setdefault((name, form), []).append(timed(part, name, form))
    rows = []
    for name in FAST:
        medians = {form: statistics.median(times) for (other, form), times in seconds.items() if other == name}
        form = min(medians, key=medians.__getitem__)
        rows.append({"contestant": name, "chunks": form, "seconds": medians[form], "all": medians})
    return rows


def overhead() -> list[dict[str, Any]]:
    """Microseconds an item of a function that does nothing, start-up included."""
    rows = race("overhead")
    for row in rows:
        row["us_per_item"] = row["seconds"] / NO_OPS * 1e6
        print(f"{row['contestant']:26} chunks {row['chunks']:>7}: {row['us_per_item']:.3f} us an item", flush=True)
    return rows


def makespan() -> list[dict[str, Any]]:
    """Times the list-scheduling bound on items with a heavy tail, by what each took in a serial run."""
    costs = []
    for seconds in heavy_tail():
        began = time.perf_counter()
        spin(seconds)
        costs.append(time.perf_counter() - began)
    bound = list_schedule(costs, WORKERS)
    rows = race("makespan")
    for row in rows:
        row["bound_s"], row["times_bound"] = bound, row["seconds"] / bound
        print(f"{row['contestant']:26} chunks {row['chunks']:>7}: {row['times_bound']:.3f} times the bound", flush=True)
    return rows


PARTS = {"faults": faults, "overhead": overhead, "makespan": makespan}

if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(*sys.argv[2:])
    elif sys.argv[1:2] == ["timed"]:
        run_timed(*sys.argv[2:])
    else:
        for part in sys.argv[1:] or PARTS:
            save(f"pools-{part}", PARTS[part](), versions=versions())
