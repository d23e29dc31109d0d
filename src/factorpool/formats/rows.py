"""What the text formats share: the kernel makes their lines, and Python those of numbers beyond 64 bits."""

from __future__ import annotations

from collections.abc import Callable

from factorpool import _native
from factorpool.factoring.block import Block, Kind
from factorpool.factoring.columns import Columns
from factorpool.formats import File


def write_rows(
    file: File, style: str, block: Block, columns: Columns, line: Callable[[int, list[int], list[int]], str]
) -> None:
    """Writes a line for each number, in a style that the kernel knows and `line` makes, too."""
    if block.kind is not Kind.WIDE and not columns.wide:
        file.write(_native.format_rows(style, block.words(), *columns.packed()))
    else:
        lines = (line(n, p, e) for n, (p, e) in zip(block, columns.rows(), strict=True))
        file.write("".join(lines).encode())


def repeated(primes: list[int], exponents: list[int]) -> str:
    """The primes with a space before each, as often as they divide."""
    return "".join(f" {p}" * e for p, e in zip(primes, exponents, strict=True))
