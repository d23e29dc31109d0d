"""Columns that grow."""

from __future__ import annotations

import numpy as np
import pytest

import factorpool as fp
from factorpool import _native
from factorpool.factoring.memory import LARGE, Grown, _allocate_most


@pytest.mark.parametrize("size", [0, 1, 1000, LARGE // 3, 2 * LARGE])
@pytest.mark.parametrize("expected", [0, 5 * LARGE])
def test_parts_stand_one_after_the_other(size: int, expected: int) -> None:
    grown, parts = Grown(), [bytes([n]) * (size + n) for n in range(7)]
    for part in parts:
        grown.append(part, expected)
    assert len(grown) == len(b"".join(parts))
    assert grown.view() == b"".join(parts)
    assert grown.view().readonly


def test_more_is_expected_than_any_machine_has() -> None:
    grown = Grown()
    for _ in range(3):
        grown.append(b"ab" * LARGE, 1 << 60)
    assert grown.view() == b"ab" * (3 * LARGE)


def test_more_is_needed_than_any_machine_has() -> None:
    with pytest.raises(MemoryError, match="bytes for a column"):
        _allocate_most(1 << 60, (1, 0))


def test_a_view_outlives_the_column() -> None:
    grown = Grown()
    grown.append(b"ab" * LARGE, 0)
    view = grown.view()
    del grown
    assert view == b"ab" * LARGE


@pytest.mark.parametrize("strategy", ["serial", "threads", "processes"])
def test_chunks_with_far_more_primes_than_the_first(strategy: str) -> None:
    """The first chunk's are primes: of what follows, many times as much comes as it suggests."""
    first = np.full(1000, 4294967291, dtype=np.uint64)
    rest = np.full(200_000, 2 * 3 * 5 * 7 * 11 * 13 * 17 * 19, dtype=np.uint64)
    fs = fp.factor_many(np.concatenate([first, rest]), strategy=strategy, chunksize=1000, max_workers=2)
    assert len(fs.primes) == 1000 + 8 * 200_000
    assert fs[999] == {4294967291: 1}
    assert set(fs.primes[1000:]) == {2, 3, 5, 7, 11, 13, 17, 19}
    assert fs[200_999] == dict.fromkeys([2, 3, 5, 7, 11, 13, 17, 19], 1)


def test_a_range_in_chunks_is_the_range_in_one() -> None:
    numbers = range(10**12, 10**12 + 700_000)
    whole, cut = fp.factor_many(numbers, strategy="serial"), fp.factor_many(numbers, strategy="threads", max_workers=2)
    assert cut == whole
    assert cut.numbers[0] == 10**12
    assert list(cut.numbers[-2:]) == [10**12 + 699_998, 10**12 + 699_999]
    assert cut.numbers.readonly  # type: ignore[union-attr]


def test_what_does_not_fit_is_not_copied() -> None:
    target = bytearray(b"abcd")
    _native.copy(target, 1, b"xy")
    assert target == b"axyd"
    for start, part in ((3, b"xy"), (-1, b"x"), (5, b"")):
        with pytest.raises(ValueError, match="are more than 4"):
            _native.copy(target, start, part)
    with pytest.raises(TypeError):
        _native.copy(b"abcd", 0, b"x")  # type: ignore[arg-type]
