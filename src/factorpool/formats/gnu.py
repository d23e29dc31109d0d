"""GNU factor's format: `360: 2 2 2 3 3 5`."""

from __future__ import annotations

from factorpool.factoring.block import Block
from factorpool.factoring.columns import Columns
from factorpool.formats import File
from factorpool.formats.rows import repeated, write_rows


class Writer:
    """A line for each number."""

    def __init__(self, file: File) -> None:
        self._file = file

    def write(self, block: Block, columns: Columns) -> None:
        """Adds a line for each number."""
        write_rows(self._file, "gnu", block, columns, lambda n, p, e: f"{n}:{repeated(p, e)}\n")

    def close(self) -> None:
        """Nothing stands below the last line."""
