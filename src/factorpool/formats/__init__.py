"""The formats in which factorizations are written, and tables of numbers are read: one file each, and the registry.

A format is a module of this package with a class `Writer`: it is given blocks of numbers with what they factor into,
and closed at the end, should the format have something to say there.  To add one, add its module and its name in
FORMATS.
"""

from __future__ import annotations

from enum import Enum
from importlib import import_module
from typing import Any, NamedTuple, Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.factoring.block import Block
    from factorpool.factoring.columns import Columns
    from factorpool.formats.table import Heading, Rows

FORMATS = ("gnu", "jsonl", "csv", "tsv", "parquet", "arrow", "sqlite")

CLOSED = ("parquet", "arrow", "sqlite")
"""Formats whose end says what is in them, so that nothing can be added to what is written.

Their Writer gets a path, and looks at each block before it is written."""

ENDINGS = {"ndjson": "jsonl", "tab": "tsv", "pq": "parquet", "ipc": "arrow", "feather": "arrow", "db": "sqlite"}
"""Endings of files that are not the name of their format."""


class Shape(Enum):
    """How the primes of a number are shown; the values are the kernel's names."""

    REPEATED = "repeated"
    """`2 2 2 3 3 5`"""

    POWERS = "powers"
    """`2^3 3^2 5`"""

    FLAT = "flat"
    """A row for each distinct prime: number, prime, exponent."""


class Factored(NamedTuple):
    """What is written at once: a block, what it factors into, and the rows of a table that its numbers are of.

    `missing` has the indices of rows without factors: there is no number in them, or it was given up.
    """

    block: Block
    columns: Columns
    rows: Rows | None = None
    missing: frozenset[int] = frozenset()


class File(Protocol):
    """Whatever bytes can be written to."""

    def write(self, data: bytes, /) -> object:
        """Writes all of them."""


class Writer(Protocol):
    """Writes factorizations as they come."""

    def __init__(self, file: File, shape: Shape, heading: Heading | None) -> None:
        """Writes what stands above all; `heading` is that of the table that the numbers are of."""

    def write(self, factored: Factored) -> None:
        """Writes a block of numbers, and what they factor into."""

    def close(self) -> None:
        """Writes what stands below all; the file stays open."""


class ClosedWriter(Protocol):
    """Writes a file that nothing can be added to."""

    def __init__(self, path: str, shape: Shape, heading: Heading | None) -> None:
        """Begins the file."""

    def look(self, factored: Factored) -> bool:
        """Sees what will be written, before it is, and says whether the columns have to hold something new.

        Then nothing may have been written before.
        """

    def write(self, factored: Factored) -> None:
        """Writes a block of numbers, and what they factor into."""

    def close(self) -> None:
        """Ends the file."""


def format_of(path: str) -> str:
    """The format that the ending of a name stands for; gnu if it stands for none."""
    ending = path.rpartition(".")[2].lower()
    form = ENDINGS.get(ending, ending)
    return form if form in FORMATS else "gnu"


def find_writer(name: str) -> type[Writer]:
    """The writer of a format that is not closed."""
    writer: type[Writer] = _writer_of(name)
    return writer


def find_closed_writer(name: str) -> type[ClosedWriter]:
    """The writer of a closed format."""
    writer: type[ClosedWriter] = _writer_of(name)
    return writer


def _writer_of(name: str) -> Any:
    return import_module(f"factorpool.formats.{name}").Writer
