"""The columnar result."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import factorpool as fp


@pytest.fixture
def fs() -> fp.Factorizations:
    return fp.factor_many([360, 1, 97, 360])


def test_is_a_sequence(fs: fp.Factorizations) -> None:
    assert len(fs) == 4
    assert fs[0] == fs[-1] == {2: 3, 3: 2, 5: 1}
    assert fs[1] == {}
    assert fs[1:3] == [{}, {97: 1}]
    assert list(fs) == [fs[i] for i in range(4)]
    assert {97: 1} in fs
    with pytest.raises(IndexError):
        fs[4]
    assert repr(fs) == "<Factorizations of 4 numbers, 7 primes>"


def test_columns_are_read_without_a_copy(fs: fp.Factorizations) -> None:
    for column, dtype in ((fs.numbers, "u8"), (fs.offsets, "u8"), (fs.primes, "u8"), (fs.exponents, "u1")):
        view = np.asarray(column)
        assert view.dtype == dtype
        assert np.shares_memory(view, np.asarray(column))
        assert not view.flags.writeable
    assert np.asarray(fs.offsets).tolist() == [0, 3, 3, 4, 7]
    powers = np.asarray(fs.primes) ** np.asarray(fs.exponents)
    assert np.multiply.reduceat(powers, [0, 3, 4]).tolist() == [360, 97, 360]


def test_results_do_not_change_with_the_array() -> None:
    numbers = np.array([15, 21], dtype=np.uint64)
    fs = fp.factor_many(numbers)
    numbers[0] = 7
    assert fs.to_dict() == {15: [3, 5], 21: [3, 7]}


def test_wide_columns() -> None:
    fs = fp.factor_many([6, 2**300, 3 * (2**89 - 1)], strategy="serial")
    assert fs.numbers == (6, 2**300, 3 * (2**89 - 1))
    assert fs.primes == (2, 3, 2, 3, 2**89 - 1)
    assert np.asarray(fs.exponents).tolist() == [1, 1, 300, 1, 1]
    assert fp.factor_many([2**70], strategy="serial").primes.tolist() == [2]


def test_comparison(fs: fp.Factorizations) -> None:
    assert fs == fp.factor_many(np.array([360, 1, 97, 360]))
    assert fs != fp.factor_many([360, 1, 97])
    assert fs != fp.factor_many([360, 1, 97, 361])
    assert fs != fp.factor_many([360, 1, 97, 0], on_error="collect")
    assert fs != [{}]
    with pytest.raises(TypeError):
        hash(fs)


def test_pickle(fs: fp.Factorizations) -> None:
    assert pickle.loads(pickle.dumps(fs)) == fs
    wide = fp.factor_many([2**100, 0], on_error="collect")
    assert pickle.loads(pickle.dumps(wide)) == wide


def test_article_shape(fs: fp.Factorizations) -> None:
    assert fs.to_dict() == {360: [2, 2, 2, 3, 3, 5], 1: [], 97: [97]}
    assert fs.factors(0) == [2, 2, 2, 3, 3, 5]
