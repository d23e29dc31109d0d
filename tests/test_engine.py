"""The engine's pure parts: schedules, sources, the choice of a strategy, the CPUs that may be used."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factorpool.bench.predict import list_schedule, predict
from factorpool.errors import OptionError
from factorpool.factoring.block import Block
from factorpool.factoring.tasks import FactorTask
from factorpool.pool import starts
from factorpool.pool.auto import rules as choosing
from factorpool.pool.auto.machine import Machine
from factorpool.pool.auto.rules import Measures
from factorpool.pool.cpus import usable_cpus
from factorpool.pool.dispatcher import Cutter
from factorpool.pool.protocol import Task
from factorpool.pool.schedule import LEAST_SECONDS, TAIL_SECONDS, Measured, guided, static
from factorpool.pool.source import BlockSource, IteratorSource, SequenceSource
from factorpool.pool.strategies import find
from factorpool.pool.strategies.simulated import Overheads
from factorpool.pool.task import MapTask


@given(st.integers(0, 10**6), st.integers(1, 1000))
def test_static_gives_every_worker_one_chunk(total: int, workers: int) -> None:
    size = static(total, workers)
    assert size * workers >= total
    assert (size - 1) * workers < max(total, 1)


@given(st.integers(1, 10**9), st.integers(2, 10**4), st.floats(1e-9, 1e3), st.floats(0, 10), st.integers(1, 10**6))
def test_guided_leaves_work_for_all_at_the_end(
    remaining: int, workers: int, cost: float, overhead: float, last: int
) -> None:
    size = guided(remaining, workers, 1, Measured(last, cost, overhead))
    assert 1 <= size <= max(1, remaining // (4 * workers), TAIL_SECONDS / cost)
    assert size <= max(1, max(20 * overhead, LEAST_SECONDS) / cost)
    assert size <= 4 * last


@pytest.mark.parametrize("schedule", ["static", "dynamic", "guided"])
@given(total=st.integers(0, 5000), workers=st.integers(1, 20), room=st.none() | st.integers(1, 50))
def test_chunks_cover_everything_once(schedule: str, total: int, workers: int, room: int | None) -> None:
    cutter = Cutter(SequenceSource(range(total)), workers, schedule, None, 3)
    items: list[int] = []
    while (chunk := cutter.cut(room)) is not None:
        assert chunk.start == len(items)
        items.extend(chunk.payload)
    assert items == list(range(total))


def test_iterator_source_gives_items_before_the_error() -> None:
    def items() -> Iterator[int]:
        yield from (1, 2, 3)
        raise KeyError("x")

    source = IteratorSource(items())
    assert source.take(2) == [1, 2]
    assert source.take(2) == [3]
    with pytest.raises(KeyError):
        source.take(2)


def test_block_source_never_crosses_blocks() -> None:
    source = BlockSource(iter([[1, 2, 3], [], [4]]), lambda: False)
    assert [list(source.take(2)) for _ in range(4)] == [[1, 2], [3], [4], []]
    assert not source.ready(1)


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
        (120, 9, "serial"),  # they are done before processes have started
        (120, 900, "processes"),
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


def machine(root: Path, cgroup: str, **limits: str) -> str:
    """A tree of the files that tell of cgroups, as Linux lays them out."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(cgroup)
    for path, content in limits.items():
        file = root / "sys/fs/cgroup" / path.replace("__", "/").replace("_max", ".max").replace("cpu_cfs", "cpu.cfs")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return str(root)


def test_usable_cpus_obey_affinity() -> None:
    everything = os.sched_getaffinity(0)
    assert usable_cpus("/nowhere") == len(everything)
    os.sched_setaffinity(0, {min(everything)})
    try:
        assert usable_cpus("/nowhere") == 1
    finally:
        os.sched_setaffinity(0, everything)


def test_an_environment_variable_overrides_the_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTORPOOL_MAX_WORKERS", "17")
    assert usable_cpus() == 17
    for junk in ("0", "-1", "two", "1.5"):
        monkeypatch.setenv("FACTORPOOL_MAX_WORKERS", junk)
        with pytest.raises(OptionError, match=f"FACTORPOOL_MAX_WORKERS must be a positive integer, not '{junk}'"):
            usable_cpus()


