"""Arrow files (IPC), also called Feather."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from factorpool.formats.columnar import READ_ROWS, ColumnarTable, ColumnarWriter, load_pyarrow
from factorpool.formats.table import arrow_errors


class Writer(ColumnarWriter):
    """Record batches of the same size."""

    def open(self, path: str, schema: Any) -> Any:
        """A writer of pyarrow's."""
        return self.pa.ipc.new_file(path, schema)

    def put(self, file: Any, table: Any) -> None:
        """Writes a record batch."""
        file.write_table(table)


class Table(ColumnarTable):
    """Reads a record batch at a time."""

    def __init__(self, path: str, wanted: str | None) -> None:
        pa = load_pyarrow()
        with arrow_errors():
            self._file = pa.ipc.open_file(pa.OSFile(path))
            rows = self._file.count_rows()
        super().__init__(self._file.schema, wanted, rows)

    def read_from(self, row: int) -> Iterator[Any]:
        """Its batches, from a row on."""
        first = 0
        for k in range(self._file.num_record_batches):
            batch = self._file.get_batch(k)
            for at in range(max(0, row - first), batch.num_rows, READ_ROWS):
                yield batch.slice(at, READ_ROWS)
            first += batch.num_rows
