"""JSON lines: `{"number": 360, "primes": [2, 3, 5], "exponents": [3, 2, 1]}`; and tables of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from factorpool.errors import FactorpoolError, show
from factorpool.formats import Factored, File, Shape
from factorpool.formats.lines import Lines, LineSource, first_line_from
from factorpool.formats.table import Batch, Heading, JsonRows, choose_column
from factorpool.formats.text import printed

ROWS = 4096
"""Rows that are read at once: some milliseconds' work."""


class Writer:
    """A JSON object on a line for each number; with a table, its fields come first."""

    def __init__(self, file: File, shape: Shape, heading: Heading | None) -> None:
        self._file = file
        self._shape = shape

    def write(self, factored: Factored) -> None:
        """Adds a line for each number, or for each of its primes."""
        _, columns, rows, missing = factored
        if rows is None:
            self._file.write(printed("jsonl", self._shape, factored))
            return
        lines: list[str] = []
        flat = self._shape is Shape.FLAT
        new = {"prime", "exponent"} if flat else {"primes", "exponents"}
        one, other = (f'"{name}"' for name in new)
        found: Iterable[Any] = columns.rows() if flat else printed("jsonl", self._shape, factored).decode().splitlines()
        for at, (fields, shown) in enumerate(zip(rows.objects(), found, strict=True)):
            if (one in fields or other in fields) and (there := new & json.loads(fields).keys()):
                raise FactorpoolError(f"{show(fields)} has a field {min(there)!r} already, which would be there twice")
            before = fields.rstrip()[:-1].rstrip()
            before += ", " if before != "{" else ""
            if flat:
                lines += [f'{before}"prime": {p}, "exponent": {e}}}\n' for p, e in zip(*shown, strict=True)]
            elif at in missing:
                lines.append(f'{before}"primes": null, "exponents": null}}\n')
            else:
                lines.append(f"{before}{shown.partition(', ')[2]}\n")  # what stands behind its number
        self._file.write("".join(lines).encode("utf-8"))

    def close(self) -> None:
        """Nothing stands below the last line."""


class Table:
    """A table of which each line is an object."""

    counted = "line"

    def __init__(self, source: LineSource, wanted: str | None, size: int | None) -> None:
        self._source = source
        self.size = size
        first = next((fields for line in Lines(source) if (fields := _fields(line)) is not None), {})
        integers = [name for name, value in first.items() if isinstance(value, int) and not isinstance(value, bool)]
        names = tuple(first)
        column = wanted if wanted is not None else choose_column(names, None, integers, "its first line")
        self.heading = Heading(names if column in names else (*names, column), column)

    def batches(self, offset: int, place: int, end: int | None) -> Iterator[Batch]:
        """Its rows."""
        lines = Lines(self._source, offset, place)
        texts = iter(lines)
        more = True
        while more:
            rows: list[str] = []
            values: list[object] = []
            places: list[int] = []
            mistakes: list[tuple[int, str]] = []
            failed: Exception | None = None
            while len(rows) < ROWS:
                line = lines.line
                try:
                    text = None if end is not None and lines.offset >= end else next(texts, None)
                except Exception as error:  # the rows before it are read all the same
                    failed, text = error, None
                if text is None:
                    more = False
                    break
                if not text.strip():
                    continue
                fields = _fields(text)
                if fields is None:
                    mistakes.append((line, "it is no JSON object, and is left out"))
                    continue
                if self.heading.column not in fields:
                    mistakes.append((line, f"it has no field {self.heading.column!r}"))
                rows.append(text.strip())
                values.append(fields.get(self.heading.column))
                places.append(line)
            yield Batch(JsonRows(rows, self.heading.names), values, places, lines.offset, lines.line, mistakes)
            if failed is not None:
                raise failed

    def begin_of(self, offset: int) -> tuple[int, int]:
        """The first line that begins from a byte on."""
        return first_line_from(self._source, offset), 1


_DECODER = json.JSONDecoder(parse_float=str)


def _fields(line: str) -> dict[str, object] | None:
    try:
        fields = _DECODER.decode(line)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
