"""Numbers from a column of tables, as blocks; the rows that they are of are kept until their factors are written."""

from __future__ import annotations

import os
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from decimal import Decimal
from typing import Any

from factorpool import _native
from factorpool.errors import FactorpoolError, show
from factorpool.factoring.arrow import ArrowWords
from factorpool.factoring.block import Block
from factorpool.factoring.numbers import MAX_DIGITS
from factorpool.formats.table import Batch, Heading, Rows, Table
from factorpool.jobs.compressed import damage, size_of
from factorpool.jobs.inputs import Input, open_table
from factorpool.jobs.mistakes import Mistakes
from factorpool.jobs.places import Place, Places, Share
from factorpool.jobs.reader import explain, integral, parse_token

_PLAIN = b"0123456789\n"

TOO_LONG: int = 10**MAX_DIGITS


class TableReader:
    """Reads a column of tables, one after the other, of which each has the same columns.

    What is no number is reported, and its row stays, without factors; so does that of a null, which is no mistake.  The
    rest is as of `Reader`.  `take` has the rows of the next numbers, in order.
    """

    def __init__(
        self,
        inputs: Sequence[Input],
        report: Callable[[str], None],
        *,
        coerce: bool = False,
        start: Place | None = None,
        share: Share | None = None,
    ) -> None:
        self._inputs = inputs
        self._report = report
        self._coerce = coerce
        self._start = start or Place(0, 0, 1, 0)
        self._places = Places()
        self._rows: deque[tuple[Rows, frozenset[int]]] = deque()
        self._nulls = 0
        self._first_null = ""
        self._mistakes = Mistakes(report, self._start.bad)
        self._position = 0
        self._open_until_end = ExitStack()
        self._once: dict[str, Table] = {}
        self._taken = 0  # of the first of the rows
        with self._open(inputs[0]) as table:
            self.heading: Heading = table.heading
        self._spans: list[tuple[int, int]] | None = None
        if share is not None:
            self._spans = share.spans([self._size_of(each) for each in inputs])
        self._bytes = [os.path.getsize(each.path) if os.path.isfile(each.path) else 0 for each in inputs]
        self.size = sum(self._bytes) or None

    @property
    def bad(self) -> int:
        """How many mistakes there were."""
        return self._mistakes.count

    def ready(self) -> bool:
        """Whether the next block will come without waiting."""
        return all(os.path.isfile(each.path) for each in self._inputs)

    def place_at(self, position: int | None) -> Place | None:
        """The place behind a block, where one may begin again."""
        return self._places.at(position)

    def blocks(self) -> Iterator[Block]:
        """The numbers."""
        for at, each in enumerate(self._inputs):
            if at < self._start.file:
                continue
            try:
                with self._open(each) as table:
                    if each.kind == "jsonl" and table.heading.column == self.heading.column:
                        table.heading = self.heading  # lines may have other fields than the first
                    if table.heading != self.heading:
                        raise FactorpoolError(f"the columns of {each.name} are not those of {self._inputs[0].name}")
                    yield from self._file(at, table)
            except FactorpoolError as error:
                self._mistakes.add(str(error))
        self._mistakes.end()
        if self._nulls:
            more = f", and {self._nulls - 1} more have none" if self._nulls > 1 else ""
            self._report(f"note: {self._first_null} has no number{more}")

    def take(self, count: int) -> tuple[Rows, frozenset[int]]:
        """The rows of the next numbers, and which of them have none."""
        rows, missing = self._rows[0]
        while len(rows) - self._taken < count:  # all numbers have become one block
            self._rows.popleft()
            more, without = self._rows.popleft()
            missing |= {at + len(rows) for at in without}
            rows = rows.with_more(more)
            self._rows.appendleft((rows, missing))
        first, last = self._taken, self._taken + count
        self._taken = last
        if last == len(rows):
            self._rows.popleft()
            self._taken = 0
        if missing:
            missing = frozenset(at - first for at in missing if first <= at < last)
        return rows if count == len(rows) else rows.part(first, last), missing

    @contextmanager
    def _open(self, each: Input) -> Iterator[Table]:
        """A table; errors name it."""
        with ExitStack() as until_end:
            table = self._once.get(each.path)
            if table is None:
                try:
                    if os.path.isfile(each.path):
                        table = until_end.enter_context(open_table(each))
                    else:  # what is no file is read once
                        table = self._once[each.path] = self._open_until_end.enter_context(open_table(each))
                except OSError as error:
                    raise FactorpoolError(f"cannot read {each.name}: {error.strerror or error}") from error
                except FactorpoolError as error:
                    raise FactorpoolError(f"cannot read {each.name}: {error}") from error
            yield table

    def _file(self, at: int, table: Table) -> Iterator[Block]:
        each, before = self._inputs[at], sum(self._bytes[:at])
        first, end = (0, None) if self._spans is None else self._spans[at]
        begin, line = table.begin_of(first)
        counted = f"{each.name}, {table.counted}"
        if begin and line == 1:  # nobody has counted what is before
            counted = f"{each.name}, from byte {begin} on, line"
        offset = begin
        if at == self._start.file and self._start.offset:
            offset, line = self._start.offset, self._start.line
        batches = table.batches(offset, line, end)
        while batch := self._next(batches, each):
            for place, why in batch.mistakes:
                self._mistakes.add(f"{counted} {place}: {why}")
            block, reasons = numbers_of(batch.values, self._coerce)
            missing = frozenset(reasons)
            for index, reason in reasons.items():
                where = f"{counted} {batch.places[index]}"
                if reason is None:
                    self._nulls += 1
                    self._first_null = self._first_null or where
                else:
                    self._mistakes.add(f"{where}: {reason}")
            if not len(block):
                continue
            used = self._bytes[at] if not table.size else self._bytes[at] * batch.offset // table.size
            self._position = max(before + used, self._position + 1)  # no two blocks have the same
            block.position = self._position
            self._places.add(self._position, Place(at, batch.offset, batch.next, self.bad))
            self._rows.append((batch.rows, missing))
            yield block

    def _next(self, batches: Iterator[Batch], each: Input) -> Batch | None:
        odd: tuple[type[Exception], ...] = (FactorpoolError, *damage())
        try:
            return next(batches, None)
        except odd as error:
            what = "" if isinstance(error, FactorpoolError) else " is damaged"
            raise FactorpoolError(f"{each.name}{what}: {error}: what comes after that is left out") from error

    def _size_of(self, each: Input) -> int:
        with self._open(each) as table:
            return size_of(each.path) if table.size is None else table.size


