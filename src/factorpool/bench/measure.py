"""Runs every case as often as asked, or as there is time for, in rounds, and compares the results.

A round runs all cases once, in an order that is shuffled anew: what slows the machine for a while touches all of them,
and no case always follows the same other one.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from factorpool.bench.load import between, forget_peak, moment
from factorpool.bench.result import Case, Noise
from factorpool.bench.subject import Subject
from factorpool.errors import FactorpoolError
from factorpool.pool.shelf import close_shared
from factorpool.pool.strategies import find

LEAST_SECONDS = 0.005
"""A warm run that is shorter is repeated until it has taken this long, so that the clock means something."""

MOST_REPEATS = 1000

LONGEST = 10.0
"""A run is given up after so many times what the slowest so far took, but not before the time for all is over."""


DIFFER = "its results differ: "
"""How the note of a case begins that does not agree with the first."""


class TooLongError(FactorpoolError):
    """A run did not end in time."""


def cases_for(methods: Sequence[str], strategies: Sequence[str], workers: Sequence[int]) -> list[Case]:
    """Every strategy with every number of workers, for every method; serial once, and first."""
    cases = []
    for method in methods:
        cases.append(Case(method, "serial", 1))
        cases += [Case(method, strategy, count) for strategy in strategies if strategy != "serial" for count in workers]
    return cases


class Rounds:
    """Runs cases in rounds: iterating gives (round, case) before each run.

    Args:
        subject: what is done.
        cases: the ways to do it; their runs are added to them, and their notes.
        noise: takes in how quiet the machine was.
        rounds: how many, or
        seconds: for how long: another round is begun if there is time for it, by what the last one took.
        warm: whether each run that starts its workers is followed by one that finds them started.
        seed: of the order.

    A case whose results differ from the first one's, which cannot run, or does not end in time gets a note, and is left
    out from then on.  If the first one's own results differ from run to run, nothing is compared; `notes` then says so,
    and which items had errors.
    """

    def __init__(
        self,
        subject: Subject,
        cases: Sequence[Case],
        noise: Noise,
        *,
        rounds: int | None = None,
        seconds: float | None = None,
        warm: bool = False,
        seed: int = 0,
    ) -> None:
        self._subject = subject
        self._cases = cases
        self._noise = noise
        self._rounds = rounds
        self._seconds = seconds
        self._warm = warm
        self._seed = seed
        self._reference: Any = None
        self._stable = True
        self._longest = 0.0
        self.notes: list[str] = []

    def __iter__(self) -> Iterator[tuple[int, Case]]:
        shuffle = random.Random(self._seed).shuffle
        began = round_began = time.perf_counter()
        turn = 0
        while any(not case.note for case in self._cases):
            order = [case for case in self._cases if not case.note]
            if turn:
                shuffle(order)  # the first round has serial first: what it gives is what others are held against
            for case in order:
                yield turn, case
                self._run(case, began)
            turn += 1
            now = time.perf_counter()
            if self._rounds is not None and turn >= self._rounds:
                return
            if self._seconds is not None and now - began + (now - round_began) > self._seconds:
                return
            round_began = now

    def _run(self, case: Case, began: float) -> None:
        close_shared()  # or a run would find the workers of an earlier one
        if self._warm and (cool := getattr(find(case.strategy), "cool", None)) is not None:
            cool()  # what starts workers starts anew as well, as in a program that does this once
        forget_peak()
        before = moment()
        try:
            seconds, result = self._timed(case, began)
            load = between(before, moment())
            if self._reference is None:
                self._reference = result
                self.notes += self._subject.problems(result)
            elif self._stable and (difference := self._subject.difference(self._reference, result)) is not None:
                case.note = f"{DIFFER}{difference}"
                return
            del result
            warm = self._warm_seconds(case, began) if self._warm else None
        except FactorpoolError as error:  # it cannot run here, or not in time
            case.note = str(error)
            return
        case.seconds.append(seconds)
        case.cpu.append(load.cpu_seconds)
        case.memory.append(load.memory)
        case.pickled.append(load.pickled)
        if warm is not None:
            case.warm.append(min(warm, seconds))
        self._noise.others.append(load.others)
        self._noise.stolen.append(load.stolen)

    def _warm_seconds(self, case: Case, began: float) -> float:
        total, result = self._timed(case, began)
        difference = self._subject.difference(self._reference, result) if case is self._cases[0] else None
        if difference is not None and self._stable:
            self._stable = False
            self.notes.append(f"results differ from run to run, so they are not compared: {difference}")
        del result
        repeats = 1
        while total < LEAST_SECONDS and repeats < MOST_REPEATS:
            total += self._timed(case, began)[0]
            repeats += 1
        return total / repeats

    def _timed(self, case: Case, began: float) -> tuple[float, Any]:
        """Seconds of a run, and its result."""
        if self._seconds is None:
            start = time.perf_counter()
            result = self._subject.run(case, lambda close: None)
            return time.perf_counter() - start, result
        remaining = self._seconds - (time.perf_counter() - began)
        seconds, result = within(
            max(remaining, LONGEST * self._longest, 1.0), lambda closing: self._subject.run(case, closing)
        )
        self._longest = max(self._longest, seconds)
        return seconds, result


def within(limit: float, call: Callable[[Callable[[Callable[[], object]], object]], Any]) -> tuple[float, Any]:
    """Seconds and result of a call, which is made in a thread of its own and given up after `limit` seconds.

    What it gives to the function that it is called with is called then to end it; a thread that takes no notice is left
    to itself.
    """
    answer: list[Any] = []
    failure: list[BaseException] = []
    closers: list[Callable[[], object]] = []
    took = 0.0

    def work() -> None:
        nonlocal took
        began = time.perf_counter()
        try:
            answer.append(call(closers.append))
        except BaseException as error:
            failure.append(error)
        took = time.perf_counter() - began

    thread = threading.Thread(target=work, name="factorpool-bench", daemon=True)
    thread.start()
    late = True
    try:
        thread.join(limit)
        late = thread.is_alive()
    finally:
        if late:  # or this is Ctrl-C
            for close in closers:
                close()
            thread.join(1.0)
    if late:
        raise TooLongError(f"not within {limit:.3g} s")
    if failure:
        raise failure[0]
    return took, answer[0]
