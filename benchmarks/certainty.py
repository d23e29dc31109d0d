"""How often a comparison is sure and wrong, and how often it finds a difference that is there.

    python benchmarks/certainty.py [COMPARISONS]

Work of which the truth is known: the same strategy under two names, whose second name does so many percent more of the
same loop.  Each comparison is a real measurement of SECONDS; the machine's noise is that of the machine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from common import save

from factorpool.bench.measure import Rounds
from factorpool.bench.recommend import against
from factorpool.bench.result import Case, Noise, Result

PERCENT = (0, 2, 5, 10, 20)
COMPARISONS = 200
SECONDS = 1.0
LOOPS = 40_000  # about 2 ms


class Spin:
    """A loop; the case called `more` runs it some percent longer."""

    count = 1

    def __init__(self, percent: int) -> None:
        self._loops = {"serial": LOOPS, "more": LOOPS + LOOPS * percent // 100}

    def run(self, case: Case, closing: Callable[[Callable[[], object]], object]) -> int:
        """Spins."""
        total = 0
        for n in range(self._loops[case.strategy]):
            total += n & 3
        return 0

    def difference(self, reference: Any, result: Any) -> str | None:
        """There is none."""
        return None

    def problems(self, result: Any) -> list[str]:
        """None."""
        return []


def compared(percent: int, seed: int) -> tuple[bool, bool]:
    """Whether a comparison is sure that the longer loop is slower, and whether it is sure of the contrary."""
    cases = [Case("", "serial", 1), Case("", "more", 1)]
    result = Result("spin", "spin", 1, "guided", {}, {}, cases, Noise(), seed=seed)
    for _ in Rounds(Spin(percent), cases, result.noise, seconds=SECONDS, seed=seed):
        pass
    short, long = cases
    return against(result, long, short).sure, against(result, short, long).sure


def main() -> None:
    """Compares, prints, saves."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else COMPARISONS
    rows = []
    for percent in PERCENT:
        began = time.perf_counter()
        found = [compared(percent, seed) for seed in range(count)]
        right, wrong = (sum(each) / count for each in zip(*found, strict=True))
        if percent == 0:
            right, wrong = 0.0, right + wrong
        rows.append(
            {"percent": percent, "comparisons": count, "seconds": SECONDS, "sure": right, "sure_and_wrong": wrong}
        )
        print(
            f"{percent} % more work: sure in {right:.1%}, sure and wrong in {wrong:.1%} of {count} comparisons of "
            f"{SECONDS} s ({time.perf_counter() - began:.0f} s)",
            flush=True,
        )
    save("certainty", rows)


if __name__ == "__main__":
    main()
