"""What bad input gets: an error that names the value, its position and the remedy."""

from __future__ import annotations

import ctypes
import multiprocessing
from array import array
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import factorpool as fp
from factorpool import _native

BAD_VALUES: list[tuple[Any, type[Exception], str]] = [
    (0, fp.NumberValueError, "zero has no factorization"),
    (-12, fp.NumberValueError, "-12 is negative"),
    (3.0, fp.NumberTypeError, "3.0 is a float, not an integer; 3 would be"),
    (2.5, fp.NumberTypeError, "2.5 is a float, not an integer"),
    (float("nan"), fp.NumberTypeError, "nan is a float"),
    (True, fp.NumberTypeError, "True is a bool"),
    (np.True_, fp.NumberTypeError, "bool"),
    ("12", fp.NumberTypeError, r"'12' is a str, not an integer; parse it with int\(\) first"),
    (None, fp.NumberTypeError, "None is a NoneType"),
    (10**10000, fp.NumberValueError, "10001 digits is too long: the limit is 4300 digits"),
    (-(10**10000), fp.NumberValueError, "is negative"),
    ([15], fp.NumberTypeError, r"\[15\] is a list"),
    (np.float64(7), fp.NumberTypeError, "float64"),
]


@pytest.mark.parametrize(("value", "kind", "message"), BAD_VALUES, ids=[str(i) for i in range(len(BAD_VALUES))])
def test_bad_value(value: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message) as alone:
        fp.factor(value)
    assert isinstance(alone.value, fp.InputError)
    assert alone.value.index is None
    with pytest.raises(kind, match="at index 2") as among:
        fp.factor_many([15, 21, value, 35])
    assert isinstance(among.value, fp.InputError)
    assert among.value.index == 2
    assert among.value.value is value or among.value.value == value


def test_bad_values_are_also_builtin_errors() -> None:
    with pytest.raises(ValueError):
        fp.factor(0)
    with pytest.raises(TypeError):
        fp.factor("12")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("numbers", "kind", "message"),
    [
        (np.array([3, 5, -7]), fp.NumberValueError, "-7 is negative at index 2"),
        (np.array([3, 0], dtype=np.uint64), fp.NumberValueError, "zero has no factorization at index 1"),
        (np.array([3, -1], dtype=np.int16), fp.NumberValueError, "-1 is negative at index 1"),
        (np.array([3.0, 5.0]), fp.NumberTypeError, r"format 'd', first value 3.0.*astype\('uint64'\)"),
        (np.array([True]), fp.NumberTypeError, "format '\\?'"),
        (np.array([[3, 5]]), fp.NumberTypeError, "2 dimensions"),
        (np.array([3, 5], dtype=">u8"), fp.NumberTypeError, "native integers"),
        (np.array(7), fp.NumberTypeError, "0 dimensions"),
        (b"12", fp.NumberTypeError, "b'12' is a bytes"),
        ("12", fp.NumberTypeError, "'12' is a str"),
        (7, fp.NumberTypeError, "not a series of integers; for one number use factor"),
        (None, fp.NumberTypeError, "not a series"),
        (np.array([3, "x"], dtype=object), fp.NumberTypeError, "'x' at index 1"),
    ],
)
def test_bad_series(numbers: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message):
        fp.factor_many(numbers)


def test_generator_that_raises_midway_says_where() -> None:
    def numbers() -> Iterator[int]:
        yield from (15, 21, 35)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone") as caught:
        fp.factor_many(numbers())
    assert caught.value.__notes__ == ["factorpool: the iterable raised this after 3 numbers"]


def test_collect_keeps_the_rest() -> None:
    fs = fp.factor_many([15, 0, 21, "x", 2**70, -5], on_error="collect")
    assert sorted(fs.errors) == [1, 3, 5]
    assert [fs[0], fs[2], fs[4]] == [{3: 1, 5: 1}, {3: 1, 7: 1}, {2: 70}]
    with pytest.raises(fp.NumberValueError, match="zero"):
        fs[1]
    assert list(fs.to_dict()) == [15, 21, 2**70]


def test_collect_on_arrays_leaves_the_array_alone() -> None:
    numbers = np.array([15, -2, 0, 21])
    fs = fp.factor_many(numbers, on_error="collect")
    assert sorted(fs.errors) == [1, 2]
    assert numbers.tolist() == [15, -2, 0, 21]
    assert fs[3] == {3: 1, 7: 1}


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"])
def test_integer_arrays(dtype: str) -> None:
    numbers = np.arange(1, 128, dtype=dtype)
    expected = [fp.factor(n) for n in range(1, 128)]
    assert list(fp.factor_many(numbers)) == expected
    assert list(fp.factor_many(numbers[::-2])) == expected[::-2]


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8"])
def test_ends_of_integer_types(dtype: str) -> None:
    info = np.iinfo(dtype)
    fs = fp.factor_many(np.array([info.max, info.min, -1 if info.min else 0], dtype=dtype), on_error="collect")
    assert fs[0] == fp.factor(int(info.max))
    assert [int(error.value) for error in fs.errors.values()] == [info.min, -1 if info.min else 0]


