"""From the relations of a quadratic sieve to a factor: duplicates, large primes, and the square root.

A relation says that u^2 is a product of primes of the factor base and of up to two large primes.  Large primes are the
vertices of a graph, with 1 for none, and relations its edges: along a cycle every large prime stands twice, so that its
relations together are one without large primes but for a square (A. Lenstra and M. Manasse, "Factoring with two large
primes", 1994).  As soon as there are more cycles than primes in the base, some have a product that is a square on both
sides, and one such product in two gives a factor.
"""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from factorpool import _native
from factorpool.errors import FactorpoolError
from factorpool.factoring.methods.siqs import Harvest, Plan

SPARE = 64
"""Relations beyond the number of primes that are waited for: they give as many squares, each of which may miss."""

U_BYTES = 64
"""What u takes in a harvest."""


class Relation(NamedTuple):
    """u^2 = the product of `factors`, as the kernel numbers them, times both large primes (mod n); 1 is for none."""

    u: bytes
    factors: bytes
    low: int
    high: int


class Cycle(NamedTuple):
    """The product of some relations: (product of us)^2 = product of `factors` times (product of larges)^2 (mod n)."""

    us: list[bytes]
    factors: bytes
    larges: list[int]


class Relations:
    """What has been found of one n; `found` of `needed`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.families = 0
        self.seconds = 0.0  # of all workers
        self.needed = plan.size + 1 + SPARE
        self.found = 0  # cycles
        self._relations: list[Relation] = []
        self._seen: set[bytes] = set()
        self._parents: dict[int, int] = {}  # of large primes, in trees of those that relations connect

    @property
    def enough(self) -> bool:
        """Whether a factor is to be expected."""
        return self.found >= self.needed

    def add(self, harvest: Harvest) -> None:
        """Takes in what a worker has found; what was known already counts once."""
        self.families += harvest.families
        self.seconds += harvest.seconds
        at = 0
        us, packed = harvest.u, harvest.factors
        larges, lengths = memoryview(harvest.larges).cast("I"), memoryview(harvest.lengths).cast("H")
        for i, length in enumerate(lengths):
            u, factors = us[U_BYTES * i : U_BYTES * (i + 1)].rstrip(b"\0"), packed[at : at + 4 * length]
            at += 4 * length
            if u not in self._seen:
                self._seen.add(u)
                low, high = larges[2 * i : 2 * i + 2]
                self._relations.append(Relation(u, factors, low, high))
                self.found += self._closes_cycle(low, high)

    def _closes_cycle(self, low: int, high: int) -> bool:
        """Whether two large primes were connected before this relation of them, which connects them."""
        if low == high:
            return True
        a, b = self._root(low), self._root(high)
        self._parents[b] = a
        return a == b

    def _root(self, prime: int) -> int:
        """The root of its tree; the way there is halved, so that it stays short."""
        parents = self._parents
        while (parent := parents.setdefault(prime, prime)) != prime:
            parents[prime] = prime = parents[parent]
        return prime

    def factor(self, stop: bytearray | None = None) -> int | None:
        """A proper factor of n; None if more relations are needed, which `needed` then says.

        Setting the first byte of `stop` ends it with InterruptedError.
        """
        cycles = list(self._cycles())
        entries, starts = array("I"), array("Q", [0])
        for cycle in cycles:
            entries.frombytes(cycle.factors)
            starts.append(len(entries))
        for chosen in _native.siqs_dependencies(entries, starts, self.plan.size + 1, SPARE, stop):
            factor = self._square_root(cycles, int.from_bytes(chosen, "little"))
            if factor is not None:
                return factor
        self.needed = self.found + SPARE
        return None

    def _cycles(self) -> Iterator[Cycle]:
        """As many as were counted, each short: breadth first from 1, then from what is not connected with it."""
        edges: dict[int, list[Relation]] = {}
        for relation in self._relations:
            if relation.low == relation.high:
                yield Cycle([relation.u], relation.factors, [relation.low])
            else:
                edges.setdefault(relation.low, []).append(relation)
                edges.setdefault(relation.high, []).append(relation)
        towards: dict[int, Relation | None] = {}  # the relation that leads to the root, and at how many steps
        depth: dict[int, int] = {}
        for root in sorted(edges):
            if root in towards:
                continue
            towards[root], depth[root] = None, 0
            queue = [root]
            for prime in queue:
                for relation in edges[prime]:
                    other = relation.high if prime == relation.low else relation.low
                    if other not in towards:
                        towards[other], depth[other] = relation, depth[prime] + 1
                        queue.append(other)
                    elif relation is not towards[prime] and relation is not towards[other] and prime == relation.low:
                        yield _close(relation, towards, depth)

    def _square_root(self, cycles: list[Cycle], chosen: int) -> int | None:
        """gcd(x - y, n) for the x^2 = y^2 that these cycles give, unless that is 1 or n."""
        n, x, y = self.plan.n, 1, 1
        powers: Counter[int] = Counter()
        for i, cycle in enumerate(cycles):
            if chosen >> i & 1:
                for u in cycle.us:
                    x = x * int.from_bytes(u, "little") % n
                for large in cycle.larges:
                    y = y * large % n
                powers.update(memoryview(cycle.factors).cast("I"))
        primes = memoryview(self.plan.primes).cast("I")
        for index, power in powers.items():
            if index:
                y = y * pow(primes[index - 1], power // 2, n) % n
        if any(power % 2 for power in powers.values()) or (x * x - y * y) % n:
            raise FactorpoolError(f"the sieve has a wrong relation for {n}: please report this number")
        factor = math.gcd(x - y, n)
        return factor if 1 < factor < n else None


def _close(relation: Relation, towards: dict[int, Relation | None], depth: dict[int, int]) -> Cycle:
    """The cycle of a relation and the ways of both its large primes to where they meet."""
    us, factors, larges = [relation.u], [relation.factors], [relation.low, relation.high]
    a, b = relation.low, relation.high
    while a != b:
        if depth[a] < depth[b]:
            a, b = b, a
        step = towards[a]
        assert step is not None  # only the root has none, and it is deeper than nothing
        us.append(step.u)
        factors.append(step.factors)
        a = step.low + step.high - a
        larges.append(a)
    larges.remove(a)  # where they meet: it was counted from both sides
    return Cycle(us, b"".join(factors), larges)
