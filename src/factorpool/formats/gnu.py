"""GNU factor's format: `360: 2 2 2 3 3 5`."""

from __future__ import annotations

from factorpool import _native
from factorpool.factoring.block import Block, Kind
from factorpool.factoring.columns import Columns
from factorpool.formats import File
from factorpool.formats.rows import repeated


class Writer:
    """A line for each number."""

    def __init__(self, file: File) -> None:
        self._file = file

    def write(self, block: Block, columns: Columns) -> None:
        """Adds a line for each number; where all have at most 64 bits the kernel makes them."""
        if block.kind is not Kind.WIDE and not columns.wide:
            self._file.write(_native.format_gnu(block.words(), *columns.packed()))
        else:
            lines = (f"{n}:{repeated(p, e)}\n" for n, (p, e) in zip(block, columns.rows(), strict=True))
            self._file.write("".join(lines).encode())

    def close(self) -> None:
        """Nothing stands below the last line."""