@pytest.mark.parametrize("dtype", ["u2", "i4"])
def test_unaligned_array_of_narrow_integers(dtype: str) -> None:
    numbers = np.frombuffer(b"\0" + np.arange(1, 99, dtype=dtype).tobytes(), dtype=dtype, offset=1)
    assert list(fp.factor_many(numbers)) == [fp.factor(n) for n in range(1, 99)]


@pytest.mark.parametrize(("values", "size"), [(b"123", 2), (b"1234", 3), (b"", 0)])
def test_what_is_no_array_of_integers_is_not_widened(values: bytes, size: int) -> None:
    with pytest.raises(ValueError, match="are not integers of"):
        _native.widen(values, size, False)


def test_many_bad_values_are_collected_in_one_pass() -> None:
    fs = fp.factor_many(np.zeros(300_000, dtype=np.int64), on_error="collect")
    assert len(fs.errors) == len(fs) == 300_000


def test_arrays_of_ctypes() -> None:
    assert list(fp.factor_many((ctypes.c_int * 3)(15, 21, 35))) == [{3: 1, 5: 1}, {3: 1, 7: 1}, {5: 1, 7: 1}]


def test_longest_numbers() -> None:
    assert fp.factor(10**4299) == {2: 4299, 5: 4299}
    with pytest.raises(fp.NumberValueError, match="4301 digits is too long"):
        fp.factor(10**4300)


def test_unaligned_array() -> None:
    numbers = np.frombuffer(b"\0" + np.arange(1, 9, dtype=np.uint64).tobytes(), dtype=np.uint64, offset=1)
    assert list(fp.factor_many(numbers)) == [fp.factor(n) for n in range(1, 9)]


@pytest.mark.parametrize(
    "numbers",
    [range(1, 9), tuple(range(1, 9)), array("Q", range(1, 9)), iter(range(1, 9)), dict.fromkeys(range(1, 9), 0)],
    ids=["range", "tuple", "array", "iterator", "dict"],
)
def test_series_of_every_kind(numbers: Any) -> None:
    assert list(fp.factor_many(numbers)) == [fp.factor(n) for n in range(1, 9)]


def test_numbers_beyond_64_bits_late_in_an_iterator() -> None:
    numbers = [*range(1, 70000), 2**64, 6]
    fs = fp.factor_many(iter(numbers), strategy="serial")
    assert fs[-2:] == [{2: 64}, {2: 1, 3: 1}]
    assert fs.numbers == tuple(numbers)


def test_empty() -> None:
    fs = fp.factor_many([])
    assert (len(fs), list(fs), fs.to_dict()) == (0, [], {})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"strategy": "fibers"},
            "there is no strategy 'fibers'; there are auto, serial, threads, interpreters, processes",
        ),
        ({"schedule": "fair"}, "there is no schedule 'fair'; there are static, dynamic, guided"),
        ({"method": "sieve"}, "there is no method 'sieve'; there are auto, trial, rho, ecm, naive"),
        ({"max_workers": 0}, r"max_workers must be a positive integer or None \(None means every CPU"),
        ({"max_workers": -1}, "not -1"),
        ({"max_workers": True}, "not True"),
        ({"chunksize": 0}, "chunksize must be a positive integer"),
        ({"on_error": "ignore"}, "there is no on_error 'ignore'"),
        ({"strategy": "processes", "mp_context": "thread"}, "'thread' is not a start method"),
    ],
)
def test_bad_options(options: dict[str, Any], message: str) -> None:
    with pytest.raises(fp.OptionError, match=message):
        fp.factor_many([15], **options)


def test_a_strategy_that_cannot_run_says_why() -> None:
    with multiprocessing.get_context("fork").Pool(1) as daemons:
        result = daemons.apply(_nested, (0,))
    assert "strategy 'processes' cannot run here: this process is a daemon of multiprocessing" in result
    assert fp.strategies()["processes"].available


def _nested(_: int) -> str:
    info = fp.strategies()["processes"]
    try:
        fp.factor_many([15], strategy="processes")
    except fp.StrategyUnavailableError as error:
        return f"{error} {info.reason}"
    return "ran"
