"""Kills workers at random for a minute, under load, and checks that every result arrives, once and in order.

    python benchmarks/chaos.py [SECONDS]

Endless items, half a millisecond to a tenth of a second each; a thread kills one of the workers, whatever it is doing,
some ten times a second, by SIGKILL, SIGSEGV, SIGTERM or SIGABRT.
"""

from __future__ import annotations

import collections
import itertools
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from typing import Any

from common import save

import factorpool as fp
from factorpool.pool.shelf import close_shared

SECONDS = 60
KILLS_PER_SECOND = 10
WORKERS = 4
RETRIES = 10
"""More than a program needs: in this storm an item of a tenth of a second is hit every fifth time it is tried."""
SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGABRT)


def work(n: int) -> tuple[int, bytes]:
    """Takes its time; some answers are large enough to fill a pipe."""
    kind = n % 100
    until = time.thread_time() + (0.1 if kind == 0 else 0.0005)
    while time.thread_time() < until:
        pass
    return n * n, bytes(500_000 if kind == 1 else 10)


def kill_at_random(over: threading.Event, killed: collections.Counter[str]) -> None:
    """Until it is over, kills one worker after the other."""
    rng = random.Random(7)
    while not over.wait(rng.expovariate(KILLS_PER_SECOND)):
        workers = [p for p in multiprocessing.active_children() if p.name == "factorpool"]
        if workers:
            how = rng.choice(SIGNALS)
            try:
                os.kill(rng.choice(workers).pid or 0, how)
            except (ProcessLookupError, ValueError):  # it has just ended
                continue
            killed[how.name] += 1


class Storm:
    """Kills workers as long as it lasts; what came of the items meanwhile."""

    def __init__(self, name: str, seconds: float) -> None:
        self.name = name
        self.delivered = self.given_up = 0
        self.killed: collections.Counter[str] = collections.Counter()
        self._seconds = seconds
        self._over = threading.Event()
        self._killer = threading.Thread(target=kill_at_random, args=(self._over, self.killed))
        self._longest = 0.0

    def __enter__(self) -> Storm:
        self._began = self._last = time.monotonic()
        self._killer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._killer.join()

    @property
    def lasts(self) -> bool:
        """Whether its time is not over yet."""
        return time.monotonic() - self._began < self._seconds

    def take(self, value: Any, error: BaseException | None, expected: int) -> None:
        """Looks at one result."""
        if error is None:
            assert value[0] == expected * expected
            self.delivered += 1
        else:
            assert isinstance(error, fp.WorkerDiedError), error
            self.given_up += 1
        now = time.monotonic()
        self._longest, self._last = max(self._longest, now - self._last), now

    def row(self) -> dict[str, Any]:
        """For the table; no worker may be left."""
        close_shared()
        left = [p for p in multiprocessing.active_children() if p.name == "factorpool"]
        assert not left, left
        kills = sum(self.killed.values())
        print(f"{self.name}: {kills} workers killed, {self.delivered} results, each once and in order; ", end="")
        print(f"{self.given_up} items given up; longest wait {self._longest:.2f} s", flush=True)
        return {
            "storm": self.name,
            "seconds": self._seconds,
            "kills": dict(self.killed),
            "delivered_once_in_order": self.delivered,
            "given_up_after_retries": self.given_up,
            "longest_wait_s": self._longest,
            "workers_left": len(left),
        }


def one_endless_call(start_method: str, seconds: float) -> dict[str, Any]:
    """One run over endless items."""
    options: dict[str, Any] = {"max_workers": WORKERS, "on_error": "collect", "retries": RETRIES}
    options |= {"strategy": "processes", "mp_context": start_method, "buffersize": 20_000}
    with (
        Storm(f"one call, {start_method}", seconds) as storm,
        fp.pmap(work, itertools.count(), **options) as outcomes,
    ):
        for expected, outcome in enumerate(outcomes):
            assert outcome.index == expected, f"item {outcome.index} where {expected} should be"
            storm.take(outcome.value, outcome.error, expected)
            if not storm.lasts:
                break
    return storm.row()


def many_short_calls(seconds: float) -> dict[str, Any]:
    """One call after the other; each finds what is left of the workers of the last, resting or dead."""
    options: dict[str, Any] = {"max_workers": WORKERS, "on_error": "collect", "retries": RETRIES}
    with Storm("short calls that share warm workers", seconds) as storm:
        while storm.lasts:
            outcomes = list(fp.pmap(work, range(60), strategy="processes", **options))
            assert [outcome.index for outcome in outcomes] == list(range(60))
            for outcome in outcomes:
                storm.take(outcome.value, outcome.error, outcome.index)
    return storm.row()


def submitted(seconds: float) -> dict[str, Any]:
    """Calls submitted to one pool, in waves; each has its own future, and one more try after a death."""
    with Storm("calls submitted to one pool", seconds) as storm, fp.Pool("processes", WORKERS) as pool:
        while storm.lasts:
            for n, future in enumerate([pool.submit(work, n) for n in range(200)]):
                error = future.exception()
                storm.take(None if error else future.result(), error, n)
    return storm.row()


if __name__ == "__main__":
    length = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    rows = [one_endless_call(start_method, length) for start_method in ("forkserver", "fork")]
    save("chaos", [*rows, many_short_calls(length), submitted(length)])
