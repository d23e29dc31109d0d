"""The article's naive method, in pure Python: the slow obvious one that everything else is compared with."""

from __future__ import annotations

from typing import NamedTuple

from factorpool.factoring.methods.flint import Found


def factorize_naive(n: int) -> list[int]:
    """The prime factors of n, ascending and repeated; `[]` below 2.

    Divides by 2 and then by every odd number up to the square root of what is left: slow on purpose.
    """
    factors: list[int] = []
    if n < 2:
        return factors
    p = 2
    while p * p <= n:
        if n % p == 0:
            factors.append(p)
            n //= p
        elif p == 2:
            p = 3
        else:
            p += 2
    factors.append(n)
    return factors


class NaiveMethod(NamedTuple):
    """Every number by `factorize_naive`."""

    name: str = "naive"
    summary: str = "the article's: pure Python, slow on purpose"
    words: int = 0
    first_chunk: int = 1
    sieves: bool = False
    costs_known: bool = False

    def factor(self, n: int) -> Found:
        """Divides; all primes are certain."""
        factors = factorize_naive(n)
        return Found([(p, factors.count(p)) for p in dict.fromkeys(factors)])


NAIVE = NaiveMethod()
