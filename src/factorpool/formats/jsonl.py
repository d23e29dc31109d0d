"""JSON lines: `{"number": 360, "primes": [2, 3, 5], "exponents": [3, 2, 1]}`."""

from __future__ import annotations

from factorpool.factoring.block import Block
from factorpool.factoring.columns import Columns
from factorpool.formats import File
from factorpool.formats.rows import write_rows


class Writer:
    """A JSON object on a line for each number."""

    def __init__(self, file: File) -> None:
        self._file = file

    def write(self, block: Block, columns: Columns) -> None:
        """Adds a line for each number."""
        # Lists of ints are JSON as Python shows them.
        write_rows(
            self._file,
            "jsonl",
            block,
            columns,
            lambda n, p, e: f'{{"number": {n}, "primes": {p}, "exponents": {e}}}\n',
        )

    def close(self) -> None:
        """Nothing stands below the last line."""
