"""Numbers from text: files, pipes and command line arguments, as blocks.

White space separates numbers (CRLF and a byte-order mark are white space too), `#` begins a comment that ends with its
line. What is not a number is reported with its position and left out; the rest is read on. Compressed files are read as
what is in them.
"""

from __future__ import annotations

import errno
import io
import os
import select
import sys
from collections.abc import Callable, Iterable, Iterator

from factorpool import _native
from factorpool.errors import FactorpoolError, show
from factorpool.factoring.block import WORD_MAX, Block, Text, words_of
from factorpool.factoring.numbers import MAX_DIGITS, blocks_of
from factorpool.formats.lines import LineSource, first_line_from
from factorpool.jobs.compressed import damage, opened, size_of
from factorpool.jobs.mistakes import Mistakes
from factorpool.jobs.places import Place, Places, Share

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.factoring.block import Words

READ_BYTES = 1 << 18
"""Read at a time: about 20 000 numbers, which is small beside the interpreter and large beside the cost of a read."""

TOKEN_BYTES = 1 << 16
"""Longest token that is kept to be shown or parsed; what is longer is reported by its beginning."""

_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\n\v\f\r"


class Reader:
    """Reads numbers from files one after the other; `-` is standard input.

    `report` is called with a line for each of the first tokens that are no number and files that cannot be read, and
    then with how many more there were; `bad` counts them.  `size` is the number of bytes there are in all, where that
    is known; the `position` of a block is how many of them are used up with it.  With `start`, a place where an earlier
    reader was, it begins there; with a `share`, it reads that part of the lines.  With `coerce`, 3.0 is 3.  `parsed`
    says that numbers are parsed here, and not where they are factored.
    """

    def __init__(
        self,
        paths: Iterable[str],
        report: Callable[[str], None],
        *,
        coerce: bool = False,
        start: Place | None = None,
        share: Share | None = None,
        parsed: bool = True,
    ) -> None:
        self._paths = list(paths)
        self._start = start or Place(0, 0, 1, 0)
        self._places = Places()
        self._mistakes = Mistakes(report, self._start.bad)
        self._coerce = coerce
        self._parsed = parsed
        self._fd = -1
        self._more = False  # than can be seen of the file: it is compressed
        self._position = 0
        self.size = self._total_size()
        self._spans: list[tuple[int, int]] | None = None
        if share is not None:
            self._spans = share.spans([self._text_size(path) for path in self._paths])

    @property
    def bad(self) -> int:
        """How many mistakes there were."""
        return self._mistakes.count

    def blocks(self) -> Iterator[Block]:
        """The numbers."""
        for at, path in enumerate(self._paths):
            if at < self._start.file:
                self._position += os.stat(path).st_size
                continue
            name = "standard input" if path == "-" else path
            try:
                if path == "-" and sys.stdin is None:
                    raise OSError(errno.EBADF, "it is closed")
                self._fd = 0 if path == "-" else os.open(path, os.O_RDONLY)
                yield from self._file(at, name)
            except OSError as error:
                self._mistakes.add(f"cannot read {name}: {error.strerror or error}")
            finally:
                if self._fd > 0:
                    os.close(self._fd)
                self._fd = -1
        self._mistakes.end()

    def place_at(self, position: int | None) -> Place | None:
        """The place behind a block, where one may begin again."""
        return self._places.at(position)

    def ready(self) -> bool:
        """Whether the next block will come without waiting: a file is always there, a pipe may be empty."""
        return self._fd < 0 or self._more or bool(select.select([self._fd], [], [], 0)[0])

    def _total_size(self) -> int | None:
        try:
            stats = [os.fstat(0) if path == "-" else os.stat(path) for path in self._paths]
        except OSError:
            return None
        return sum(s.st_size for s in stats) if all(s.st_mode & 0o170000 == 0o100000 for s in stats) else None

    def _text_size(self, path: str) -> int:
        """How many bytes of text there are in a file; 0 where it cannot be read."""
        try:
            return size_of(path)
        except OSError:
            return 0  # it is reported when it is read

    def _file(self, at: int, name: str) -> Iterator[Block]:
        _, offset, line, _ = self._start if at == self._start.file else Place(at, 0, 1, 0)
        try:
            source, compression = opened(io.BufferedReader(io.FileIO(self._fd, closefd=False), READ_BYTES))
        except FactorpoolError as error:
            self._mistakes.add(f"cannot read {name}: {error}")
            return
        last = None  # a line that begins there, or behind it, is another's
        where = "line"
        if self._spans is not None:
            first, last = self._spans[at]
            if (begin := first_line_from(source, first)) >= last:
                return
            if begin:
                where = f"from byte {begin} on, line"
            offset = max(begin, offset)
        parser = Parser(self._odd(name, where), offset, line, self._coerce, self._parsed)
        before, used, read = self._position, 0, 0
        self._more = compression is not None
        # Where it goes on, the end of the last line may be behind it.
        ended = last is not None and offset >= last and first_line_from(source, offset) == offset
        if offset or last is not None:
            source.seek(offset)
            read = offset
        data: bytes | None = b""
        while not ended and (data := self._read(source, compression, name)):
            if last is not None and (line_end := data.find(b"\n", max(0, last - 1 - read))) >= 0:
                data, ended = data[: line_end + 1], True
            read += len(data)
            used = used_of(self._fd) if compression else read
            self._position = max(before + used, self._position + 1)  # no two blocks have the same
            numbers = parser.feed(data)
            if len(numbers) and parser.between:
                self._places.add(self._position, Place(at, read - parser.waiting, parser.line, self.bad))
            yield self._block(numbers)  # if it is empty, too: what comes next may have to be waited for
        if data is not None and len(numbers := parser.feed(b"\n", last=True)):
            self._position += 1
            self._places.add(self._position, Place(at + 1, 0, 1, self.bad))
            yield self._block(numbers)

    def _block(self, numbers: Words | list[int] | Text) -> Block:
        block = Block.packed(numbers) if isinstance(numbers, list) else Block(numbers)
        block.position = self._position
        return block

    def _odd(self, name: str, where: str) -> Callable[[int, bytes], None]:
        table = name.lower().endswith((".csv", ".tsv"))

        def report(line: int, token: bytes) -> None:
            hint = "; of a table, --column says which has the numbers" if table and line == 1 else ""
            self._mistakes.add(f"{name}, {where} {line}: {explain(token)}{hint}")

        return report

    def _read(self, source: LineSource, compression: str | None, name: str) -> bytes | None:
        """The next piece; b"" at the end, None at one that comes too early: then the last number may be cut."""
        if compression is None:
            # At the end, or where nothing is there yet and nobody waits: then this is an error.
            return source.read1(READ_BYTES) or os.read(self._fd, READ_BYTES)
        try:
            return source.read1(READ_BYTES)
        except damage() as error:
            self._mistakes.add(f"{name} is damaged ({compression}: {error}): what comes after that is left out")
            return None


