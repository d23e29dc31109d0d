"""One long number on two CPUs: what each stage takes, the memory, and what more workers would bring.

    python benchmarks/long.py 68 80 85     # digits: about 15 minutes

`fp.factor(n, strategy="threads", max_workers=2)` on a product of two primes of half as many digits.  Curves come first,
until the first relations are reported; then the sieve, until there are enough; then linear algebra and the root.  The
caller's own CPU time, for relations as they come, is that of its thread.  What more workers would bring is simulated:
calls of CALL_SECONDS, each with the caller's time between, by the real dispatcher on virtual time, with the overheads
of `processes` as they are measured here; curves and linear algebra stay as they are.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Sequence
from typing import Any

from common import save
from siqs import semiprimes

import factorpool as fp
from factorpool.bench.predict import measure_overheads, predict
from factorpool.factoring.block import Block
from factorpool.factoring.large import CALL_SECONDS
from factorpool.factoring.tasks import FactorTask
from factorpool.pool.strategies.simulated import Overheads

WORKERS = (1, 2, 8, 64, 1024)


def measure(digits: int, overheads: Overheads, workers: int = 2, counts: Sequence[int] = WORKERS) -> dict[str, Any]:
    """Factors one number with so many threads and takes it apart; `counts` are predicted.  Prints the row, too."""
    bits = round(digits * 3.3219)
    (n,) = semiprimes(bits, 1)
    # Wall, CPU of all, CPU of this thread at each report; by what is needed: curves of a size, relations.
    reports: dict[int | None, list[tuple[float, float, float]]] = {}
    enough: list[list[tuple[float, float, float]]] = []

    def report(found: int, needed: int | None) -> None:
        marks = reports.setdefault(needed, [])
        marks.append((time.perf_counter(), time.process_time(), time.thread_time()))
        if needed is not None and found >= needed:
            enough.append(marks[:])

    began = time.perf_counter()
    factors = fp.factor(n, strategy="threads", max_workers=workers, progress=report)
    end = time.perf_counter()
    assert len(factors) == 2
    first, last = enough[0][0], enough[0][-1]
    sieving, caller = last[0] - first[0], last[2] - first[2]
    work = last[1] - first[1] - caller
    calls = round(work / CALL_SECONDS)
    alone = first[0] - began + end - last[0]
    overheads = overheads._replace(chunk=overheads.chunk + caller / calls)
    predicted = {count: alone + predict([CALL_SECONDS] * calls, count, overheads).seconds for count in counts}
    row: dict[str, Any] = {
        "digits": digits,
        "bits": bits,
        "workers": workers,
        "wall": end - began,
        "curves": first[0] - began,
        "sieving": sieving,
        "linear_algebra": end - last[0],
        "sieving_cpu": work,
        "caller_cpu": caller,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "predicted": predicted,
    }
    print({key: round(value, 2) if isinstance(value, float) else value for key, value in row.items()}, flush=True)
    return row


if __name__ == "__main__":
    for _ in range(2):  # the first starts the fork server, which all other workers have
        of_processes = measure_overheads("processes", FactorTask("auto"), Block(range(10**12, 10**12 + 2000)))
    print(of_processes)
    rows = [measure(int(digits), of_processes) for digits in sys.argv[1:] or ("68",)]
    save("long", rows, overheads=of_processes._asdict())
