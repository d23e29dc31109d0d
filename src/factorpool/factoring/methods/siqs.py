"""The quadratic sieve of one number: what all workers agree on, and what one of them does.

The relations come from families of polynomials, which are numbered: whoever knows n and a number knows the family, so
only numbers travel to workers, and relations back.  `factoring.relations` makes factors of them.
"""

from __future__ import annotations

import math
import operator
import time
from array import array
from bisect import bisect_left
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import NamedTuple

from factorpool import _native

MOST_BITS = 350
"""Longest numbers that are sieved: 105 digits.  Longer ones would take days, and the kernel has room for 384 bits."""

BLOCK = 1 << 15
"""Positions of a block, as in `native/siqs/siqs.h`."""

# By bits of n: primes of the factor base, blocks of an interval, the bound of large primes in times the greatest prime,
# and the prime from which on is sieved.
TABLE = (
    (80, 90, 1, 20, 30),
    (100, 180, 1, 25, 40),
    (128, 430, 1, 50, 55),
    (160, 1300, 1, 45, 180),
    (192, 3000, 2, 40, 350),
    (224, 7000, 3, 60, 350),
    (256, 20000, 8, 100, 256),
    (288, 50000, 12, 100, 256),
    (320, 110000, 16, 120, 256),
    (350, 131000, 24, 150, 256),
)
"""Up to 160 bits the fastest of 4 to 18 rows that were tried on a Zen 3 with AVX2, or within 5 % of it; so short ones
come here only if the small sieve fails.  From 192 bits on for two large primes, on an Intel Xeon with AVX2: of 15 rows
that of 192 bits took a twentieth less than the best with one, and what comes of both rows at 208 bits a fifth less; at
224 bits 20 rows of 6 000 to 11 000 primes with 2 to 6 blocks, and at 256 seven of 14 000 to 32 000 with 6 to 10, were
within the noise of 10 %, or slower.  On a Zen 3, where the sieve itself is slower, sieving from 350 and not from 200 or
256 on takes 5 to 10 % less at 192, 208 and 224 bits (20 more rows, ten, four and six numbers each).  Beyond by
continuing what they show.  Between two rows each entry grows by the same factor for every bit."""

TWO_FROM = 185
"""From so many bits on, all that the small sieve does not take, a value may have two large primes."""

LEFT = 1.8
"""The product of two large primes may be the bound of one to this power: larger primes seldom come together."""

SMALL_PRIMES_PART = 1.6
"""How many times what small primes give on average is left out of what a value must show to be looked at: values that
have more of them are worth it, and looking takes less time than what is missed otherwise."""

FACTOR_BITS = 10.0
"""Size of the primes of which a is a product: small ones are missed in values, large ones give fewer polynomials."""

POOL = 30
"""Primes of which those of a are drawn, at least."""

SPREAD = 1.7
"""How many times as large, or as small, as their geometric mean the primes of a are drawn."""

MOST_FLIPS, FEW_FLIPS, MANY_PRIMES = 8, 6, 50_000
"""2^8 polynomials are sieved at once, 2^6 from so many primes on: a few tenths of a second."""

CLOSE = 0.02
"""How far a may be from its target, as a logarithm: values grow by half of that."""

ENOUGH_DRAWS, MOST_DRAWS = 20, 1000
"""After so many draws the best is taken, as soon as there is any."""

MULTIPLIERS = tuple(k for k in range(1, 110) if all(k % (d * d) for d in range(2, 11)))
SMALL_PRIMES = tuple(p for p in range(3, 400) if all(p % d for d in range(2, 20) if d < p))


class Plan(NamedTuple):
    """What is common to all families of one n; `primes` and `roots` are the kernel's bytes.

    a has so many `factors` and is close to `target`; its polynomials are in 2^`split` parts, each a family to others.
    """

    n: int
    multiplier: int
    primes: bytes
    roots: bytes
    blocks: int
    large: int
    most_left: int
    sieved_from: int
    missing: float
    factors: int
    target: int
    split: int

    @property
    def size(self) -> int:
        """Primes of the factor base."""
        return len(self.primes) // 4


class Harvest(NamedTuple):
    """Relations of `families` from number `first` on, as the kernel has packed them, and the seconds that they took."""

    u: bytes
    larges: bytes
    lengths: bytes
    factors: bytes
    first: int
    families: int
    seconds: float


