"""What more slots of a cluster would bring, to 10 000 of them: the dispatcher on virtual time.

    pip install "factorpool[ray,dask]"
    python benchmarks/cluster_scale.py

What a chunk costs is measured first, on Ray and on Dask of this machine: the caller's CPU time for one, of all its
threads, from a thousand chunks of nothing; and the way there and back, from chunks one after the other.  Then the real
dispatcher runs on simulated workers with these costs: the article's 300 numbers by its naive method, 10^9 integers of
64 bits, and one number of 100 digits.  What the last two cost is counted up from what a part of them takes here.
Beside it stands what the same would take if the caller's part of a chunk took a tenth: as it would if workers reduced
results before they send them, or callers formed a tree.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence
from typing import Any

from clusters import dask_cluster
from common import save

import factorpool as fp
from factorpool.bench.predict import item_costs, predict
from factorpool.bench.subject import Numbers
from factorpool.bench.workloads import load
from factorpool.factoring.tasks import FactorTask
from factorpool.pool.strategies.simulated import Overheads

SLOTS = (1, 8, 64, 512, 1024, 4096, 10_000)
CHUNKS = 1000

BILLION_PARTS = 200_000
"""Parts of which 10^9 integers are items here: 5 000 each, a few milliseconds."""

HUNDRED_DIGITS_CPU_SECONDS = 500 * 2.0**5
"""Nobody has run it: 85 digits take about 500 CPU seconds (`long.py`), and each three digits more double that."""


def nothing(n: int) -> int:
    """An item of no cost."""
    return n


def overheads_of(strategy: fp.Executor) -> Overheads:
    """What a chunk costs the caller, and how long it is away beside that."""
    list(fp.pmap(nothing, range(100), strategy=strategy, chunksize=1))
    began, cpu = time.perf_counter(), time.process_time()
    list(fp.pmap(nothing, range(CHUNKS), strategy=strategy, chunksize=1))
    chunk = min((time.process_time() - cpu) / CHUNKS, (time.perf_counter() - began) / CHUNKS)
    trips = []
    with fp.Pool(strategy, 1) as pool:
        pool.submit(nothing, 0).result()
        for n in range(100):
            began = time.perf_counter()
            pool.submit(nothing, n).result()
            trips.append(time.perf_counter() - began)
    return Overheads(ready=1.0, chunk=chunk, travel=max(0.0, statistics.median(trips) - chunk))


def curve(name: str, costs: Sequence[float], overheads: Overheads, first: int = 1) -> dict[str, Any]:
    """Seconds and efficiency by slots, as it is and with a tenth of the caller's time."""
    lighter = overheads._replace(chunk=overheads.chunk / 10)
    seconds = {slots: predict(costs, slots, overheads, "guided", first=first).seconds for slots in SLOTS}
    light = {slots: predict(costs, slots, lighter, "guided", first=first).seconds for slots in SLOTS}
    work = sum(costs)
    print(f"  {name}, {work:.4g} CPU seconds: " + ", ".join(f"{n}: {s:.3g} s" for n, s in seconds.items()), flush=True)
    print("    with a tenth of the caller's time: " + ", ".join(f"{n}: {s:.3g} s" for n, s in light.items()))
    return {"work": name, "cpu_seconds": work, "seconds": seconds, "with_a_tenth": light}


def main() -> None:
    """Measures, simulates, prints, saves."""
    subject = Numbers(load("article").numbers, "guided")
    article = item_costs(subject.task("naive"), subject.payload)
    rng = random.Random(64)
    sample = Numbers([rng.getrandbits(64) for _ in range(100_000)], "guided").payload
    began = time.process_time()
    for _ in FactorTask("auto").pieces(sample, 0, bytearray(1), 1e9):
        pass
    each = (time.process_time() - began) / len(sample)
    billion = [each * 1e9 / BILLION_PARTS] * BILLION_PARTS
    sieve = [0.5] * round(HUNDRED_DIGITS_CPU_SECONDS / 0.5)
    rows = []
    with dask_cluster() as address:
        measured = {"dask": overheads_of(fp.Dask(address))}
    measured["ray"] = overheads_of(fp.Ray("local"))
    for system, overheads in measured.items():
        chunk, travel = overheads.chunk * 1e3, overheads.travel * 1e3
        print(f"{system}: {chunk:.2f} ms of the caller's CPU for a chunk, {travel:.2f} ms away")
        for name, costs in (
            ("the article's 300 numbers, naive", article),
            ("10^9 integers of 64 bits", billion),
            ("100 digits, sieved", sieve),
        ):
            rows.append({"system": system, **curve(name, costs, overheads)})
    save("cluster_scale", rows, overheads={system: each._asdict() for system, each in measured.items()})


if __name__ == "__main__":
    main()
