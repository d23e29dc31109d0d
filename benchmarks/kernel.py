"""The kernel against python-flint on one core: `factor_many(array, strategy="serial")` and a loop of
`fmpz(n).factor()`.

    python benchmarks/kernel.py

Inputs come from the seed in `factorpool.bench.workloads`; every result is checked against python-flint's; both run in
one process, round by round in turn, and the ratio is the median over the rounds.  The article's naive method is timed
once.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import numpy as np
from common import interleaved, ratio, save
from flint import fmpz

import factorpool as fp
from factorpool.article import factorize_naive
from factorpool.bench.workloads import load

ROUNDS = 11

# Workload, and how many times faster than python-flint factorpool set out to be.
TARGETS = {
    "uniform64:20000": 2,
    "semiprime64:1000": 7,
    "semiprime48:10000": 3,
    "uniform32:100000": 2,
    "article:300": 2,
}


def main() -> None:
    """Measures, prints a table, saves."""
    rows: list[dict[str, Any]] = []
    for spec, target in TARGETS.items():
        numbers = load(spec).numbers
        array = np.array(numbers, dtype=np.uint64)
        passes = max(1, 3000 // len(numbers))  # so that the shortest takes milliseconds too

        def ours(array: Any = array, passes: int = passes) -> Any:
            for _ in range(passes):
                fs = fp.factor_many(array, strategy="serial")
            return fs

        def flint(numbers: Any = numbers, passes: int = passes) -> None:
            for _ in range(passes):
                for n in numbers:  # keeping the results would cost it memory and time
                    fmpz(n).factor()

        expected = [dict(sorted((int(p), int(e)) for p, e in fmpz(n).factor())) for n in numbers]
        assert expected == list(ours()), spec
        del expected
        seconds = interleaved({"factorpool": ours, "python-flint": flint}, ROUNDS)
        each = 1e6 / len(numbers) / passes
        row = {
            "workload": spec,
            "factorpool_us": statistics.median(seconds["factorpool"]) * each,
            "python_flint_us": statistics.median(seconds["python-flint"]) * each,
            "times_faster": ratio(seconds["python-flint"], seconds["factorpool"]),
            "target": target,
        }
        if spec.startswith("article"):
            began = time.perf_counter()
            for n in numbers:
                factorize_naive(n)
            row["naive_us"] = (time.perf_counter() - began) * 1e6 / len(numbers)
            row["times_faster_than_naive"] = row["naive_us"] / row["factorpool_us"]
        rows.append(row)
        print(
            f"{spec:18} factorpool {row['factorpool_us']:8.3f} us, python-flint {row['python_flint_us']:8.3f} us: "
            f"{row['times_faster']:5.2f} times faster (target {target})"
        )
    print(f"the naive method takes {row['naive_us']:.0f} us: {row['times_faster_than_naive']:.0f} times as long")
    save("kernel", rows)


if __name__ == "__main__":
    main()
