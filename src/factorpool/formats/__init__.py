"""The formats in which factorizations are written: one file each, and the registry of them.

A format is a class `Writer` in a module of this package: made for a binary file, it is given blocks of numbers with
what they factor into, and closed at the end, should the format have something to say there.  To add one, add its module
and its name in FORMATS.
"""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.factoring.block import Block
    from factorpool.factoring.columns import Columns

FORMATS = ("gnu", "jsonl", "csv")


class File(Protocol):
    """Whatever bytes can be written to."""

    def write(self, data: bytes, /) -> object:
        """Writes all of them."""


class Writer(Protocol):
    """Writes factorizations to a file as they come."""

    def __init__(self, file: File) -> None:
        """Writes what stands above all."""

    def write(self, block: Block, columns: Columns) -> None:
        """Writes a block of numbers, and what they factor into."""

    def close(self) -> None:
        """Writes what stands below all; the file stays open."""


def find_writer(name: str) -> type[Writer]:
    """The writer of a format."""
    writer: type[Writer] = import_module(f"factorpool.formats.{name}").Writer
    return writer
