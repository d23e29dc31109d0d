"""Comma-separated values: `360,2 2 2 3 3 5`, under the headings `number,factors`."""

from __future__ import annotations

from collections.abc import Sequence

from factorpool.factoring.tasks import Factored
from factorpool.formats import File
from factorpool.formats.rows import repeated, rows_of


class Writer:
    """A row for each number."""

    def __init__(self, file: File) -> None:
        self._file = file
        file.write(b"number,factors\n")

    def write(self, numbers: Sequence[int], factored: Factored) -> None:
        """Adds a row for each number."""
        lines = (f"{n},{repeated(p, e)[1:]}\n" for n, p, e in rows_of(numbers, factored))
        self._file.write("".join(lines).encode())

    def close(self) -> None:
        """Nothing stands below the last line."""
