"""One number at a time: `fp.factor(n)` and `fp.is_prime(n)` in a loop, beside python-flint, PARI and SymPy.

    pip install cypari sympy
    python benchmarks/single.py

Random integers of a size, the same for all, in turn; the least of the rounds counts, for a call takes a microsecond or
less.  Every factorization is checked against python-flint's.  Slow peers get fewer of the numbers.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

import cypari
import sympy
from common import save
from flint import fmpz
from sympy.ntheory.factor_ import factor_cache

import factorpool as fp

ROUNDS = 5
SIZES = (8, 16, 32, 48, 64, 80, 96, 112, 128)
SLOW_SECONDS = 0.2  # a round takes about as long, with fewer numbers if need be


def by_sympy(n: int) -> dict[int, int]:
    """Without what it remembers of the rounds before."""
    factor_cache.cache_clear()
    factors: dict[int, int] = sympy.factorint(n)
    return factors


CALLS: dict[str, tuple[Callable[[int], Any], Callable[[int], Any]]] = {
    "factorpool": (fp.factor, fp.is_prime),
    "python-flint": (lambda n: fmpz(n).factor(), lambda n: fmpz(n).is_prime()),
    "PARI (cypari)": (lambda n: cypari.pari(n).factor(), lambda n: cypari.pari(n).isprime()),
    "SymPy": (by_sympy, sympy.isprime),
}


def microseconds(call: Callable[[int], Any], numbers: list[int]) -> float:
    """For each of the numbers, or of the first of them if there is no time for more."""
    began = time.perf_counter()
    for count, n in enumerate(numbers, 1):
        call(n)
        if time.perf_counter() - began > SLOW_SECONDS:
            numbers = numbers[:count]
            break
    else:
        began = time.perf_counter()
        for n in numbers:
            call(n)
    return (time.perf_counter() - began) / len(numbers) * 1e6


def main() -> None:
    """Measures, checks, and keeps it."""
    rows = []
    for bits in SIZES:
        rng = random.Random(f"single {bits}")
        numbers = [rng.getrandbits(bits - 1) | 1 << (bits - 1) for _ in range(2000 if bits <= 64 else 200)]
        for n in numbers:
            assert list(fp.factor(n).items()) == sorted((int(p), int(e)) for p, e in fmpz(n).factor()), n
        row: dict[str, Any] = {"bits": bits}
        for what, at in (("factor", 0), ("is_prime", 1)):
            least = dict.fromkeys(CALLS, float("inf"))
            for _ in range(ROUNDS):
                for name, calls in CALLS.items():
                    least[name] = min(least[name], microseconds(calls[at], numbers))
            row[what] = least
            print(f"{bits:4} bits, {what:8}", *(f"{name} {us:.3g} us" for name, us in least.items()), flush=True)
        rows.append(row)
    save("single", rows)


if __name__ == "__main__":
    main()
