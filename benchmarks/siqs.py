"""Numbers of 96 to 256 bits: the quadratic sieve against python-flint's, on one CPU and on two.

    python benchmarks/siqs.py            # up to 224 bits: about 5 minutes
    python benchmarks/siqs.py --small    # up to 128 bits: 10 seconds
    python benchmarks/siqs.py --together # two workers alone, on a quiet machine: 2 minutes
    python benchmarks/siqs.py --longest  # and one of 256 bits: ten minutes more
    python benchmarks/siqs.py --beyond   # of 410 and 600 bits, too long for any sieve: 4 minutes
    python benchmarks/siqs.py --curves   # 12 random ones of 300 bits for curves, alone: 15 minutes

On one CPU both are CPU seconds of this process, in turn, number by number; the ratio is the median over the numbers,
of random integers that of the sums, since most are easy and few take most of the time.  On two it is wall time:
factorpool's `threads` and `processes`, and python-flint with `flint.ctx.threads = 2`.  Every result is compared.
What has been measured is saved after every row.
"""

from __future__ import annotations

import math
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import flint
from common import ratio, save
from flint import fmpz

import factorpool as fp
from factorpool import _native

# Bits, how many numbers, and the target: how many times as fast as python-flint on AVX2.
SEMIPRIMES = (
    (96, 20, 3.0),
    (112, 20, 3.0),
    (128, 20, 3.0),
    (144, 10, None),
    (160, 7, 2.2),
    (176, 5, None),
    (192, 5, 2.0),
    (224, 3, 2.5),
)
LONGEST = (256, 1, 3.5)
RANDOM = ((128, 200, 7.0),)
FOR_CURVES = ((200, 100),)
FOR_CURVES_LONGEST, LIMIT = (300, 12), 60
BEYOND = ((50, 410), (66, 410), (80, 410), (66, 600))  # bits of the lesser prime, of all
TOGETHER = ((192, 5, 1.9), (224, 2, 1.9))


def prime(rng: random.Random, bits: int) -> int:
    """A random prime of so many bits."""
    while True:
        p = rng.getrandbits(bits) | 1 << (bits - 1) | 1
        if fmpz(p).is_prime():
            return p


