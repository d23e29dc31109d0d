"""The quadratic sieve: relations against slow code, dependencies against elimination, whole factorizations."""

from __future__ import annotations

import math
import random
import signal
import time
from array import array
from collections import Counter
from itertools import chain, islice, product
from typing import Any

import flint
import numpy as np
import pytest
import sympy

import factorpool as fp
from factorpool import _native
from factorpool.factoring.methods import ecm, siqs
from factorpool.factoring.methods.hard import complete, factor_alone, factor_whole, sieve, sieve_in_families
from factorpool.factoring.relations import Relations


def prime(rng: random.Random, bits: int) -> int:
    while True:
        p = rng.getrandbits(bits) | 1 << (bits - 1) | 1
        if flint.fmpz(p).is_probable_prime():
            return p


def semiprime(bits: int, seed: int) -> int:
    rng = random.Random(seed)
    return prime(rng, bits // 2) * prime(rng, bits - bits // 2)


def square_roots(kn: int, chosen: list[int]) -> set[int]:
    """All b with b^2 = kn modulo the product of these primes, less than half of it."""
    a = math.prod(chosen)
    found = set()
    for signs in product((1, -1), repeat=len(chosen)):
        b = 0
        for sign, q in zip(signs, chosen, strict=True):
            root = next(r for r in range(q) if (r * r - kn) % q == 0)
            b += sign * root * (a // q) * pow(a // q, -1, q)
        found.add(min(b % a, -b % a))
    return found


def test_a_family_has_the_relations_that_there_are() -> None:
    """Every value of every polynomial is looked at here, by dividing: slow and obvious."""
    n = semiprime(76, 3)
    plan = siqs.plan(n)
    kn = plan.multiplier * n
    raw = kn.to_bytes(10, "little")
    primes = list(memoryview(plan.primes).cast("I"))
    chosen = [i for i in range(30, 60) if plan.multiplier % primes[i]][:3]
    a = math.prod(primes[i] for i in chosen)
    large = 20 * primes[-1]
    everything = 1000.0  # to be looked at, a value need not show much
    us, larges, lengths, factors = _native.siqs_family(
        raw, plan.primes, plan.roots, array("I", chosen), 2, 0, 2, large, 2**64 - 1, 256, everything
    )
    found: dict[int, int] = {}
    at = two = 0
    for i, length in enumerate(memoryview(lengths).cast("H")):
        u = int.from_bytes(us[64 * i : 64 * i + 64], "little")
        low, high = memoryview(larges).cast("I")[2 * i : 2 * i + 2]
        assert low <= high <= large and all(p == 1 or flint.fmpz(p).is_prime() for p in (low, high))
        two += low > 1
        left = low * high
        mine = list(memoryview(factors).cast("I")[at : at + length])
        at += length
        assert (u * u - left * math.prod(primes[f - 1] if f else -1 for f in mine)) % kn == 0
        found[u] = left
    smooth = math.prod(primes)
    shown = 0
    for b in square_roots(kn, [primes[i] for i in chosen]):
        for x in range(-(1 << 15), 1 << 15):
            u = abs(a * x + b)
            value = abs((u * u - kn) // a)
            if pow(smooth, 64, value) == 0:
                sieved = math.prod(p ** (value % p == 0) for p in primes if p > 256)
                if sieved.bit_length() > 14:  # it shows
                    shown += 1
                    assert found[u] == 1, (b, x)
    assert shown > 30
    assert len(found) > 2 * shown  # the others have large primes, or show little
    assert two > 30


def test_primes_of_all_sizes_are_sieved_with() -> None:
    """Those with many positions in a block, with few, and those beyond a block, which go into buckets."""
    n = semiprime(60, 4)
    raw = n.to_bytes(8, "little")
    primes_bytes, roots = _native.siqs_base(raw, 3000)
    primes = list(memoryview(primes_bytes).cast("I"))
    assert primes[-1] > 50_000
    chosen, blocks, sieved_from = [18, 22], 3, 30
    us, _, lengths, _ = _native.siqs_family(
        raw, primes_bytes, roots, array("I", chosen), 1, 0, blocks, 1, 2**63, sieved_from, 1000.0
    )
    found = {int.from_bytes(us[at : at + 64], "little") for at in range(0, len(us), 64)}
    assert len(found) == len(lengths) // 2
    a = math.prod(primes[i] for i in chosen)
    half = blocks * (1 << 14)
    shown: set[int] = set()
    largest: list[int] = []
    for b in square_roots(n, [primes[i] for i in chosen]):
        u = np.abs(a * np.arange(-half, half, dtype=np.int64) + b)
        rest, sieved, last = np.abs(u * u - n) // a, np.zeros(len(u)), np.zeros(len(u), dtype=np.int64)
        for p in primes:
            divides = rest % p == 0
            last[divides] = p
            if p >= sieved_from:
                sieved[divides] += math.log2(p)
            while divides.any():
                rest[divides] //= p
                divides &= rest % p == 0
        shows = (rest == 1) & (sieved > 14)
        shown |= set(u[shows].tolist())
        largest += last[shows].tolist()
    assert shown <= found
    assert len(shown) > 1000
    for low, high in ((4096, 8192), (8192, 16384), (16384, 32768), (32768, 98304)):
        assert sum(low < p < high for p in largest) > 50, (low, high)


def gathered(graph: list[tuple[int, int]], factors: list[list[int]]) -> tuple[object, int]:
    """What the kernel makes of relations 1, 2, ..., with these large primes and factors, and how many cycles."""
    relations = _native.siqs_graph(10_000)
    us = b"".join(u.to_bytes(64, "little") for u in range(1, len(graph) + 1))
    larges, lengths = array("I", chain.from_iterable(graph)), array("H", map(len, factors))
    columns = (us, larges, lengths, array("I", chain.from_iterable(factors)))
    cycles = _native.siqs_gather(relations, *columns)
    assert _native.siqs_gather(relations, *columns) == cycles  # what comes again counts once
    return relations, cycles


def check_sets(relations: object, graph: list[tuple[int, int]], factors: list[list[int]]) -> list[int]:
    """The sets that the kernel finds, each by the definition of what it multiplies to."""
    sets = _native.siqs_sets(relations, 1000)
    for chosen in sets:
        inside = [i for i in range(len(graph)) if int.from_bytes(chosen, "little") >> i & 1]
        us, larges, halves = _native.siqs_product(relations, chosen)
        assert [int.from_bytes(us[at : at + 64], "little") - 1 for at in range(0, len(us), 64)] == inside != []
        assert math.prod(memoryview(larges).cast("I")) ** 2 == math.prod(math.prod(graph[i]) for i in inside)
        powers = Counter(chain.from_iterable(factors[i] for i in inside))
        assert {f: 2 * half for f, half in enumerate(memoryview(halves).cast("I")) if half} == powers
    numbers = [int.from_bytes(each, "little") for each in sets]
    assert len({*numbers}) == len(numbers)
    return numbers


@pytest.mark.parametrize("seed", range(8))
def test_sets_are_as_many_as_by_elimination(seed: int) -> None:
    rng = random.Random(seed)
    columns, count = rng.choice([(40, 60), (200, 150), (300, 420), (1, 9), (500, 560)])
    rows = [[int(columns * rng.random() ** 3) for _ in range(rng.randrange(9))] for _ in range(count)]
    basis: dict[int, int] = {}
    for row in rows:
        bits = 0
        for column in row:
            bits ^= 1 << column
        while bits and bits.bit_length() in basis:
            bits ^= basis[bits.bit_length()]
        if bits:
            basis[bits.bit_length()] = bits
    nullity = count - len(basis)
    graph = [(1, 1)] * count
    relations, cycles = gathered(graph, rows)
    assert cycles == count
    assert min(nullity, 40) <= len(check_sets(relations, graph, rows)) <= nullity


@pytest.mark.parametrize("bits", [72, 80, 90, 96, 104, 112, 120, 128, 136, 144])
def test_semiprimes(bits: int) -> None:
    for seed in range(6):
        n = semiprime(bits, 100 * bits + seed)
        for factor in (sieve(n), sieve_in_families(n)):
            assert 1 < factor < n
            assert n % factor == 0


def test_semiprimes_by_two_large_primes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(siqs, "TWO_FROM", 0)
    siqs.plan.cache_clear()
    try:
        for bits in (90, 128, 160):
            n = semiprime(bits, bits)
            assert siqs.plan(n).most_left > siqs.plan(n).large
            assert 1 < sieve_in_families(n) < n and n % sieve_in_families(n) == 0
    finally:
        siqs.plan.cache_clear()


def test_the_small_sieve_takes_odd_numbers_of_a_limited_length() -> None:
    for wrong in (b"", b"\x06", bytes([1] * 24)):
        with pytest.raises(ValueError, match="the small sieve takes odd numbers of at most 184 bits"):
            _native.siqs_small(wrong)
    n = semiprime(128, 7).to_bytes(16, "little")
    with pytest.raises(InterruptedError):
        _native.siqs_small(n, b"\x01")
    prime_cubed = (2**41 - 21) ** 3
    assert not any(_native.siqs_small(prime_cubed.to_bytes(16, "little")))
    assert fp.factor(prime_cubed) == {2**41 - 21: 3}


@pytest.mark.parametrize("bits", [129, 140, 152, 164, 176, 184])
def test_the_small_sieve_beyond_two_words(bits: int) -> None:
    for seed in range(3):
        n = semiprime(bits, seed)
        factor = int.from_bytes(_native.siqs_small(n.to_bytes(23, "little")), "little")
        assert 1 < factor < n and n % factor == 0


@pytest.mark.parametrize("bits", [70, 90, 110, 128])
def test_integers_of_two_words_are_done_by_the_kernel(bits: int) -> None:
    """All factors found and proved there: python-flint agrees, and is not asked."""
    rng = random.Random(bits)
    numbers = [rng.getrandbits(bits) | 1 << (bits - 1) for _ in range(100)] + [semiprime(bits, s) for s in range(20)]
    words = array("Q", chain.from_iterable((n & (2**64 - 1), n >> 64) for n in numbers))
    _, _, exponents = _native.factor_chunk(words, "auto", None, 2)
    assert 0 not in exponents
    expected = [{int(p): int(e) for p, e in flint.fmpz(n).factor()} for n in numbers]
    assert list(fp.factor_many(numbers)) == expected


def test_curves_find_factors_of_numbers_of_every_length() -> None:
    """In lanes and in words; and go on where they were."""
    rng = random.Random(8)
    for bits in (129, 150, 187, 188, 230, 251, 252, 315, 316, 379, 380, 443, 444, 571, 572, 763, 764, 1083, 1084, 2107):
        p, q = prime(rng, 22), prime(rng, bits - 22)
        factor, done = ecm.find(p * q, 0)
        assert factor == p
        assert (ecm.find(p * q, done)[0] or p) == p
    assert ecm.find(prime(rng, 75) * prime(rng, 76), 0)[0] == 0
    counts = [curves.number for curves in ecm.worth_while(1 << 199)]
    longest = 50 + (ecm.FURTHER if _native.ecm_lanes(200) >= ecm.FURTHER_LANES else 0)
    assert sum(counts) == sum(curves for bits, curves in ecm.LEVELS if bits <= longest)
    for done in (0, 1, 9, 24, 138):
        assert sum(curves.number for curves in ecm.worth_while(1 << 199, done)) == sum(counts) - done
    number = (prime(rng, 70) * prime(rng, 71)).to_bytes(48, "little")
    assert not any(_native.ecm_long(number, _native.ecm_far(25), 0, 3))
    with pytest.raises(InterruptedError):
        _native.ecm_long(number, _native.ecm_far(75), 0, 1000, b"\x01")
    for wrong in (2**2107 + 1, 2**200, 1, 0, 2**2200 + 1):
        with pytest.raises(ValueError, match="curves are for odd numbers of at most 2107 bits"):
            _native.ecm_long(wrong.to_bytes(276, "little"), _native.ecm_far(25), 0, 1)


def test_curves_go_as_far_as_a_factor_is_long() -> None:
    """A curve for 60 bits finds a prime of that size 1 time in 57, says theory; the longest of the tables 1 in 313."""
    rng = random.Random(3)
    found = 0
    for first in range(0, 500, 20):
        p, q = prime(rng, 60), prime(rng, 100)
        factor = _native.ecm_long((p * q).to_bytes(20, "little"), _native.ecm_far(60), 1 + first, 20)
        found += int.from_bytes(factor, "little") == p
    assert found > 6


def test_what_is_too_long_for_the_sieve_gets_curves_without_end() -> None:
    curves = list(islice(ecm.worth_while(1 << 400), 100_000))
    assert [each.first for each in curves[1:]] == [each.first + each.number for each in curves[:-1]]
    assert curves[-1].bits == ecm.LEVELS[-1][0]
    assert all(each.first + each.number <= each.last for each in curves)
    rng = random.Random(4)
    p, q = prime(rng, 40), prime(rng, 400)
    assert fp.factor(p * q, strategy="serial") == {p: 1, q: 1}
    stages: list[tuple[int, int]] = []
    hard = prime(rng, 200) * prime(rng, 201)
    for strategy in ("threads", "processes"):
        began = time.monotonic()
        left = fp.factor(
            3 * hard, strategy=strategy, max_workers=2, timeout=1, on_error="collect",
            progress=lambda done, of: stages.append((done, of)),
        )  # fmt: skip
        assert isinstance(left, fp.PartialFactorization)
        assert (dict(left), left.composites) == ({3: 1}, {hard: 1})
        assert time.monotonic() - began < 30  # without an end it would be for ever
    assert all(done < of for done, of in stages) and len({of for _, of in stages}) > 1


def test_all_kinds_of_large_numbers() -> None:
    rng = random.Random(5)
    p, q, r = prime(rng, 45), prime(rng, 50), prime(rng, 58)
    close = int(sympy.nextprime(r + 10**6))
    cases = [
        p * q,
        p * q * r,
        p**2 * q,
        p**2 * q**2,
        p**3,
        r * close,
        2**40 * p * q,
        97 * 101**2 * p * r,
        q * r * close,
    ]
    cases += [int(sympy.fibonacci(251)), 2**137 - 1, 10**41 + 1]
    cases += [rng.getrandbits(150) | 1 for _ in range(20)]
    for n in cases:
        found = factor_whole(n)
        assert found.pairs == sorted((int(f), int(e)) for f, e in flint.fmpz(n).factor()), n
        assert not found.large


def test_what_all_workers_should_sieve_is_left() -> None:
    p, q = 2**107 - 1, 2**89 - 1
    found = factor_alone(3**5 * p * q)
    assert (found.pairs, found.large) == ([(3, 5)], [(p * q, 1)])


@pytest.mark.parametrize("edges", [1, 5, 20, 60, 600])
def test_cycles_of_large_primes_are_counted_and_closed(edges: int) -> None:
    """Random relations of few large primes: as many cycles as the graph has, each with every large prime twice."""
    rng = random.Random(edges)
    primes = list(sympy.primerange(10_000, 10_000 + 40 * edges))
    graph: list[tuple[int, int]] = []
    for _ in range(edges):
        p, q = sorted(rng.choices(primes, k=2))
        graph.append(rng.choice([(1, p), (p, q), (1, 1), (p, p)]))
    components: list[set[int]] = []
    for edge in graph:
        touched = [each for each in components if each & {*edge}]
        components = [each for each in components if each not in touched] + [{*edge}.union(*touched)]
    vertices = len({*chain.from_iterable(graph)})
    nothing: list[list[int]] = [[] for _ in graph]
    relations, cycles = gathered(graph, nothing)
    assert cycles == edges - vertices + len(components)
    assert len(check_sets(relations, graph, nothing)) == min(cycles, 64)  # the most that are looked for
    # With factors, too, all but as many as there are different ones.
    pairs = [[rng.randrange(4), 999] for _ in graph]
    assert len(check_sets(gathered(graph, pairs)[0], graph, pairs)) >= min(cycles, 64) - 5


def test_what_is_no_relation_is_refused() -> None:
    graph = _native.siqs_graph(5)
    u, one, none = bytes(64), array("I", [1, 1]), array("I")
    for wrong in (
        (u, one, array("H", [1]), none),
        (u, one, array("H", [1]), array("I", [5])),
        (u, array("I", [1]), array("H", [0]), none),
        (u, array("I", [0, 1]), array("H", [0]), none),
        (u[1:], one, array("H", [0]), none),
        (u, one, b"\0", none),
    ):
        with pytest.raises(ValueError, match="no relations of a sieve"):
            _native.siqs_gather(graph, *wrong)
    assert _native.siqs_gather(graph, u, one, array("H", [1]), array("I", [4])) == 1
    with pytest.raises(ValueError, match="no set of these relations"):
        _native.siqs_product(graph, bytes(16))
    with pytest.raises(ValueError, match="1 to 1000 sets"):
        _native.siqs_sets(graph, 0)
    with pytest.raises(ValueError, match="1 to 131073 factors"):
        _native.siqs_graph(0)
    with pytest.raises(ValueError, match="PyCapsule_GetPointer"):
        _native.siqs_gather(object(), u, one, array("H", [0]), none)


def test_relations_that_come_twice_count_once() -> None:
    n = semiprime(100, 1)
    relations = Relations(siqs.plan(n))
    harvest = siqs.harvest(n, 0, 3)
    relations.add(harvest)
    found = relations.found
    relations.add(harvest)
    assert (relations.found, relations.families) == (found, 6)


def test_too_few_relations_ask_for_more() -> None:
    relations = Relations(siqs.plan(semiprime(100, 1)))
    relations.needed = 1
    relations.add(siqs.harvest(relations.plan.n, 0, 1))
    assert relations.factor() is None
    assert relations.needed > relations.found


def test_families_are_the_same_everywhere_and_close_to_what_is_wanted() -> None:
    for bits in (80, 110, 150, 200, 250, 330):
        plan = siqs.plan(semiprime(bits, bits))
        families = [tuple(siqs.family(plan, number)) for number in range(40)]
        assert families == [tuple(siqs.family(plan, number)) for number in range(40)]
        assert len({tuple(sorted(each)) for each in families}) > 30
        primes = memoryview(plan.primes).cast("I")
        errors = [abs(math.log(math.prod(primes[i] for i in each) / plan.target)) for each in families]
        assert all(len({*each}) == plan.factors for each in families)
        assert sorted(errors)[20] < 0.05


def test_wrong_relations_are_noticed() -> None:
    n = semiprime(90, 2)
    relations = Relations(siqs.plan(n))
    while not relations.enough:
        harvest = siqs.harvest(n, relations.families, 1)
        wrong = bytes(byte ^ 2 if at % 64 == 0 else byte for at, byte in enumerate(harvest.u))
        relations.add(harvest._replace(u=wrong))
    with pytest.raises(fp.FactorpoolError, match="a wrong relation"):
        relations.factor()


@pytest.mark.parametrize(
    "change",
    [
        {"blocks": 0}, {"flips": 2}, {"factors": [5, 5]}, {"factors": []}, {"factors": [5, 10**6]}, {"factors": [0, 5]},
        {"kn": bytes(49)}, {"kn": b"\0"}, {"roots": b""}, {"sieved_from": 40_000},
    ],
)  # fmt: skip
def test_what_is_no_plan_is_refused(change: dict[str, Any]) -> None:
    plan = siqs.plan(semiprime(90, 2))
    options: dict[str, Any] = {"kn": b"\x05", "roots": plan.roots, "factors": [5, 6], "flips": 1, "blocks": 2}
    options |= {"sieved_from": 100} | change
    with pytest.raises(ValueError, match="at most 384 bits" if len(options["kn"]) > 48 else "no plan"):
        _native.siqs_family(
            options["kn"], plan.primes, options["roots"], array("I", options["factors"]), options["flips"], 0,
            options["blocks"], 1000, 1000, options["sieved_from"], 20.0,
        )  # fmt: skip


def test_what_is_no_base_is_refused() -> None:
    with pytest.raises(ValueError, match="a factor base has"):
        _native.siqs_base(b"\x05", 0)


def test_the_parts_of_a_family_are_all_of_it() -> None:
    plan = siqs.plan(semiprime(150, 4))
    raw = (plan.multiplier * plan.n).to_bytes(48, "little")
    chosen = siqs.family(plan, 3)

    def us(flips: int, signs: int) -> list[bytes]:
        found = _native.siqs_family(
            raw, plan.primes, plan.roots, chosen, flips, signs, plan.blocks, plan.large, plan.large, 100, plan.missing
        )
        return [found[0][at : at + 64] for at in range(0, len(found[0]), 64)]

    whole = us(plan.factors - 1, 0)
    parts = [u for signs in range(4) for u in us(plan.factors - 3, signs)]
    assert len(whole) > 10
    assert sorted(whole) == sorted(parts)


def test_a_stop_ends_it_in_the_middle() -> None:
    plan = siqs.plan(semiprime(200, 1))
    raw = (plan.multiplier * plan.n).to_bytes(48, "little")
    stop = bytearray(b"\x01")
    with pytest.raises(InterruptedError):
        _native.siqs_family(
            raw, plan.primes, plan.roots, siqs.family(plan, 1), 6, 0, plan.blocks, plan.large, 0, 256, 60.0, stop
        )
    relations, _ = gathered([(1, 1)] * 64, [[i] for i in range(64)])
    with pytest.raises(InterruptedError):
        _native.siqs_sets(relations, 5, stop)


def test_a_signal_ends_it_in_the_middle() -> None:
    """Its handler's error comes out, and nothing else."""
    rng = random.Random(1)
    relations, _ = gathered([(1, 1)] * 9040, [[rng.randrange(9000) for _ in range(60)] for _ in range(9040)])

    def handler(*_: object) -> None:
        raise LookupError("a signal")

    former = signal.signal(signal.SIGALRM, handler)
    try:
        for seconds in (0.05, 0.15, 0.3):
            signal.setitimer(signal.ITIMER_REAL, seconds)
            with pytest.raises(LookupError, match="a signal"):
                [_native.siqs_sets(relations, 5) for _ in range(100)]
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, former)


def test_composites_that_the_kernel_leaves() -> None:
    n = semiprime(120, 9)
    assert complete([(3, 2), (n, 0)]) == [(3, 2), *sorted((int(p), 1) for p, _ in flint.fmpz(n).factor())]
