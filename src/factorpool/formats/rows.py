"""What the text formats share."""

from __future__ import annotations


def repeated(primes: list[int], exponents: list[int]) -> str:
    """The primes with a space before each, as often as they divide."""
    return "".join(f" {p}" * e for p, e in zip(primes, exponents, strict=True))
