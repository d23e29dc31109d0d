"""Runs `pmap` by `auto` for some minutes on a machine kept busy, over all shapes of cost, and checks every run.

    python benchmarks/soak.py [SECONDS] [SEED]

Two processes for each CPU do nothing but compute.  Meanwhile runs of up to 300 items, whose costs change in the ways of
`tests/shapes.py`, must end, run each item once and bring each back once.  A run that does not end within a minute
ends the program with the stacks of its threads; its options have been printed before.
"""

from __future__ import annotations

import collections
import faulthandler
import itertools
import multiprocessing
import random
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from common import save

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import functions
from shapes import SHAPES, SLOW, items

import factorpool as fp
from factorpool.pool.cpus import usable_cpus

SECONDS = 180
LONGEST = 60
"""Seconds after which a run is taken for one that never ends; its items take less than a second of CPU time."""


def compute() -> None:
    """Takes what it can get of a CPU, as long as the program is there."""
    parent = multiprocessing.parent_process()
    while parent is not None and parent.is_alive():
        sum(range(1_000_000))


def one_run(rng: random.Random, number: int, folder: Path) -> tuple[str, int, float]:
    """The strategy that was chosen, how many items there were, and the run's seconds."""
    shape = rng.choice(sorted(SHAPES))
    given = list(itertools.islice(items(shape, rng, rng.choice([0, 0, 0.3, 1]), rng.choice([0, 0, 0.1])), 300))
    while sum(item.seconds for item in given) > 150 * SLOW:
        given.pop()
    options: dict[str, Any] = {
        "max_workers": rng.randint(1, 3),
        "ordered": rng.random() < 0.5,
        "schedule": rng.choice(["guided", "guided", "static", "dynamic"]),
        "buffersize": rng.choice([None, None, 1, 40]),
    }
    print(f"run {number}: {shape}, {len(given)} items, {options}", flush=True)
    path = folder / str(number)
    path.touch()
    faulthandler.dump_traceback_later(LONGEST, exit=True)
    began = time.perf_counter()
    source = given if rng.random() < 0.5 else iter(given)
    with fp.pmap(partial(functions.do, str(path)), source, on_error="collect", **options) as results:
        came = [outcome.index for outcome in results]
    seconds = time.perf_counter() - began
    faulthandler.cancel_dump_traceback_later()
    assert sorted(came) == list(range(len(given))), "an item came twice, or never"
    ran = collections.Counter(map(int, path.read_text().split()))
    assert ran == collections.Counter(range(len(given))), "an item was run twice, or never"
    path.unlink()
    return str(results.strategy), len(given), seconds


def main(length: float, seed: int) -> None:
    """Keeps the machine busy, runs, prints, saves."""
    burners = [multiprocessing.Process(target=compute, daemon=True) for _ in range(2 * usable_cpus())]
    for burner in burners:
        burner.start()
    rng = random.Random(seed)
    chosen: collections.Counter[str] = collections.Counter()
    total, longest, until = 0, 0.0, time.monotonic() + length
    with tempfile.TemporaryDirectory() as folder:
        while time.monotonic() < until:
            strategy, count, seconds = one_run(rng, sum(chosen.values()), Path(folder))
            chosen[strategy] += 1
            total, longest = total + count, max(longest, seconds)
    for burner in burners:
        burner.kill()
    row = {
        "seconds": length,
        "seed": seed,
        "busy_processes": len(burners),
        "runs": sum(chosen.values()),
        "chosen": dict(chosen),
        "items_run_once_and_back_once": total,
        "longest_run_s": longest,
    }
    print(f"{row['runs']} runs, {total} items, each run once and back once; the longest run took {longest:.1f} s")
    save("soak", [row])


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS, int(sys.argv[2]) if len(sys.argv) > 2 else 1)
