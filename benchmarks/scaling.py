"""Two workers against one on 10^6 uniform 64-bit integers, by threads and by processes.

    python benchmarks/scaling.py

A sample is a fresh Python process that factors the numbers four times with one worker and four times with two, in turn.
`first` are the first runs, with everything that has to start (for processes: the fork server too); `later` are the
others, in which each run still starts and ends its workers.  Before and after the samples the second core is tested
with two independent serial processes: what those gain is what the machine could give.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from typing import Any

from common import ratio, save

SAMPLES = 5
COUNT = 1_000_000

SAMPLE = f"""
import json, sys, time
import numpy as np
import factorpool as fp
from factorpool.bench.workloads import load
if __name__ == "__main__":
    numbers = np.array(load("uniform64:{COUNT}").numbers, dtype=np.uint64)
    seconds = {{1: [], 2: []}}
    for turn in range(4):
        for workers in (1, 2) if int(sys.argv[2]) else (2, 1):
            began = time.perf_counter()
            fp.factor_many(numbers, strategy=sys.argv[1], max_workers=workers)
            seconds[workers].append(time.perf_counter() - began)
    print(json.dumps(seconds))
"""


def second_core() -> float:
    """Two serial runs at once against one: 2 where the second core is free."""
    code = "import sys; sys.argv = ['', 'serial', '1']\n" + SAMPLE.replace("range(4)", "range(3)")
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    one = time.perf_counter() - began
    began = time.perf_counter()
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL) for _ in range(2)]
    for process in both:
        process.wait()
    return 2 * one / (time.perf_counter() - began)


def main() -> None:
    """Measures, prints, saves."""
    rows: list[dict[str, Any]] = []
    free = [second_core()]
    seconds: dict[str, list[dict[str, list[float]]]] = {"threads": [], "processes": []}
    for turn in range(SAMPLES):
        for strategy, samples in seconds.items():
            # The first run in a process pays for the start: turn and turn about, it is that of one worker or of two.
            for first in ("1", "0"):
                ran = subprocess.run(
                    [sys.executable, "-c", SAMPLE, strategy, first], check=True, capture_output=True, text=True
                )
                samples.append({"first": first, **json.loads(ran.stdout)})
        print(f"sample {turn + 1} of {SAMPLES}", end="\r", flush=True)
    free.append(second_core())
    print(f"two independent processes on this machine: {free[0]:.2f}, {free[1]:.2f} times one")
    for strategy, samples in seconds.items():
        one_first = [s["1"][0] for s in samples if s["first"] == "1"]
        two_first = [s["2"][0] for s in samples if s["first"] == "0"]
        later_one = [t for s in samples for t in s["1"][1:]]
        later_two = [t for s in samples for t in s["2"][1:]]
        row = {
            "strategy": strategy,
            "first": ratio(one_first, two_first),
            "later": ratio(later_one, later_two),
            "one_worker_s": statistics.median(later_one),
            "two_workers_s": statistics.median(later_two),
            "one_worker_first_s": statistics.median(one_first),
            "two_workers_first_s": statistics.median(two_first),
            "second_core": free,
            "target": 1.95,
        }
        rows.append(row)
        print(
            f"{strategy:10} first {row['first']:.2f} times ({row['one_worker_first_s']:.3f} s, "
            f"{row['two_workers_first_s']:.3f} s), later {row['later']:.2f} times ({row['one_worker_s']:.3f} s, "
            f"{row['two_workers_s']:.3f} s); target 1.95"
        )
    save("scaling", rows)


if __name__ == "__main__":
    main()
