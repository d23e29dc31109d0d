"""Factorizations as text: GNU factor's format, JSON lines, CSV.

A writer is a function from numbers and what they factor into to bytes; `HEADERS` has what stands above all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from factorpool import _native
from factorpool.factoring.numbers import words_of
from factorpool.factoring.tasks import Factored, Wide

Writer = Callable[[Sequence[int], Factored], bytes]

HEADERS = {"gnu": b"", "jsonl": b"", "csv": b"number,factors\n"}


def gnu(numbers: Sequence[int], factored: Factored) -> bytes:
    """`360: 2 2 2 3 3 5`, a line for each number."""
    if not isinstance(factored, Wide) and isinstance(numbers, memoryview | range):
        return _native.format_gnu(words_of(numbers), *factored)
    return "".join(f"{n}:{_repeated(p, e, ' {}')}\n" for n, p, e in _rows(numbers, factored)).encode()


def jsonl(numbers: Sequence[int], factored: Factored) -> bytes:
    """`{"number": 360, "primes": [2, 3, 5], "exponents": [3, 2, 1]}`, a line for each number."""
    return "".join(
        f'{{"number": {n}, "primes": {p}, "exponents": {e}}}\n'  # lists of ints are JSON as Python shows them
        for n, p, e in _rows(numbers, factored)
    ).encode()


def csv(numbers: Sequence[int], factored: Factored) -> bytes:
    """`360,2 2 2 3 3 5`, a row for each number."""
    return "".join(f"{n},{_repeated(p, e, ' {}')[1:]}\n" for n, p, e in _rows(numbers, factored)).encode()


WRITERS: dict[str, Writer] = {"gnu": gnu, "jsonl": jsonl, "csv": csv}


def _repeated(primes: list[int], exponents: list[int], form: str) -> str:
    return "".join(form.format(p) * e for p, e in zip(primes, exponents, strict=True))


def _rows(numbers: Sequence[int], factored: Factored) -> Iterator[tuple[int, list[int], list[int]]]:
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
