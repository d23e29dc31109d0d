"""A thousand balanced semiprimes of each size from 80 to 140 bits, factored here and by python-flint: do all agree?

    python benchmarks/agree.py

ECM and the small sieve meet in these sizes, and in the last two Python is between them.
"""

from __future__ import annotations

import sys
import time

from common import save
from flint import fmpz
from siqs import semiprimes

import factorpool as fp

SIZES = range(80, 141, 6)
COUNT = 1000


def by_flint(n: int) -> dict[int, int]:
    """The primes of n and their exponents, by python-flint."""
    return {int(p): int(e) for p, e in fmpz(n).factor()}


def main() -> None:
    """Factors, compares, prints, saves."""
    kept = []
    for bits in SIZES:
        numbers = semiprimes(bits, COUNT)
        began = time.perf_counter()
        ours = fp.factor_many(numbers)
        between = time.perf_counter()
        theirs = list(fp.pmap(by_flint, numbers, strategy="processes"))
        took = between - began, time.perf_counter() - between
        wrong = [n for n, a, b in zip(numbers, ours, theirs, strict=True) if a != b]
        print(
            f"{bits} bits: {COUNT - len(wrong)} of {COUNT} agree, {took[0]:.2f} s, python-flint {took[1]:.2f} s",
            flush=True,
        )
        kept.append(
            {"bits": bits, "numbers": COUNT, "wrong": wrong, "seconds": took[0], "python_flint_seconds": took[1]}
        )
    save("agree", kept)
    if any(row["wrong"] for row in kept):
        sys.exit("not all agree")


if __name__ == "__main__":
    main()
