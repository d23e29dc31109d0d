"""Lines of a source, counted, so that one knows where each begins."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from factorpool import _native
from factorpool.errors import FactorpoolError

MOST_BYTES = 1 << 24
"""Longest line: a file without lines is no table, and would fill the memory."""


class LineSource(Protocol):
    """What lines can be read from, anywhere."""

    def readline(self, limit: int, /) -> bytes:
        """The next line."""

    def read1(self, size: int, /) -> bytes:
        """What is there now, at most so many bytes; waits for the first; b"" at the end."""

    def seek(self, offset: int, /) -> int:
        """Goes to a byte."""


class Lines:
    """Lines as text, from a byte on; bytes that are not UTF-8 stay what they are when they are written again.

    `offset` is the byte, and `line` the number, of the line that comes next.
    """

    def __init__(self, source: LineSource, offset: int = 0, line: int = 1) -> None:
        self._source = source
        self.offset = offset
        self.line = line
        self._again = b""  # whole lines that `take` gives once more
        source.seek(offset)

    def __iter__(self) -> Iterator[str]:
        while raw := self._source.readline(MOST_BYTES):
            yield self._text(raw)

    def take(self, size: int, end: int | None = None) -> str:
        """The next whole lines, together about so many bytes, of those that begin before a byte."""
        again, self._again = self._again, b""
        size = size if end is None else min(size, end - self.offset - len(again))
        raw = self._source.read1(size) if size > 0 else b""  # of what is damaged, what comes before that
        if raw and raw[-1:] != b"\n":
            raw += self._source.readline(MOST_BYTES)
        return self._text(raw, again)

    def put_back(self, lines: bytes) -> None:
        """The last lines of those that were taken come once more, from `take`, which is to be called next."""
        self._again = lines
        self.offset -= len(lines)
        self.line -= _lines_of(lines)

    def _text(self, raw: bytes, again: bytes = b"") -> str:
        if len(raw) >= MOST_BYTES:
            line = self.line + _lines_of(again)
            raise FactorpoolError(f"line {line} is longer than {MOST_BYTES >> 20} MB: is it a table?")
        raw = again + raw
        text = raw.decode("utf-8", "surrogateescape")
        if self.offset == 0:
            if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise FactorpoolError("it is UTF-16: iconv -f UTF-16 -t UTF-8 makes UTF-8 of it")
            text = text.removeprefix("\ufeff")
        self.offset += len(raw)
        self.line += _lines_of(raw)
        return text


def _lines_of(raw: bytes) -> int:
    """How many lines there are, the last of which may have no end."""
    return _native.count_line_ends(raw) + (raw[-1:] not in (b"\n", b""))


@contextmanager
def only_utf8() -> Iterator[None]:
    """What is written in it has to be UTF-8, which bytes that stayed what they are may not be."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise FactorpoolError(
            f"{_shown_at(error.object, error.start)} is not UTF-8, and only csv and tsv keep it as it is: convert the "
            "input, say with iconv -f LATIN1 -t UTF-8"
        ) from error


def _shown_at(text: str, at: int) -> str:
    """What stands around a character, in its line, with the bytes that are not UTF-8 as such."""
    begin = text.rfind("\n", 0, at) + 1
    line, at = text[begin:].partition("\n")[0], at - begin
    around = line[max(0, at - 20) : at + 20].encode("utf-8", "surrogateescape")
    return f"'{around.decode('utf-8', 'backslashreplace')}'"


def first_line_from(source: LineSource, offset: int) -> int:
    """Where the first line begins from a byte on."""
    if offset == 0:
        return 0
    at = offset - 1
    source.seek(at)
    while piece := source.readline(1 << 16):
        at += len(piece)
        if piece.endswith(b"\n"):
            break
    return at
