"""The quadratic sieve of one number: what all workers agree on, and what one of them does.

The relations come from families of polynomials, which are numbered: whoever knows n and a number knows the family, so only
numbers travel to workers, and relations back.  `factoring.relations` makes factors of them.
"""

from __future__ import annotations

import math
import time
from array import array
from bisect import bisect_left
from functools import cache, lru_cache
from typing import NamedTuple

from factorpool import _native

MOST_BITS = 350
"""Longest numbers that are sieved: 105 digits.  Longer ones would take days, and the kernel has room for 384 bits."""

BLOCK = 1 << 15
"""Positions of a block, as in `native/siqs/siqs.h`."""

SIEVED_FROM = 256
"""Primes from which on the kernel sieves, as there."""

# By bits of n: primes of the factor base, blocks of an interval, the large prime's bound in times of the greatest prime.
TABLE = (
    (80, 100, 2, 30),
    (100, 200, 2, 40),
    (128, 450, 2, 40),
    (160, 1300, 2, 50),
    (192, 3600, 2, 70),
    (224, 9500, 4, 80),
    (256, 30000, 12, 90),
    (288, 70000, 20, 100),
    (320, 120000, 30, 120),
    (350, 131000, 40, 150),
)
"""Measured by `benchmarks/siqs.py`; between two rows the size grows by the same factor for every bit."""

SMALL_PRIMES_PART = 2.4
"""How many times what small primes give on average is left out of what a value must show to be looked at: values that
have more of them are worth it, and looking takes less time than what is missed otherwise."""

FACTOR_BITS = 11.3
"""Size of the primes of which a is a product: small ones give fewer relations, large ones fewer polynomials for each a."""

POOL = 30
"""Primes of which those of a are drawn, at least."""

MULTIPLIERS = tuple(k for k in range(1, 110) if all(k % (d * d) for d in range(2, 11)))
SMALL_PRIMES = tuple(p for p in range(3, 400) if all(p % d for d in range(2, 20) if d < p))


class Plan(NamedTuple):
    """What is common to all families of one n; `primes` and `roots` are the kernel's bytes."""

    n: int
    multiplier: int
    primes: bytes
    roots: bytes
    blocks: int
    large: int
    missing: float
    factors: int
    target: int

    @property
    def size(self) -> int:
        """Primes of the factor base."""
        return len(self.primes) // 4

    def prime(self, index: int) -> int:
        """One of them."""
        return memoryview(self.primes).cast("I")[index]


class Harvest(NamedTuple):
    """Relations of some families, as the kernel has packed them, and the seconds that they took."""

    u: bytes
    larges: bytes
    lengths: bytes
    factors: bytes
    families: int
    seconds: float


@lru_cache(maxsize=4)
def plan(n: int) -> Plan:
    """The plan for an odd n that is no power and has no factors below 100.

    >>> plan(10**29 + 319 * 10**9).multiplier in range(1, 110)
    True
    """
    multiplier = best_multiplier(n)
    kn = multiplier * n
    size, blocks, times = _sizes(n.bit_length())
    primes, roots = _native.siqs_base(_little_endian(kn), size)
    known = memoryview(primes).cast("I")
    large = min(times * known[-1], 2**32 - 1)
    small = sum((2 if multiplier % p else 1) * math.log2(p) / (p - 1) for p in known[:SIEVED_FROM] if p < SIEVED_FROM)
    target = math.isqrt(2 * kn) // (blocks // 2 * BLOCK)
    factors = max(3, round(target.bit_length() / FACTOR_BITS))
    missing = math.log2(large) + SMALL_PRIMES_PART * small
    return Plan(n, multiplier, primes, roots, blocks, large, missing, factors, target)


def harvest(n: int, first: int, count: int) -> Harvest:
    """The relations of families `first` to `first + count - 1` of n; what a worker does."""
    began = time.perf_counter()
    work = plan(n)
    kn = _little_endian(work.multiplier * n)
    parts = [
        _native.siqs_family(kn, work.primes, work.roots, family(work, number), work.blocks, work.large, work.missing)
        for number in range(first, first + count)
    ]
    joined = [b"".join(pieces) for pieces in zip(*parts, strict=True)]
    return Harvest(joined[0], joined[1], joined[2], joined[3], count, time.perf_counter() - began)


def family(work: Plan, number: int) -> array[int]:
    """The indices of the primes of which family `number` has its a: at random, the last so that a is close to its target.

    Two numbers may give the same; then their relations are the same, and count once.
    """
    primes, roots = memoryview(work.primes).cast("I"), memoryview(work.roots).cast("I")
    middle = bisect_left(primes, round(work.target ** (1 / work.factors)))
    half = max(POOL, work.size // 8) // 2
    low = max(2, min(middle - half, work.size - 2 * half - 1))
    high = min(low + 2 * half, bisect_left(primes, BLOCK), work.size - 1)
    from random import Random  # here: it takes 5 ms to import

    rng = Random(number)
    while True:
        chosen = rng.sample(range(low, high), work.factors - 1)
        rest = work.target // math.prod(primes[i] for i in chosen)
        last = min(max(bisect_left(primes, rest), 2), bisect_left(primes, BLOCK) - 1, work.size - 1)
        if last not in chosen and all(roots[i] for i in (*chosen, last)):
            return array("I", [*chosen, last])


def best_multiplier(n: int) -> int:
    """The k below 110 for which kn is a square modulo the most small primes (D. Knuth and R. Schroeppel).

    A prime p divides a value log p times 2 / (p - 1) often on average, and half of that if it divides k; 2 as kn is
    modulo 8; while a larger k makes values larger.
    """

    symbols = [_symbol(n, p) for p in SMALL_PRIMES]

    def gain(k: int) -> float:
        gain = math.log(2) * {1: 2.0, 5: 1.0}.get(k * n % 8, 0.5) - 0.5 * math.log(k)
        for p, symbol, of_k in zip(SMALL_PRIMES, symbols, _symbols(k), strict=True):
            if of_k == 0:
                gain += math.log(p) / p
            elif symbol == of_k:
                gain += 2 * math.log(p) / (p - 1)
        return gain

    return max(MULTIPLIERS, key=gain)


def _symbol(a: int, p: int) -> int:
    """1 if a is a square modulo an odd prime p, -1 if not, 0 for a multiple of p (Euler)."""
    power = pow(a % p, (p - 1) // 2, p)
    return power if power < 2 else -1


@cache
def _symbols(k: int) -> list[int]:
    return [_symbol(k, p) for p in SMALL_PRIMES]


def _sizes(bits: int) -> tuple[int, int, int]:
    """Primes, blocks and the large prime's times for so many bits."""
    bits = min(max(bits, TABLE[0][0]), TABLE[-1][0])
    at = next(i for i in range(1, len(TABLE)) if bits <= TABLE[i][0])
    (low, *below), (high, *above) = TABLE[at - 1], TABLE[at]
    part = (bits - low) / (high - low)
    size, blocks, times = (a * (b / a) ** part for a, b in zip(below, above, strict=True))
    return round(size), 2 * round(blocks / 2), round(times)


def _little_endian(kn: int) -> bytes:
    return kn.to_bytes((kn.bit_length() + 7) // 8, "little")
