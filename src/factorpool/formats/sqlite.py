"""SQLite databases: `db.sqlite?table=t&column=n`."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from factorpool.errors import FactorpoolError
from factorpool.formats import Factored, Shape
from factorpool.formats.jsonl import ROWS
from factorpool.formats.table import Batch, Heading, Rows, choose_column
from factorpool.formats.text import shown_factors

MOST = (1 << 63) - 1
"""Largest integer of SQLite's; larger ones are written as text."""


class Writer:
    """A table `factors`: the rows of the table that was read, or the numbers, and the factors in a column more."""

    def __init__(self, path: str, shape: Shape, heading: Heading | None) -> None:
        self._shape = shape
        names = ["number"] if heading is None else list(heading.names)
        self._number = 0 if heading is None else heading.names.index(heading.column)
        more = ["prime", "exponent"] if shape is Shape.FLAT else ["factors"]
        with open(path, "wb"):  # whatever is there is begun anew
            pass
        self._path = path
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("pragma journal_mode = off")  # the file has another name until it is whole
        self._database.execute("pragma synchronous = off")
        self._database.execute(f"create table factors ({', '.join(map(_quoted, names + more))})")
        self._insert = f"insert into factors values ({', '.join('?' * len(names + more))})"
        self._database.execute("begin")

    def look(self, factored: Factored) -> bool:
        """A column of SQLite's holds anything."""
        return False

    def write(self, factored: Factored) -> None:
        """Adds a row for each number, or for each of its primes."""
        block, columns, rows, missing = factored
        lists = [[n] for n in block] if rows is None else rows.lists()
        for at, (row, n) in enumerate(zip(lists, block, strict=True)):
            row[:] = map(_stored, row)
            if at not in missing:
                row[self._number] = _stored(n)
        if self._shape is Shape.FLAT:
            found = zip(lists, columns.rows(), strict=True)
            made = [[*row, _stored(p), e] for row, pairs in found for p, e in zip(*pairs, strict=True)]
        else:
            shown = enumerate(shown_factors(self._shape, factored))
            made = [[*lists[at], None if at in missing else text] for at, text in shown]
        with _errors(self._path):
            self._database.executemany(self._insert, made)

    def close(self) -> None:
        """Ends the file."""
        with _errors(self._path):
            self._database.execute("commit")
        self._database.close()


@contextmanager
def _errors(path: str) -> Iterator[None]:
    """What a database cannot do, such as on a full disk, as an OSError."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise OSError(errno.EIO, str(error), path) from error


class Table:
    """A table, or a view, of a database."""

    counted = "row"

    def __init__(self, path: str, table: str | None, wanted: str | None) -> None:
        try:
            self._database = sqlite3.connect(f"file:{_escaped(path)}?mode=ro", uri=True)
            self._database.text_factory = lambda text: text.decode("utf-8", "surrogateescape")
            table = self._choose(table)
            described = self._database.execute(f"select * from {_quoted(table)} limit 0").description
            names = [name for name, *_ in described]
            found = self._database.execute(f"pragma table_xinfo({_quoted(table)})")
            integers = [name for _, name, kind, *_ in found if "INT" in kind.upper()]
            column = choose_column(names, wanted, integers, f"its table {table!r}")
            self._at = names.index(column)
            self.heading = Heading(tuple(names), column)
            ((self.size,),) = self._database.execute(f"select count(*) from {_quoted(table)}")
        except sqlite3.DatabaseError as error:
            raise FactorpoolError(str(error)) from error
        self._table = table

    def _choose(self, table: str | None) -> str:
        there = [
            name
            for (name,) in self._database.execute(
                "select name from sqlite_master where type in ('table', 'view') and substr(name, 1, 7) <> 'sqlite_'"
            )
        ]
        if table is None and len(there) == 1:
            return str(there[0])
        if table is None or table not in there:
            what = (
                "there are several tables" if table is None and there else f"there is no table {table or ''}".rstrip()
            )
            raise FactorpoolError(f"{what}: choose one of {', '.join(map(repr, there)) or 'none'} with FILE?table=NAME")
        return table

    def batches(self, offset: int, place: int, end: int | None) -> Iterator[Batch]:
        """Its rows, in the order in which they are stored."""
        most = -1 if end is None else end - offset
        try:
            found = self._database.execute(f"select * from {_quoted(self._table)} limit ? offset ?", (most, offset))
            while rows := found.fetchmany(ROWS):
                last = offset + len(rows)
                values = [row[self._at] for row in rows]
                lists = Rows([list(row) for row in rows], self.heading.names)
                yield Batch(lists, values, range(offset + 1, last + 1), last, last + 1)
                offset = last
        except sqlite3.DatabaseError as error:
            raise FactorpoolError(f"row {offset + 1}: {error}") from error

    def begin_of(self, offset: int) -> tuple[int, int]:
        """Each row begins where it is."""
        return offset, offset + 1


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _escaped(path: str) -> str:
    """A path as part of a URI."""
    from urllib.parse import quote

    return quote(os.path.abspath(path))


def _stored(value: Any) -> Any:
    """A value that SQLite has; others as text."""
    if isinstance(value, int):
        return value if -MOST <= value <= MOST else str(value)
    if value is None or isinstance(value, float | str | bytes):
        return value
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)
