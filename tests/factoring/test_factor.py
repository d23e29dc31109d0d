"""`factor` and `factor_many`: known answers, properties, other libraries' answers."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

import flint
import pytest
import sympy
from conftest import run_python
from hypothesis import given, settings
from hypothesis import strategies as st

import factorpool as fp
from factorpool import _native
from factorpool.factoring.block import Block
from factorpool.factoring.tasks import FactorTask

KNOWN = {
    1: {},
    2: {2: 1},
    4: {2: 2},
    360: {2: 3, 3: 2, 5: 1},
    999999999999: {3: 3, 7: 1, 11: 1, 13: 1, 37: 1, 101: 1, 9901: 1},
    2**32 - 5: {4294967291: 1},
    2**32 + 1: {641: 1, 6700417: 1},
    4294967291**2: {4294967291: 2},
    2642239**3: {2642239: 3},
    2**63: {2: 63},
    3**40: {3: 40},
    2**64 - 1: {3: 1, 5: 1, 17: 1, 257: 1, 641: 1, 65537: 1, 6700417: 1},
    2**64 - 59: {2**64 - 59: 1},
    2**64 + 1: {274177: 1, 67280421310721: 1},
    3215031751: {151: 1, 751: 1, 28351: 1},
    3825123056546413051: {149491: 1, 747451: 1, 34233211: 1},
    614889782588491410: dict.fromkeys((2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47), 1),
    2**128 + 1: {59649589127497217: 1, 5704689200685129054721: 1},
    (2**61 - 1) ** 2: {2**61 - 1: 2},
    2**127 - 1: {2**127 - 1: 1},
}


@pytest.mark.parametrize("n", KNOWN)
def test_known_answers(n: int) -> None:
    assert fp.factor(n) == KNOWN[n]


def test_known_answers_at_once(strategy: str) -> None:
    # No subinterpreter can import python-flint, which longer numbers need.
    known = {n: found for n, found in KNOWN.items() if strategy != "interpreters" or n < 1 << 64}
    fs = fp.factor_many(known, strategy=strategy, max_workers=2)
    assert list(fs) == list(known.values())


@settings(max_examples=500, deadline=None)
@given(st.one_of(*(st.integers(1, 2**bits - 1) for bits in (8, 32, 34, 52, 64))))
def test_one_number_at_once_is_what_a_list_has(n: int) -> None:
    found = fp.factor(n)  # by a call of the kernel, without all that is for many numbers
    assert list(found.items()) == list(fp.factor_many([n])[0].items())
    assert fp.is_prime(n) is (list(found.values()) == [1])


def test_the_kernel_factors_words_only() -> None:
    for n, error in ((0, ValueError), (-1, OverflowError), (2**64, OverflowError), ("3", TypeError)):
        with pytest.raises(error):
            _native.factor_word(n)  # type: ignore[arg-type]


@settings(max_examples=500, deadline=None)
@given(st.integers(1, 2**64 - 1) | st.integers(1, 2**90))
def test_a_factorization_is_one(n: int) -> None:
    factors = fp.factor(n)
    assert math.prod(p**e for p, e in factors.items()) == n
    assert list(factors) == sorted(factors)
    assert all(sympy.isprime(p) and e > 0 for p, e in factors.items())
    assert all(fp.factor(p) == {p: 1} for p in factors)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 2**64 - 1)), st.sampled_from(["static", "dynamic", "guided"]), st.integers(1, 9))
def test_every_schedule_gives_the_same(numbers: list[int], schedule: str, workers: int) -> None:
    fs = fp.factor_many(numbers, strategy="threads", max_workers=workers, schedule=schedule)
    assert list(fs) == [fp.factor(n) for n in numbers]


@pytest.mark.parametrize("bits", [8, 16, 24, 31, 32, 33, 40, 48, 52, 53, 56, 60, 63, 64])
def test_as_python_flint(bits: int) -> None:
    rng = random.Random(bits)
    numbers = [rng.randrange(1, 1 << bits) for _ in range(3000)]
    primes = [sympy.nextprime(rng.getrandbits(bits // 2) | 1 << (bits // 2 - 1)) for _ in range(400)]
    numbers += [p * q for p, q in itertools.pairwise(primes) if p * q < 1 << 64]
    expected = [{int(p): int(e) for p, e in sorted(flint.fmpz(n).factor())} for n in numbers]
    assert list(fp.factor_many(numbers, strategy="serial")) == expected


def test_as_sympy() -> None:
    numbers = [10**12 + k for k in range(300)] + [10**20 + k for k in range(20)]
    assert list(fp.factor_many(numbers, strategy="serial")) == [sympy.factorint(n) for n in numbers]


def test_long_primes_are_called_probable() -> None:
    prime = 2**1279 - 1
    fs = fp.factor_many([12, prime, 2**89 - 1], strategy="serial")
    assert fs.probable_primes == {prime}
    assert fs[1] == {prime: 1}


def test_wrong_answers_of_flint_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    class Liar:
        def __init__(self, n: int) -> None:
            self.n = n

        def factor(self, trial_limit: int = 0) -> list[tuple[int, int]]:
            return [(3, 1), (5, 1)]

        def is_prime(self) -> bool:
            return True

    monkeypatch.setattr(flint, "fmpz", Liar)
    with pytest.raises(fp.FactorpoolError, match="multiply to 15"):
        fp.factor(2**170)


def test_two_words_as_flint() -> None:
    rng = random.Random(128)
    numbers = [rng.getrandbits(rng.randrange(65, 129)) | 1 << 64 for _ in range(150)]
    numbers += [3**80, (2**64 - 59) ** 2, (2**63 + 29) * (2**64 - 59), 2**127, 2**128 - 1, (2**40 - 87) ** 3]
    numbers.append(int(sympy.primorial(26)))  # as many distinct primes as there can be
    fs = fp.factor_many(numbers, strategy="serial")
    for n, factors in zip(numbers, fs, strict=True):
        assert factors == {int(p): int(e) for p, e in flint.fmpz(n).factor()}, n
        assert list(factors) == sorted(factors)
    assert not fs.probable_primes
    assert fp.factor_many(numbers, strategy="serial", method="ecm") == fs
    assert fp.factor_many(numbers[:20], strategy="serial", method="rho") == fp.factor_many(numbers[:20])


def test_what_the_kernel_leaves_is_done_and_wrong_primes_are_noticed() -> None:
    from factorpool.factoring.methods.flint import is_proved
    from factorpool.factoring.methods.hard import complete

    with pytest.raises(fp.FactorpoolError, match=r"the composite .* was called a prime"):
        is_proved(2**80 + 1)
    assert complete([(3, 1), (2**70 + 1, 0)]) == sorted(({3: 1} | fp.factor(2**70 + 1)).items())
    assert complete([(3, 1), (2**89 - 1, 0)]) == [(3, 1), (2**89 - 1, 1)]


@pytest.mark.parametrize(
    ("start", "stop"),
    [(1, 5000), (10**12, 10**12 + 9000), (2**64 - 5000, 2**64), (2**52 - 2500, 2**52 + 2500), (7, 7), (7, 8)],
)
def test_ranges_are_as_numbers_one_by_one(start: int, stop: int, strategy: str) -> None:
    numbers = list(range(start, stop))
    fs = fp.factor_range(start, stop, strategy=strategy, max_workers=2)
    assert fs.numbers.tolist() == numbers
    assert list(fs) == [fp.factor(n) for n in numbers]
    assert fp.factor_many(range(start, stop), strategy=strategy, chunksize=1000, max_workers=2) == fs
    assert fp.factor_many(range(start, stop, 2), strategy=strategy, max_workers=2).to_dict() == {
        n: fs.factors(n - start) for n in numbers[::2]
    }
    if len(numbers) < 6000:
        assert fp.factor_many(range(start, stop), strategy=strategy, method="ecm", max_workers=2) == fs


def test_bad_ranges() -> None:
    with pytest.raises(fp.NumberValueError, match="zero has no factorization"):
        fp.factor_range(0, 10)
    with pytest.raises(fp.NumberValueError, match=r"ranges end at 2\*\*64"):
        fp.factor_range(2**64 - 2, 2**64 + 1)
    with pytest.raises(fp.NumberTypeError, match="is a float"):
        fp.factor_range(1, 10.0)  # type: ignore[arg-type]
    with pytest.raises(fp.NumberValueError, match="zero has no factorization at index 0"):
        fp.factor_many(range(0, 10, 2))


def test_dense_arrays_are_sieved(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(5)
    numbers = [10**15 + k for k in range(9000)]
    rng.shuffle(numbers)
    numbers = numbers[:6000] + numbers[:10]
    expected = [fp.factor(n) for n in numbers]
    sieved: list[int] = []
    sieve = _native.sieve_chunk
    monkeypatch.setattr(_native, "sieve_chunk", lambda *args: sieved.append(args[2]) or sieve(*args))
    seen: list[tuple[int, int | None]] = []
    fs = fp.factor_many(numbers, strategy="serial", progress=lambda *at: seen.append(at))
    assert list(fs) == expected
    assert fs.numbers.tolist() == numbers
    assert sieved
    assert seen[-1] == (6010, 6010)
    sieved.clear()
    bad = fp.factor_many([*numbers, 0, "x"], strategy="serial", on_error="collect")
    assert list(bad.errors) == [6010, 6011]
    assert [bad[i] for i in range(6010)] == expected
    assert not sieved  # the 1 in a bad number's place makes the run long
    fp.factor_many([n * 5 for n in numbers], strategy="serial")
    fp.factor_many(numbers[:4000], strategy="serial")
    fp.factor_many(numbers, strategy="serial", method="ecm")
    assert not sieved


def test_progress_is_told_what_is_done() -> None:
    seen: list[tuple[int, int | None]] = []
    fp.factor_many(range(1, 1001), strategy="serial", chunksize=300, progress=lambda *at: seen.append(at))
    assert seen == [(300, 1000), (600, 1000), (900, 1000), (1000, 1000)]


def test_auto_is_like_every_strategy() -> None:
    numbers = list(range(1, 5000))
    assert fp.factor_many(numbers) == fp.factor_many(numbers, strategy="serial")
    big = [2**100 + k for k in range(10)]
    assert fp.factor_many(big) == fp.factor_many(big, strategy="serial")


def test_chunks_of_a_range_are_long_enough_for_its_primes() -> None:
    """Each finds the primes to sieve by anew, and there are more of them the larger the numbers are."""
    sizes = [FactorTask("auto", Block(range(10**e, 10**e + 10))).least_chunk for e in (0, 12, 14, 16, 19)]
    assert sizes == [1 << 18, 1 << 18, 10**7 // 8, 1 << 21, 1 << 21]
    for method, block in (("naive", Block(range(10**16, 10**17))), ("auto", Block.packed([10**16])), ("auto", None)):
        assert FactorTask(method, block).least_chunk == 1
    assert FactorTask("auto", Block(range(10**16, 10**17)), longest=1 << 20).least_chunk == 1 << 20
    stream = fp.factor_stream(range(10**14, 10**14 + 2_500_000), strategy="threads", max_workers=2)
    assert [len(block) for block in stream] == [1_250_000, 1_250_000]


def test_ranges_that_cannot_be_held_say_what_they_need() -> None:
    for numbers in (range(1, 2**61 + 1), range(1, 2**63 + 5), range(1, 2**64)):
        for options in ({}, {"strategy": "serial", "method": "trial"}, {"schedule": "static", "strategy": "threads"}):
            with pytest.raises(fp.TooLargeError, match=r"need about 1.15e\+11 GB|GB, and this machine has"):
                fp.factor_many(numbers, **options)  # type: ignore[arg-type]
    with pytest.raises(MemoryError):
        _native.progression(1, 1, 2**61)
    with pytest.raises(MemoryError):
        _native.sieve_chunk(1, 1, 2**62)


def test_a_stream_of_anything(strategy: str) -> None:
    options: Any = {"strategy": strategy, "max_workers": 2}
    blocks = fp.factor_stream(range(1, 2**64), **options)
    first = next(blocks)
    assert first[11] == {2: 2, 3: 1}
    blocks.close()  # type: ignore[attr-defined]
    numbers = [*range(1, 3000), 2**70 + 3 if strategy != "interpreters" else 7]
    for source in (numbers, iter(numbers), tuple(numbers)):
        got = [factors for block in fp.factor_stream(source, **options) for factors in block]
        assert got == list(fp.factor_many(numbers, strategy="serial"))
    with pytest.raises(fp.NumberValueError, match="-5 is negative at index 70000"):
        list(fp.factor_stream(iter([*range(1, 70_001), -5]), **options))


def test_small_stacks_are_enough() -> None:
    code = """
import threading
threading.stack_size(1 << 17)
import factorpool as fp
numbers = [4294967291 * 4294967279] * 50 + [(2**62 + 135) * (2**61 - 1)] * 5
print(len(fp.factor_many(numbers, strategy="threads", max_workers=2)))
"""
    assert run_python(code).stdout == "55\n"


def test_a_list_that_another_thread_shortens_meanwhile() -> None:
    """Without a GIL that was a crash."""
    code = """
import threading, time
import factorpool as fp
numbers = list(range(10**6, 10**6 + 200_000))
over = time.monotonic() + 2
def shorten():
    while time.monotonic() < over:
        kept = numbers[:]
        numbers.clear()
        numbers.extend(kept)
threading.Thread(target=shorten).start()
while time.monotonic() < over:
    fp.factor_many(numbers, strategy="serial")
print("done")
"""
    assert run_python(code).stdout == "done\n"
