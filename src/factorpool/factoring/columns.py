"""Factorizations as columns: all primes in one, all exponents in another, and how many of them each number has.

`Columns` is what a worker sends back for a block; `Builder` puts those of all blocks together; `Factorizations` is what
users get.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, chain, repeat
from pickle import PickleBuffer
from typing import Any, NamedTuple, SupportsIndex, cast, overload

from factorpool import _native
from factorpool.errors import FactorpoolError
from factorpool.factoring.arithmetic import ArithmeticFunctions
from factorpool.factoring.arrow import LongTable, tables_of
from factorpool.factoring.block import WORD_MAX, Block, Kind, words_of
from factorpool.factoring.segments import Segment, Segments

TYPE_CHECKING = False
if TYPE_CHECKING:
    Column = memoryview[int] | tuple[int, ...]
    Packed = bytes | memoryview[int]


class Large(NamedTuple):
    """A composite that is too large for one worker beside others: what is left of number `at` of its block.

    It divides that number `exponent` times.
    """

    at: int
    composite: int
    exponent: int


class Columns(NamedTuple):
    """The factorizations of a block: of each number how many distinct primes, then all primes and all exponents.

    As the kernel makes them they are bytes, or a view of them: uint8 `counts`, uint64 `primes`, uint8 `exponents`; for
    a wide block they are lists.  `probable` has the primes that are not proved, `large` what still has to be factored;
    `text` is what the worker has printed of them, if it was asked to.
    """

    counts: Packed | list[int]
    primes: Packed | list[int]
    exponents: Packed | list[int]
    probable: list[int] = []  # noqa: RUF012 (never changed)
    large: list[Large] = []  # noqa: RUF012
    text: Packed | None = None

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        """Large columns may travel beside the pickle, as arrays do."""
        if protocol.__index__() < 5 or self.wide:
            return Columns, tuple(bytes(each) if isinstance(each, memoryview) else each for each in self)
        text = None if self.text is None else PickleBuffer(self.text)
        return Columns, (*map(PickleBuffer, self.packed()), self.probable, self.large, text)

    @property
    def wide(self) -> bool:
        """Whether they are lists."""
        return isinstance(self.primes, list)

    def packed(self) -> tuple[Packed, Packed, Packed]:
        """The three columns, not wide, as the kernel made them."""
        return cast("tuple[Packed, Packed, Packed]", self[:3])

    def entries(self) -> tuple[Sequence[int], Sequence[int], Sequence[int]]:
        """The three columns, wide or not."""
        primes = self.primes if isinstance(self.primes, list) else memoryview(self.primes).cast("Q")
        return self.counts, primes, self.exponents

    def rows(self) -> Iterator[tuple[list[int], list[int]]]:
        """The primes and the exponents of each number."""
        primes, exponents = (list(column) for column in self.entries()[1:])
        at = 0
        for count in self.counts:
            yield primes[at : at + count], exponents[at : at + count]
            at += count


ROWS = 1024
"""Numbers of which the objects are made at once: a fraction of a millisecond's work, and no more memory than that."""


