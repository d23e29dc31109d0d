"""`strategy="auto"` on a machine whose time is moved by hand, with items of all costs, and others at work on it."""

from __future__ import annotations

import random
import re
from itertools import islice

import functions
import pytest
from adversary import ERRORS, Adversary
from by_hand import HandMachine, HandRun
from conftest import ends_within
from hypothesis import event, given, settings
from hypothesis import strategies as st
from shapes import QUICK, SHAPES, SLOW, Item, items

from factorpool.pool.auto.probe import Brief
from factorpool.pool.protocol import Piece
from factorpool.pool.source import IteratorSource, SequenceSource, Source
from factorpool.pool.strategies import find
from factorpool.pool.task import MapTask

MANY = 10_000
"""Items of a source that nobody gets to the end of."""


@pytest.mark.filterwarnings("ignore:factorpool goes on in the calling thread")
@settings(max_examples=1000, deadline=None)
@given(
    data=st.data(), shape=st.sampled_from(sorted(SHAPES)), total=st.integers(0, 2) | st.integers(20, 400),
    cpus=st.sampled_from([1, 2, 2, 4]), ordered=st.booleans(), collect=st.booleans(),
    buffersize=st.none() | st.integers(1, 40), stop=st.none() | st.none() | st.integers(0, 400),
)  # fmt: skip
def test_every_run_ends_and_each_item_comes_once(
    data: st.DataObject, shape: str, total: int, cpus: int, ordered: bool, collect: bool, buffersize: int | None,
    stop: int | None,
) -> None:  # fmt: skip
    """With `stop`, the run is left after so many completions."""
    rng = random.Random(data.draw(st.integers(0, 2**32), "seed"))
    waiting, failing = (data.draw(st.sampled_from([0.0, 0.0, 0.2, 1.0]), name) for name in ("waiting", "failing"))
    endless = data.draw(st.booleans(), "endless") and stop is not None
    total = 0 if endless else total
    machine = HandMachine(
        rng, items(shape, rng, waiting, 0.0 if endless else failing),
        missing=data.draw(st.sampled_from([(), (), (), ("threads",), ("processes",)]), "missing"),
        start=data.draw(st.sampled_from([0.001, 0.1, 5.0]), "start"), gil=data.draw(st.booleans(), "gil"),
        releases=data.draw(st.booleans(), "releases"), busy=data.draw(st.sampled_from([0.0, 0.3, 5.0]), "busy"),
    )  # fmt: skip
    bad = {name: {n for n in range(total) if rng.random() < 0.01} for name in ERRORS}
    bad["raising"] = {n for n in range(total) if machine.item(n).fails}
    source: Source = SequenceSource(range(total))
    if endless or rng.random() < 0.5:
        source = IteratorSource(iter(range(MANY if endless else total)))
    schedule, chunksize = rng.choice([("guided", None), ("guided", None), ("dynamic", 1), ("dynamic", 7)])
    run = HandRun(machine, Adversary(rng, cpus, bad, rng.randint(0, 6), itemwise=True), cpus)
    completions = run.completions(
        source, schedule=schedule, chunksize=chunksize, collect=collect, ordered=ordered, buffersize=buffersize
    )
    came: dict[int, BaseException | None] = {}
    raised = None
    with ends_within(10):
        try:
            for completion in islice(completions, stop):
                for index in range(completion.chunk.start, completion.chunk.start + len(completion.chunk.payload)):
                    assert index not in came, f"item {index} twice"
                    assert not ordered or index == len(came), f"item {index} out of order"
                    came[index] = completion.error
        except tuple(ERRORS.values()) as error:
            raised = error
        completions.close()
    ran, delivered = machine.ran, run.processes.delivered
    assert set(ran.values()) <= {1}, "an item was run twice"
    assert not delivered & ran.keys(), "an item was run here and elsewhere"
    assert [choice.strategy.name for choice in run.chosen[1:]] in ([], ["serial"])  # what cannot be sent runs here
    event(re.sub(r"[\d.]+ (s|ms|us|CPUs)", "...", run.chosen[0].reason) if run.chosen else "nothing was chosen")
    if raised is not None:
        assert not collect
    elif stop is not None:
        assert stop == 0 or len(came) >= stop or not endless
    else:
        assert came.keys() == set(range(total))
    for index, error in came.items():
        wrong = tuple(kind for name, kind in ERRORS.items() if index in bad[name])
        assert isinstance(error, wrong) if error is not None else index in ran or index in delivered


