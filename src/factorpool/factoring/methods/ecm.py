"""ECM for what is too long for the kernel's batches: how many curves are worth their time before a number is sieved."""

from __future__ import annotations

from typing import NamedTuple

from factorpool import _native

MOST_BITS = 379
"""Longest numbers that the kernel has curves for."""

LEVELS = (
    (25, 4), (30, 8), (35, 12), (40, 20), (45, 35), (50, 60), (55, 120), (60, 250), (65, 500), (70, 1000), (75, 2000),
)  # fmt: skip
"""Size of a factor, and curves that find one of that size in about nine of ten cases."""

WORTH = (
    (135, 30), (150, 35), (165, 40), (180, 45), (200, 50), (215, 55), (230, 60), (250, 65), (300, 70), (MOST_BITS, 75),
)  # fmt: skip
"""Up to so many bits of a number, how long the factors are that are looked for: all curves take a twenty-fifth of what
the sieve takes then, measured on a Zen 3 up to 224 bits."""

SLICE = 8
"""Curves of one call: at most 20 ms.  Ctrl-C is heard sooner, in the middle of a call."""


class Looked(NamedTuple):
    """How far one has looked: levels that are done, and curves of the next."""

    levels: int = 0
    curves: int = 0


def find(n: int, looked: Looked) -> tuple[int, Looked]:
    """Goes on from there with an odd composite that is no power: a proper factor, or 0, and how far one has looked.

    It ends with the first factor, or when it is not worth going on.
    """
    worth = next((size for most, size in WORTH if n.bit_length() <= most), 0)
    number = n.to_bytes(MOST_BITS // 8 + 1, "little")
    for at in range(looked.levels, len(LEVELS)):
        bits, curves = LEVELS[at]
        if bits > worth:
            return 0, Looked(at)
        before = sum(count for _, count in LEVELS[:at])
        for first in range(looked.curves if at == looked.levels else 0, curves, SLICE):
            count = min(SLICE, curves - first)
            factor = int.from_bytes(_native.ecm_long(number, bits, before + first, count), "little")
            if factor:
                return factor, Looked(at, first + count)
    return 0, Looked(len(LEVELS))
