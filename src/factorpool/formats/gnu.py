"""GNU factor's format: `360: 2 2 2 3 3 5`."""

from __future__ import annotations

from factorpool.formats import Factored, File, Shape
from factorpool.formats.table import Heading
from factorpool.formats.text import printed


class Writer:
    """A line for each number; of a table only the numbers."""

    def __init__(self, file: File, shape: Shape, heading: Heading | None) -> None:
        self._file = file
        self._shape = shape

    def write(self, factored: Factored) -> None:
        """Adds a line for each number."""
        text = printed("gnu", self._shape, factored)
        if factored.missing:
            lines = text.splitlines(keepends=True)
            text = b"".join(line for at, line in enumerate(lines) if at not in factored.missing)
        self._file.write(text)

    def close(self) -> None:
        """Nothing stands below the last line."""