def hand_run(costs: list[float], failing: int | None = None, missing: tuple[str, ...] = ()) -> HandRun:
    """A run with two CPUs and a GIL over items that cost so much, of which one may fail."""
    every = (Item(index, seconds, waits=False, fails=index == failing) for index, seconds in enumerate(costs))
    machine = HandMachine(random.Random(1), every, missing=missing, start=0.05, gil=True, releases=False, busy=0.0)
    return HandRun(machine, Adversary(random.Random(1), 2, {name: set() for name in ERRORS}, 0, itemwise=True), 2)


@pytest.mark.parametrize("quick", [1, 30])
def test_what_the_probe_has_not_begun_is_shared_among_those_that_were_chosen(quick: int) -> None:
    total = quick + 200
    run = hand_run([QUICK] * quick + [SLOW] * 200)
    assert sum(len(completion.chunk.payload) for completion in run.completions(SequenceSource(range(total)))) == total
    assert [choice.strategy.name for choice in run.chosen] == ["processes"], run.chosen
    slow_ones_here = sum(1 for index in run.machine.ran if index >= quick)
    assert slow_ones_here <= 3 * 5  # one part of this thread and one of each of the two: about 20 ms of items each
    assert max(run.processes.sizes) <= 200 / 8


def test_items_that_never_end_hold_up_no_others() -> None:
    """Both threads of the probe are at one; what else there is goes to processes meanwhile."""
    costs = [SLOW] * 100
    costs[1] = costs[2] = 1e9
    run = hand_run(costs)
    completions = run.completions(SequenceSource(range(100)), ordered=False)
    came: set[int] = set()
    with ends_within(10):
        while len(came) < 98:
            came.update(next(completions).chunk.payload)
            assert run.machine.now < 1
    completions.close()
    assert came == {*range(100)} - {1, 2}


def test_the_last_chunk_is_shared_by_both_threads_too() -> None:
    """What is left when this thread has seen enough would fit into one chunk, if it were as quick as what was seen."""
    run = hand_run([QUICK] * 260 + [SLOW] * 200)
    assert sum(len(completion.chunk.payload) for completion in run.completions(SequenceSource(range(460)))) == 460
    assert len(run.chosen) == 1


def test_an_error_waits_for_nothing_that_is_begun_after_it() -> None:
    """The first thread gives back items that never end, for the caller's thread; then the second's item fails."""
    failing = 520
    costs = [QUICK] * 250 + [5 * SLOW] * 2 + [1e9] * 240 + [QUICK] * 28 + [8 * SLOW]
    run = hand_run(costs + [QUICK] * 1000, failing, missing=("processes",))
    came: list[int] = []
    completions = run.completions(SequenceSource(range(len(costs) + 1000)), collect=False)
    with ends_within(10), pytest.raises(LookupError, match=str(failing)):
        came.extend(index for completion in completions for index in completion.chunk.payload)
    assert came == list(range(len(came)))
    assert run.machine.now < 1


def test_threads_that_keep_cpus_busy_for_nothing_are_not_taken() -> None:
    """As with SQLite, whose threads fight for a lock: 1.6 CPUs are in use, and an item takes 2.5 times as long."""
    every = (Item(index, SLOW, waits=False, fails=False) for index in range(2000))
    machine = HandMachine(random.Random(1), every, missing=(), start=0.05, gil=True, releases=True, busy=0.0)
    bad: dict[str, set[int]] = {name: set() for name in ERRORS}
    for contention, strategy in ((0.0, "threads"), (1.5, "processes")):
        machine.contention = contention
        run = HandRun(machine, Adversary(random.Random(1), 2, bad, 0, itemwise=True), 2)
        assert sum(1 for _ in run.completions(SequenceSource(range(1000))))
        assert [choice.strategy.name for choice in run.chosen] == [strategy], run.chosen
        machine.ran.clear()


def test_an_item_that_uses_all_cpus_by_itself_stays_here() -> None:
    run = hand_run([SLOW] * 1000)
    run.machine.inner = 2
    assert sum(1 for _ in run.completions(SequenceSource(range(1000))))
    assert run.chosen == [(find("serial"), "an item uses 2.0 CPUs by itself")]


@pytest.mark.parametrize("collect", [False, True])
def test_a_chunk_is_given_back_until_an_error_ends_the_run(collect: bool) -> None:
    """Then what another thread is at may come in the moment that the error waits."""
    brief = Brief(MapTask(functions.slow_fail_at_7, collect), collect)

    def run(*items: int) -> list[Piece]:
        return list(brief.pieces(items, items[0], bytearray(1), 0.0))

    run(0)
    assert [piece.items for piece in run(1, 2, 3)] == [1]
    assert isinstance(run(7)[0].error, LookupError)
    assert [piece.items for piece in run(4, 5, 6)] == ([1] if collect else [1, 1, 1])
