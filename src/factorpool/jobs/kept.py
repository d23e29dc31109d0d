"""What a job has found, kept beside a file that nothing can be added to, until all of it is there.

It is a row of frames, each with its length before it, so that it can go on at the end of any: first the heading of the
table that was read, then a block of factorizations each.
"""

from __future__ import annotations

import marshal
import struct
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from factorpool.factoring.block import Block, Kind
from factorpool.factoring.columns import Columns
from factorpool.files import sync
from factorpool.formats import Factored, File, Shape, find_closed_writer
from factorpool.formats.table import Heading, arrow_errors, rows_of

_LENGTH = struct.Struct("<Q")

_VERSION = 4  # of marshal's format, which every Python reads


class Writer:
    """Keeps factorizations."""

    def __init__(self, file: File, shape: Shape, heading: Heading | None) -> None:
        self._file = file
        self._write(None if heading is None else tuple(heading))

    def write(self, factored: Factored) -> None:
        """Adds a block."""
        block, columns, rows, missing = factored
        values: Any = list(block) if block.kind is Kind.WIDE else bytes(block.words())
        self._write((values, *columns[:3], sorted(missing), None if rows is None else rows.kept()))

    def _write(self, kept: Any) -> None:
        data = marshal.dumps(kept, _VERSION)
        self._file.write(_LENGTH.pack(len(data)) + data)

    def close(self) -> None:
        """Nothing more."""


def complete(form: str, shape: Shape, source: str, target: str) -> None:
    """Writes a file in a closed format of what was kept; it is on disk afterwards."""
    with open(source, "rb") as file, arrow_errors():
        heading, frames = read(file)
        writer = find_closed_writer(form)(target, shape, heading)
        for factored in frames:
            writer.look(factored)
        file.seek(0)
        for factored in read(file)[1]:
            writer.write(factored)
        writer.close()
    sync(target)


def read(
    file: BinaryIO, wait: Callable[[BinaryIO, int], bool] = lambda *_: True
) -> tuple[Heading | None, Iterator[Factored]]:
    """The heading of a table, and the blocks; `wait` comes back once so many bytes are there, and says if they are."""
    frames = _frames(file, wait)
    found = next(frames)
    heading = None if found is None else Heading(*found)
    return heading, (_factored(frame, heading) for frame in frames)


def _factored(frame: Any, heading: Heading | None) -> Factored:
    values, counts, primes, exponents, missing, rows = frame
    block = Block(values if isinstance(values, list) else memoryview(values).cast("B").cast("Q"))
    rows = None if rows is None or heading is None else rows_of(rows, heading)
    return Factored(block, Columns(counts, primes, exponents), rows, frozenset(missing))


def _frames(file: BinaryIO, wait: Callable[[BinaryIO, int], bool]) -> Iterator[Any]:
    while wait(file, _LENGTH.size) and (head := file.read(_LENGTH.size)):
        (size,) = _LENGTH.unpack(head)
        if not wait(file, size):
            return
        yield marshal.loads(file.read(size))
