"""What Parquet and Arrow files share: they are written by pyarrow, in pieces of the same size, and read in batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

from factorpool.errors import FactorpoolError
from factorpool.factoring.arrow import arrays_of
from factorpool.factoring.columns import Builder
from factorpool.formats import Factored, Shape
from factorpool.formats.table import ArrowRows, Batch, Heading, Rows, choose_column

WRITE_ROWS = 1 << 17
"""Rows that are written at once, a row group of Parquet: so the file does not depend on how the work was cut."""

READ_ROWS = 1 << 15
"""Rows that are read at once."""


def load_pyarrow() -> Any:
    """The library; a FactorpoolError where it is not installed."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise FactorpoolError('Parquet and Arrow files need pyarrow: pip install "factorpool[columns]"') from error
    return pyarrow


@contextmanager
def arrow_errors() -> Iterator[None]:
    """What pyarrow finds wrong in a file, as a FactorpoolError."""
    try:
        yield
    except load_pyarrow().ArrowException as error:
        raise FactorpoolError(str(error)) from error


class ColumnarWriter(ABC):
    """Writes the rows of a table, or the numbers, and their factors in a column more: a list of (prime, exponent)."""

    def __init__(self, path: str, shape: Shape, heading: Heading | None, wide: bool) -> None:
        self.pa = pa = load_pyarrow()
        self._path = path
        self._flat = shape is Shape.FLAT
        self._heading = heading
        self._integer = pa.large_string() if wide else pa.uint64()
        exponent = pa.uint16() if wide else pa.uint8()
        if self._flat:
            self.new = [pa.field("prime", self._integer), pa.field("exponent", exponent)]
        else:
            self.new = [
                pa.field("factors", pa.large_list(pa.struct([("prime", self._integer), ("exponent", exponent)])))
            ]
        self._fields: list[Any] | None = None
        if heading is None:
            self._fields = [pa.field("number", self._integer)]
        elif heading.schema is not None:
            self._fields = list(pa.ipc.read_schema(pa.py_buffer(heading.schema)))
        self._file: Any = None
        self._waiting: list[Any] = []
        self._count = 0

    @abstractmethod
    def open(self, path: str, schema: Any) -> Any:
        """A writer of pyarrow's."""

    @abstractmethod
    def put(self, file: Any, table: Any) -> None:
        """Writes a piece to it."""

    def write(self, factored: Factored) -> None:
        """Adds a row for each number, or for each of its primes."""
        pa = self.pa
        block, columns, rows, missing = factored
        builder = Builder()
        builder.add(columns)
        fs = builder.build(block, dict.fromkeys(missing, FactorpoolError("it has no factors")))
        table = pa.table(fs)
        before = self._before(rows, table.column("number"))
        if self._flat:
            long = pa.table(fs.long())
            before = [
                pa.chunked_array([c] if isinstance(c, pa.Array) else c.chunks).take(long["index"]) for c in before
            ]
            after = [long["prime"], long["exponent"]]
        else:
            after = [table.column("factors")]
        assert self._fields is not None
        fields = [*self._fields, *self.new]
        arrays = [c.cast(f.type) for c, f in zip(chain(before, after), fields, strict=True)]
        self._waiting.append(pa.table(arrays, schema=pa.schema(fields)))
        self._count += self._waiting[-1].num_rows
        if self._count >= WRITE_ROWS:
            self._put(pa.concat_tables(self._waiting))

    def _put(self, table: Any, *, last: bool = False) -> None:
        """Writes what is whole pieces of a table, and keeps the rest; at the end all of it."""
        if self._file is None:
            self._file = self.open(self._path, table.schema)
        at = 0
        while table.num_rows - at >= WRITE_ROWS or (last and at < table.num_rows):
            self.put(self._file, table.slice(at, WRITE_ROWS).combine_chunks())
            at += WRITE_ROWS
        self._waiting = [table.slice(at)]
        self._count = self._waiting[0].num_rows

    def close(self) -> None:
        """Writes the rest, and what the file says of itself."""
        pa = self.pa
        if self._waiting:
            self._put(pa.concat_tables(self._waiting), last=True)
        else:
            names = () if self._heading is None else self._heading.names
            fields = self._fields or [pa.field(name, pa.large_string()) for name in names]
            self._put(pa.schema([*fields, *self.new]).empty_table())
        self._file.close()

    def _before(self, rows: Rows | None, numbers: Any) -> list[Any]:
        """The columns that stand before the factors."""
        if rows is None:
            return [numbers]
        assert self._heading is not None
        if isinstance(rows, ArrowRows):
            return list(rows.batch.columns)
        assert self._heading is not None
        names, number = self._heading.names, self._heading.names.index(self._heading.column)
        columns = [numbers if k == number else list(values) for k, values in enumerate(zip(*rows.lists(), strict=True))]
        if self._fields is None:
            self._fields = [
                self.pa.field(name, self._integer if k == number else self._type_of(column))
                for k, (name, column) in enumerate(zip(names, columns, strict=True))
            ]
        return [c if k == number else self._array(c, self._fields[k]) for k, c in enumerate(columns)]

    def _type_of(self, values: list[Any]) -> Any:
        found = self._array(values, None).type
        return self.pa.large_string() if found == self.pa.null() else found

    def _array(self, values: list[Any], field: Any) -> Any:
        try:
            return self.pa.array(values, type=None if field is None else field.type)
        except (self.pa.ArrowException, OverflowError) as error:
            name = "a column" if field is None else f"the column {field.name!r}"
            raise FactorpoolError(
                f"{name} has values of several types, of which Parquet and Arrow know nothing ({error}): "
                "choose --format jsonl or csv"
            ) from error


class ColumnarTable(ABC):
    """A table of Arrow's columns; a subclass says how its batches are read."""

    counted = "row"

    def __init__(self, schema: Any, wanted: str | None, size: int) -> None:
        self._pa = pa = load_pyarrow()
        integers = [f.name for f in schema if pa.types.is_integer(f.type)]
        column = choose_column(schema.names, wanted, integers, "it")
        # What a dictionary encodes is written out: pieces of such a column cannot be kept apart from each other.
        plain = [f.with_type(f.type.value_type) if pa.types.is_dictionary(f.type) else f for f in schema]
        self._schema = pa.schema(plain)
        self.heading = Heading(tuple(schema.names), column, self._schema.serialize().to_pybytes())
        self.size = size

    @abstractmethod
    def read_from(self, row: int) -> Iterator[Any]:
        """Its batches, from a row on."""

    def batches(self, offset: int, place: int, end: int | None) -> Iterator[Batch]:
        """Its rows."""
        end = self.size if end is None else end
        reading = self.read_from(offset)
        while True:
            with arrow_errors():
                found = next(reading, None)
            if found is None:
                return
            batch = self._pa.record_batch(
                [c.cast(f.type) for c, f in zip(found.slice(0, end - offset).columns, self._schema, strict=True)],
                schema=self._schema,
            )
            if not batch.num_rows:
                return
            column = batch.column(self.heading.column)
            arrays = arrays_of(column) if self._pa.types.is_integer(column.type) else None
            values = column.to_pylist() if arrays is None else next(arrays)
            last = offset + batch.num_rows
            yield Batch(ArrowRows(batch), values, range(offset + 1, last + 1), last, last + 1)
            offset = last

    def begin_of(self, offset: int) -> int:
        """Each row begins where it is."""
        return offset
