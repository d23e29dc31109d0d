"""Tables of numbers: a column has the numbers, the others travel beside them to the output.

A table is read in batches; a batch has rows, which are kept as the format has them, and the values of the column, which
may be anything.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from json.encoder import encode_basestring
from typing import Any, NamedTuple, Protocol

from factorpool.errors import FactorpoolError, show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from factorpool.factoring.arrow import ArrowWords


class Heading(NamedTuple):
    """The names of a table's columns, and which has the numbers.

    `schema` is Arrow's, of a table that has one; the names are `invented` where the table has none.
    """

    names: tuple[str, ...]
    column: str
    schema: bytes | None = None
    invented: bool = False


class Rows:
    """Some rows of a table: a list of values for each."""

    def __init__(self, rows: list[Any], names: tuple[str, ...]) -> None:
        self._rows = rows
        self._names = names

    def __len__(self) -> int:
        return len(self._rows)

    def part(self, start: int, stop: int) -> Rows:
        """Some of them."""
        return type(self)(self._rows[start:stop], self._names)

    def with_more(self, rows: Rows) -> Rows:
        """Them, and those of a later batch behind them."""
        return Rows(self.lists() + rows.lists(), self._names)

    def lists(self) -> list[list[Any]]:
        """Their values."""
        return self._rows

    def objects(self) -> list[str]:
        """JSON objects of them, in which what JSON does not know is a string."""
        fields = [json.dumps(name, ensure_ascii=False).replace("%", "%%") + ": %s" for name in self._names]
        shown = f"{{{', '.join(fields)}}}"
        return [shown % tuple(map(_json_of, row)) for row in self.lists()]

    def kept(self) -> Any:
        """What `marshal` takes, of which `rows_of` makes them again.

        Raises a UnicodeEncodeError for text that is not UTF-8.
        """
        lists = self.lists()
        for row in lists:
            ", ".join([value for value in row if isinstance(value, str)]).encode()
        return lists


_ENCODER = json.JSONEncoder(ensure_ascii=False, default=str)


def _json_of(value: Any) -> str:
    """A value as JSON: quicker than the encoder for what most of them are."""
    kind = type(value)
    return encode_basestring(value) if kind is str else repr(value) if kind is int else _ENCODER.encode(value)


class JsonRows(Rows):
    """Lines of JSON objects, which stay as they are."""

    def with_more(self, rows: Rows) -> Rows:
        """Them, and more lines."""
        return JsonRows(self._rows + rows.objects(), self._names)

    def lists(self) -> list[list[Any]]:
        """The values of the fields that the first line has."""
        rows, names = [], set(self._names)
        for line in self._rows:
            fields = json.loads(line)
            if more := fields.keys() - names:
                raise FactorpoolError(
                    f"{show(line)} has the field {min(more)!r}, which the first has not: choose --format jsonl"
                )
            values = [fields.get(name) for name in self._names]
            rows.append([json.dumps(v, ensure_ascii=False) if isinstance(v, dict | list) else v for v in values])
        return rows

    def objects(self) -> list[str]:
        """The lines."""
        return self._rows


@contextmanager
def arrow_errors() -> Iterator[None]:
    """What pyarrow refuses, if it is there at all, as a FactorpoolError."""
    try:
        yield
    except Exception as error:
        arrow = sys.modules.get("pyarrow")
        if arrow is None or not isinstance(error, arrow.ArrowException):
            raise
        raise FactorpoolError(f"it has columns that cannot be kept: {error}") from error


class ArrowRows(Rows):
    """Columns of Arrow's."""

    def __init__(self, batch: RecordBatch) -> None:
        self.batch = batch
        self._names = tuple(batch.schema.names)

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    def part(self, start: int, stop: int) -> Rows:
        """Some of them."""
        return ArrowRows(self.batch.slice(start, stop - start))

    def with_more(self, rows: Rows) -> Rows:
        """Them, and more of the same columns."""
        import pyarrow as pa

        assert isinstance(rows, ArrowRows)
        (batch,) = pa.Table.from_batches([self.batch, rows.batch]).combine_chunks().to_batches()
        return ArrowRows(batch)

    def lists(self) -> list[list[Any]]:
        """Their values as Python's objects."""
        return [list(row) for row in zip(*(column.to_pylist() for column in self.batch.columns), strict=True)]

    def kept(self) -> Any:
        """As Arrow sends them."""
        with arrow_errors():
            return self.batch.serialize().to_pybytes()


def rows_of(kept: Any, heading: Heading) -> Rows:
    """Rows that were kept."""
    if isinstance(kept, bytes):
        import pyarrow as pa

        schema = pa.ipc.read_schema(pa.py_buffer(heading.schema))
        return ArrowRows(pa.ipc.read_record_batch(pa.py_buffer(kept), schema))
    return Rows(kept, heading.names)


class Batch(NamedTuple):
    """Rows that are read at once, and the values of their column of numbers.

    `places` has, for each, what messages call it by: its line, or its row.  Behind them the next batch begins at
    `offset`, in what the table is measured in, with the place `next`.  `mistakes` are of rows that could not be read.
    """

    rows: Rows
    values: Sequence[Any] | ArrowWords
    places: Sequence[int]
    offset: int
    next: int
    mistakes: Sequence[tuple[int, str]] = ()


class Table(Protocol):
    """A table that is open for reading; it is measured in bytes of text, or in rows.

    `size` is None where that is not known, `counted` says what a place is: a line or a row.
    """

    heading: Heading
    counted: str

    @property
    def size(self) -> int | None:
        """How much there is."""

    def batches(self, offset: int, place: int, end: int | None) -> Iterator[Batch]:
        """Its rows from an offset on, where one begins; those that begin before `end`."""

    def begin_of(self, offset: int) -> tuple[int, int]:
        """Where the first row begins from an offset on, and its place; 1 if that is not known."""


def choose_column(names: Sequence[str], wanted: str | None, integers: Sequence[str], of: str) -> str:
    """The column that is wanted, by name or number; if none is named, the only one of integers.

    Raises a FactorpoolError that names those there are.
    """
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise FactorpoolError(f"{of} has several columns {twice!r}")
    there = ", ".join(map(repr, names[:20])) + (", ..." if len(names) > 20 else "")
    if wanted is None:
        if len(integers) == 1:
            return integers[0]
        raise FactorpoolError(
            f"{of} has {'several' if integers else 'no'} columns of integers: choose one of {there} with --column"
        )
    if wanted in names:
        return wanted
    if wanted.isdigit() and 1 <= int(wanted) <= len(names):
        return names[int(wanted) - 1]
    raise FactorpoolError(f"{of} has no column {wanted!r}: there are {there}")
