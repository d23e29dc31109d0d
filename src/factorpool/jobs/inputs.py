"""What is read: files, by name or pattern, and of which kind each is."""

from __future__ import annotations

import glob
import io
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple
from urllib.parse import parse_qsl

from factorpool.errors import FactorpoolError, OptionError
from factorpool.formats import format_of
from factorpool.formats.lines import Lines, LineSource
from factorpool.formats.table import Table
from factorpool.jobs.compressed import TABLES, opened


class Input(NamedTuple):
    """A file: `-` is standard input; its kind is text, for numbers between white space, or that of a table.

    `column` is the one that has the numbers, `table` that of a database.
    """

    path: str
    kind: str = "text"
    column: str | None = None
    table: str | None = None

    @property
    def name(self) -> str:
        """What messages call it."""
        return "standard input" if self.path == "-" else self.path


LINES = {"csv": "csv", "tsv": "csv", "jsonl": "jsonl"}
"""Kinds of tables that are lines of text, by the formats that the endings of their names stand for."""

COMPRESSED = (".gz", ".bz2", ".xz", ".zst")


def find_inputs(named: Iterable[str], column: str | None) -> list[Input]:
    """The files that are named; a pattern stands for all that fit it, in the order of their names.

    Raises an OptionError for a pattern that none fits, and for tables beside files that are none.
    """
    found = [_input_of(path, column) for name in named for path in _expanded(name)]
    known = next((each.kind for each in found if each.kind), "text")
    found = [each if each.kind else each._replace(kind=known) for each in found]  # it is reported when it is read
    kinds = {each.kind for each in found}
    if len(kinds) > 1:
        several = ", ".join(f"{each.name} ({each.kind})" for each in found[:3])
        raise OptionError(f"the inputs are of several kinds: {several}; give those of one kind at a time")
    return found


def _expanded(name: str) -> list[str]:
    path, _, query = name.partition("?")
    if name == "-" or os.path.exists(name) or (query and os.path.exists(path)) or not glob.has_magic(name):
        return [name]
    if paths := sorted(glob.glob(name, recursive=True)):
        return paths
    raise OptionError(f"no file fits the pattern {name}")


def _input_of(name: str, column: str | None) -> Input:
    path, _, query = name.partition("?")
    if query and not os.path.exists(name) and os.path.exists(path):
        chosen = dict(parse_qsl(query))
        if unknown := chosen.keys() - {"table", "column"}:
            raise OptionError(f"{name}: behind ? stand table=NAME and column=NAME, and no {min(unknown)!r}")
        kind = _kind_of(path, "")
        if kind not in TABLES.values():
            raise OptionError(f"{name}: only what is in a database is chosen so, which {path} is not; see --column")
        return Input(path, kind, chosen.get("column", column), chosen.get("table"))
    return Input(name, _kind_of(name, column), column)


def _kind_of(path: str, column: str | None) -> str:
    """The kind of a file; "" for one that cannot be read."""
    try:
        if path != "-" and stat.S_ISREG(os.stat(path).st_mode):
            with open(path, "rb") as file:
                begins = file.read(16)
            for magic, kind in TABLES.items():
                if begins.startswith(magic):
                    return kind
    except OSError:
        return ""
    for ending in COMPRESSED:
        path = path.removesuffix(ending)
    kind = LINES.get(format_of(path), "text")
    if column is None:  # lines of numbers are called .csv, too
        return "jsonl" if kind == "jsonl" else "text"
    return "csv" if kind == "text" else kind


@contextmanager
def open_table(each: Input) -> Iterator[Table]:
    """The table in a file.

    Raises a FactorpoolError for what has no such column, or is damaged.
    """
    if each.kind == "sqlite":
        from factorpool.formats import sqlite

        yield sqlite.Table(each.path, each.table, each.column)
    elif each.kind in ("parquet", "arrow"):
        from factorpool.formats import arrow, parquet

        yield (parquet.Table if each.kind == "parquet" else arrow.Table)(each.path, each.column)
    else:
        from factorpool.formats import csv, jsonl

        if each.path == "-" and sys.stdin is None:
            raise FactorpoolError("it is closed")
        with io.FileIO(0 if each.path == "-" else each.path, closefd=each.path != "-") as raw:
            source, compression = opened(io.BufferedReader(raw, 1 << 18))
            size = os.fstat(raw.fileno()).st_size if raw.seekable() and compression is None else None
            lines = source if raw.seekable() else Pipe(source)
            if each.kind == "jsonl" or next(iter(Lines(lines)), "").lstrip().startswith("{"):
                yield jsonl.Table(lines, each.column, size)
            else:
                assert each.column is not None  # else it would be text
                yield csv.Table(lines, each.column, size)


class Pipe:
    """What cannot be read twice, but for its beginning, which says what is in it."""

    MOST = 1 << 20

    def __init__(self, source: LineSource) -> None:
        self._source = source
        self._head = b""  # what has been read so far, until that is too much
        self._at = 0
        self._lost = False

    def readline(self, limit: int, /) -> bytes:
        """The next line."""
        end = self._head.find(b"\n", self._at) + 1 or len(self._head)
        line = self._head[self._at : end]
        self._at = end
        return line if line.endswith(b"\n") else line + self._kept(self._source.readline(limit))

    def read1(self, size: int, /) -> bytes:
        """Some bytes: those that are there."""
        data = self._head[self._at : self._at + size]
        self._at += len(data)
        return data or self._kept(self._source.read1(size))

    def seek(self, offset: int, /) -> int:
        """Goes back to what is kept."""
        if offset > len(self._head) or self._lost:
            raise io.UnsupportedOperation("it is a pipe, which cannot be read twice")
        self._at = offset
        return offset

    def _kept(self, data: bytes) -> bytes:
        if self._at == len(self._head) <= self.MOST:
            self._head += data
            self._at = len(self._head)
        else:
            self._lost = True
        return data
