"""Results in segments: whatever is asked of them, it is what one segment would answer."""

from __future__ import annotations

import pickle
import sys
from itertools import chain

import numpy as np
import pyarrow as pa
import pytest
from conftest import run_python

import factorpool as fp
from factorpool import _native
from factorpool.factoring.block import Block
from factorpool.factoring.columns import FULL_SEGMENT, LEAST_SEGMENT, Builder, Columns
from factorpool.factoring.segments import SHARED_BYTES, Segment, Segments, joined
from factorpool.pool.memory import LARGE

CUTS = {"one": [3000], "some": [1, 1999, 1000], "with nothing in them": [0, 1500, 0, 0, 1500, 0]}


def in_segments(numbers: np.ndarray, lengths: list[int]) -> fp.Factorizations:
    """The factorizations of numbers in segments of these lengths, as workers would give them."""
    whole = fp.factor_many(numbers, strategy="serial", on_error="collect")
    segments, start = [], 0
    for length in lengths:
        first, last = whole.offsets[start], whole.offsets[start + length]
        counts = bytes(np.diff(whole.offsets[start : start + length + 1]).astype(np.uint8))
        assert isinstance(whole.primes, memoryview)
        segments.append(
            Segment.packed(counts, whole.primes[first:last].tobytes(), whole.exponents[first:last].tobytes())
        )
        start += length
    return fp.Factorizations(whole.numbers, segments, whole.errors, whole.probable_primes)


@pytest.fixture(scope="module")
def numbers() -> np.ndarray:
    return np.random.default_rng(3).integers(1, 1 << 62, 3000, dtype=np.uint64)


@pytest.fixture(params=CUTS.values(), ids=CUTS)
def cut(request: pytest.FixtureRequest, numbers: np.ndarray) -> fp.Factorizations:
    return in_segments(numbers, request.param)


@pytest.fixture(scope="module")
def whole(numbers: np.ndarray) -> fp.Factorizations:
    return fp.factor_many(numbers, strategy="serial")


def test_items_and_slices(cut: fp.Factorizations, whole: fp.Factorizations) -> None:
    assert len(cut) == len(whole)
    assert repr(cut) == repr(whole)
    for i in (0, 1, 999, 1499, 1500, 1999, 2000, 2999, -1, -3000):
        assert cut[i] == whole[i]
    for i in (3000, -3001):
        with pytest.raises(IndexError):
            cut[i]
    for start, stop, step in ((0, 3000, 1), (1, 1999, 1), (1400, 2600, 1), (1999, 2000, 1), (2999, 0, -700), (5, 5, 1)):
        assert cut[start:stop:step] == whole[start:stop:step]
    assert list(cut) == list(whole)
    assert cut.to_lists() == whole.to_lists()
    assert cut.to_dict() == whole.to_dict()


@pytest.mark.parametrize("name", ["omega", "totient", "mobius", "is_prime", "largest_prime", "divisor_count"])
def test_functions(name: str, cut: fp.Factorizations, whole: fp.Factorizations) -> None:
    assert getattr(cut, name)() == getattr(whole, name)()


def test_functions_beyond_64_bits(cut: fp.Factorizations, whole: fp.Factorizations) -> None:
    assert cut.sigma(3) == whole.sigma(3)
    assert isinstance(cut.sigma(3), tuple)


def test_nothing_but_a_column_puts_segments_together(numbers: np.ndarray) -> None:
    fs = in_segments(numbers, CUTS["some"])
    list(fs), fs.to_lists(), fs.totient(), fs.sigma(3), fs[2000], repr(fs), pa.table(fs)
    assert len(fs._segments.segments) == 3
    assert fs.primes
    assert len(fs._segments.segments) == 1


def test_columns(cut: fp.Factorizations, whole: fp.Factorizations) -> None:
    assert cut.offsets == whole.offsets
    assert cut.primes == whole.primes
    assert cut.exponents == whole.exponents
    assert cut.primes.readonly  # type: ignore[union-attr]
    assert cut == whole
    assert pickle.loads(pickle.dumps(cut)) == whole


def test_arrow(cut: fp.Factorizations, whole: fp.Factorizations) -> None:
    table = pa.table(cut)
    table.validate(full=True)
    assert table.column("number").num_chunks == len(cut._segments.segments)
    assert table.equals(pa.table(whole))
    assert pa.table(cut.long()).equals(pa.table(whole.long()))


def test_nulls_of_arrow_are_in_their_segments() -> None:
    numbers = np.arange(1, 101)
    numbers[[0, 49, 50, 99]] = 0
    fs = in_segments(numbers, [50, 0, 25, 25])
    column = pa.table(fs).column("number")
    assert [chunk.null_count for chunk in column.chunks] == [2, 0, 1, 1]
    assert column.to_pylist() == [None if n == 0 else n for n in numbers.tolist()]
    with pytest.raises(fp.NumberValueError, match="index 50"):
        fs[50]


