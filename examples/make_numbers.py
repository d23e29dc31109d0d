"""Writes `examples/numbers.txt`: numbers that people really factor, about 1 200 of them.

Run it from the repository's root:  python examples/make_numbers.py
"""

from __future__ import annotations

import math
from pathlib import Path

import factorpool as fp


def aliquot(n: int, limit: int) -> list[int]:
    """The aliquot sequence from n: each term is the sum of the divisors of the last that are smaller than it."""
    terms = []
    while 1 < n < limit:
        terms.append(n)
        n = math.prod((p ** (e + 1) - 1) // (p - 1) for p, e in fp.factor(n).items()) - n
    return terms


def fibonacci(count: int) -> list[int]:
    """The first Fibonacci numbers."""
    a, b = 1, 1
    numbers = []
    for _ in range(count):
        numbers.append(a)
        a, b = b, a + b
    return numbers


SETS = {
    "the article's: 300 odd numbers from 999999999999": [999999999999 + 2 * i for i in range(300)],
    "Mersenne numbers 2^n - 1, n up to 100": [2**n - 1 for n in range(1, 101)],
    "2^n + 1, n up to 100": [2**n + 1 for n in range(1, 101)],
    "repunits of up to 30 digits": [(10**n - 1) // 9 for n in range(1, 31)],
    "Fibonacci numbers F(1) to F(120)": fibonacci(120),
    "n! - 1 and n! + 1, n from 3 to 25": [math.factorial(n) + k for n in range(3, 26) for k in (-1, 1)],
    "the aliquot sequence of 276 up to 10^21": aliquot(276, 10**21),
    "n^2 + 1 for n = 10^6 .. 10^6 + 299": [n * n + 1 for n in range(10**6, 10**6 + 300)],
    "lcm(1, ..., n), n up to 40": [math.lcm(*range(1, n + 1)) for n in range(1, 41)],
}

if __name__ == "__main__":
    lines = []
    for title, numbers in SETS.items():
        lines += [f"# {title}", *map(str, numbers)]
    Path(__file__).with_name("numbers.txt").write_text("\n".join(lines) + "\n")
