"""ECM for what is too long for the kernel's batches: how many curves are worth their time before a number is sieved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from factorpool import _native

MOST_BITS = 379
"""Longest numbers that the kernel has curves for."""

LEVELS = (
    (25, 4), (30, 8), (35, 12), (40, 20), (45, 35), (50, 60), (55, 120), (60, 250), (65, 500), (70, 1000), (75, 2000),
)  # fmt: skip
"""Size of a factor, and curves that find one of that size in about nine of ten cases."""

WORTH = (
    (132, 25), (148, 30), (160, 35), (172, 40), (186, 45), (203, 50), (218, 55), (233, 60), (250, 65), (300, 70),
    (MOST_BITS, 75),
)  # fmt: skip
"""Up to so many bits of a number, how long the factors are that are looked for.  With these curves, which take a tenth
of what the sieve takes, random numbers of 140 to 180 bits take least, or within 7 % of it (Intel Xeon, AVX2); with
fewer, which a product of two long primes would like better, up to a fifth longer."""

SLICE = 8
"""Curves of one call: at most 20 ms.  Ctrl-C is heard sooner, in the middle of a call."""


class Curves(NamedTuple):
    """Curves for factors of a size; they are numbered through all sizes."""

    bits: int
    first: int
    number: int


def worth_while(n: int, done: int = 0) -> Iterator[Curves]:
    """The curves that are worth their time before n is sieved, after those that are done; small factors first."""
    worth = next((size for most, size in WORTH if n.bit_length() <= most), 0)
    before = 0
    for bits, curves in LEVELS:
        if bits > worth:
            return
        for first in range(max(before, done), before + curves, SLICE):
            yield Curves(bits, first, min(SLICE, before + curves - first))
        before += curves


def run(n: int, curves: Curves) -> int:
    """A proper factor of an odd composite that is no power, or 0."""
    number = n.to_bytes(MOST_BITS // 8 + 1, "little")
    return int.from_bytes(_native.ecm_long(number, *curves), "little")


def find(n: int, done: int) -> tuple[int, int]:
    """The same, by the first of the curves after `done` that finds one; and how many are done then."""
    for curves in worth_while(n, done):
        done = curves.first + curves.number
        if factor := run(n, curves):
            return factor, done
    return 0, done
