"""Runs every case as often as asked, interleaved, and checks that all agree."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from factorpool.api import factor_many
from factorpool.bench.result import Case
from factorpool.errors import FactorpoolError
from factorpool.factoring.columns import Factorizations
from factorpool.pool.schedule import Schedule
from factorpool.pool.shelf import close_shared


class DisagreementError(FactorpoolError):
    """Two cases factored the same numbers differently."""


def cases_for(methods: Sequence[str], strategies: Sequence[str], workers: Sequence[int]) -> list[Case]:
    """Every strategy with every number of workers, for every method; serial once, and first."""
    cases = []
    for method in methods:
        cases.append(Case(method, "serial", 1))
        cases += [Case(method, strategy, count) for strategy in strategies if strategy != "serial" for count in workers]
    return cases


def measure(
    numbers: Sequence[int], cases: Sequence[Case], repeat: int, schedule: Schedule
) -> Iterator[tuple[int, Case]]:
    """Runs all cases, `repeat` rounds of each once; yields (round, case) before each run.

    A round takes the cases in turn, so that a busy minute of the machine touches all of them, not one.  A time includes
    everything from the call to the result, start-up of workers too.

    Raises:
        DisagreementError: a case's result is not that of the first.
    """
    reference: Factorizations | None = None
    for turn in range(repeat):
        for case in cases:
            yield turn, case
            close_shared()  # or a later run would find the workers of an earlier one
            began = time.perf_counter()
            result = factor_many(
                numbers, strategy=case.strategy, max_workers=case.workers, schedule=schedule, method=case.method
            )
            case.seconds.append(time.perf_counter() - began)
            if reference is None:
                reference = result
            elif result != reference:
                raise DisagreementError(f"{case.label} with method {case.method} disagrees with {cases[0].label}")