def semiprimes(bits: int, count: int) -> list[int]:
    """Products of two primes of half as many bits."""
    rng = random.Random(f"siqs {bits}")
    return [prime(rng, bits // 2) * prime(rng, bits - bits // 2) for _ in range(count)]


def uniform(bits: int, count: int) -> list[int]:
    """Integers of so many bits."""
    rng = random.Random(f"siqs uniform {bits}")
    return [rng.getrandbits(bits) | 1 << (bits - 1) for _ in range(count)]


def for_curves(bits: int, count: int) -> list[int]:
    """Random integers of so many bits all whose prime factors but the greatest are below 10^30: what curves can find.

    They are drawn with their factors, all integers with the same probability (A. Kalai, "Generating random factored
    numbers, easily", 2003).
    """
    rng = random.Random(f"siqs for curves {bits}")
    numbers: list[int] = []
    while len(numbers) < count:
        product, factors, s = 1, [], 1 << bits
        while s > 1 and product < 1 << bits:
            s = rng.randint(1, s)
            if fmpz(s).is_probable_prime():
                product *= s
                factors.append(s)
        small = len(factors) < 2 or factors[1] < 10**30
        if 1 << (bits - 1) <= product < 1 << bits and small and rng.random() < product / (1 << bits):
            numbers.append(product)
    return numbers


def ours(n: int, strategy: str = "serial") -> dict[int, int]:
    """By factorpool."""
    return fp.factor(n, strategy=strategy, max_workers=1 if strategy == "serial" else 2)


def theirs(n: int) -> dict[int, int]:
    """By python-flint."""
    return {int(p): int(e) for p, e in sorted(fmpz(n).factor())}


def seconds(clock: Callable[[], float], call: Callable[[int], dict[int, int]], n: int) -> tuple[float, dict[int, int]]:
    """What a call takes by a clock, and its result."""
    began = clock()
    found = call(n)
    return clock() - began, found


def on_one(name: str, numbers: list[int], target: float | None, *, sums: bool = False) -> dict[str, Any]:
    """CPU seconds of both, in turn; with `sums` one ratio of all numbers together."""
    times: dict[str, list[float]] = {"factorpool": [], "python-flint": []}
    for n in numbers:
        mine, found = seconds(time.process_time, ours, n)
        its, expected = seconds(time.process_time, theirs, n)
        assert found == expected, n
        times["factorpool"].append(mine)
        times["python-flint"].append(its)
    if sums:
        times = {who: [statistics.fmean(taken)] for who, taken in times.items()}
    return row(name, times, "factorpool", "python-flint", target)


def measured_beyond() -> Iterator[dict[str, Any]]:
    """Numbers that only curves can factor."""
    rng = random.Random("siqs beyond")
    for lesser, bits in BEYOND:
        n = prime(rng, lesser) * prime(rng, bits - lesser)
        yield on_one(f"{bits}-bit integers with a prime of {lesser} bits", [n], None)


def within(limit: float, n: int) -> bool:
    """Whether python-flint factors n within so many seconds: in a process of its own, for it cannot be stopped."""
    code = f"from flint import fmpz; fmpz({n}).factor()"
    try:
        subprocess.run([sys.executable, "-c", code], check=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return False
    return True


def measured_curves() -> Iterator[dict[str, Any]]:
    """The longest random integers; of python-flint, which may take hours, how many it factors within LIMIT seconds."""
    times, kept = list[float](), 0
    for n in for_curves(*FOR_CURVES_LONGEST):
        taken, found = seconds(time.process_time, ours, n)
        assert math.prod(p**e for p, e in found.items()) == n
        times.append(taken)
        kept += within(LIMIT, n)
        print(f"{n}: {taken:.1f} s; python-flint so far {kept} of {len(times)} within {LIMIT} s", flush=True)
    name = f"random {FOR_CURVES_LONGEST[0]}-bit integers for curves"
    yield {"name": name, "seconds": {"factorpool": times}, f"python-flint within {LIMIT} s": kept, "of": len(times)}


def on_two(bits: int, numbers: list[int], target: float) -> dict[str, Any]:
    """Wall seconds on one CPU and on two."""
    times: dict[str, list[float]] = {name: [] for name in ("serial", "threads", "processes", "python-flint, 2 threads")}
    for n in numbers:
        for strategy in ("serial", "threads", "processes"):
            took, expected = seconds(time.perf_counter, lambda n, strategy=strategy: ours(n, strategy), n)  # type: ignore[misc]
            times[strategy].append(took)
        flint.ctx.threads = 2
        took, found = seconds(time.perf_counter, theirs, n)
        flint.ctx.threads = 1
        assert found == expected, n
        times["python-flint, 2 threads"].append(took)
    return row(f"{bits} bits, two workers", times, "threads", "serial", target)


def row(name: str, times: dict[str, list[float]], fast: str, slow: str, target: float | None) -> dict[str, Any]:
    """Medians, and how many times as fast one is as the other; printed, too."""
    medians = {who: statistics.median(seconds) for who, seconds in times.items()}
    gain = ratio(times[slow], times[fast])
    shown = ", ".join(f"{who} {value * 1e3:.4g} ms" for who, value in medians.items())
    verdict = "" if target is None else f" (target {target}{'' if gain >= target else ', missed'})"
    print(f"{name}: {fast} {gain:.2f} times as fast as {slow}{verdict}; {shown}", flush=True)
    return {"name": name, "seconds": medians, "fast": fast, "slow": slow, "gain": gain, "target": target}


def main() -> None:
    """Measures, prints, saves."""
    ours(semiprimes(96, 1)[0])  # imports, once and for all
    rows: list[dict[str, Any]] = []
    chosen, kept = measured(), "siqs"
    if "--together" in sys.argv:
        chosen, kept = measured_together(), "siqs-together"
    if "--beyond" in sys.argv:
        chosen, kept = measured_beyond(), "siqs-beyond"
    if "--curves" in sys.argv:
        chosen, kept = measured_curves(), "siqs-curves"
    if "--small" in sys.argv:
        chosen, kept = measured_small(), "siqs-small"
    if _native.isa != "avx2":  # which the targets name
        kept += f"-{_native.isa}"
    for made in chosen:
        rows.append(made)
        save(kept, rows)


def measured_together() -> Iterator[dict[str, Any]]:
    """The rows of two workers."""
    for bits, count, target in TOGETHER:
        yield on_two(bits, semiprimes(bits, count), target)


def measured_small() -> Iterator[dict[str, Any]]:
    """The rows of numbers of up to 128 bits, which the kernel factors without Python."""
    for bits, count, target in SEMIPRIMES:
        if bits <= 128:
            yield on_one(f"{bits}-bit semiprimes", semiprimes(bits, count), target)
    for bits, count, target in RANDOM:
        yield on_one(f"random {bits}-bit integers", uniform(bits, count), target, sums=True)


def measured() -> Iterator[dict[str, Any]]:
    """The rows of the table, each as soon as it is there."""
    yield from measured_small()
    for bits, count, target in SEMIPRIMES:
        if bits > 128:
            yield on_one(f"{bits}-bit semiprimes", semiprimes(bits, count), target)
    for bits, count in FOR_CURVES:
        yield on_one(f"random {bits}-bit integers for curves", for_curves(bits, count), None, sums=True)
    yield from measured_together()
    if "--longest" in sys.argv:
        bits, count, target = LONGEST
        yield on_one(f"{bits}-bit semiprimes", semiprimes(bits, count), target)


if __name__ == "__main__":
    main()
