"""GNU factor's format: `360: 2 2 2 3 3 5`."""

from __future__ import annotations

from collections.abc import Sequence

from factorpool import _native
from factorpool.factoring.numbers import words_of
from factorpool.factoring.tasks import Factored, Wide
from factorpool.formats import File
from factorpool.formats.rows import repeated, rows_of


class Writer:
    """A line for each number."""

    def __init__(self, file: File) -> None:
        self._file = file

    def write(self, numbers: Sequence[int], factored: Factored) -> None:
        """Adds a line for each number; where all have at most 64 bits the kernel makes them."""
        if not isinstance(factored, Wide) and isinstance(numbers, memoryview | range):
            self._file.write(_native.format_gnu(words_of(numbers), *factored))
        else:
            lines = (f"{n}:{repeated(p, e)}\n" for n, p, e in rows_of(numbers, factored))
            self._file.write("".join(lines).encode())

    def close(self) -> None:
        """Nothing stands below the last line."""
