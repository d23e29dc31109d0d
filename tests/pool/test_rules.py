"""What `auto` chooses, from hints and from measures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factorpool.factoring.block import Block
from factorpool.factoring.tasks import FactorTask
from factorpool.pool import starts
from factorpool.pool.auto import rules as choosing
from factorpool.pool.auto.machine import Machine
from factorpool.pool.auto.rules import Measures
from factorpool.pool.protocol import Task
from factorpool.pool.strategies import find
from factorpool.pool.task import MapTask


def chosen(task: Task, items: object, total: int | None, workers: int) -> str | None:
    choice = choosing.choose(task, items, total, lambda: workers, Machine())
    return choice and choice.strategy.name


def test_choice_for_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starts, "_measured", {})  # what other tests have measured here
    kernel, naive = FactorTask("auto"), FactorTask("naive")
    words = Block(range(0))
    assert chosen(kernel, words, 10**6, 2) == "threads"
    assert chosen(kernel, words, None, 2) == "threads"
    assert chosen(kernel, words, 10, 2) == "serial"
    assert chosen(kernel, words, 10**6, 1) == "serial"
    for bits, count, strategy in (
        (70, 1, "serial"),
        (70, 9, "serial"),
        (70, 99, "threads"),
        (82, 10, "serial"),
        (120, 1, "serial"),
        (120, 9, "threads"),
        (130, 9, "serial"),  # they are done before processes have started
        (130, 900, "processes"),
        (400, 1, "serial"),  # what is large comes back
        (400, 20, "serial"),
    ):
        assert chosen(kernel, Block([2**bits] * count), count, 8) == strategy, (bits, count)
    assert chosen(kernel, Block(range(10**12, 10**12 + 10**6)), 10**6, 8) == "threads"
    assert chosen(naive, words, 300, 2) is None


def test_choice_for_functions_is_measured_unless_nothing_is_to_choose() -> None:
    assert chosen(MapTask(len, False), [], 10, 4) is None
    assert chosen(MapTask(len, False), [], 1, 4) == "serial"
    assert chosen(MapTask(len, False, print), [], 10, 4) == "processes"


@given(
    each=st.floats(1e-6, 10), remaining=st.none() | st.integers(1, 10**6), sends=st.floats(1e-6, 1),
    workers=st.integers(2, 64), start=st.floats(0.01, 2),
)  # fmt: skip
def test_the_decision_is_for_what_takes_less(
    each: float, remaining: int | None, sends: float, workers: int, start: float
) -> None:
    here, apart = find("serial"), find("processes")
    choice = choosing.decide(Measures(each, remaining, sends, ""), workers, here, apart, start)
    if remaining is not None:
        serial, there = remaining * each, start + remaining * max(sends, (each + sends) / workers)
        assert choice.strategy == (apart if there < serial else here)
    unsendable = choosing.decide(Measures(each, remaining, None, "it cannot be pickled"), workers, here, apart, start)
    assert unsendable == (here, "a second thread did not help, and it cannot be pickled")
