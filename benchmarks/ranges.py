"""Numbers that take so little that all else counts, on one and on two workers: ranges, and integers of 32 bits.

    python benchmarks/ranges.py        # about three minutes

Nanoseconds for a number, medians of five rounds, all contestants in every round; the first round, in which workers
start, is left out.  `columns` asks for the primes in one piece as well, as a user of NumPy would.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
from common import interleaved, ratio, save

import factorpool as fp

COUNT = 4_000_000
ROUNDS = 6


def whole(numbers: Any, **options: Any) -> Callable[[], fp.Factorizations]:
    """All in one result."""
    return lambda: fp.factor_many(numbers, **options)


def streamed(numbers: Any, workers: int) -> Callable[[], None]:
    """Drops every block."""

    def run() -> None:
        for _ in fp.factor_stream(numbers, strategy="threads", max_workers=workers):
            pass

    return run


def main() -> None:
    """Measures, prints, saves."""
    short = np.random.default_rng(15).integers(1, 1 << 32, COUNT, dtype=np.uint32)
    inputs: dict[str, Any] = {f"10^{e}": range(10**e, 10**e + COUNT) for e in range(12, 19)}
    inputs |= {"32 bits, uint32": short, "32 bits, uint64": short.astype(np.uint64)}
    rows = []
    with fp.Pool("processes", max_workers=2) as pool:
        for name, numbers in inputs.items():
            beside = whole(numbers, strategy="threads", max_workers=2)
            contestants: dict[str, Callable[[], Any]] = {
                "serial": whole(numbers, strategy="serial"),
                "threads": beside,
                "columns": lambda beside=beside: beside().primes,  # type: ignore[misc]
                "processes": whole(numbers, pool=pool),
                "streamed": streamed(numbers, 1),
                "streamed by two": streamed(numbers, 2),
            }
            seconds = {who: taken[1:] for who, taken in interleaved(contestants, ROUNDS).items()}
            row: dict[str, Any] = {"numbers": name}
            for who, taken in seconds.items():
                row[f"{who}_ns"] = statistics.median(taken) / COUNT * 1e9
            for who in ("threads", "columns", "processes"):
                row[f"{who}_times"] = ratio(seconds["serial"], seconds[who])
            row["streamed_times"] = ratio(seconds["streamed"], seconds["streamed by two"])
            rows.append(row)
            print(
                f"{name:16}"
                + "".join(f" {who} {row[f'{who}_ns']:.1f} ns" for who in seconds)
                + "".join(f", {who} {row[f'{who}_times']:.2f}" for who in ("threads", "processes", "streamed"))
            )
    save("ranges", rows)


if __name__ == "__main__":
    main()
