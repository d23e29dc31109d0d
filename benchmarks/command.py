"""The command line beside GNU factor: its start, and 10^7 numbers streamed, with the time and memory that takes.

python benchmarks/command.py
"""

from __future__ import annotations

import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from common import save

from factorpool.bench.workloads import SEED

STARTS = 21
COUNT = 10_000_000
FACTORPOOL = [str(Path(sys.executable).with_name("factorpool")), "factor"]


def milliseconds(command: list[str]) -> float:
    """The median of how long a command takes, from start to end."""
    times = []
    for _ in range(STARTS):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def stream(command: list[str], source: Path, target: Path) -> dict[str, float]:
    """Seconds and peak memory (of the largest process) of a command from file to file."""
    with source.open("rb") as stdin, target.open("wb") as stdout:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return {"seconds": time.perf_counter() - began, "peak_mb": usage.ru_maxrss / 1000}


def main() -> None:
    """Measures, prints, saves."""
    rows: list[dict[str, Any]] = []
    starts = {"python -c pass": [sys.executable, "-c", "pass"], "factorpool factor 15": [*FACTORPOOL, "15"]}
    if gnu := shutil.which("factor"):
        starts["factor 15"] = [gnu, "15"]
    for name, command in starts.items():
        rows.append({"command": name, "milliseconds": milliseconds(command)})
        print(f"{name:22} {rows[-1]['milliseconds']:6.1f} ms")
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "numbers"
        rng = random.Random(SEED)
        with source.open("w") as file:
            for _ in range(COUNT // 100_000):
                file.write("".join(f"{rng.getrandbits(32)}\n" for _ in range(100_000)))
        streams = {f"factorpool factor -s {s}": [*FACTORPOOL, "-s", s] for s in ("serial", "threads", "processes")}
        if gnu:
            streams["factor"] = [gnu]
        for turn, (name, command) in enumerate(streams.items()):
            measured = stream(command, source, Path(folder) / f"out{turn}")
            rows.append({"command": name, "numbers": COUNT, "what": "uniform 32-bit", **measured})
            print(f"{name:32} {COUNT} numbers: {measured['seconds']:6.2f} s, at most {measured['peak_mb']:.0f} MB")
        outputs = [Path(folder) / f"out{turn}" for turn in range(len(streams))]
        for other in outputs[1:]:
            subprocess.run(["cmp", outputs[0], other], check=True)
    save("command", rows)


if __name__ == "__main__":
    main()
