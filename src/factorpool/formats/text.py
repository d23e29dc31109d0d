"""What the text formats share: the kernel makes their lines, and Python those of numbers beyond 64 bits."""

from __future__ import annotations

from factorpool import _native
from factorpool.factoring.block import Block, Kind
from factorpool.factoring.columns import Columns
from factorpool.formats import Factored, Shape


def printed(style: str, shape: Shape, factored: Factored) -> bytes:
    """A line for each number, or for each of its primes: those that a worker has printed, if one has."""
    text = factored.columns.text
    return lines_of(style, shape, factored.block, factored.columns) if text is None else bytes(text)


def lines_of(style: str, shape: Shape, block: Block, columns: Columns) -> bytes:
    """A line for each number, or, where they are flat, for each of its primes."""
    if block.kind is not Kind.WIDE and not columns.wide:
        return _native.format_rows(style, shape.value, block.words(), *columns.packed())
    rows = zip(block, columns.rows(), strict=True)
    return "".join(_line(style, shape, n, p, e) for n, (p, e) in rows).encode()


def shown_factors(shape: Shape, factored: Factored) -> list[str]:
    """What stands in the column of factors, for each number."""
    return printed("bare", shape, factored).decode().split("\n")[:-1]


def _line(style: str, shape: Shape, n: int, primes: list[int], exponents: list[int]) -> str:
    pairs = list(zip(primes, exponents, strict=True))
    between = "," if style == "csv" else "\t"
    if style == "jsonl" and shape is Shape.FLAT:
        return "".join(f'{{"number": {n}, "prime": {p}, "exponent": {e}}}\n' for p, e in pairs)
    if style == "jsonl":  # lists of ints are JSON as Python shows them
        return f'{{"number": {n}, "primes": {primes}, "exponents": {exponents}}}\n'
    if shape is Shape.FLAT:
        return "".join(f"{n}{between}{p}{between}{e}\n" for p, e in pairs)
    if shape is Shape.POWERS:
        words = [f"{p}^{e}" if e > 1 else str(p) for p, e in pairs]
    else:
        words = [str(p) for p, e in pairs for _ in range(e)]
    if style == "bare":
        return " ".join(words) + "\n"
    if style == "gnu":
        return "".join([f"{n}:", *(f" {word}" for word in words), "\n"])
    return f"{n}{between}{' '.join(words)}\n"
