"""The command line beside GNU factor: its start, and 10^7 numbers streamed, with the time and memory that takes.

python benchmarks/command.py
"""

from __future__ import annotations

import contextlib
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


def memory(pid: int) -> int:
    """Bytes of a process and all it has started, as they are now; what they share counts once."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            children.setdefault(int(stat.read_text().rpartition(")")[2].split()[1]), []).append(int(stat.parent.name))
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        todo += children.get(one, [])
        with contextlib.suppress(OSError, StopIteration, ValueError):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total += 1024 * int(next(line for line in lines if line.startswith("Pss:")).split()[1])
    return total


def stream(command: list[str], source: Path, target: Path) -> dict[str, float]:
    """Seconds of a command from file to file, and the most memory that it and its workers had, by looks each 0.1 s."""
    peak = 0
    with source.open("rb") as stdin, target.open("wb") as stdout:
        began = time.perf_counter()
        process = subprocess.Popen(command, stdin=stdin, stdout=stdout)
        while process.poll() is None:
            peak = max(peak, memory(process.pid))
            time.sleep(0.1)
    assert process.returncode == 0, command
    return {"seconds": time.perf_counter() - began, "peak_mb": peak / 1e6}


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
            print(f"{name:32} {COUNT} numbers: {measured['seconds']:6.2f} s, at most {measured['peak_mb']:.1f} MB")
        outputs = [Path(folder) / f"out{turn}" for turn in range(len(streams))]
        for other in outputs[1:]:
            subprocess.run(["cmp", outputs[0], other], check=True)
    save("command", rows)


if __name__ == "__main__":
    main()
