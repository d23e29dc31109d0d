"""What is measured: named sets of numbers, the same for everybody, or a file of one's own."""

from __future__ import annotations

import math
import os
import random
from collections.abc import Callable, Sequence
from typing import NamedTuple

from factorpool import _native
from factorpool.errors import OptionError
from factorpool.jobs.reader import Reader

SEED = 20120116


class Workload(NamedTuple):
    """Numbers to factor, with what they are in words."""

    name: str
    description: str
    numbers: Sequence[int]


def article(count: int) -> list[int]:
    """The article's: consecutive odd numbers from 999999999999."""
    return [999999999999 + 2 * i for i in range(count)]


def uniform(bits: int) -> Callable[[int], list[int]]:
    """Uniform in 1 .. 2^bits - 1."""

    def make(count: int) -> list[int]:
        rng = random.Random(f"{SEED} uniform {bits}")
        return [rng.randrange(1, 1 << bits) for _ in range(count)]

    return make


def semiprime(bits: int) -> Callable[[int], list[int]]:
    """Products, of exactly `bits` bits, of two primes of half as many: the hardest numbers of their size."""

    def make(count: int) -> list[int]:
        rng = random.Random(f"{SEED} semiprime {bits}")

        def prime() -> int:
            while True:
                p = rng.getrandbits(bits // 2) | 1 << (bits // 2 - 1) | 1
                if _native.is_prime(p):
                    return p

        numbers: list[int] = []
        while len(numbers) < count:
            n = prime() * prime()
            if n.bit_length() == bits:
                numbers.append(n)
        return numbers

    return make


# Name: (what it is, how many by default, how it is made).
WORKLOADS: dict[str, tuple[str, int, Callable[[int], list[int]]]] = {
    "article": ("consecutive odd numbers from 999999999999, as in the article", 300, article),
    "uniform32": ("uniform integers of up to 32 bits", 100_000, uniform(32)),
    "uniform64": ("uniform integers of up to 64 bits", 20_000, uniform(64)),
    "semiprime48": ("balanced semiprimes of 48 bits", 10_000, semiprime(48)),
    "semiprime64": ("balanced semiprimes of 64 bits", 2_000, semiprime(64)),
}


def naive_seconds(numbers: Sequence[int]) -> float:
    """What the naive method takes at most, roughly: 50 ns for each odd number up to each square root."""
    return sum(math.isqrt(n) for n in numbers) / 2 * 50e-9


def load(spec: str) -> Workload:
    """The workload NAME, NAME:COUNT, or that of a file of numbers.

    >>> load("article:2").numbers
    [999999999999, 1000000000001]

    Raises:
        OptionError: there is neither a workload nor a file of that name, or the file has something else in it.
    """
    name, _, count = spec.partition(":")
    if name in WORKLOADS:
        description, default, make = WORKLOADS[name]
        if count and not (count.isdigit() and int(count)):
            raise OptionError(f"workload {spec!r}: {count!r} is not a count; write for example {name}:{default}")
        numbers = make(int(count or default))
        return Workload(name, f"{len(numbers)} {description}", numbers)
    if not os.path.exists(spec):
        raise OptionError(f"there is no workload {spec!r}, and no file; there are {', '.join(WORKLOADS)}")
    problems: list[str] = []
    found = [n for block in Reader([spec], problems.append).blocks() for n in block]
    if problems or not found or 0 in found:
        raise OptionError(f"workload {problems[0] if problems else f'{spec} has a zero or no numbers at all'}")
    base = os.path.basename(spec)
    return Workload(base, f"{len(found)} numbers from {base}", found)
