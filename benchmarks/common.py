"""What the benchmarks share: fair timing, and one JSON file each under `benchmarks/results/`."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from factorpool.bench.machine import describe

RESULTS = Path(__file__).parent / "results"


def interleaved(contestants: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Seconds of every contestant in every round; a busy moment of the machine touches all of them."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, run in contestants.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    return seconds


def ratio(slow: list[float], fast: list[float]) -> float:
    """Median over the rounds of how many times faster the second is."""
    return statistics.median(a / b for a, b in zip(slow, fast, strict=True))


def save(name: str, rows: list[dict[str, Any]], **more: Any) -> None:
    """Keeps the rows, and whatever else there is, with what they were measured on."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.json"
    file.write_text(json.dumps({"benchmark": name, "machine": describe(), "rows": rows, **more}, indent=1) + "\n")
    print(f"saved {file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file}")
