"""What every strategy owes the dispatcher: it knows what it holds, and answers for all of it."""

from __future__ import annotations

from collections.abc import Iterator

import functions
import pytest

import factorpool as fp
from factorpool.pool.dispatcher import Cutter, Dispatcher
from factorpool.pool.protocol import Chunk, Done, Free, TaskRef, Workers
from factorpool.pool.source import SequenceSource
from factorpool.pool.strategies import find
from factorpool.pool.task import MapTask

pytestmark = pytest.mark.usefixtures("workers_left")


@pytest.fixture
def workers(strategy: str) -> Iterator[Workers]:
    made = find(strategy).open(TaskRef(MapTask(functions.nap, True)), 2, None)
    yield made
    made.close(graceful=True)


def test_workers_know_what_they_hold(workers: Workers, strategy: str) -> None:
    """Items of 15 ms come back in several pieces; what is held is named by the first item of its chunk."""
    assert not set(workers.held)
    expected = {10: 4} if strategy == "serial" else {10: 4, 20: 3}
    for start, count in expected.items():
        workers.submit(Chunk(start, [0.015] * count))
    while expected:
        assert set(workers.held) >= expected.keys()
        for event in workers.wait(None):
            if isinstance(event, Done):
                expected[event.start] -= event.items
            else:
                assert isinstance(event, Free)
                assert expected.pop(event.start) == 0
    assert not set(workers.held)


def test_a_task_that_ends_early_is_an_error(strategy: str) -> None:
    """Its worker is still there, so nothing else would tell."""
    workers = find(strategy).open(TaskRef(functions.EndsEarly(functions.square, True)), 2, None)
    cutter = Cutter(SequenceSource(range(4)), 2, "dynamic", 4, 1)
    completions = list(Dispatcher(cutter, workers, lambda: (1, None), lambda: 0.0, collect=True).run())
    done, lost = completions
    assert (done.value, done.error) == ([0], None)
    assert isinstance(lost.error, fp.FactorpoolError)
    assert list(lost.chunk.payload) == [1, 2, 3]