@pytest.mark.parametrize(
    ("cgroup", "limits", "expected"),
    [
        ("0::/a/b\n", {}, 64),
        ("0::/a/b\n", {"a__b__cpu_max": "max 100000\n"}, 64),
        ("0::/a/b\n", {"a__b__cpu_max": "250000 100000\n"}, 3),
        ("0::/a/b\n", {"a__b__cpu_max": "max 100000\n", "a__cpu_max": "150000 100000\n"}, 2),
        ("0::/a/b\n", {"cpu_max": "50000 100000\n"}, 1),
        ("0::/\n", {"cpu_max": "400000 100000\n"}, 4),
        (
            "4:cpu,cpuacct:/x\n",
            {"cpu,cpuacct__x__cpu_cfs_quota_us": "200000", "cpu,cpuacct__x__cpu_cfs_period_us": "100000"},
            2,
        ),
        ("4:cpu,cpuacct:/x\n", {"cpu__x__cpu_cfs_quota_us": "300000", "cpu__x__cpu_cfs_period_us": "100000"}, 3),
        ("1:cpu:/\n", {"cpu__cpu_cfs_quota_us": "-1", "cpu__cpu_cfs_period_us": "100000"}, 64),
        ("2:memory:/m\n", {"memory__m__cpu_max": "100000 100000"}, 64),
    ],
)
def test_usable_cpus_obey_quotas(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cgroup: str, limits: dict[str, str], expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)))
    assert usable_cpus(machine(tmp_path, cgroup, **limits)) == expected


def heavy_tail(count: int, seed: int) -> list[float]:
    rng = random.Random(seed)
    return [1e-3 * rng.paretovariate(1.2) for _ in range(count)]


@pytest.mark.parametrize("workers", [2, 8, 64, 1024, 10_000])
@pytest.mark.parametrize("at", [0, 150, 299])
def test_one_heavy_number_does_not_unbalance_guided(workers: int, at: int) -> None:
    costs = [0.007] * 300
    costs[at] *= 1000
    assert predict(costs, workers, Overheads()).seconds <= 1.05 * list_schedule(costs, workers)


@pytest.mark.parametrize("workers", [2, 8, 64, 1024, 10_000])
def test_a_heavy_tail_does_not_unbalance_guided(workers: int) -> None:
    costs = heavy_tail(100_000, 4)
    assert predict(costs, workers, Overheads()).seconds <= 1.05 * list_schedule(costs, workers)


def test_overheads_make_chunks_longer() -> None:
    """With what a chunk costs the caller and the worker, guided loses little where dynamic loses almost all."""
    costs, overheads = [1e-5] * 100_000, Overheads(chunk=5e-5, travel=2e-4)
    assert predict(costs, 8, overheads).seconds < 1.15 * sum(costs) / 8
    assert predict(costs, 8, overheads, "dynamic").seconds > 10 * sum(costs) / 8


@given(
    costs=st.lists(st.floats(0, 10), min_size=1, max_size=60), workers=st.integers(1, 12),
    schedule=st.sampled_from(["static", "dynamic", "guided"]), overhead=st.floats(0, 0.1),
)  # fmt: skip
def test_no_prediction_beats_what_is_possible(costs: list[float], workers: int, schedule: str, overhead: float) -> None:
    row = predict(costs, workers, Overheads(overhead, overhead, overhead, overhead), schedule)
    assert row.seconds >= 0.999999 * max(sum(costs) / workers, max(costs))
    assert row.seconds <= sum(costs) * 1.000001 + 4.0 * overhead * (len(costs) + workers)
    assert 0 <= row.efficiency <= 1.000001
    assert -0.000001 <= row.tail <= 1


def test_an_iterator_that_is_slow_is_not_drawn_from_for_long() -> None:
    def items() -> Iterator[int]:
        for n in range(100):
            time.sleep(0.004)
            yield n

    source = IteratorSource(items())
    taken = source.take(100)
    assert 1 <= len(taken) < 20
    assert taken == list(range(len(taken)))
