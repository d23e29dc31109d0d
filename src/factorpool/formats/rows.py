"""What the text formats share: each number of a block with its primes and exponents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from factorpool.factoring.tasks import Factored, Wide


def rows_of(numbers: Sequence[int], factored: Factored) -> Iterator[tuple[int, list[int], list[int]]]:
    """Every number with its primes and exponents."""
    if isinstance(factored, Wide):
        counts, primes, exponents, _ = factored
    else:
        counts, exponents = list(factored[0]), list(factored[2])
        primes = memoryview(factored[1]).cast("Q").tolist()
    at = 0
    for n, count in zip(numbers, counts, strict=True):
        yield n, primes[at : at + count], exponents[at : at + count]
        at += count


def repeated(primes: list[int], exponents: list[int]) -> str:
    """The primes with a space before each, as often as they divide."""
    return "".join(f" {p}" * e for p, e in zip(primes, exponents, strict=True))