def numbers_of(values: Sequence[Any] | ArrowWords, coerce: bool) -> tuple[Block, dict[int, str | None]]:
    """The numbers among values, with a 1 for each that is none; and why those are none, None for a null.

    With `coerce`, a number like 3.0 or 1e6 is the integer that it is equal to.
    """
    if isinstance(values, ArrowWords):
        return _of_words(values)
    if isinstance(values, memoryview):
        return Block(values), {}
    texts = [value for value in values if type(value) is str]
    text = "\n".join(texts).encode("utf-8", "surrogateescape") if len(texts) == len(values) else b"-"
    if not text.translate(None, _PLAIN) and "" not in texts and text.count(b"\n") == len(texts) - 1:
        packed, _, odd, _, _ = _native.parse(text, 0, False)
        if odd < 0:
            return Block(memoryview(packed).cast("Q")), {}
    numbers: list[int] = []
    reasons: dict[int, str | None] = {}
    for index, value in enumerate(values):
        number = _number_of(value, coerce)
        if not isinstance(number, int):
            reasons[index] = number
            number = 1
        numbers.append(number)
    return Block.packed(numbers), reasons


def _of_words(values: ArrowWords) -> tuple[Block, dict[int, str | None]]:
    words = memoryview(values.words).cast("B").cast("Q")
    reasons: dict[int, str | None] = dict.fromkeys(values.nulls)
    if values.signed and max(words, default=0) >> 63:
        signed = memoryview(values.words).cast("B").cast("q")
        negative = [index for index, value in enumerate(signed) if value < 0]
        fixed = array("Q", words)
        for index in negative:
            reasons[index] = explain(str(signed[index]).encode())
            fixed[index] = 1
        return Block(fixed), dict(sorted(reasons.items()))
    return Block(words), reasons


def _number_of(value: Any, coerce: bool) -> int | str | None:
    """The number that a value stands for, or why it stands for none; None for a null."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value if 0 <= value < TOO_LONG else explain(str(value).encode())
    if isinstance(value, str):
        token = value.strip().encode("utf-8", "surrogateescape")
        if not token:
            return None
        if (number := parse_token(token)) is not None:
            return number
    if isinstance(value, str | float | Decimal):
        # A float is exactly what it is, and not what its shortest digits say.
        exact = isinstance(value, float) and value.is_integer()
        number = integral(str(int(value) if exact else value))
        if number is not None and (coerce or isinstance(value, Decimal)):
            return number
        if number is not None:
            return f"{show(value)} is written as a fraction: with --coerce it is {number}"
        return explain(str(value).strip().encode("utf-8", "surrogateescape"))
    return f"{show(value)} is not a whole number"
