"""From the relations of a quadratic sieve to a factor: duplicates, large primes, and the square root.

A relation says that u^2 is a product of primes of the factor base, times the square of one large prime once two
relations with it have been put together.  As soon as there are more of them than primes, some have a product that is a
square on both sides, and one such product in two gives a factor.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from typing import NamedTuple

from factorpool import _native
from factorpool.errors import FactorpoolError
from factorpool.factoring.methods.siqs import Harvest, Plan

SPARE = 64
"""Relations beyond the number of primes that are waited for: they give as many squares, each of which may miss."""

U_BYTES = 64
"""What u takes in a harvest."""


class Relation(NamedTuple):
    """(u times the other u)^2 = the product of `factors`, as the kernel numbers them, times large^2 (mod n).

    `other` is the u of the relation that had the large prime first; empty if there is none.
    """

    u: bytes
    factors: bytes
    large: int
    other: bytes


class Relations:
    """What has been found of one n; `found` of `needed`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.families = 0
        self.seconds = 0.0  # of all workers
        self.needed = plan.size + 1 + SPARE
        self._whole: list[Relation] = []
        self._partial: dict[int, tuple[bytes, bytes]] = {}  # by large prime, the first with it: u and factors
        self._seen: set[bytes] = set()

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
        self.seconds += harvest.seconds
        at = 0
        us, packed, partial = harvest.u, harvest.factors, self._partial
        larges, lengths = memoryview(harvest.larges).cast("I"), memoryview(harvest.lengths).cast("H")
        for i, (large, length) in enumerate(zip(larges, lengths, strict=True)):
            u, factors = us[U_BYTES * i : U_BYTES * (i + 1)], packed[at : at + 4 * length]
            at += 4 * length
            if large == 1:
                self._add_whole(Relation(u, factors, 1, b""))
            elif (first := partial.get(large)) is None:
                partial[large] = u, factors
            elif first[0] != u:
                self._add_whole(Relation(u, factors + first[1], large, first[0]))

    def _add_whole(self, relation: Relation) -> None:
        if relation.u not in self._seen:
            self._seen.add(relation.u)
            self._whole.append(relation)

    def factor(self, stop: bytearray | None = None) -> int | None:
        """A proper factor of n; None if more relations are needed, which `needed` then says.

        Setting the first byte of `stop` ends it with InterruptedError.
        """
        entries, starts = array("I"), array("Q", [0])
        for relation in self._whole:
            entries.frombytes(relation.factors)
            starts.append(len(entries))
        for chosen in _native.siqs_dependencies(entries, starts, self.plan.size + 1, SPARE, stop):
            factor = self._square_root(int.from_bytes(chosen, "little"))
            if factor is not None:
                return factor
        self.needed = self.found + SPARE
        return None

    def _square_root(self, chosen: int) -> int | None:
        """gcd(x - y, n) for the x^2 = y^2 that these relations give, unless that is 1 or n."""
        n, x, y = self.plan.n, 1, 1
        powers: Counter[int] = Counter()
        for i, relation in enumerate(self._whole):
            if chosen >> i & 1:
                x = x * int.from_bytes(relation.u, "little") % n
                if relation.other:
                    x = x * int.from_bytes(relation.other, "little") % n
                    y = y * relation.large % n
                powers.update(memoryview(relation.factors).cast("I"))
        primes = memoryview(self.plan.primes).cast("I")
        for index, power in powers.items():
            if index:
                y = y * pow(primes[index - 1], power // 2, n) % n
        if any(power % 2 for power in powers.values()) or (x * x - y * y) % n:
            raise FactorpoolError(f"the sieve has a wrong relation for {n}: please report this number")
        factor = math.gcd(x - y, n)
        return factor if 1 < factor < n else None
