"""Compressed files, recognized by how they begin, whatever they are called."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, BinaryIO, cast

from factorpool.errors import FactorpoolError
from factorpool.formats.lines import LineSource


def opened(raw: io.BufferedReader) -> tuple[LineSource, str | None]:
    """What a file has in it once it is taken out of its compression; and what that is called, None for none.

    Raises a FactorpoolError for what it cannot be read as, which says why.
    """
    begins = raw.peek(6)
    for magic, compression, make in KINDS:
        if begins.startswith(magic):
            source: Any = make(raw)
            with suppress(*damage()):  # which is said where it is read
                _refuse_tables(source.peek(6))
            return cast(LineSource, source), compression
    _refuse_tables(begins)
    return raw, None


def size_of(path: str) -> int:
    """How many bytes a file has in it; what is compressed is read for that.

    Raises a FactorpoolError for what is damaged, or cannot be read as text.
    """
    with open(path, "rb") as file:
        try:
            source, compression = opened(file)
        except FactorpoolError as error:
            raise FactorpoolError(f"cannot read {path}: {error}") from error
        if compression is None:
            return os.fstat(file.fileno()).st_size
        try:
            return sum(map(len, iter(partial(source.read1, 1 << 20), b"")))
        except damage() as error:
            why = f"it is damaged ({compression}: {error}), and --part needs all of it"
            raise FactorpoolError(f"cannot read {path}: {why}") from error


def _refuse_tables(begins: bytes) -> None:
    for magic, kind in TABLES.items():
        if begins.startswith(magic):
            raise FactorpoolError(
                f"it is {SHOWN[kind]}, which cannot be read from a pipe or out of its compression: give a file"
            )


TABLES = {b"PAR1": "parquet", b"SQLite": "sqlite", b"ARROW1": "arrow"}
"""How tables begin that are read from files alone, whatever they are called: full of digits that are no numbers."""

SHOWN = {"parquet": "a Parquet file", "sqlite": "an SQLite database", "arrow": "an Arrow file"}


def damage() -> tuple[type[Exception], ...]:
    """The errors that say that a compressed file is damaged; those of what is not imported cannot have come."""
    import lzma
    import zlib

    return (EOFError, zlib.error, lzma.LZMAError, OSError, *_zstd_errors)


_zstd_errors: list[type[Exception]] = []


def _gzip(raw: BinaryIO) -> object:
    import gzip

    return gzip.GzipFile(fileobj=raw)


def _bzip2(raw: BinaryIO) -> object:
    import bz2

    return bz2.BZ2File(raw)


def _xz(raw: BinaryIO) -> object:
    import lzma

    return lzma.LZMAFile(raw)


def _zstd(raw: BinaryIO) -> object:
    try:
        from compression import zstd  # type: ignore[import-not-found,unused-ignore]  # from Python 3.14 on
    except ImportError:
        try:
            from backports import zstd  # type: ignore[import-not-found,no-redef,unused-ignore]
        except ImportError:
            raise FactorpoolError(
                "it is compressed by zstd, which Python knows from 3.14 on: pip install backports.zstd, or "
                "zstd -dc FILE | factorpool factor"
            ) from None
    _zstd_errors.append(zstd.ZstdError)
    made: object = zstd.ZstdFile(raw)
    return made


KINDS: tuple[tuple[bytes, str, Callable[[BinaryIO], object]], ...] = (
    (b"\x1f\x8b", "gzip", _gzip),
    (b"BZh", "bzip2", _bzip2),
    (b"\xfd7zXZ\x00", "xz", _xz),
    (b"\x28\xb5\x2f\xfd", "zstd", _zstd),
)
