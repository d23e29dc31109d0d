"""`strategy="auto"` against the best of the others, start-up included, on work of eight kinds.

    python benchmarks/auto.py

Each sample is a fresh Python process; a round takes the strategies in turn.  What auto chose stands beside the ratio.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from common import save

import factorpool as fp
from factorpool.bench.workloads import load

ROUNDS = 7
TARGET = 1.10


def tiny(n: int) -> int:
    """A microsecond of Python."""
    return sum(range(n))


def sleeps(seconds: float) -> float:
    """Waits, as for a network."""
    time.sleep(seconds)
    return seconds


def spins_in_c(n: int) -> int:
    """Nine milliseconds in C, the GIL held throughout."""
    return pow(3, n) & 1


def counts(data: bytes) -> int:
    """Reads 50 MB, the GIL held: less work than to send them."""
    return data.count(b"x")


def many_digits() -> list[int]:
    """100 numbers of 40 digits: products of two primes of 20 digits each."""
    from flint import fmpz

    rng = random.Random(40)
    primes = []
    while len(primes) < 200:
        p = rng.randrange(10**19, 10**20) | 1
        if fmpz(p).is_prime():
            primes.append(p)
    return [p * q for p, q in zip(primes[::2], primes[1::2], strict=True)]


def run(fn: Callable[[Any], Any], items: Any, strategy: str) -> tuple[float, str]:
    """Seconds, and what was chosen and why."""
    began = time.perf_counter()
    results = fp.pmap(fn, items, strategy=strategy)
    for _ in results:
        pass
    return time.perf_counter() - began, f"{results.strategy}: {results.reason}"


def factor(numbers: Any, strategy: str, **options: Any) -> tuple[float, str]:
    """The same for numbers."""
    began = time.perf_counter()
    fs = fp.factor_many(numbers, strategy=strategy, **options)
    return time.perf_counter() - began, f"{fs.strategy}: {fs.reason}"


SECRET = 17
CASES: dict[str, Callable[[str], tuple[float, str]]] = {
    "10 tiny items": lambda s: run(tiny, [30] * 10, s),
    "the article's batch, naive method": lambda s: factor(load("article").numbers, s, method="naive"),
    "10^5 64-bit integers, kernel": lambda s: factor(load("uniform64:100000").numbers, s),
    "100 numbers of 40 digits, python-flint": lambda s: factor(many_digits(), s),
    "a function that sleeps": lambda s: run(sleeps, [0.02] * 60, s),
    "one that holds the GIL in C": lambda s: run(spins_in_c, [300_000] * 100, s),
    "one with 50 MB arguments": lambda s: run(counts, [b"y" * 50_000_000 for _ in range(20)], s),
    "one that cannot be pickled": lambda s: run(lambda n: sum(range(n)) + SECRET, [200_000] * 200, s),
}


def sample(case: str, strategy: str) -> tuple[float, str] | None:
    """One fresh process; None where the strategy cannot run the case."""
    ran = subprocess.run([sys.executable, __file__, case, strategy], capture_output=True, text=True, check=False)
    if ran.returncode:
        return None
    seconds, choice = json.loads(ran.stdout)
    return seconds, choice


def main() -> None:
    """Measures, prints, saves."""
    strategies = [name for name, info in fp.strategies().items() if info.available]
    rows = []
    for case in CASES:
        seconds: dict[str, list[float]] = {}
        choices = []
        for _ in range(ROUNDS):
            for strategy in [*strategies, "auto"]:
                if (ran := sample(case, strategy)) is not None:
                    seconds.setdefault(strategy, []).append(ran[0])
                    if strategy == "auto":
                        choices.append(ran[1])
        medians = {name: statistics.median(times) for name, times in seconds.items()}
        best = min((name for name in medians if name != "auto"), key=medians.__getitem__)
        # Round by round: a busy moment of the machine touches both.
        ratio = statistics.median(a / b for a, b in zip(seconds["auto"], seconds[best], strict=True))
        rows.append(
            {"case": case, "best": best, "ratio": ratio, "target": TARGET, "seconds": medians, "choices": choices}
        )
        shown = ", ".join(f"{name} {value * 1e3:.4g} ms" for name, value in medians.items())
        print(
            f"{case}: auto takes {ratio:.2f} times the best, {best} ({shown})\n    {statistics.mode(choices)}",
            flush=True,
        )
    save("auto", rows)


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(CASES[sys.argv[1]](sys.argv[2])))
    else:
        main()
