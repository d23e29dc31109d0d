"""The engine's pure parts: schedules, sources, the choice of a strategy, the CPUs that may be used."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factorpool._cpus import usable_cpus
from factorpool._tasks import FactorTask, MapTask
from factorpool.engine import choose as choosing
from factorpool.engine.dispatch import Cutter
from factorpool.engine.schedule import LEAST_SECONDS, TAIL_SECONDS, Measured, guided, static
from factorpool.engine.source import BlockSource, IteratorSource, SequenceSource


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
    assert not source.ready()


def test_choice_for_numbers() -> None:
    kernel, naive = FactorTask("auto"), FactorTask("naive")
    words = memoryview(b"").cast("Q")
    assert choosing.choose(kernel, words, 10**6, 2).strategy == "threads"
    assert choosing.choose(kernel, words, None, 2).strategy == "threads"
    assert choosing.choose(kernel, words, 10, 2).strategy == "serial"
    assert choosing.choose(kernel, words, 10**6, 1).strategy == "serial"
    assert choosing.choose(kernel, [2**70], 1, 8).strategy == "serial"
    assert choosing.choose(kernel, [2**70] * 9, 9, 8).strategy == "serial"
    assert choosing.choose(kernel, [2**70] * 99, 99, 8).strategy == "threads"
    assert choosing.choose(kernel, [2**120] * 9, 9, 8).strategy == "processes"
    assert choosing.choose(kernel, range(10**12, 10**12 + 10**6), 10**6, 8).strategy == "threads"
    assert choosing.choose(kernel, [2**400], 1, 1).strategy == "processes"
    assert choosing.choose(naive, words, 300, 2).strategy == "processes"
    assert choosing.choose(naive, words, 300, 1).strategy == "serial"


def test_choice_for_functions_has_a_reason() -> None:
    task = MapTask(len, False, None, ())
    choice = choosing.choose(task, [], 10, 4)
    assert choice == ("processes", "a Python function holds the GIL")
    assert choosing.choose(task, [], 1, 4).reason == "there is nothing to share"


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
