"""Predictions, by the dispatcher on virtual time."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factorpool.bench.predict import list_schedule, predict
from factorpool.pool.strategies.simulated import Overheads


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
