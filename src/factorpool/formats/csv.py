"""Comma-separated values: `360,2 2 2 3 3 5`, under the headings `number,factors`; and tables of such values."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from itertools import chain
from operator import itemgetter
from typing import Any, Literal

from factorpool.errors import FactorpoolError
from factorpool.formats import Factored, File, Shape
from factorpool.formats.lines import Lines, LineSource, first_line_from
from factorpool.formats.table import Batch, Heading, Rows, choose_column
from factorpool.formats.text import lines_of, shown_factors

SEPARATORS = ",;\t|"

READ_BYTES = 1 << 18
"""Read at once, as of numbers alone."""


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
        if isinstance(rows, PlainRows) and rows.separator == self.separator and self._shape is not Shape.FLAT:
            shown = shown_factors(self._shape, block, columns)
            if missing:
                shown = ["" if at in missing else text for at, text in enumerate(shown)]
            lines = map(self.separator.join, zip(rows.lines, shown, strict=True))
            self._file.write(("\n".join(lines) + "\n").encode("utf-8", "surrogateescape"))
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


class PlainRows(Rows):
    """Lines that have no quotes, and so can be written as they are."""

    def __init__(self, lines: list[str], names: tuple[str, ...], separator: str) -> None:
        super().__init__([], names)
        self.lines = lines
        self.separator = separator

    def __len__(self) -> int:
        return len(self.lines)

    def part(self, start: int, stop: int) -> Rows:
        """Some of them."""
        return PlainRows(self.lines[start:stop], self._names, self.separator)

    def lists(self) -> list[list[Any]]:
        """Their values."""
        return [line.split(self.separator) for line in self.lines]


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
        names = next(csv.reader(lines, delimiter=self._separator), [])
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
        while True:
            first = lines.line
            text = lines.take(READ_BYTES, end)
            if not text:
                return
            batch = self._read_plain(first, text, lines)
            yield self._read_rows(first, list(io.StringIO(text, newline="\n")), lines) if batch is None else batch

    def _read_plain(self, first: int, text: str, lines: Lines) -> Batch | None:
        """The rows of lines in which separators alone are special; None if more is, or a value is missing."""
        if '"' in text or "\r" in text:
            return None
        plain = text.removesuffix("\n").split("\n")
        values = [line.split(self._separator) for line in plain]
        if "" in plain or set(map(len, values)) != {len(self.heading.names)}:
            return None
        rows = PlainRows(plain, self.heading.names, self._separator)
        column = list(map(itemgetter(self._at), values))
        return Batch(rows, column, range(first, lines.line), lines.offset, lines.line)

    def _read_rows(self, first: int, found: list[str], lines: Lines) -> Batch:
        """The rows of lines; the last of them may need more lines."""
        rows: list[list[str]] = []
        places: list[int] = []
        mistakes: list[tuple[int, str]] = []
        wide = len(self.heading.names)
        reader = csv.reader(chain(found, lines), delimiter=self._separator)
        while reader.line_num < len(found):
            line = first + reader.line_num
            try:
                row = next(reader)
            except csv.Error as error:
                raise FactorpoolError(f"line {line}: {error}: is a quote not closed?") from error
            if len(row) > wide:
                mistakes.append((line, f"it has {len(row)} values for {wide} columns, and is left out"))
            elif row:  # the line is not empty
                rows.append(row + [""] * (wide - len(row)))
                places.append(line)
        values = [row[self._at] for row in rows]
        return Batch(Rows(rows, self.heading.names), values, places, lines.offset, lines.line, mistakes)

    def begin_of(self, offset: int) -> int:
        """The first row that begins from a byte on: a line that does so outside quotes."""
        at = first_line_from(self._source, offset)
        self._source.seek(0)
        quotes, left = 0, at
        while left and (data := self._source.read1(min(left, READ_BYTES))):
            quotes += data.count(b'"')
            left -= len(data)
        while quotes % 2 and (line := self._source.readline(-1)):
            quotes += line.count(b'"')
            at += len(line)
        return at
