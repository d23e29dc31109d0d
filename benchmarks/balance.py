"""How evenly the schedules fill the workers: two real ones, and up to 10 000 simulated.

    python benchmarks/balance.py

Makespans are in times the list-scheduling bound: what items in their order, each to whoever is free first, would take
without any overhead.  Simulated runs are shown without overheads, and with those that processes have here.
"""

from __future__ import annotations

import random
import statistics
import time
from typing import Any

from common import save

import factorpool as fp
from factorpool.bench.predict import list_schedule, predict
from factorpool.pool.schedule import SCHEDULES
from factorpool.pool.strategies.simulated import Overheads

ROUNDS = 5
TARGET = 1.05
SIMULATED = (2, 8, 64, 1024, 10_000)
PROCESSES = Overheads(start=0.002, ready=0.03, chunk=40e-6, travel=60e-6)
"""What `factorpool bench --predict` measures for processes on this machine, rounded."""


def spin(seconds: float) -> None:
    """Uses a CPU for so long."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def one_heavy(unit: float, at: int) -> list[float]:
    """The article's 300 numbers, at `unit` seconds each, one of which costs a thousand times as much."""
    costs = [unit] * 300
    costs[at] *= 1000
    return costs


def heavy_tail(unit: float, exponent: float) -> list[float]:
    """100 000 items by Pareto's law, from `unit` seconds."""
    rng = random.Random(2012)
    return [unit * rng.paretovariate(exponent) for _ in range(100_000)]


REAL = {
    "300, the first heavy": one_heavy(0.002, 0),
    "300, the middle heavy": one_heavy(0.002, 150),
    "300, the last heavy": one_heavy(0.002, 299),
    "10^5, heavy tail": heavy_tail(30e-6, 1.3),
}
VIRTUAL = {
    **{name: [cost * 3.5 for cost in costs] for name, costs in REAL.items() if name.startswith("300")},
    "10^5, heavy tail, 1 ms": heavy_tail(1e-3, 1.3),
    "10^5, heavy tail, 10 ms": heavy_tail(10e-3, 1.3),
    "10^5, heavier tail, 10 ms": heavy_tail(10e-3, 1.1),
}


def real() -> list[dict[str, Any]]:
    """Two worker processes, start-up included."""
    rows = []
    list(fp.pmap(spin, [0.0], strategy="processes"))  # the fork server, which a program starts once
    for name, costs in REAL.items():
        ratios: dict[str, list[float]] = {schedule: [] for schedule in SCHEDULES}
        for _ in range(ROUNDS):
            taken = []
            for cost in costs:
                began = time.perf_counter()
                spin(cost)
                taken.append(time.perf_counter() - began)
            bound = list_schedule(taken, 2)
            for schedule in SCHEDULES:
                began = time.perf_counter()
                for _ in fp.pmap(spin, costs, strategy="processes", max_workers=2, schedule=schedule):
                    pass
                ratios[schedule].append((time.perf_counter() - began) / bound)
        medians = {schedule: statistics.median(times) for schedule, times in ratios.items()}
        rows.append({"items": name, "workers": 2, "kind": "real", "bound_s": bound, "target": TARGET, **medians})
        print(show(rows[-1]), flush=True)
    return rows


def simulated() -> list[dict[str, Any]]:
    """The same dispatcher on virtual time."""
    rows = []
    for kind, overheads in (("simulated", Overheads()), ("simulated with overheads", PROCESSES)):
        for name, costs in VIRTUAL.items():
            for workers in SIMULATED:
                bound = list_schedule(costs, workers)
                ratios = {s: predict(costs, workers, overheads, s).seconds / bound for s in SCHEDULES}
                row = {"items": name, "workers": workers, "kind": kind, "bound_s": bound, "target": TARGET, **ratios}
                rows.append(row)
                print(show(row), flush=True)
    return rows


def show(row: dict[str, Any]) -> str:
    """A line for a row."""
    ratios = ", ".join(f"{schedule} {row[schedule]:.3f}" for schedule in SCHEDULES)
    missed = "" if row["guided"] <= TARGET else "  <- guided above the target"
    return f"{row['kind']}, {row['items']}, {row['workers']} workers, bound {row['bound_s']:.4g} s: {ratios}{missed}"


if __name__ == "__main__":
    save("balance", [*real(), *simulated()])
