"""Integers beyond the kernel: python-flint factors them, and proves primes beyond 64 bits; what it says is checked.

python-flint cannot be interrupted and holds the GIL.  So what may take it long is not begun beside other numbers: it is
sent back as large, to be run where it can be stopped (`factoring.large`).
"""

from __future__ import annotations

from typing import NamedTuple

from factorpool.errors import FactorpoolError

PROOF_BITS = 1024
"""Primes up to this size are proved (FLINT: BPSW, p - 1, APRCL; about 4 s at 1024 bits); longer ones are probable."""

LARGE_BITS = 160
"""Integers up to this size take at most about 0.3 s, the longest that Ctrl-C may have to wait for."""

QUICK_PROOF_BITS = 256
"""Primes up to this size are proved in about 40 ms."""

TRIAL_PRIMES = 3000
"""Primes by which a large integer is divided first: 0.03 ms."""


class Found(NamedTuple):
    """What is known of a number: (prime, exponent) pairs, ascending; which of the primes are only probable.

    `large` has (cofactor, exponent) pairs of what is left, which may be prime.
    """

    pairs: list[tuple[int, int]]
    probable: list[int] = []  # noqa: RUF012 (never changed)
    large: list[tuple[int, int]] = []  # noqa: RUF012


def factor_big(n: int) -> Found:
    """Factors n > 1 as far as it is quick: cofactors that may take long are left as large."""
    from flint import fmpz

    if n.bit_length() <= LARGE_BITS:
        return factor_whole(n)
    found = Found([], [], [])
    for cofactor, exponent in fmpz(n).factor(trial_limit=TRIAL_PRIMES):
        p, e = int(cofactor), int(exponent)
        if p.bit_length() <= LARGE_BITS or (p.bit_length() <= QUICK_PROOF_BITS and cofactor.is_probable_prime()):
            found.pairs.extend((q, e * f) for q, f in factor_whole(p).pairs)
        else:
            found.large.append((p, e))
    found.pairs.sort()
    _check_product(n, found.pairs + found.large)
    return found


def factor_whole(n: int) -> Found:
    """Factors n > 1, however long it takes.

    Raises:
        FactorpoolError: if the product of what FLINT answered is not n, or one of the factors is composite.
    """
    from flint import fmpz

    pairs = sorted((int(p), int(e)) for p, e in fmpz(n).factor())
    probable = []
    for p, _ in pairs:
        if p.bit_length() <= PROOF_BITS:
            if not fmpz(p).is_prime():
                raise FactorpoolError(f"python-flint called the composite {p} a prime factor of {n}")
        elif fmpz(p).is_probable_prime():
            probable.append(p)
        else:
            raise FactorpoolError(f"python-flint called a composite of {p.bit_length()} bits a prime factor")
    _check_product(n, pairs)
    return Found(pairs, probable)


def _check_product(n: int, pairs: list[tuple[int, int]]) -> None:
    product = 1
    for p, e in pairs:
        product *= p**e
    if product != n:
        raise FactorpoolError(f"python-flint's factors of {n} multiply to {product}")


def complete(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs that the kernel found for a number of up to 128 bits, with primes beyond 64 bits proved.

    A composite that it left, which has exponent 0, is factored.
    """
    from flint import fmpz

    found: dict[int, int] = {}
    for p, e in pairs:
        if e == 0:
            for q, f in factor_whole(p).pairs:
                found[q] = found.get(q, 0) + f
        else:
            if p >> 64 and not fmpz(p).is_prime():
                raise FactorpoolError(f"the kernel called the composite {p} a prime factor")
            found[p] = found.get(p, 0) + e
    return sorted(found.items())
