"""What Parquet and Arrow files share: they are written by pyarrow, in pieces of the same size, and read in batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import chain
from typing import Any

from factorpool.errors import FactorpoolError
from factorpool.factoring.arrow import arrays_of
from factorpool.factoring.block import Kind
from factorpool.factoring.columns import Builder, Factorizations
from factorpool.formats import Factored, Shape
from factorpool.formats.table import ArrowRows, Batch, Heading, Rows, arrow_errors, choose_column

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


class ColumnarWriter(ABC):
    """Writes the rows of a table, or the numbers, and their factors in a column more: a list of (prime, exponent)."""

    def __init__(self, path: str, shape: Shape, heading: Heading | None) -> None:
        self.pa = load_pyarrow()
        self._path = path
        self._flat = shape is Shape.FLAT
        self._heading = heading
        self.number = "number" if heading is None else heading.column
        self._wide = False
        self._types: list[Any] | None = None
        self._file: Any = None
        self._waiting: list[Any] = []
        self._count = 0

    def look(self, factored: Factored) -> bool:
        """Takes note of what the columns have to hold, and says whether that is something new."""
        known = self._wide, self._types
        self._wide = self._wide or factored.block.kind is Kind.WIDE or factored.columns.wide
        if factored.rows is not None and not isinstance(factored.rows, ArrowRows):
            self._look_at(factored.rows)
        return (self._wide, self._types) != known

    def _look_at(self, rows: Rows) -> None:
        assert self._heading is not None
        columns = zip(self._heading.names, zip(*rows.lists(), strict=True), strict=True)
        # That of the numbers has the type of what they are factored as.
        found = self._schema_of([self._array([] if n == self.number else list(c)) for n, c in columns])
        try:
            known = found if self._types is None else self._schema_of(self._types)
            self._types = list(self.pa.unify_schemas([known, found], promote_options="permissive").types)
        except self.pa.ArrowException as error:
            raise self._several_types(error) from error

    def _schema_of(self, columns: list[Any]) -> Any:
        """A schema of columns, or of types."""
        assert self._heading is not None
        types = [getattr(column, "type", column) for column in columns]
        return self.pa.schema(list(zip(self._heading.names, types, strict=True)))

    def _begin(self) -> None:
        """Opens the file, once all is known of its columns."""
        pa = self.pa
        integer, exponent = (pa.large_string(), pa.uint16()) if self._wide else (pa.uint64(), pa.uint8())
        if self._flat:
            self.new = [pa.field("prime", integer), pa.field("exponent", exponent)]
        else:
            self.new = [pa.field("factors", pa.large_list(pa.struct([("prime", integer), ("exponent", exponent)])))]
        if self._heading is None:
            self._fields = [pa.field(self.number, integer)]
        elif self._heading.schema is not None:
            self._fields = list(pa.ipc.read_schema(pa.py_buffer(self._heading.schema)))
        else:
            names = self._heading.names
            types = [pa.large_string() if t == pa.null() else t for t in self._types or [pa.null()] * len(names)]
            types[names.index(self.number)] = integer
            self._fields = [pa.field(name, kind) for name, kind in zip(names, types, strict=True)]
        self._schema = pa.schema([*self._fields, *self.new])
        self._file = self.open(self._path, self._schema)

    @abstractmethod
    def open(self, path: str, schema: Any) -> Any:
        """A writer of pyarrow's."""

    @abstractmethod
    def put(self, file: Any, table: Any) -> None:
        """Writes a piece to it."""

    def write(self, factored: Factored) -> None:
        """Adds a row for each number, or for each of its primes."""
        pa = self.pa
        if self._file is None:
            self._begin()
        block, columns, rows, missing = factored
        builder = Builder()
        builder.add(columns)
        fs = builder.build(block, dict.fromkeys(missing, FactorpoolError("it has no factors")))
        table = pa.table(fs)
        before = self._before(rows, self._numbers(fs, missing))
        if self._flat:
            long = pa.table(fs.long())
            before = [column.take(long["index"]) for column in before]
            after = [long["prime"], long["exponent"]]
        else:
            after = [table.column("factors")]
        arrays = [c.cast(f.type) for c, f in zip(chain(before, after), self._schema, strict=True)]
        self._waiting.append(pa.table(arrays, schema=self._schema))
        self._count += self._waiting[-1].num_rows
        if self._count >= WRITE_ROWS:
            self._put(pa.concat_tables(self._waiting))

    def _put(self, table: Any, *, last: bool = False) -> None:
        """Writes what is whole pieces of a table, and keeps the rest; at the end all of it."""
        at = 0
        while table.num_rows - at >= WRITE_ROWS or (last and at < table.num_rows):
            self.put(self._file, table.slice(at, WRITE_ROWS).combine_chunks())
            at += WRITE_ROWS
        self._waiting = [table.slice(at)]
        self._count = self._waiting[0].num_rows

    def close(self) -> None:
        """Writes the rest, and what the file says of itself."""
        if self._file is None:
            self._begin()
        if self._waiting:
            self._put(self.pa.concat_tables(self._waiting), last=True)
        self._file.close()

    def _numbers(self, fs: Factorizations, missing: frozenset[int]) -> Any:
        """The numbers; those that were given up too, but nulls for what is none, which has a 1 in its place."""
        if not missing:
            return self.pa.table(fs).column("number").combine_chunks()
        numbers = [None if at in missing and n == 1 else n for at, n in enumerate(fs.numbers)]
        if self._wide:
            return self.pa.array([None if n is None else str(n) for n in numbers], self.pa.large_string())
        return self.pa.array(numbers, self.pa.uint64())

    def _before(self, rows: Rows | None, numbers: Any) -> list[Any]:
        """The columns that stand before the factors."""
        if rows is None:
            return [numbers]
        if isinstance(rows, ArrowRows):
            return list(rows.batch.columns)
        assert self._heading is not None
        number = self._heading.names.index(self.number)
        found = zip(zip(*rows.lists(), strict=True), self._fields, strict=True)
        return [numbers if k == number else self._array(list(c), f.type) for k, (c, f) in enumerate(found)]

    def _array(self, values: list[Any], kind: Any = None) -> Any:
        try:
            return self.pa.array(values, type=kind)
        except (self.pa.ArrowException, OverflowError) as error:
            raise self._several_types(error) from error

    def _several_types(self, error: Exception) -> FactorpoolError:
        return FactorpoolError(
            f"a column has values of several types, of which Parquet and Arrow know nothing ({error}): "
            "choose --format jsonl or csv"
        )