class Factorizations(ArithmeticFunctions):
    """Factorizations of many numbers: a read-only sequence of dicts prime -> exponent, ascending, kept as columns.

    It is no `collections.abc.Sequence`, for Polars would take it apart item by item instead of taking its columns.

    Number i has the primes `primes[offsets[i]:offsets[i + 1]]` with the exponents beside them.  The columns are
    read-only memoryviews, for `numpy.asarray` and the like without a copy.  What several workers have found stays in
    several segments until one of the last three columns is asked for, which puts them together, as `==`, `long()` and
    pickling do.

    * `numbers`: uint64, as many as there are factorizations;
    * `offsets`: uint64, one more than numbers;
    * `primes`: uint64;
    * `exponents`: uint8, or uint16 where a number exceeds 64 bits or the method is naive.

    `numbers` and `primes` are tuples of int instead where one of their entries exceeds 64 bits.  `probable_primes` has
    the factors too long to be proved prime; all others are.  `errors` has, by index, what `on_error="collect"` kept:
    asking for such an item raises it; a value that is no number has 1 in its place in `numbers`.  `strategy` and
    `reason` say where they were computed, and why there.

        >>> import factorpool
        >>> fs = factorpool.factor_many([360, 97])
        >>> fs[0], len(fs), fs.to_dict()
        ({2: 3, 3: 2, 5: 1}, 2, {360: [2, 2, 2, 3, 3, 5], 97: [97]})
        >>> fs.primes.tolist(), fs.offsets.tolist()
        ([2, 3, 5, 97], [0, 3, 4])
    """

    __slots__ = ("_numbers", "_segments", "errors", "probable_primes", "reason", "strategy")

    def __init__(
        self,
        numbers: Column | range,
        segments: Sequence[Segment],
        errors: Mapping[int, FactorpoolError],
        probable_primes: frozenset[int],
    ) -> None:
        self._numbers = numbers
        self._segments = Segments(segments)
        self.errors = errors
        self.probable_primes = probable_primes
        self.strategy = self.reason = ""

    @property
    def numbers(self) -> Column:
        """The numbers, in their order.  Those of a range are written out when they are first asked for."""
        if isinstance(self._numbers, range):
            self._numbers = words_of(self._numbers).toreadonly()
        return self._numbers

    @property
    def offsets(self) -> memoryview[int]:
        """Where each number's primes begin, and the end of the last."""
        return self._whole().offsets

    @property
    def primes(self) -> Column:
        """The primes of all numbers."""
        return self._whole().primes

    @property
    def exponents(self) -> memoryview[int]:
        """The exponents of all primes."""
        return self._whole().exponents

    def _whole(self) -> Segment:
        if len(self._segments.segments) > 1:
            self._segments = Segments([self._segments.whole()])
        return self._segments.segments[0]

    def __len__(self) -> int:
        return len(self._segments)

    @overload
    def __getitem__(self, index: SupportsIndex) -> dict[int, int]: ...

    @overload
    def __getitem__(self, index: slice) -> list[dict[int, int]]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> dict[int, int] | list[dict[int, int]]:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1 and self._in_c:
                return self._rows_in_c("dicts", start, max(start, stop))
            return [self[i] for i in range(start, stop, step)]
        i = range(len(self))[index]
        if i in self.errors:
            raise self.errors[i].with_traceback(None)
        ((segment, at, _),) = self._segments.between(i, i + 1)
        start, stop = segment.offsets[at], segment.offsets[at + 1]
        return dict(zip(segment.primes[start:stop], segment.exponents[start:stop], strict=True))

    def __iter__(self) -> Iterator[dict[int, int]]:
        if not self._in_c:
            return map(self.__getitem__, range(len(self)))
        return chain.from_iterable(self[start : start + ROWS] for start in range(0, len(self), ROWS))

    @property
    def _in_c(self) -> bool:
        """Whether the kernel can make all of the objects."""
        return not self.errors and isinstance(self._segments.segments[0].primes, memoryview)

    def _rows_in_c(self, kind: str, start: int, stop: int) -> list[Any]:
        """Numbers `start` to `stop` - 1, each as a dict or a list."""
        rows: list[Any] = []
        for segment, first, last in self._segments.between(start, stop):
            primes = cast("memoryview[int]", segment.primes)
            rows += _native.rows(kind, segment.offsets, primes, segment.exponents, first, last)
        return rows

    def __reversed__(self) -> Iterator[dict[int, int]]:
        return map(self.__getitem__, reversed(range(len(self))))

    def __contains__(self, factorization: object) -> bool:
        return any(each == factorization for each in self)

    def index(self, factorization: dict[int, int], start: int = 0, stop: int | None = None) -> int:
        """Where a factorization is first; a ValueError if it is nowhere."""
        for i in range(*slice(start, stop).indices(len(self))):
            if self[i] == factorization:
                return i
        raise ValueError(f"{factorization} is not among them")

    def count(self, factorization: dict[int, int]) -> int:
        """How often a factorization is there."""
        return sum(each == factorization for each in self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Factorizations):
            return NotImplemented
        return (
            len(self) == len(other)
            and self.errors.keys() == other.errors.keys()
            and all(
                getattr(self, column) == getattr(other, column)
                for column in ("numbers", "offsets", "primes", "exponents")
            )
        )

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        primes = sum(len(segment.primes) for segment in self._segments.segments)
        return f"<Factorizations of {len(self)} numbers, {primes} primes>"

    def __reduce__(self) -> tuple[object, ...]:
        columns = [
            column if isinstance(column, tuple) else array(column.format, column)
            for column in (self.numbers, self.offsets, self.primes, self.exponents)
        ]
        return _restore, (*columns, dict(self.errors), self.probable_primes)

    def factors(self, index: int) -> list[int]:
        """The prime factors of one number, ascending and repeated.

        >>> import factorpool
        >>> factorpool.factor_many([12]).factors(0)
        [2, 2, 3]
        """
        return list(chain.from_iterable(repeat(p, e) for p, e in self[index].items()))

    def long(self) -> LongTable:
        """A table for whatever reads Arrow, of a row for each prime: index, number, prime, exponent.

        `polars.DataFrame(fs.long())`, `pyarrow.table(fs.long())`, `duckdb.sql("from long")` read it without a copy.
        """
        return LongTable(self)

    def __arrow_c_schema__(self) -> object:
        """A capsule of the schema of what `__arrow_c_stream__` gives."""
        return _native.arrow_schema(next(tables_of(self)))

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A capsule of an Arrow stream: number, and factors, a list of (prime, exponent); null where there is an error.

        So `pyarrow.table(fs)`, `polars.DataFrame(fs)` and `duckdb.sql("from fs")` have the columns, without a copy.
        Integers of more than 64 bits are strings.  Each segment is an array of the stream.
        """
        return _native.arrow_stream(tuple(tables_of(self)))

    def to_lists(self) -> list[list[int]]:
        """The prime factors of each number, ascending and repeated.

        >>> import factorpool
        >>> factorpool.factor_many([12, 1, 7]).to_lists()
        [[2, 2, 3], [], [7]]
        """
        if self._in_c:
            return self._rows_in_c("lists", 0, len(self))
        return [self.factors(i) for i in range(len(self))]

    def to_dict(self) -> dict[int, list[int]]:
        """Number -> its prime factors, ascending and repeated: the article's shape.  Items with errors are left out."""
        if self._in_c:
            return dict(zip(self.numbers, self.to_lists(), strict=True))
        return {n: self.factors(i) for i, n in enumerate(self.numbers) if i not in self.errors}


