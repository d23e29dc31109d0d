"""The dispatcher against workers that do their worst, in every order: each item comes back, once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from adversary import ERRORS, Adversary
from hypothesis import given, settings
from hypothesis import strategies as st

import factorpool as fp
from factorpool.pool.dispatcher import Cutter, Dispatcher
from factorpool.pool.protocol import Chunk, Done, Event
from factorpool.pool.recovery import Policy
from factorpool.pool.run import Options, Run
from factorpool.pool.source import BlockSource, IteratorSource, SequenceSource, Source
from factorpool.pool.task import MapTask


def sets(total: int) -> st.SearchStrategy[set[int]]:
    return st.sets(st.integers(0, max(0, total - 1)), max_size=4)


@settings(max_examples=400, deadline=None)
@given(data=st.data(), total=st.integers(0, 60), count=st.integers(1, 5), itemwise=st.booleans())
def test_each_item_comes_back_once_or_an_error_ends_the_run(
    data: st.DataObject, total: int, count: int, itemwise: bool
) -> None:
    items = {name: data.draw(sets(total), name) for name in ERRORS}
    if not itemwise:
        items["raising"] = set()
    ordered, retries = data.draw(st.booleans(), "ordered"), data.draw(st.integers(0, 2), "retries")
    collect = data.draw(st.booleans(), "collect")
    buffersize = data.draw(st.none() | st.integers(1, 20), "buffersize")
    rng = data.draw(st.randoms(use_true_random=False), "rng")
    # A single item may have lost its worker once by chance, and must still have a try.
    storms = data.draw(st.integers(0, 6), "storms") if retries else 0
    workers = Adversary(rng, count, items, storms, itemwise)
    blocks = (range(start, min(start + 7, total)) for start in range(0, total, 7))
    sources: list[Callable[[], Source]] = [
        lambda: SequenceSource(range(total)),
        lambda: IteratorSource(iter(range(total))),
        lambda: BlockSource(blocks, None),
        lambda: BlockSource(blocks, lambda: rng.random() < 0.5),
    ]
    source = rng.choice(sources)()
    schedule, chunksize = rng.choice(
        [("guided", None), ("static", None), ("dynamic", 1), ("dynamic", 7), ("dynamic", 100)]
    )
    now = iter(range(10**9))
    dispatcher = Dispatcher(
        Cutter(source, count, schedule, chunksize, 1), workers, lambda: (count, None), lambda: next(now) * 1e-4,
        policy=Policy(retries, itemwise), ordered=ordered, buffersize=buffersize, collect=collect,
    )  # fmt: skip
    values: dict[int, object] = {}
    workers.room = buffersize
    ending: Exception | None = None
    try:
        for completion in dispatcher.run():
            for index in range(completion.chunk.start, completion.chunk.start + len(completion.chunk.payload)):
                assert index not in values, f"item {index} twice"
                assert not ordered or index == len(values), f"item {index} out of order"
                values[index] = index if completion.error is None else type(completion.error)
            workers.room = None if buffersize is None else len(values) + buffersize
    except (fp.FactorpoolError, LookupError) as error:
        ending = error
    assert workers.closed == 1
    wrong = {
        index: {error for name, error in ERRORS.items() if index in items[name]}
        for index in set().union(*items.values())
    }
    wrong = {index: errors for index, errors in wrong.items() if index < total}
    if collect or not wrong:
        assert ending is None
        assert values.keys() == set(range(total))
    else:
        assert type(ending) in set().union(*wrong.values())
        assert not wrong.keys() & values.keys()
    for index, value in values.items():
        assert value in wrong[index] if index in wrong else value == index, f"item {index} is {value}"


class Forgetful(Adversary):
    """Loses a chunk."""

    def submit(self, chunk: Chunk) -> None:
        super().submit(chunk)
        if chunk.start <= 5 < chunk.start + len(chunk.payload):
            del self.running[chunk.start]


class Inventive(Adversary):
    """Answers for what it was not given."""

    def wait(self, timeout: float | None) -> list[Event]:
        return [Done(77, 1, [77], 0.0)]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Forgetful, "no worker has the 2 items from 4 on"),
        (Inventive, "answered for the chunk from item 77 on, which was not in one"),
    ],
)
def test_what_nobody_runs_is_not_waited_for(kind: type[Adversary], message: str) -> None:
    workers = kind(random.Random(1), 2, {name: set() for name in ERRORS}, 0, itemwise=True)
    cutter = Cutter(SequenceSource(range(20)), 2, "dynamic", 2, 1)
    with pytest.raises(fp.FactorpoolError, match=message):
        list(Dispatcher(cutter, workers, lambda: (2, None), time.perf_counter).run())
    assert workers.closed == 1


class Unstartable(Adversary):
    """Has one worker, which is gone after its second chunk; another cannot be started."""

    submitted = 0

    def submit(self, chunk: Chunk) -> None:
        self.submitted += 1
        if self.submitted > 2:
            raise fp.StartError("no more processes")
        super().submit(chunk)


def test_what_is_done_comes_before_the_error_of_a_start() -> None:
    workers = Unstartable(random.Random(1), 1, {name: set() for name in ERRORS}, 0, itemwise=True)
    cutter = Cutter(SequenceSource(range(9)), 1, "dynamic", 2, 1)
    run = Dispatcher(cutter, workers, lambda: (1, None), time.perf_counter).run()
    assert [list(next(run).chunk.payload) for _ in range(2)] == [[0, 1], [2, 3]]
    with pytest.raises(fp.StartError, match="no more processes"):
        next(run)
    assert workers.closed == 1


class Returning(Adversary):
    """Sends all of a chunk back but its first item."""

    def wait(self, timeout: float | None) -> list[Event]:
        start = min(self.running)
        return self.end(start, Done(start, 1, [start], 1e-3))


def test_what_is_sent_back_goes_out_before_a_result_is_yielded() -> None:
    workers = Returning(random.Random(1), 2, {name: set() for name in ERRORS}, 0, itemwise=True)
    cutter = Cutter(SequenceSource(range(4)), 2, "dynamic", 2, 1)
    run = Dispatcher(cutter, workers, lambda: (2, None), time.perf_counter).run()
    assert list(next(run).chunk.payload) == [0]
    assert sorted(workers.running) == [1, 2]  # nothing is left of the source, but item 1 has come back


def test_the_next_block_is_got_while_workers_are_busy() -> None:
    got = threading.Event()

    def blocks() -> Iterator[list[int]]:
        yield [1]
        got.set()
        yield [2]
        raise LookupError("the third")

    options = Options("threads", 1).resolved()
    run = iter(Run(MapTask(lambda _: got.wait(30), False), BlockSource(blocks(), lambda: True), None, options))
    assert next(run).value == [True]
    assert next(run).value == [True]
    with pytest.raises(LookupError, match="the third"):
        next(run)
