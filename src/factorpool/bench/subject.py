"""What can be measured: numbers to factor, or any function over items.  A subject runs itself in the way of a case."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from factorpool.api import factor_many, pmap
from factorpool.bench.result import Case
from factorpool.errors import NotPicklableError
from factorpool.factoring.columns import Factorizations
from factorpool.factoring.numbers import normalize
from factorpool.factoring.tasks import FactorTask
from factorpool.pool.protocol import Task
from factorpool.pool.results import Outcome
from factorpool.pool.schedule import Schedule
from factorpool.pool.task import MapTask


class Subject(Protocol):
    """Something that can be done in several ways, with the same result."""

    @property
    def count(self) -> int:
        """How many items there are."""

    @property
    def payload(self) -> Any:
        """The items, as workers get them."""

    def task(self, method: str) -> Task:
        """What workers do with them."""

    def run(self, case: Case, closing: Callable[[Callable[[], object]], object]) -> Any:
        """Does it in the way of a case; `closing` is told how another thread can end it."""

    def difference(self, reference: Any, result: Any) -> str | None:
        """Where two results differ first; None if they agree."""

    def problems(self, result: Any) -> list[str]:
        """What is to be said of a result, such as errors."""


class Numbers:
    """Numbers to factor."""

    def __init__(self, numbers: Sequence[int], schedule: Schedule) -> None:
        self._numbers = numbers
        self._schedule: Schedule = schedule
        self.count = len(numbers)
        self.payload = normalize(numbers)

    def task(self, method: str) -> FactorTask:
        """To factor them by a method."""
        return FactorTask(method)

    def run(self, case: Case, closing: Callable[[Callable[[], object]], object]) -> Factorizations:
        """Factors them all."""
        return factor_many(
            self._numbers,
            strategy=case.strategy,
            max_workers=case.workers,
            schedule=self._schedule,
            method=case.method,
        )

    def difference(self, reference: Factorizations, result: Factorizations) -> str | None:
        """Where two results differ first; None if they agree."""
        if reference == result:
            return None
        for index, (a, b) in enumerate(zip(reference, result, strict=False)):
            if a != b:
                return f"{self._numbers[index]} is {a} in one and {b} in the other"
        return f"one has {len(reference)} numbers and the other {len(result)}"

    def problems(self, result: Factorizations) -> list[str]:
        """None."""
        return []


class Function:
    """A function over items."""

    def __init__(
        self,
        fn: Callable[[Any], Any],
        items: Sequence[Any],
        schedule: Schedule,
        same: Callable[[Any, Any], Any] = operator.eq,
    ) -> None:
        self.payload = items
        self._fn = fn
        self._schedule: Schedule = schedule
        self._same = same
        self.count = len(items)

    def task(self, method: str) -> MapTask:
        """To call it, whatever errors come."""
        return MapTask(self._fn, collect=True)

    def run(
        self, case: Case, closing: Callable[[Callable[[], object]], object], trace: str | None = None
    ) -> list[Outcome[Any]]:
        """Calls it on all of them."""
        results = pmap(
            self._fn,
            self.payload,
            strategy=case.strategy,
            max_workers=case.workers,
            schedule=self._schedule,
            on_error="collect",
            trace=trace,
        )
        closing(results.close)
        outcomes = list(results)
        for outcome in outcomes:
            if isinstance(outcome.error, NotPicklableError):
                raise outcome.error  # it is no matter of the function, but of where it runs
        return outcomes

    def difference(self, reference: list[Outcome[Any]], result: list[Outcome[Any]]) -> str | None:
        """Where two results differ first; None if they agree: equal values, or errors of one type."""
        for a, b in zip(reference, result, strict=True):
            if a.error is not None or b.error is not None:
                if type(a.error) is not type(b.error):
                    break
            elif not self._equal(a.value, b.value):
                break
        else:
            return None
        return f"item {a.index} gave {_shown(a)} in one and {_shown(b)} in the other"

    def problems(self, result: list[Outcome[Any]]) -> list[str]:
        """How many items had errors, and the first of them."""
        failed = [outcome for outcome in result if outcome.error is not None]
        if not failed:
            return []
        return [f"{len(failed)} of {len(result)} items had errors, item {failed[0].index} first: {_shown(failed[0])}"]

    def _equal(self, a: Any, b: Any) -> bool:
        """By the user's `same`; arrays are equal where all of their elements are, and not a number is itself."""
        answer = self._same(a, b)
        if not isinstance(answer, bool) and hasattr(answer, "all"):
            answer = answer.all()
        return bool(answer) or (isinstance(a, float) and isinstance(b, float) and a != a and b != b)


def _shown(outcome: Outcome[Any]) -> str:
    text = repr(outcome.value if outcome.error is None else outcome.error)
    return text if len(text) <= 60 else f"{text[:57]}..."
