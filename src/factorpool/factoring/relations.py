"""From the relations of a quadratic sieve to a factor: how many there are, how many are needed, and the square root.

A relation says that u^2 is a product of primes of the factor base and of up to two large primes.  The kernel keeps
them (`native/siqs/cycles.c`) and counts the products of some that are free of large primes but for a square.  As soon
as there are more of these than primes in the base, some have a product that is a square on both sides, and one such
product in two gives a factor.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from factorpool import _native
from factorpool.errors import FactorpoolError
from factorpool.factoring.methods.siqs import Harvest, Plan

SPARE = 64
"""Relations beyond the number of primes that are waited for: they give as many squares, each of which may miss."""

U_BYTES = 64
"""What the kernel takes for u."""


class Relations:
    """What has been found of one n; `found` of `needed`.  Not for two threads at once."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.families = 0
        self.seconds = 0.0  # of all workers
        self.needed = plan.size + 1 + SPARE
        self.found = 0  # cycles of large primes: a relation without any is one, too
        self._graph = _native.siqs_graph(plan.size + 1)

    @property
    def enough(self) -> bool:
        """Whether a factor is to be expected."""
        return self.found >= self.needed

    def add(self, harvest: Harvest) -> None:
        """Takes in what a worker has found; what was known already counts once."""
        self.families += harvest.families
        self.seconds += harvest.seconds
        self.found = _native.siqs_gather(self._graph, harvest.u, harvest.larges, harvest.lengths, harvest.factors)

    def factor(self, stop: bytearray | None = None) -> int | None:
        """A proper factor of n; None if more relations are needed, which `needed` then says.

        Setting the first byte of `stop` ends it with InterruptedError.
        """
        for chosen in _native.siqs_sets(self._graph, SPARE, stop):
            factor = self._square_root(chosen)
            if factor is not None:
                return factor
        self.needed = self.found + SPARE
        return None

    def _square_root(self, chosen: bytes) -> int | None:
        """gcd(x - y, n) for the x^2 = y^2 that these relations give, unless that is 1 or n."""
        n = self.plan.n
        us, larges, halves = _native.siqs_product(self._graph, chosen)
        primes = memoryview(self.plan.primes).cast("I")
        powers = memoryview(halves).cast("I")[1:]  # the first is of -1
        x = _product((int.from_bytes(us[at : at + U_BYTES], "little") for at in range(0, len(us), U_BYTES)), n)
        y = _product(memoryview(larges).cast("I"), n)
        y = y * _product((pow(p, power, n) for p, power in zip(primes, powers, strict=True) if power), n) % n
        if (x * x - y * y) % n:
            raise FactorpoolError(f"the sieve has a wrong relation for {n}: please report this number")
        factor = math.gcd(x - y, n)
        return factor if 1 < factor < n else None


def _product(factors: Iterable[int], n: int) -> int:
    """Their product modulo n."""
    product = 1
    for factor in factors:
        product = product * factor % n
    return product
