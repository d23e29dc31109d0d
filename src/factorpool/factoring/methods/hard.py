"""Integers that are too hard for the kernel's batches: small factors first, then the quadratic sieve; primes proved.

What may take long is not begun beside other numbers: it is left as large, for `factoring.large` to spread over workers.
"""

from __future__ import annotations

from factorpool import _native
from factorpool.factoring.methods import ecm, flint, siqs
from factorpool.factoring.methods.batch import pairs_by_kernel
from factorpool.factoring.methods.flint import Found
from factorpool.factoring.relations import Relations

LARGE_BITS = 160
"""Integers up to this size take at most about 0.3 s, the longest that Ctrl-C may have to wait for."""

QUICK_PROOF_BITS = 256
"""Primes up to this size are proved in about 40 ms."""

KERNEL_BITS = 128
"""Longest numbers that the kernel factors by itself, its small sieve included."""

SMALL_SIEVE_BITS = 184
"""Longest numbers that the small sieve takes."""

SPREAD_BITS = SMALL_SIEVE_BITS
"""Composites beyond this size, which take half a second, are worked on by all workers together; others by one each."""

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
    return _factor(n, ecm.MOST_BITS)


def factor_alone(n: int) -> Found:
    """The same, but composites that several workers should sieve together are left as large."""
    return _factor(n, SPREAD_BITS)


def factor_begin(n: int) -> Found:
    """The same, but no curves of ECM are run for those, for all workers should do that, too."""
    return _factor(n, SPREAD_BITS, curves=False)


def complete(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs that the kernel found for a number; a last one that it has left, with exponent 0, is factored."""
    if not pairs or pairs[-1][1]:
        return pairs
    *pairs, (left, _) = pairs
    found = dict(pairs)
    todo = [p for p, e in flint.divide(left) for _ in range(e)]
    while todo:
        m = todo.pop()
        if flint.is_probable_prime(m):
            flint.is_proved(m)
            found[m] = found.get(m, 0) + 1
        elif flint.is_power(m):
            todo += [p for p, e in flint.split_power(m) for _ in range(e)]
        else:
            factor = sieve(m)
            todo += [factor, m // factor]
    return sorted(found.items())


def _factor(n: int, most_bits: int, curves: bool = True) -> Found:
    """Factors n; composites beyond `most_bits` are left as large, without or after `curves`.

    Those that are too long for the sieve are left without: their curves have no end.
    """
    found: dict[int, int] = {}
    probable, large = list[int](), list[tuple[int, int]]()
    todo = [(p, e, 0) for p, e in flint.divide(n)]
    while todo:
        m, exponent, done = todo.pop()
        bits = m.bit_length()
        if bits <= KERNEL_BITS:
            for p, e in complete(next(pairs_by_kernel([m], 2))):
                found[p] = found.get(p, 0) + e * exponent
            continue
        if flint.is_probable_prime(m):
            found[m] = found.get(m, 0) + exponent
            if not flint.is_proved(m):
                probable.append(m)
            continue
        if bits > ecm.MOST_BITS:
            todo += [(part, e * exponent, done) for part, e in flint.factor_by_flint(m)]
            continue
        if flint.is_power(m):
            todo += [(part, e * exponent, done) for part, e in flint.split_power(m)]
            continue
        factor = 0
        if bits <= most_bits or (curves and bits <= siqs.MOST_BITS):
            factor, done = ecm.find(m, done)
        if not factor:
            if bits > most_bits:
                large.append((m, exponent))
                continue
            factor = sieve(m)
        todo += [(part, exponent, done) for part in (factor, m // factor)]
    return Found(sorted(found.items()), probable, large)


def sieve(n: int) -> int:
    """A proper factor of an odd composite that is no power, by the quadratic sieve in this thread."""
    if n.bit_length() <= SMALL_SIEVE_BITS:
        factor = int.from_bytes(_native.siqs_small(n.to_bytes(SMALL_SIEVE_BITS // 8, "little")), "little")
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
