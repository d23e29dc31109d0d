"""Integers beyond the kernel: python-flint factors them, and proves primes beyond 64 bits; what it says is checked.

python-flint cannot be interrupted and holds the GIL, so only `processes` runs several at once and stops at Ctrl-C in
the middle of a number.
"""

from __future__ import annotations

from factorpool.errors import FactorpoolError

PROOF_BITS = 1024
"""Primes up to this size are proved (FLINT: BPSW, p - 1, APRCL; about 2 s at 1024 bits); longer ones are probable."""


def factor_big(n: int) -> tuple[list[tuple[int, int]], list[int]]:
    """The factorization of n > 1 as (prime, exponent) pairs, ascending, and those of the primes that are only probable.

    Raises:
        FactorpoolError: if the product of what FLINT answered is not n, or one of the factors is composite.
    """
    from flint import fmpz

    pairs = sorted((int(p), int(e)) for p, e in fmpz(n).factor())
    product, probable = 1, []
    for p, e in pairs:
        product *= p**e
        if p.bit_length() <= PROOF_BITS:
            if not fmpz(p).is_prime():
                raise FactorpoolError(f"python-flint called the composite {p} a prime factor of {n}")
        elif fmpz(p).is_probable_prime():
            probable.append(p)
        else:
            raise FactorpoolError(f"python-flint called a composite of {p.bit_length()} bits a prime factor")
    if product != n:
        raise FactorpoolError(f"python-flint's factors of {n} multiply to {product}")
    return pairs, probable


def complete(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The pairs that the kernel found for a number of up to 128 bits, with primes beyond 64 bits proved.

    A composite that it left, which has exponent 0, is factored.
    """
    from flint import fmpz

    found: dict[int, int] = {}
    for p, e in pairs:
        if e == 0:
            for q, f in factor_big(p)[0]:
                found[q] = found.get(q, 0) + f
        else:
            if p >> 64 and not fmpz(p).is_prime():
                raise FactorpoolError(f"the kernel called the composite {p} a prime factor")
            found[p] = found.get(p, 0) + e
    return sorted(found.items())
