"""Columns: arithmetic functions, Python's objects, primes, and Arrow in and out.

    pip install pyarrow
    python benchmarks/columns.py        # about two minutes

One CPU, medians of five rounds, everything in every round.  The cost of objects themselves is what `marshal.loads`
takes for the same lists and dicts, which makes nothing else.  A function of python-flint's is called for each of a
hundredth of the numbers, which are fmpz already.
"""

from __future__ import annotations

import marshal
import random
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from common import interleaved, save
from flint import fmpz

import factorpool as fp

COUNT = 1_000_000
ROUNDS = 5


def main() -> None:
    """Measures, prints, saves."""
    rng = random.Random(14)
    numbers = np.array([rng.getrandbits(64) | 1 for _ in range(COUNT)], dtype=np.uint64)
    short = np.array([rng.getrandbits(32) | 1 for _ in range(10 * COUNT)], dtype=np.uint64)
    column = pa.array(numbers)
    began = time.process_time()
    fs = fp.factor_many(numbers, strategy="serial")
    print(f"factoring {COUNT} uniform 64-bit integers: {time.process_time() - began:.2f} s of CPU")
    dicts, lists = marshal.dumps(list(fs)), marshal.dumps(fs.to_lists())
    flints = [fmpz(int(n)) for n in numbers[: COUNT // 100]]
    contestants: dict[str, Callable[[], Any]] = {
        "the dicts themselves": lambda: marshal.loads(dicts),
        "list(fs)": lambda: list(fs),
        "the lists themselves": lambda: marshal.loads(lists),
        "fs.to_lists()": fs.to_lists,
        "fs.to_dict()": fs.to_dict,
        "fs.totient()": fs.totient,
        "fs.divisor_count()": fs.divisor_count,
        "fs.mobius()": fs.mobius,
        "fs.largest_prime()": fs.largest_prime,
        "python-flint's euler_phi, a hundredth": lambda: [n.euler_phi() for n in flints],
        "are_prime, 10^7 of 32 bits": lambda: fp.are_prime(short),
        "are_prime, 10^6 of 64 bits": lambda: fp.are_prime(numbers),
        "python-flint's is_prime, a hundredth": lambda: [n.is_prime() for n in flints],
        "are_prime of 10^6 in a pyarrow array": lambda: fp.are_prime(column),
        "pyarrow.table(fs)": lambda: pa.table(fs),
    }
    rows = []
    for name, seconds in interleaved(contestants, ROUNDS).items():
        rows.append({"name": name, "seconds": statistics.median(seconds)})
        print(f"{name}: {rows[-1]['seconds'] * 1e3:.4g} ms", flush=True)
    save("columns", rows, numbers=COUNT)


if __name__ == "__main__":
    main()
