"""What python-flint does for integers beyond the kernel: proofs of primes, small factors; its answers are checked.

python-flint cannot be interrupted and holds the GIL.  So what may take it long is not begun beside other numbers: it is
sent back as large, to be run where it can be stopped (`factoring.large`).
"""

from __future__ import annotations

from typing import NamedTuple

from factorpool.errors import FactorpoolError

PROOF_BITS = 1024
"""Primes up to this size are proved (FLINT: BPSW, p - 1, APRCL; about 4 s at 1024 bits); longer ones are probable."""

POWER_BITS = 16
"""Size of the factors that are looked for where only a power is to be opened, which python-flint does besides."""

TRIAL_PRIMES = 3000
"""Primes by which a large integer is divided first: 0.03 ms."""


class Found(NamedTuple):
    """What is known of a number: (prime, exponent) pairs, ascending; which of the primes are only probable.

    `large` has (cofactor, exponent) pairs of what is left, which may be prime.
    """

    pairs: list[tuple[int, int]]
    probable: list[int] = []  # noqa: RUF012 (never changed)
    large: list[tuple[int, int]] = []  # noqa: RUF012


def is_probable_prime(n: int) -> bool:
    """Whether n > 1 is prime, by the Baillie-PSW test."""
    from flint import fmpz

    return bool(fmpz(n).is_probable_prime())


def is_proved(p: int) -> bool:
    """Whether a probable prime is short enough to be proved, and then proves it.

    Raises:
        FactorpoolError: it is composite after all.
    """
    from flint import fmpz

    if p.bit_length() > PROOF_BITS:
        return False
    if not fmpz(p).is_prime():
        raise FactorpoolError(f"the composite {p} was called a prime")
    return True


def divide(n: int) -> list[tuple[int, int]]:
    """The primes up to 27 000 of n, and what is left, opened if it is a power: (factor, exponent) pairs."""
    from flint import fmpz

    return _checked(n, fmpz(n).factor(trial_limit=TRIAL_PRIMES))


def is_power(n: int) -> bool:
    """Whether n is a square, a cube, ..."""
    from flint import fmpz

    return bool(fmpz(n).is_perfect_power())


def split_power(n: int) -> list[tuple[int, int]]:
    """A power as (root, exponent) pairs; small factors besides, if there are any."""
    from flint import fmpz

    return _checked(n, fmpz(n).factor_smooth(POWER_BITS))


def factor_by_flint(n: int) -> list[tuple[int, int]]:
    """All prime factors by python-flint: it holds the GIL, on one CPU, for as long as that takes."""
    from flint import fmpz

    return _checked(n, fmpz(n).factor())


def _checked(n: int, factors: object) -> list[tuple[int, int]]:
    """As pairs of ints; a FactorpoolError unless they multiply to n."""
    pairs = sorted((int(p), int(e)) for p, e in factors)  # type: ignore[attr-defined]
    product = 1
    for p, e in pairs:
        product *= p**e
    if product != n:
        raise FactorpoolError(f"python-flint's factors of {n} multiply to {product}")
    return pairs