@lru_cache(maxsize=4)
def plan(n: int) -> Plan:
    """The plan for an odd n that is no power and has no factors below 100.

    >>> plan((2**50 - 27) * (2**55 - 55)).multiplier in MULTIPLIERS
    True
    """
    multiplier = best_multiplier(n)
    kn = multiplier * n
    size, blocks, times, sieved_from = _sizes(n.bit_length())
    primes, roots = _native.siqs_base(_little_endian(kn), size)
    known = memoryview(primes).cast("I")
    large = min(times * known[-1], 2**32 - 1)
    most_left = round(large**LEFT) if n.bit_length() >= TWO_FROM else large
    small = sum((2 if multiplier % p else 1) * math.log2(p) / (p - 1) for p in known[:sieved_from] if p < sieved_from)
    target = math.isqrt(2 * kn) // (blocks * BLOCK // 2)
    factors = max(3, round(target.bit_length() / FACTOR_BITS))
    while target ** (1 / factors) > known[2 * size // 3]:  # there should be some to choose from
        factors += 1
    missing = math.log2(most_left) + SMALL_PRIMES_PART * small
    split = max(0, factors - 1 - (MOST_FLIPS if size < MANY_PRIMES else FEW_FLIPS))
    return Plan(n, multiplier, primes, roots, blocks, large, most_left, sieved_from, missing, factors, target, split)


def harvest(n: int, first: int, count: int) -> Harvest:
    """The relations of families `first` to `first + count - 1` of n; what a worker does."""
    began = time.perf_counter()
    work = plan(n)
    kn = _little_endian(work.multiplier * n)
    parts = [
        _native.siqs_family(
            kn,
            work.primes,
            work.roots,
            family(work, number >> work.split),
            work.factors - 1 - work.split,
            number % (1 << work.split),
            work.blocks,
            work.large,
            work.most_left,
            work.sieved_from,
            work.missing,
        )
        for number in range(first, first + count)
    ]
    u, larges, lengths, factors = (b"".join(pieces) for pieces in zip(*parts, strict=True))
    return Harvest(u, larges, lengths, factors, first, count, time.perf_counter() - began)


def family(work: Plan, number: int) -> array[int]:
    """The indices of the primes of a family's a: all but the last at random, that one so that a is close to its target.

    Two numbers may give the same; then their relations are the same, and count once.
    """
    from random import Random  # here: it takes 5 ms to import

    primes, roots = memoryview(work.primes).cast("I"), memoryview(work.roots).cast("I")
    typical = work.target ** (1 / work.factors)
    end = min(bisect_left(primes, BLOCK), work.size)
    low, high = bisect_left(primes, round(typical / SPREAD)), bisect_left(primes, round(typical * SPREAD))
    short = max(0, POOL - (high - low))
    low = max(2, min(low - short // 2, end - POOL))
    high = min(max(high, low + POOL), end)
    rng = Random(number)
    best, best_error = array("I"), math.inf
    for attempt in range(MOST_DRAWS):
        chosen = rng.sample(range(low, high), work.factors - 1)
        rest = work.target / math.prod(primes[i] for i in chosen)
        at = min(max(bisect_left(primes, rest), 2), end - 1) if rest < primes[end - 1] else end - 1
        for last in (at - 1, at):
            error = abs(math.log(primes[last] / rest))
            if error < best_error and last > 1 and last not in chosen and all(roots[i] for i in (*chosen, last)):
                best, best_error = array("I", [*chosen, last]), error
        if best and (best_error < CLOSE or attempt > ENOUGH_DRAWS):
            break
    return best


def expected_seconds(bits: int) -> float:
    """What a semiprime of so many bits takes one CPU: 8 ms at 128 bits, twice that for every 10 bits more.

    By `benchmarks/siqs.py` with AVX2, where 192 bits take 0.7 to 0.9 s and 224 bits 5 to 8.
    """
    return 0.008 * math.exp2((min(bits, 1000) - 128) / 10)


def best_multiplier(n: int) -> int:
    """The k below 110 for which kn is a square modulo the most small primes (D. Knuth and R. Schroeppel).

    A prime p divides a value log p times 2 / (p - 1) often on average, and half of that if it divides k; 2 as kn is
    modulo 8; while a larger k makes values larger.
    """

    symbols = [_symbol(n, p) for p in SMALL_PRIMES]

    def gain(k: int) -> float:
        alone, weights = _weights(k)
        of_two = {1: 2.0, 5: 1.0}.get(k * n % 8, 0.5)
        products: Iterator[float] = map(operator.mul, weights, symbols)
        return alone + math.log(2) * of_two + sum(products)

    return max(MULTIPLIERS, key=gain)


def _symbol(a: int, p: int) -> int:
    """1 if a is a square modulo an odd prime p, -1 if not, 0 for a multiple of p (Euler)."""
    power = pow(a % p, (p - 1) // 2, p)
    return power if power < 2 else -1


@cache
def _weights(k: int) -> tuple[float, list[float]]:
    """What a multiplier gains whatever n is, and for each small prime, times the symbol of n."""
    alone, weights = -0.5 * math.log(k), []
    for p in SMALL_PRIMES:
        half, symbol = math.log(p) / (p - 1), _symbol(k, p)
        alone += half if symbol else math.log(p) / p
        weights.append(half * symbol)
    return alone, weights


def _sizes(bits: int) -> list[int]:
    """A row of the table for so many bits."""
    bits = min(max(bits, TABLE[0][0]), TABLE[-1][0])
    at = next(i for i in range(1, len(TABLE)) if bits <= TABLE[i][0])
    (low, *below), (high, *above) = TABLE[at - 1], TABLE[at]
    part = (bits - low) / (high - low)
    return [round(a * (b / a) ** part) for a, b in zip(below, above, strict=True)]


def _little_endian(kn: int) -> bytes:
    return kn.to_bytes((kn.bit_length() + 7) // 8, "little")
