"""What a call costs that is not the first: `pmap` beside joblib and a ProcessPoolExecutor that is kept.

    pip install joblib numpy sympy pandas
    python benchmarks/calls.py

Each sample is a fresh program whose main module imports NumPy, SymPy and pandas, and calls one contestant CALLS times
for ITEMS items of a millisecond on two processes; the contestants take turns.  Then SUBMITS calls of a function that
does nothing, submitted one by one to an executor on two workers.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from common import save

ROUNDS = 7
CALLS = 8
ITEMS = 100
SUBMITS = 10_000

PROGRAM = """
import time
import numpy, pandas, sympy
{imports}
def work(n):
    until = time.perf_counter() + 0.001
    while time.perf_counter() < until: pass
    return n

if __name__ == "__main__":
    import json
    seconds = []
    {before}
    for _ in range({calls}):
        began = time.perf_counter()
        assert {call} == list(range({items}))
        seconds.append(time.perf_counter() - began)
    print(json.dumps(seconds))
"""

CONTESTANTS = {
    "factorpool": (
        "import factorpool as fp", "pass", f"list(fp.pmap(work, range({ITEMS}), strategy='processes', max_workers=2))"
    ),
    "factorpool auto": ("import factorpool as fp", "pass", f"list(fp.pmap(work, range({ITEMS}), max_workers=2))"),
    "joblib": (
        "from joblib import Parallel, delayed",
        "pass",
        f"Parallel(n_jobs=2)(delayed(work)(n) for n in range({ITEMS}))",
    ),
    "ProcessPoolExecutor, kept": (
        "from concurrent.futures import ProcessPoolExecutor",
        "executor = ProcessPoolExecutor(2)",
        f"list(executor.map(work, range({ITEMS})))",
    ),
}  # fmt: skip

SUBMIT = """
import json, time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
import factorpool as fp
def nothing(): pass
if __name__ == "__main__":
    with {executor} as executor:
        executor.submit(nothing).result()
        began = time.perf_counter()
        for future in [executor.submit(nothing) for _ in range({submits})]:
            future.result()
        print(json.dumps([time.perf_counter() - began]))
"""

EXECUTORS = {
    "fp.Pool, processes": "fp.Pool('processes', 2)",
    "ProcessPoolExecutor": "ProcessPoolExecutor(2)",
    "fp.Pool, threads": "fp.Pool('threads', 2)",
    "ThreadPoolExecutor": "ThreadPoolExecutor(2)",
}


def run(program: str) -> list[float]:
    """What a program prints that is run from a file of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "program.py"
        file.write_text(program)
        ran = subprocess.run([sys.executable, file], capture_output=True, text=True, check=True)
    seconds: list[float] = json.loads(ran.stdout)
    return seconds


def main() -> None:
    """Measures, prints and keeps."""
    first: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    later: dict[str, list[float]] = {name: [] for name in CONTESTANTS}
    submits: dict[str, list[float]] = {name: [] for name in EXECUTORS}
    for _ in range(ROUNDS):
        for name, (imports, before, call) in CONTESTANTS.items():
            seconds = run(PROGRAM.format(imports=imports, before=before, call=call, calls=CALLS, items=ITEMS))
            first[name].append(seconds[0])
            later[name].append(statistics.median(seconds[2:]))
        for name, executor in EXECUTORS.items():
            submits[name] += run(SUBMIT.format(executor=executor, submits=SUBMITS))
    rows: list[dict[str, object]] = []
    for name in CONTESTANTS:
        row = {"contestant": name, "first_ms": 1e3 * statistics.median(first[name])}
        row["later_ms"] = 1e3 * statistics.median(later[name])
        rows.append(row)
        print(f"{name:28} first call {row['first_ms']:7.1f} ms, later ones {row['later_ms']:6.1f} ms")
    for name in EXECUTORS:
        each = 1e6 * statistics.median(submits[name]) / SUBMITS
        rows.append({"contestant": name, "submit_us": each})
        print(f"{name:28} {each:7.1f} us for each of {SUBMITS} calls submitted")

    def of(times: dict[str, list[float]], ours: str, theirs: str) -> float:
        return statistics.median(a / b for a, b in zip(times[ours], times[theirs], strict=True))

    ratios = {
        "later call, of joblib's": of(later, "factorpool", "joblib"),
        "later call, of the kept executor's": of(later, "factorpool", "ProcessPoolExecutor, kept"),
        "first call, of joblib's": of(first, "factorpool", "joblib"),
        "submit to processes, of the standard library's": of(submits, "fp.Pool, processes", "ProcessPoolExecutor"),
        "submit to threads, of the standard library's": of(submits, "fp.Pool, threads", "ThreadPoolExecutor"),
    }
    for what, value in ratios.items():
        print(f"{what}: {value:.2f}")
    save(
        "calls", rows, ratios=ratios, versions={name: version(name) for name in ("joblib", "numpy", "sympy", "pandas")}
    )


if __name__ == "__main__":
    main()
