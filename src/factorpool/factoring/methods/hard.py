"""Integers that are too hard for the kernel's batches: small factors first, then the quadratic sieve; primes proved.

What may take long is not begun beside other numbers: it is left as large, for `factoring.large` to spread over workers.
"""

from __future__ import annotations

from factorpool import _native
from factorpool.factoring.methods import flint, siqs
from factorpool.factoring.methods.flint import Found
from factorpool.factoring.relations import Relations

LARGE_BITS = 160
"""Integers up to this size take at most about 0.3 s, the longest that Ctrl-C may have to wait for."""

QUICK_PROOF_BITS = 256
"""Primes up to this size are proved in about 40 ms."""

SIEVED_BITS = 65
"""Composites from this size on are sieved."""

SMALL_BITS = 128
"""Longest numbers for the small sieve."""

KERNEL_BITS = 30
"""Factors of this size have been looked for in what the kernel leaves."""

SPREAD_BITS = 184
"""Composites beyond this size, which take a second, are sieved by all workers together, shorter ones by one each."""

BATCH_SECONDS = 0.02
"""Families of polynomials are sieved together if they take less than this."""


def factor_big(n: int) -> Found:
    """Factors n > 1 as far as it is quick: cofactors that may take long are left as large."""
    if n.bit_length() <= LARGE_BITS:
        return factor_whole(n)
    found = Found([], [], [])
    for p, e in flint.divide(n):
        if p.bit_length() <= LARGE_BITS or (p.bit_length() <= QUICK_PROOF_BITS and flint.is_probable_prime(p)):
            found.pairs.extend((q, e * f) for q, f in factor_whole(p).pairs)
        else:
            found.large.append((p, e))
    found.pairs.sort()
    return found


def factor_whole(n: int) -> Found:
    """Factors n > 1 in this thread, however long it takes."""
    return _factor(n, siqs.MOST_BITS)


def factor_alone(n: int) -> Found:
    """The same, but composites that several workers should sieve together are left as large."""
    return _factor(n, SPREAD_BITS)


def complete(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs that the kernel found for a number, when it has left the last one, which has exponent 0."""
    *pairs, (left, _) = pairs
    found = dict(pairs)
    for p, e in _factor(left, siqs.MOST_BITS, KERNEL_BITS).pairs:
        found[p] = found.get(p, 0) + e
    return sorted(found.items())


def _factor(n: int, most_bits: int, looked_bits: int = 0) -> Found:
    """Factors n; composites beyond `most_bits` are left as large, if they can be sieved at all.

    ECM has looked for factors of up to `looked_bits` already.
    """
    found: dict[int, int] = {}
    probable, large = list[int](), list[tuple[int, int]]()
    todo = [(n, 1, looked_bits)]
    while todo:
        m, exponent, looked = todo.pop()
        if flint.is_probable_prime(m):
            found[m] = found.get(m, 0) + exponent
            if not flint.is_proved(m):
                probable.append(m)
            continue
        bits, worth = m.bit_length(), flint.smooth_bits(m)
        if bits < SIEVED_BITS or bits > siqs.MOST_BITS:
            parts = flint.factor_by_flint(m)
        elif worth > looked or flint.is_power(m):
            parts, looked = flint.split(m, worth), max(worth, looked)
        else:
            if bits > most_bits:
                large.append((m, exponent))
                continue
            factor = sieve(m)
            parts = [(factor, 1), (m // factor, 1)]
        todo += [(part, e * exponent, looked) for part, e in parts]
    return Found(sorted(found.items()), probable, large)


def sieve(n: int) -> int:
    """A proper factor of an odd composite that is no power, by the quadratic sieve in this thread."""
    if n.bit_length() <= SMALL_BITS:
        factor = int.from_bytes(_native.siqs_small(n.to_bytes(SMALL_BITS // 8, "little")), "little")
        if factor:
            return factor
    return sieve_in_families(n)


def sieve_in_families(n: int) -> int:
    """The same, by the full sieve."""
    relations = Relations(siqs.plan(n))
    batch = 1
    while True:
        while not relations.enough:
            harvest = siqs.harvest(n, relations.families, batch)
            relations.add(harvest)
            if harvest.seconds < BATCH_SECONDS / 2:
                batch *= 2
        if (factor := relations.factor()) is not None:
            return factor
