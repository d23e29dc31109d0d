"""ECM for what is too long for the kernel's batches: how many curves are worth their time before a number is sieved."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, repeat
from typing import NamedTuple

from factorpool import _native
from factorpool.factoring.methods import siqs

MOST_BITS = 2107
"""Longest numbers that the kernel has curves for: 634 digits."""

LEVELS = (
    (25, 8), (30, 8), (35, 16), (40, 24), (45, 40), (50, 64), (55, 64), (60, 80), (65, 120), (70, 176), (75, 240),
    (80, 336), (85, 456), (90, 632), (95, 832), (100, 1104), (105, 1400), (110, 1904), (116, 2504),
)  # fmt: skip
"""Size of a factor, and curves that find one of that size in about nine of ten cases, those before included.  Eight run
at once, if there are lanes for so many."""

WORTH = (
    (132, 25), (148, 30), (160, 35), (172, 40), (186, 45), (205, 50), (219, 55), (230, 60), (241, 65), (255, 70),
    (271, 75), (282, 80), (294, 85), (304, 90), (317, 95), (334, 100), (siqs.MOST_BITS, 105),
)  # fmt: skip
"""Up to so many bits of a number, how long the factors are that are looked for.  With these curves, which take a tenth
of what the sieve takes (beyond 256 bits, of what it would take if its time went on doubling every ten bits), random
numbers of 140 to 180 bits take least, or within 7 % of it (Intel Xeon, AVX2); with fewer, which a product of two long
primes would like better, up to a fifth longer.  What is too long for the sieve gets curves without end."""

FURTHER_LANES, FURTHER = 8, 10
"""With so many lanes, in which curves take an eighth of their time, factors of ten more bits are worth looking for: 200
random numbers of 150, 170 and 190 bits take 20 to 25 % less than without.  With four lanes it makes no difference, and
a product of two long primes takes longer (AMD EPYC, Zen 5, AVX-512 IFMA and AVX2)."""

SLICE, SLICE_BITS = 8, 55
"""Curves of one call for factors of up to so many bits; of longer ones fewer, so that a call takes some 20 ms, or one
curve in each lane.  Ctrl-C is heard sooner, in the middle of a call."""


class Curves(NamedTuple):
    """Curves for factors of a size; they are numbered through all sizes, and those of this size end with `last`."""

    bits: int
    first: int
    number: int
    last: int


def worth_while(n: int, done: int = 0) -> Iterator[Curves]:
    """The curves that are worth their time before n is sieved, after those that are done; small factors first."""
    endless = n.bit_length() > siqs.MOST_BITS
    lanes = _native.ecm_lanes(n.bit_length())
    worth = LEVELS[-1][0] if endless else next(size for most, size in WORTH if n.bit_length() <= most)
    if lanes >= FURTHER_LANES:
        worth += FURTHER
    before = 0
    for bits, curves in chain(LEVELS, repeat(LEVELS[-1]) if endless else ()):
        if bits > worth:
            return
        slice_ = max(lanes, SLICE >> max(0, bits - SLICE_BITS) // 5)
        for first in range(max(before, done), before + curves, slice_):
            yield Curves(bits, first, min(slice_, before + curves - first), before + curves)
        before += curves


def run(n: int, curves: Curves) -> int:
    """A proper factor of an odd composite that is no power, or 0."""
    number = n.to_bytes(MOST_BITS // 8 + 1, "little")
    return int.from_bytes(_native.ecm_long(number, _far(curves.bits), curves.first, curves.number), "little")


def find(n: int, done: int) -> tuple[int, int]:
    """The same, by the first of the curves after `done` that finds one; and how many are done then."""
    for curves in worth_while(n, done):
        done = curves.first + curves.number
        if factor := run(n, curves):
            return factor, done
    return 0, done


@lru_cache(maxsize=4)
def _far(bits: int) -> object:
    """How far the curves for factors of a size go, as the kernel has it."""
    return _native.ecm_far(bits)