def used_of(fd: int) -> int:
    """How many bytes of a file have been read; 0 for a pipe, which does not say."""
    try:
        return os.lseek(fd, 0, os.SEEK_CUR)
    except OSError:
        return 0


class Parser:
    """Turns pieces of text into numbers; a token may be cut anywhere between two pieces.

    Unless they are to be `parsed`, numbers of pieces that have nothing else in them are left as they stand there.
    """

    def __init__(
        self,
        bad: Callable[[int, bytes], None],
        offset: int = 0,
        line: int = 1,
        coerce: bool = False,
        parsed: bool = True,
    ) -> None:
        self._bad = bad
        self._coerce = coerce
        self._parsed = parsed
        self._rest = b""  # the beginning of a token whose end has not come yet
        self._in_comment = 0
        self._line = line
        self._start = offset == 0
        self._skipping = False  # within a token that was too long to keep

    @property
    def between(self) -> bool:
        """Whether one may begin again behind what is complete: not in a comment, nor in a token that is too long."""
        return not self._in_comment and not self._skipping and not self._start

    @property
    def waiting(self) -> int:
        """Bytes whose token is not complete."""
        return len(self._rest)

    @property
    def line(self) -> int:
        """The line that comes next."""
        return self._line

    def feed(self, data: bytes, last: bool = False) -> Words | list[int] | Text:
        """The numbers, as words if all of them fit, of the tokens that are complete with this piece."""
        text = self._rest + data
        if self._start and (len(text) >= len(_BOM) or last):
            text = text.removeprefix(_BOM)
            self._start = False
        if self._skipping:
            end = min((at for c in _SPACE + b"#" if (at := text.find(c)) >= 0), default=len(text))
            self._skipping = end == len(text) and not last
            text = text[end:]
        numbers: Words | list[int] | Text
        if (counted := self._count(text)) is not None:
            numbers, end = counted
        else:
            end = len(text) if last else max(text.rfind(bytes([c])) for c in _SPACE) + 1
            if text.find(b"#", end) >= 0:
                end = len(text)  # the last token ends where a comment begins
            numbers = self._parse(memoryview(text)[:end])
        self._rest = b"" if self._in_comment else text[end:]
        if len(self._rest) > TOKEN_BYTES:
            self._bad(self._line, self._rest[: TOKEN_BYTES + 1])
            self._rest, self._skipping = b"", True
        return numbers

    def _count(self, text: bytes) -> tuple[Text, int] | None:
        """The numbers as they stand there, and where they end; None where something else is there, too."""
        if self._parsed or self._in_comment or (counted := _native.count_numbers(text)) is None:
            return None
        count, end, lines = counted
        if text.find(b"#", end) >= 0:
            return None
        self._line += lines
        return Text(text, count, 0, end), end

    def _parse(self, text: memoryview) -> Words | list[int]:
        words: list[bytes] = []
        wide: list[int] | None = None
        at = 0
        while at < len(text):
            packed, at, odd, self._in_comment, lines = _native.parse(text, at, bool(self._in_comment))
            self._line += lines
            if wide is None:
                words.append(packed)
            else:
                wide.extend(words_of(packed))
            if odd < 0:
                continue
            token = bytes(text[odd:at])
            big = parse_token(token)
            if big is None and self._coerce:
                big = integral(token.decode("utf-8", "replace"))
            if big is None:
                self._bad(self._line, token)
                continue
            if wide is None:
                wide = words_of(b"".join(words)).tolist()
            wide.append(big)
        return words_of(b"".join(words)) if wide is None else wide


