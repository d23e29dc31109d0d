"""Arithmetic functions of columns: against SymPy and python-flint, and where a value is too large."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterable
from typing import Any

import flint
import numpy as np
import pytest
import sympy
from sympy.functions.combinatorial.numbers import (
    divisor_sigma,
    mobius,
    primenu,
    primeomega,
    totient,
)

import factorpool as fp
from factorpool import _native

RNG = random.Random(14)
SMALL = list(range(1, 1500))
LARGE = [RNG.getrandbits(bits) | 1 << (bits - 1) for bits in (20, 33, 47, 60, 64) for _ in range(40)]
EDGES = [2**63, 2**64 - 1, 2**32, 3**40, (2**32 - 5) ** 2, 2**64 - 59, 614889782588491410]
WIDE = [2**64, 3**50, (2**61 - 1) * (2**31 - 1), 2**89 - 1, RNG.getrandbits(90)]

BY_SYMPY: dict[str, Callable[[int], Any]] = {
    "omega": primenu,
    "bigomega": primeomega,
    "totient": totient,
    "mobius": mobius,
    "divisor_count": lambda n: divisor_sigma(n, 0),
    "sigma": divisor_sigma,
    "radical": lambda n: sympy.prod(sympy.primefactors(n)),
    "smallest_prime": lambda n: min(sympy.primefactors(n), default=1),
    "largest_prime": lambda n: max(sympy.primefactors(n), default=1),
    "is_prime": sympy.isprime,
}


@pytest.mark.parametrize("name", BY_SYMPY)
@pytest.mark.parametrize("numbers", [SMALL + LARGE[:60], WIDE], ids=["words", "wide"])
def test_as_sympy_says(name: str, numbers: list[int]) -> None:
    fs = fp.factor_many(numbers)
    assert [int(value) for value in getattr(fs, name)()] == [int(BY_SYMPY[name](n)) for n in numbers]


def test_as_python_flint_says() -> None:
    numbers = LARGE + EDGES
    fs = fp.factor_many(numbers)
    assert fs.totient().tolist() == [int(flint.fmpz(n).euler_phi()) for n in numbers]  # type: ignore[union-attr]
    for k in (0, 1, 2, 5):
        assert list(fs.sigma(k)) == [int(flint.fmpz(n).divisor_sigma(k)) for n in numbers]
    assert fs.mobius().tolist() == [int(flint.fmpz(n).moebius_mu()) for n in numbers]  # type: ignore[union-attr]


def test_both_ways_agree() -> None:
    """What the kernel computes, and Python where it cannot: numbers of which one exceeds 64 bits."""
    numbers = SMALL[:300] + LARGE
    words, wide = fp.factor_many(numbers), fp.factor_many([*numbers, 2**70])
    for name in (*BY_SYMPY, "is_smooth"):
        arguments = (1000,) if name == "is_smooth" else ()
        column = getattr(words, name)(*arguments)
        assert list(column) == list(getattr(wide, name)(*arguments))[:-1]
        assert isinstance(column, memoryview) or name == "sigma"


def test_columns_are_for_numpy() -> None:
    fs = fp.factor_many([1, 12, 97])
    for column, kind, values in (
        (fs.omega(), np.uint8, [0, 2, 1]),
        (fs.mobius(), np.int8, [1, 0, -1]),
        (fs.totient(), np.uint64, [1, 4, 96]),
        (fs.is_smooth(3), np.bool_, [True, True, False]),
        (fs.is_smooth(2**70), np.bool_, [True, True, True]),
    ):
        array = np.asarray(column)
        assert array.dtype == kind
        assert array.tolist() == values
        assert not array.flags.writeable


def test_a_value_that_is_too_large_makes_a_wider_column() -> None:
    n = 2**64 - 1
    fs = fp.factor_many([6, n])
    assert isinstance(fs.sigma(), tuple) and fs.sigma() == (12, int(divisor_sigma(n)))
    assert fs.sigma(3) == (252, int(divisor_sigma(n, 3)))
    assert fp.factor_many([6]).sigma(20) == (int(divisor_sigma(6, 20)),) or isinstance(
        fp.factor_many([6]).sigma(20), memoryview
    )
    assert fp.factor_many([2]).sigma(10**4) == (1 + 2 ** (10**4),)


def test_of_a_number_that_is_none_there_is_no_value() -> None:
    fs = fp.factor_many([6, -1, 7], on_error="collect")
    with pytest.raises(fp.NumberValueError, match="negative at index 1") as caught:
        fs.totient()
    assert "totient() has no value for item 1" in caught.value.__notes__[-1]
    assert list(fs[0:1]) == [{2: 1, 3: 1}]


def test_by_other_methods() -> None:
    numbers = [360, 97, 1001]
    for method in ("naive", "trial"):
        fs = fp.factor_many(numbers, method=method)
        assert fs.sigma().tolist() == [1170, 98, 1344]  # type: ignore[union-attr]
        assert fs.divisors(0) == sympy.divisors(360)


@pytest.mark.parametrize("wrong", [-1, 1.5, True, "2"])
def test_parameters_are_natural_numbers(wrong: Any) -> None:
    fs = fp.factor_many([6])
    for call in (fs.sigma, fs.is_smooth):
        with pytest.raises(fp.OptionError, match="must be an integer from 0 up"):
            call(wrong)


def test_which_are_prime() -> None:
    numbers = [*range(1, 5000), *LARGE, *EDGES]
    expected = [bool(flint.fmpz(n).is_prime()) for n in numbers]
    assert fp.are_prime(numbers).tolist() == expected
    assert fp.are_prime(np.array(numbers, dtype=np.uint64)).tolist() == expected
    assert fp.are_prime([*numbers, *WIDE]).tolist() == expected + [bool(flint.fmpz(n).is_prime()) for n in WIDE]
    assert [fp.is_prime(n) for n in numbers] == expected
    assert np.asarray(fp.are_prime(range(1, 10**6 + 1))).sum() == 78498
    assert fp.are_prime([]).tolist() == []


def test_is_prime_takes_any_integer() -> None:
    assert [fp.is_prime(n) for n in (-7, 0, 1, 2, np.int64(-3), np.int64(3), 2**127 - 1)] == [
        False, False, False, True, False, True, True,
    ]  # fmt: skip
    for wrong in (True, 3.0, "7", None):
        with pytest.raises(fp.NumberTypeError):
            fp.is_prime(wrong)  # type: ignore[arg-type]
    with pytest.raises(fp.NumberValueError, match="index 1"):
        fp.are_prime([3, 0])


def test_objects_are_those_of_the_items() -> None:
    numbers = SMALL + LARGE
    for fs in (fp.factor_many(numbers), fp.factor_many(numbers, method="naive" if max(numbers) < 2**40 else "auto")):
        items = [fs[i] for i in range(len(fs))]
        assert list(fs) == items == fs[:] and fs[7:1800] == items[7:1800] and fs[5:2] == []
        assert [list(row) for row in fs] == [sorted(row) for row in items]
        assert fs.to_lists() == [fs.factors(i) for i in range(len(fs))]
        assert fs.to_dict() == dict(zip(numbers, fs.to_lists(), strict=True))
    wide = fp.factor_many([*numbers[:50], 2**80])
    assert wide.to_lists() == [wide.factors(i) for i in range(len(wide))]
    assert list(fp.factor_many([])) == fp.factor_many([]).to_lists() == []


def test_a_masked_array_is_refused() -> None:
    masked = np.ma.array([3, 4, 5], mask=[False, True, False])
    with pytest.raises(fp.NumberTypeError, match=r"use \.compressed\(\)"):
        fp.factor_many(masked)
    assert list(fp.factor_many(masked.compressed())) == [{3: 1}, {5: 1}]


def columns(offsets: Iterable[int], primes: Iterable[int], exponents: Iterable[int]) -> tuple[bytes, bytes, bytes]:
    def words(values: Iterable[int]) -> bytes:
        return b"".join(struct.pack("Q", value) for value in values)

    return words(offsets), words(primes), bytes(exponents)


@pytest.mark.parametrize(
    "wrong",
    [([0, 2], [2], [1]), ([0, 1], [2], [1, 1]), ([], [], []), ([1, 0], [2], [1]), ([0, 2, 1], [2, 3], [1, 1])],
)
def test_columns_that_do_not_fit_are_refused(wrong: tuple[list[int], list[int], list[int]]) -> None:
    with pytest.raises(ValueError, match=r"do not fit each other|are not among"):
        _native.function("omega", *columns(*wrong))
    with pytest.raises(ValueError, match=r"do not fit each other|are not among"):
        _native.rows("dicts", *columns(*wrong), 0, max(1, len(wrong[0]) - 1))
    with pytest.raises(ValueError, match="are not among"):
        _native.rows("dicts", *columns([0, 1], [2], [1]), 0, 5)
    with pytest.raises(ValueError, match="no function zeta"):
        _native.function("zeta", *columns([0, 1], [2], [1]))
