"""Schedules: how items are cut into chunks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factorpool.pool.dispatcher import Cutter
from factorpool.pool.schedule import CHUNK_SECONDS, TAIL_SECONDS, Measured, even, guided, static
from factorpool.pool.source import SequenceSource


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
    assert size <= max(1, max(20 * overhead, CHUNK_SECONDS) / cost)
    assert size <= 4 * last


def test_no_guided_chunk_is_shorter_than_its_task_says() -> None:
    measured = Measured(1000, 1e-6, 0.0)
    assert guided(10_000, 2, 1, measured) == 1250
    for known in (None, measured):
        for remaining in (100, 10_000):
            assert guided(remaining, 2, 1, known, least_chunk=3000) == 3000
    assert guided(None, 2, 1, None, least_chunk=3000) == 3000
    assert guided(None, 2, 1, measured._replace(size=10_000), least_chunk=3000) == 20_000


@given(st.integers(1, 10**7), st.integers(1, 50), st.integers(1, 10**6))
def test_a_task_with_long_chunks_keeps_workers_even(total: int, workers: int, least: int) -> None:
    size = even(total, workers, least)
    each = -(-total // size) / workers  # chunks of a worker
    assert size == static(total, workers) or 2 * least / 3 <= size <= 3 * least / 2 + 1
    assert (each - 1) * size * workers < total <= math.ceil(each) * size * workers


def test_items_are_cut_one_by_one_where_a_task_wants_no_more() -> None:
    for total in range(2, 12):
        cutter = Cutter(SequenceSource(range(total)), 2, "guided", None, 1)
        assert len(cutter.cut(None).payload) == 1  # type: ignore[union-attr]


@pytest.mark.parametrize("schedule", ["dynamic", "guided"])
def test_long_chunks_of_a_task_are_cut_evenly(schedule: str) -> None:
    cutter = Cutter(SequenceSource(range(1000)), 2, schedule, None, 480, least_chunk=480)
    assert [len(cutter.cut(None).payload) for _ in range(2)] == [500, 500]  # type: ignore[union-attr]
    assert cutter.cut(None) is None
    few = Cutter(SequenceSource(range(300)), 2, schedule, None, 480, least_chunk=480)
    assert len(few.cut(None).payload) == 150  # type: ignore[union-attr]
    asked_for = Cutter(SequenceSource(range(1000)), 2, schedule, 30, 480, least_chunk=480)
    assert len(asked_for.cut(None).payload) == 30  # type: ignore[union-attr]


@pytest.mark.parametrize("schedule", ["static", "dynamic", "guided"])
@given(total=st.integers(0, 5000), workers=st.integers(1, 20), room=st.none() | st.integers(1, 50))
def test_chunks_cover_everything_once(schedule: str, total: int, workers: int, room: int | None) -> None:
    cutter = Cutter(SequenceSource(range(total)), workers, schedule, None, 3)
    items: list[int] = []
    while (chunk := cutter.cut(room)) is not None:
        assert chunk.start == len(items)
        items.extend(chunk.payload)
    assert items == list(range(total))