def from_arguments(
    arguments: Iterable[str], report: Callable[[str], None], coerce: bool = False
) -> tuple[list[Block], int]:
    """The numbers among command line arguments, in blocks, and how many were none; each of those is reported.

    `FIRST..LAST` is a block of its own, a range.
    """
    blocks: list[Block] = []
    numbers: list[int] = []
    bad = 0

    def close() -> None:
        if numbers:
            blocks.append(Block.packed(numbers[:]))
            numbers.clear()

    for position, argument in enumerate(arguments, 1):
        token = os.fsencode(argument)
        ends = [parse_token(end) for end in token.split(b"..")]
        if ends == [None] and coerce:
            ends = [integral(argument)]
        if len(ends) == 1 and ends[0] is not None:
            numbers.append(ends[0])
        elif len(ends) == 2 and ends[0] is not None and ends[1] is not None and ends[0] <= ends[1] <= WORD_MAX:
            if ends[0] == 0:
                numbers.append(0)
            close()
            blocks.extend(blocks_of(range(max(1, ends[0]), ends[1] + 1)))
        else:
            report(f"argument {position}: {explain(token)}")
            bad += 1
    close()
    return [block for block in blocks if len(block)], bad


def parse_token(token: bytes) -> int | None:
    """The number that digits, with at most one `+` before them, stand for; None for anything else, or too many."""
    digits = token.removeprefix(b"+").lstrip(b"0") or b"0"
    return int(digits) if digits.isdigit() and token[-1:].isdigit() and len(digits) <= MAX_DIGITS else None


def integral(text: str) -> int | None:
    """The integer that a number like 3.0 or 1e6 is equal to; None if it is equal to none, negative, or too long."""
    from decimal import Decimal, InvalidOperation  # here: few need it

    try:
        value = Decimal(text) if text.isascii() and "_" not in text else Decimal("NaN")
    except InvalidOperation:
        return None
    if not value.is_finite() or value < 0 or value.adjusted() >= MAX_DIGITS or value != value.to_integral_value():
        return None
    return int(value)


def explain(token: bytes) -> str:
    """Why a token is not a number to factor."""
    shown = show(token.decode("utf-8", "backslashreplace"))
    digits = token.removeprefix(b"+")
    if digits.isdigit():
        count = f"{len(digits)}" if len(token) <= TOKEN_BYTES else f"more than {TOKEN_BYTES}"
        return f"{shown} is too long: {count} digits, the limit is {MAX_DIGITS}"
    if (
        len(ends := [parse_token(end) for end in token.split(b"..")]) == 2
        and ends[0] is not None
        and ends[1] is not None
    ):
        if ends[0] > ends[1]:
            return f"{shown} is empty: its first number is larger than its last"
        return f"{shown} goes too far: a range ends at {WORD_MAX} = 2^64 - 1 at most"
    if token[:1] == b"-" and token[1:].isdigit():
        return f"{shown} is negative: only integers from 0 up can be factored"
    return f"{shown} is not a whole number"
