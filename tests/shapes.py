"""Shapes of cost: how long items take, one after the other.  What is seen of the first says little about the others."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

QUICK, SLOW = 2e-5, 5e-3
"""Seconds: of the first many run before a choice is made, of the second one is enough for it."""


def _late(rng: random.Random) -> Iterator[float]:
    for _ in range(rng.randrange(1, 60)):
        yield QUICK
    while True:
        yield SLOW


def _early(rng: random.Random) -> Iterator[float]:
    for _ in range(rng.randrange(1, 20)):
        yield SLOW
    while True:
        yield QUICK


def _growing(rng: random.Random) -> Iterator[float]:
    factor = rng.uniform(1.01, 1.3)
    seconds = QUICK
    while True:
        yield seconds
        seconds = min(seconds * factor, 2 * SLOW)


def _tail(rng: random.Random) -> Iterator[float]:
    while True:
        yield min(rng.lognormvariate(math.log(2e-4), 2.0), 4 * SLOW)


def _alternating(rng: random.Random) -> Iterator[float]:
    length = rng.randrange(1, 30)
    while True:
        for seconds in (QUICK, SLOW):
            for _ in range(length):
                yield seconds


def _level(rng: random.Random) -> Iterator[float]:
    seconds = rng.choice([QUICK, 1e-3, SLOW, 5 * SLOW])
    while True:
        yield seconds


SHAPES: dict[str, Callable[[random.Random], Iterator[float]]] = {
    "late": _late,
    "early": _early,
    "growing": _growing,
    "heavy tail": _tail,
    "alternating": _alternating,
    "level": _level,
}


class Item(NamedTuple):
    """What a worker is to do with item `index`: for so many seconds compute, or wait; then return, or fail."""

    index: int
    seconds: float
    waits: bool
    fails: bool


def items(shape: str, rng: random.Random, waiting: float, failing: float) -> Iterator[Item]:
    """Endless items of a shape; `waiting` and `failing` say how many of them do."""
    for index, seconds in enumerate(SHAPES[shape](rng)):
        yield Item(index, seconds, rng.random() < waiting, rng.random() < failing)