def test_small_chunks_are_put_together_and_large_ones_are_not() -> None:
    def chunk(primes: int, prime: int) -> Columns:
        return Columns(bytes([1]) * primes, prime.to_bytes(8, sys.byteorder) * primes, bytes([1]) * primes)

    large, builder = LEAST_SEGMENT // 8, Builder()
    chunks = [*[chunk(1, 2)] * 3, chunk(large, 3), chunk(1, 5), chunk(2 * large, 7), *[chunk(large - 1, 11)] * 40]
    for each in chunks:
        builder.add(each)
    numbers = list(
        chain.from_iterable([int.from_bytes(each.primes[:8], sys.byteorder)] * len(each.counts) for each in chunks)
    )
    fs = builder.build(Block.packed(numbers), {})
    assert fs._segments.segments[1].primes.obj is chunks[3].primes  # type: ignore[union-attr]
    lengths = [len(segment) for segment in fs._segments.segments]
    assert lengths[:4] == [3, large, 1, 2 * large]
    assert len(lengths) < 4 + 40 * LEAST_SEGMENT // FULL_SEGMENT + 2
    assert fs.primes.tolist() == numbers  # type: ignore[union-attr]
    assert fs.offsets.tolist() == list(range(len(numbers) + 1))


def test_wide_numbers_after_narrow_ones() -> None:
    numbers = [2 * 3 * 5] * 20_000 + [2**89 - 1, 2**70]
    fs = fp.factor_many(numbers, strategy="threads", max_workers=2)
    assert fs[0] == {2: 1, 3: 1, 5: 1}
    assert fs[-2:] == [{2**89 - 1: 1}, {2: 70}]


@pytest.mark.parametrize("strategy", ["serial", "threads", "processes"])
def test_chunks_with_far_more_primes_than_the_first(strategy: str) -> None:
    first = np.full(1000, 4294967291, dtype=np.uint64)
    rest = np.full(200_000, 2 * 3 * 5 * 7 * 11 * 13 * 17 * 19, dtype=np.uint64)
    fs = fp.factor_many(np.concatenate([first, rest]), strategy=strategy, chunksize=1000, max_workers=2)
    assert fs[999] == {4294967291: 1}
    assert len(fs.primes) == 1000 + 8 * 200_000
    assert set(fs.primes[1000:]) == {2, 3, 5, 7, 11, 13, 17, 19}
    assert fs[200_999] == dict.fromkeys([2, 3, 5, 7, 11, 13, 17, 19], 1)


def test_a_range_in_chunks_is_the_range_in_one() -> None:
    numbers = range(10**12, 10**12 + 700_000)
    whole, cut = fp.factor_many(numbers, strategy="serial"), fp.factor_many(numbers, strategy="threads", max_workers=2)
    assert len(cut._segments.segments) > 1
    assert cut == whole
    assert cut.numbers[0] == 10**12
    assert list(cut.numbers[-2:]) == [10**12 + 699_998, 10**12 + 699_999]
    assert cut.numbers.readonly  # type: ignore[union-attr]


def test_nothing_at_all() -> None:
    fs = fp.factor_many([])
    assert (len(fs), list(fs), list(fs.primes), list(fs.offsets), fs.totient().tolist()) == (0, [], [], [0], [])  # type: ignore[union-attr]
    assert list(Segments([Segment.packed(b"", b"", b"")]).between(0, 0)) == []
    assert pa.table(fs).num_rows == 0


@pytest.mark.parametrize("size", [0, 1, 1000, LARGE // 3, 2 * LARGE, SHARED_BYTES // 4])
def test_pieces_stand_one_after_the_other(size: int) -> None:
    pieces = [bytes([n]) * (size + n) for n in range(7)]
    whole = joined([memoryview(piece) for piece in pieces])
    assert whole == b"".join(pieces)
    assert whole.readonly


def test_columns_are_put_together_at_the_end_of_a_program() -> None:
    """No thread can be started then."""
    code = (
        "import atexit, factorpool as fp\n"
        "fs = fp.factor_many(range(10**12, 10**12 + 1_500_000), strategy='threads', max_workers=2)\n"
        "atexit.register(lambda: print(len(fs._segments.segments) > 1, len(fs.primes)))\n"
    )
    ran = run_python(code)
    assert ran.stdout.split() == ["True", str(len(fp.factor_range(10**12, 10**12 + 1_500_000).primes))], ran.stderr


def test_more_is_needed_than_any_machine_has() -> None:
    class Endless:
        def __len__(self) -> int:
            return 1 << 60

    with pytest.raises(MemoryError, match="bytes for a column"):
        joined([Endless()])  # type: ignore[list-item]


def test_what_does_not_fit_is_not_copied() -> None:
    target = bytearray(b"abcd")
    _native.copy(target, 1, b"xy")
    assert target == b"axyd"
    for start, part in ((3, b"xy"), (-1, b"x"), (5, b"")):
        with pytest.raises(ValueError, match="are more than 4"):
            _native.copy(target, start, part)
    with pytest.raises(TypeError):
        _native.copy(b"abcd", 0, b"x")  # type: ignore[arg-type]
