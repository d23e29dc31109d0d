"""Comma-separated values: `360,2 2 2 3 3 5`, under the headings `number,factors`; and tables of such values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Literal

from factorpool.errors import FactorpoolError
from factorpool.formats import Factored, File, Shape
from factorpool.formats.lines import Lines, LineSource, first_line_from
from factorpool.formats.table import Batch, Heading, Rows, choose_column
from factorpool.formats.text import lines_of, shown_factors

SEPARATORS = ",;\t|"

ROWS = 4096
"""Rows that are read at once: some milliseconds' work."""


class Writer:
    """A row for each number; with a table, its row, and the factors in a column more."""

    style = "csv"
    separator = ","

    def __init__(self, file: File, shape: Shape, heading: Heading | None) -> None:
        self._file = file
        self._shape = shape
        more = ["prime", "exponent"] if shape is Shape.FLAT else ["factors"]
        names: list[object] = ["number"] if heading is None else list(heading.names)
        if heading is None or not heading.invented:
            self._write_rows([names + more])

    def write(self, factored: Factored) -> None:
        """Adds a row for each number, or for each of its primes."""
        block, columns, rows, missing = factored
        if rows is None:
            self._file.write(lines_of(self.style, self._shape, block, columns))
            return
        lists = rows.lists()
        if self._shape is Shape.FLAT:
            found = zip(lists, columns.rows(), strict=True)
            self._write_rows([[*row, p, e] for row, pairs in found for p, e in zip(*pairs, strict=True)])
        else:
            self._write_rows(
                [
                    [*row, None if at in missing else shown]
                    for at, (row, shown) in enumerate(
                        zip(lists, shown_factors(self._shape, block, columns), strict=True)
                    )
                ]
            )

    def _write_rows(self, rows: list[list[object]]) -> None:
        text = self._text_of(rows, csv.QUOTE_MINIMAL)
        if "\r" in text:  # which the module does not put in quotes
            quoted = [any("\r" in cell for cell in row if isinstance(cell, str)) for row in rows]
            text = "".join(
                self._text_of([row], csv.QUOTE_ALL if quote else csv.QUOTE_MINIMAL)
                for row, quote in zip(rows, quoted, strict=True)
            )
        self._file.write(text.encode("utf-8", "surrogateescape"))

    def _text_of(self, rows: list[list[object]], quoting: Literal[0, 1]) -> str:
        text = io.StringIO()
        csv.writer(text, delimiter=self.separator, lineterminator="\n", quoting=quoting).writerows(rows)
        return text.getvalue()

    def close(self) -> None:
        """Nothing stands below the last line."""


class Table:
    """A table of which each line is a row, or several lines where a value in quotes has more than one."""

    counted = "line"

    def __init__(self, source: LineSource, wanted: str, size: int | None) -> None:
        self._source = source
        self.size = size
        lines = Lines(source)
        first = next(iter(lines), "")
        self._separator = max(SEPARATORS, key=first.count)
        lines = Lines(source)
        names = next(self._read(lines), [])
        has_header = not (
            wanted.isdigit() and 0 < int(wanted) <= len(names) and names[int(wanted) - 1].strip().isdigit()
        )
        self._begins = (lines.offset, lines.line) if has_header else (0, 1)
        if not has_header:
            names = [f"column{at}" for at in range(1, len(names) + 1)]
        elif len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise FactorpoolError(f"it has several columns {twice!r}")
        of = (
            "its first line"
            if any(not name.strip().isdigit() for name in names)
            else "its first line, which is no header,"
        )
        column = choose_column(names, wanted, (), of)
        self._at = names.index(column)
        self.heading = Heading(tuple(names), column, invented=not has_header)

    def batches(self, offset: int, place: int, end: int | None) -> Iterator[Batch]:
        """Its rows."""
        if offset == 0:
            offset, place = self._begins
        lines = Lines(self._source, offset, place)
        reader, wide = self._read(lines), len(self.heading.names)
        more = True
        while more:
            rows: list[list[str]] = []
            places: list[int] = []
            mistakes: list[tuple[int, str]] = []
            while len(rows) < ROWS:
                if end is not None and lines.offset >= end:
                    more = False
                    break
                line = lines.line
                try:
                    row = next(reader, None)
                except csv.Error as error:
                    raise FactorpoolError(f"line {line}: {error}: is a quote not closed?") from error
                if row is None:
                    more = False
                    break
                if not row:  # an empty line
                    continue
                if len(row) > wide:
                    mistakes.append((line, f"it has {len(row)} values for {wide} columns, and is left out"))
                    continue
                rows.append(row + [""] * (wide - len(row)))
                places.append(line)
            values = [row[self._at] for row in rows]
            yield Batch(Rows(rows, self.heading.names), values, places, lines.offset, lines.line, mistakes)

    def begin_of(self, offset: int) -> int:
        """The first row that begins from a byte on: a line that does so outside quotes."""
        at = first_line_from(self._source, offset)
        self._source.seek(0)
        quotes, left = 0, at
        while left and (data := self._source.read(min(left, 1 << 20))):
            quotes += data.count(b'"')
            left -= len(data)
        while quotes % 2 and (line := self._source.readline(-1)):
            quotes += line.count(b'"')
            at += len(line)
        return at

    def _read(self, lines: Lines) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self._separator)