def _without_dictionaries(kind: Any) -> Any:
    """The type of a column, or of what is nested in it, once what a dictionary encodes is written out.

    Pieces of a column with a dictionary cannot be kept apart from each other.
    """
    pa = load_pyarrow()
    types = pa.types
    if types.is_dictionary(kind):
        return _without_dictionaries(kind.value_type)
    if types.is_struct(kind):
        return pa.struct([field.with_type(_without_dictionaries(field.type)) for field in kind])
    if types.is_map(kind):
        fields = (each.with_type(_without_dictionaries(each.type)) for each in (kind.key_field, kind.item_field))
        return pa.map_(*fields, keys_sorted=kind.keys_sorted)
    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        field = kind.value_field.with_type(_without_dictionaries(kind.value_type))
        if types.is_fixed_size_list(kind):
            return pa.list_(field, kind.list_size)
        return pa.list_(field) if types.is_list(kind) else pa.large_list(field)
    return kind


def _cast(column: Any, kind: Any) -> Any:
    """A column as that type, without dictionaries."""
    pa = load_pyarrow()
    try:
        return column.cast(kind)
    except pa.ArrowNotImplementedError:  # of dictionaries of lists, say
        return pa.array(column.to_pylist(), kind)


class ColumnarTable(ABC):
    """A table of Arrow's columns; a subclass says how its batches are read."""

    counted = "row"

    def __init__(self, schema: Any, wanted: str | None, size: int) -> None:
        self._pa = pa = load_pyarrow()
        integers = [f.name for f in schema if pa.types.is_integer(f.type)]
        column = choose_column(schema.names, wanted, integers, "it")
        self._schema = pa.schema([field.with_type(_without_dictionaries(field.type)) for field in schema])
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
            columns = zip(found.slice(0, end - offset).columns, self._schema, strict=True)
            with arrow_errors():
                batch = self._pa.record_batch([_cast(c, f.type) for c, f in columns], schema=self._schema)
            if not batch.num_rows:
                return
            column = batch.column(self.heading.column)
            arrays = arrays_of(column) if self._pa.types.is_integer(column.type) else None
            values = column.to_pylist() if arrays is None else next(arrays)
            last = offset + batch.num_rows
            yield Batch(ArrowRows(batch), values, range(offset + 1, last + 1), last, last + 1)
            offset = last

    def begin_of(self, offset: int) -> tuple[int, int]:
        """Each row begins where it is."""
        return offset, offset + 1
