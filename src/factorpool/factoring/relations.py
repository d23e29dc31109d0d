"""From the relations of a quadratic sieve to a factor: duplicates, large primes, and the square root.

A relation says that u^2 is a product of primes of the factor base, times the square of one large prime once two
relations with it have been put together.  As soon as there are more of them than primes, some have a product that is a
square on both sides, and one such product in two gives a factor.
"""

from __future__ import annotations

import math
from array import array
from typing import NamedTuple

from factorpool import _native
from factorpool.factoring.methods.siqs import Harvest, Plan

SPARE = 64
"""Relations beyond the number of primes that are waited for: they give as many squares, each of which may miss."""

U_BYTES = 64
"""What u takes in a harvest."""


class Relation(NamedTuple):
    """u^2 = the product of `factors`, as the kernel numbers them, times large^2 (mod n)."""

    u: int
    factors: bytes
    large: int


class Relations:
    """What has been found of one n; `found` of `needed`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.families = 0
        self.needed = plan.size + 1 + SPARE
        self._whole: list[Relation] = []
        self._partial: dict[int, Relation] = {}  # by large prime, the first with it
        self._seen: set[int] = set()

    @property
    def found(self) -> int:
        """Relations without a large prime, or put together from two."""
        return len(self._whole)

    @property
    def enough(self) -> bool:
        """Whether a factor is to be expected."""
        return self.found >= self.needed

    def add(self, harvest: Harvest) -> None:
        """Takes in what a worker has found; what was known already counts once."""
        self.families += harvest.families
        at = 0
        larges, lengths = memoryview(harvest.larges).cast("I"), memoryview(harvest.lengths).cast("H")
        for i, (large, length) in enumerate(zip(larges, lengths, strict=True)):
            factors = harvest.factors[4 * at : 4 * (at + length)]
            at += length
            u = int.from_bytes(harvest.u[U_BYTES * i : U_BYTES * (i + 1)], "little")
            if u in self._seen:
                continue
            self._seen.add(u)
            if large == 1:
                self._whole.append(Relation(u, factors, 1))
            elif (first := self._partial.get(large)) is None:
                self._partial[large] = Relation(u, factors, large)
            else:
                self._whole.append(Relation(u * first.u % self.plan.n, factors + first.factors, large))

    def factor(self) -> int | None:
        """A proper factor of n; None if more relations are needed, which `needed` then says."""
        entries, starts = array("I"), array("Q", [0])
        for relation in self._whole:
            entries.frombytes(relation.factors)
            starts.append(len(entries))
        for chosen in _native.siqs_dependencies(entries, starts, self.plan.size + 1, SPARE):
            factor = self._square_root(int.from_bytes(chosen, "little"))
            if factor is not None:
                return factor
        self.needed = self.found + SPARE
        return None

    def _square_root(self, chosen: int) -> int | None:
        """gcd(x - y, n) for the x^2 = y^2 that these relations give, unless that is 1 or n."""
        n, x, y = self.plan.n, 1, 1
        powers = [0] * (self.plan.size + 1)
        for i, relation in enumerate(self._whole):
            if chosen >> i & 1:
                x, y = x * relation.u % n, y * relation.large % n
                for factor in memoryview(relation.factors).cast("I"):
                    powers[factor] += 1
        primes = memoryview(self.plan.primes).cast("I")
        for index, power in enumerate(powers[1:]):
            if power:
                y = y * pow(primes[index], power // 2, n) % n
        if any(power % 2 for power in powers) or (x * x - y * y) % n:
            raise AssertionError(f"the sieve has a wrong relation for {n}")
        factor = math.gcd(x - y, n)
        return factor if 1 < factor < n else None
