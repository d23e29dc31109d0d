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


def storm(start_method: str, seconds: float) -> dict[str, Any]:
    """One run; every result is looked at."""
    over = threading.Event()
    killed: collections.Counter[str] = collections.Counter()
    killer = threading.Thread(target=kill_at_random, args=(over, killed))
    began = time.monotonic()
    delivered = given_up = 0
    longest = 0.0
    options: dict[str, Any] = {
        "max_workers": WORKERS,
        "on_error": "collect",
        "retries": RETRIES,
        "mp_context": start_method,
    }
    killer.start()
    last = began
    with fp.pmap(work, itertools.count(), strategy="processes", buffersize=20_000, **options) as outcomes:
        for expected, outcome in enumerate(outcomes):
            assert outcome.index == expected, f"item {outcome.index} where {expected} should be"
            if outcome.error is None:
                assert outcome.value[0] == expected * expected
                delivered += 1
            else:
                assert isinstance(outcome.error, fp.WorkerDiedError), outcome.error
                given_up += 1
            now = time.monotonic()
            longest, last = max(longest, now - last), now
            if now - began > seconds:
                break
    over.set()
    killer.join()
    left = [p for p in multiprocessing.active_children() if p.name == "factorpool"]
    assert not left, left
    row = {
        "start_method": start_method,
        "seconds": seconds,
        "kills": dict(killed),
        "delivered_once_in_order": delivered,
        "given_up_after_retries": given_up,
        "longest_wait_s": longest,
        "workers_left": len(left),
    }
    print(
        f"{start_method}: {sum(killed.values())} workers killed, {delivered} results, each once and in order; ", end=""
    )
    print(f"{given_up} items given up; longest wait {longest:.2f} s", flush=True)
    return row


if __name__ == "__main__":
    length = float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS
    save("chaos", [storm(start_method, length) for start_method in ("forkserver", "fork")])