def _restore(
    numbers: array[int] | tuple[int, ...],
    offsets: array[int],
    primes: array[int] | tuple[int, ...],
    exponents: array[int],
    errors: dict[int, FactorpoolError],
    probable: frozenset[int],
) -> Factorizations:
    segment = Segment(_column(primes), _view(exponents), offsets=_view(offsets))
    return Factorizations(_column(numbers), [segment], errors, probable)


def _view(words: array[int]) -> memoryview[int]:
    return memoryview(words).toreadonly()


def _column(values: array[int] | Sequence[int]) -> Column:
    """Words as a memoryview; ints as one where they fit, else as a tuple."""
    if isinstance(values, array):
        return _view(values)
    return tuple(values) if max(values, default=0) > WORD_MAX else _view(array("Q", values))


LEAST_SEGMENT = 1 << 16
"""Bytes of primes from which a chunk is a segment of its own: beside them, what a segment costs is nothing."""

FULL_SEGMENT = 1 << 20
"""Bytes of primes at which smaller chunks together are a segment."""


class Builder:
    """Puts the factorizations of chunks, in order, into one result."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []
        self._small: list[Columns] = []  # chunks that will be one segment,
        self._small_bytes = 0  # and what their primes take
        # Once one is wide, all are: counts, primes and exponents.
        self._wide: tuple[array[int], list[int], array[int]] | None = None
        self._probable: list[int] = []

    def add(self, columns: Columns) -> None:
        """Appends a chunk's."""
        self._probable += columns.probable
        if columns.wide and self._wide is None:
            self._widen()
        if self._wide is not None:
            for column, entries in zip(self._wide, columns.entries(), strict=True):
                column.extend(entries)
            return
        large = len(columns.primes) >= LEAST_SEGMENT
        if large:
            self._close_segment()
        self._small.append(columns)
        self._small_bytes += len(columns.primes)
        if large or self._small_bytes >= FULL_SEGMENT:
            self._close_segment()

    def _all_segments(self) -> list[Segment]:
        """One at least; there is nothing wide."""
        self._close_segment()
        return self._segments or [Segment.packed(b"", b"", b"")]

    def _close_segment(self) -> None:
        """Makes a segment of the chunks that wait for that; one alone is not copied."""
        if self._small:
            packed = [columns.packed() for columns in self._small]
            columns = packed[0] if len(packed) == 1 else map(b"".join, zip(*packed, strict=True))
            self._segments.append(Segment.packed(*columns))
            self._small, self._small_bytes = [], 0

    def _widen(self) -> None:
        segment = self._whole()
        counts, primes, exponents = segment.packed_columns()
        self._wide = array("H", counts.tolist()), primes.cast("Q").tolist(), array("H", exponents.tolist())
        self._segments = []

    def _whole(self) -> Segment:
        """The same in one: what it was in is given up."""
        self._segments = [Segments(self._all_segments()).whole()]
        return self._segments[0]

    def build_from(self, words: memoryview[int], start: int, errors: Mapping[int, FactorpoolError]) -> Factorizations:
        """That of words in any order, all in the range, from `start` on, that the chunks were cut from."""
        segment = self._whole()
        counts, primes, exponents = segment.packed_columns()
        picked = Builder()
        picked.add(Columns(*_native.gather(words, start, counts, segment.offsets, primes, exponents)))
        return picked.build(Block(words), errors)

    def build(self, block: Block, errors: Mapping[int, FactorpoolError]) -> Factorizations:
        """The whole, for the block that the chunks were cut from."""
        if self._wide is None:
            segments = self._all_segments()
        else:
            offsets = words_of(array("Q", accumulate(self._wide[0], initial=0)).tobytes())
            segments = [Segment(_column(self._wide[1]), _view(self._wide[2]), offsets=offsets)]
        numbers: Column | range
        if isinstance(block.values, range):
            numbers = block.values
        else:
            numbers = _column(block) if block.kind is Kind.WIDE else block.words().toreadonly()
        return Factorizations(numbers, segments, errors, frozenset(self._probable))
