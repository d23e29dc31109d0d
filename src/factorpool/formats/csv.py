"""Comma-separated values: `360,2 2 2 3 3 5`, under the headings `number,factors`; and tables of such values."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any, Literal

from factorpool import _native
from factorpool.errors import FactorpoolError
from factorpool.formats import Factored, File, Shape
from factorpool.formats.lines import MOST_BYTES, Lines, LineSource
from factorpool.formats.table import Batch, Heading, Rows, choose_column
from factorpool.formats.text import printed, shown_factors

SEPARATORS = ",;\t|"

_NUMBER = re.compile(r"\s*([+-]?\d[\d.eE+-]*)?\s*")
"""What stands in a column of numbers, an empty cell too, and not above one."""

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
        _, columns, rows, missing = factored
        if rows is None:
            self._file.write(printed(self.style, self._shape, factored))
            return
        if isinstance(rows, TextRows) and self._shape is not Shape.FLAT:
            self._file.write(rows.joined(printed("bare", self._shape, factored), self.separator))
            return
        lists = rows.lists()
        if self._shape is Shape.FLAT:
            found = zip(lists, columns.rows(), strict=True)
            self._write_rows([[*row, p, e] for row, pairs in found for p, e in zip(*pairs, strict=True)])
        else:
            self._write_rows(
                [
                    [*row, None if at in missing else shown]
                    for at, (row, shown) in enumerate(zip(lists, shown_factors(self._shape, factored), strict=True))
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


class TextRows(Rows):
    """Rows as they stand in a text, in which the kernel has found them; `starts` has where each begins, and the end."""

    def __init__(self, data: bytes, starts: memoryview, names: tuple[str, ...], separator: str) -> None:
        self._data = data
        self._starts = starts
        self._names = names
        self._separator = separator

    def __len__(self) -> int:
        return len(self._starts) - 1

    def part(self, start: int, stop: int) -> Rows:
        """Some of them."""
        return TextRows(self._data, self._starts[start : stop + 1], self._names, self._separator)

    def _text(self) -> bytes:
        return self._data[self._starts[0] : self._starts[-1]]

    def joined(self, lines: bytes, separator: str) -> bytes:
        """The rows, each with one of the lines behind it, all with that separator."""
        return _native.join_rows(self._text(), self._separator, lines, separator)

    def lists(self) -> list[list[Any]]:
        """Their values."""
        text = self._text().decode("utf-8", "surrogateescape")
        if '"' in text:
            return list(csv.reader(io.StringIO(text, newline="\n"), delimiter=self._separator))
        return [line.split(self._separator) for line in text.replace("\r\n", "\n").removesuffix("\n").split("\n")]


class Table:
    """A table of which each line is a row, or several lines where a value in quotes has more than one."""

    counted = "line"

    def __init__(self, source: LineSource, wanted: str, size: int | None) -> None:
        self._source = source
        self.size = size
        csv.field_size_limit(MOST_BYTES)  # the module's own limit is 128 KB
        if not (first := next(iter(Lines(source)), "")):
            raise FactorpoolError(f"it is empty, and has no column {wanted!r}")
        # That which is there most often, of those that the column is found with.
        separators = sorted(SEPARATORS, key=first.count, reverse=True)
        self._separator = next((each for each in separators if wanted in self._first_row(each)[0]), separators[0])
        names, *begins = self._first_row(self._separator)
        only_numbers = all(map(_NUMBER.fullmatch, names))
        column = int(wanted) if wanted.isdigit() and (wanted not in names or only_numbers) else 0
        has_header = not (0 < column <= len(names) and _NUMBER.fullmatch(names[column - 1]))
        self._begins = (begins[0], begins[1]) if has_header else (0, 1)
        of = "its first line" + (", which is no header," if only_numbers else "")
        if not has_header:
            names = [f"column{at}" for at in range(1, len(names) + 1)]
        name = choose_column(names, wanted, (), of)
        self._at = names.index(name)
        self.heading = Heading(tuple(names), name, invented=not has_header)

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
            batch = self._read_rows(first, text, lines)
            if batch is None:
                rows = _OddRows(first, text, lines, self._separator)
                yield self._batch_of(rows, lines)
                if rows.error:
                    raise FactorpoolError(rows.error)
            else:
                yield batch

    def begin_of(self, offset: int) -> tuple[int, int]:
        """The first row that begins from a byte on: rows that have quotes are read to know where they end."""
        if offset == 0:
            return 0, 1
        lines = Lines(self._source, *self._begins)
        while lines.offset < offset and (text := lines.take(READ_BYTES, offset)):
            if '"' in text and self._find_rows(text, lines) is None:
                for _ in _OddRows(1, text, lines, self._separator):
                    pass
        return lines.offset, lines.line

    def _first_row(self, separator: str) -> tuple[list[str], int, int]:
        """Its values, and where the next one begins: its byte and its line."""
        lines = Lines(self._source)
        try:
            return next(csv.reader(lines, delimiter=separator), []), lines.offset, lines.line
        except csv.Error as error:
            raise FactorpoolError(f"line 1: {error}") from error

    def _find_rows(self, text: str, lines: Lines) -> tuple[bytes, memoryview, bytes | None] | None:
        """A text's bytes, where its rows begin, and their numbers; a row that it cuts is put back.

        None if they have to be looked at more closely.
        """
        data = text.encode("utf-8", "surrogateescape")
        if (read := _native.read_rows(data, self._separator, len(self.heading.names), self._at)) is None:
            return None
        starts, numbers = memoryview(read[0]).cast("Q"), read[1]
        if len(starts) == 1:  # there is no whole row
            return None
        lines.put_back(data[starts[-1] :])
        return data, starts, numbers

    def _read_rows(self, first: int, text: str, lines: Lines) -> Batch | None:
        """The rows of a text, but for one that it cuts; None if they have to be looked at more closely."""
        if (found := self._find_rows(text, lines)) is None:
            return None
        data, starts, numbers = found
        rows = TextRows(data, starts, self.heading.names, self._separator)
        if numbers is not None:
            values: Sequence[Any] = memoryview(numbers).cast("Q")
        else:
            values = [row[self._at] for row in rows.lists()]
        places: Sequence[int] = range(first, lines.line)
        if len(places) > len(rows):  # line ends are in quotes
            before = accumulate((data.count(b"\n", *ends) for ends in pairwise(starts)), initial=first)
            places = list(before)[:-1]
        return Batch(rows, values, places, lines.offset, lines.line)

    def _batch_of(self, found: _OddRows, lines: Lines) -> Batch:
        rows: list[list[str]] = []
        places: list[int] = []
        mistakes: list[tuple[int, str]] = []
        wide = len(self.heading.names)
        for line, row in found:
            if len(row) > wide:
                mistakes.append((line, f"it has {len(row)} values for {wide} columns, and is left out"))
            elif row or wide == 1:  # an empty line is no row, unless it is one of an empty cell
                rows.append(row + [""] * (wide - len(row)))
                places.append(line)
        if found.open_quote:
            mistakes.append((found.open_quote, "a quote is not closed: what comes after it is one value"))
        values = [row[self._at] for row in rows]
        return Batch(Rows(rows, self.heading.names), values, places, lines.offset, lines.line, mistakes)


class _OddRows:
    """The rows of lines, whatever stands in them, each with the number of its first line.

    The last of them may need more lines, which are taken.
    `error` says why no more rows could be read, `open_quote` in which line the last row begins, if it ends with the
    file and within quotes.
    """

    def __init__(self, first: int, text: str, lines: Lines, separator: str) -> None:
        self._first = first
        self._lines = list(io.StringIO(text, newline="\n"))
        self._more = lines
        self._separator = separator
        self.error = ""
        self.open_quote: int | None = None

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        wanted = len(self._lines)
        reader = csv.reader(self._all_lines(), delimiter=self._separator)
        at = 0
        while reader.line_num < wanted:
            at = reader.line_num
            try:
                row = next(reader)
            except csv.Error as error:
                self.error = f"line {self._first + at}: {error}"
                return
            yield self._first + at, row
        try:
            list(csv.reader(self._lines[at:], delimiter=self._separator, strict=True))
        except csv.Error as error:
            if "unexpected end of data" in str(error):
                self.open_quote = self._first + at

    def _all_lines(self) -> Iterator[str]:
        yield from self._lines.copy()
        for line in self._more:
            self._lines.append(line)
            yield line
