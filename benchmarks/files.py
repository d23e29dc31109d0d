"""Files to files: what reading and writing cost beside the factoring, against other ways to do the same.

    pip install "factorpool[columns]" polars
    python benchmarks/files.py 64 100000000 txt parquet arrow     # twenty minutes on two CPUs, and 15 GB of disk

Uniform integers of 64 or 32 bits, from text to text, CSV to CSV, Parquet to Parquet and Arrow to Arrow, by `factorpool
factor`; beside it the kernel alone, `factor_many` of the same numbers in memory, ten million at a time; and, on
a hundredth of the numbers (at most 10^6 of 32 bits, 10^5 of 64), GNU `factor`, and a Polars column by python-flint in a
process pool.  Wall seconds, CPU seconds and the most memory of each; one run of each size, for a run takes minutes.  Of
`factorpool` also the nanoseconds of CPU for each number in the thread that all workers get their work from, without the
time in which the program starts: what more workers cannot make shorter.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from common import save

import factorpool as fp

PIECE = 10_000_000
FORMATS = ("txt", "csv", "parquet", "arrow")

COMMAND = """
import atexit, sys, time
from factorpool.cli import factor, main
saved, began = sys.argv.pop(1), time.thread_time()
atexit.register(lambda: open(saved, "w").write(repr(time.thread_time() - began)))
main()
"""
"""The command line, which saves what of its CPU time its own thread has taken."""


def numbers(bits: int, count: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Uniform integers from 1 up."""
    high = (1 << bits) - 1
    return np.random.default_rng(bits).integers(1, high, size=count, dtype=np.uint64, endpoint=True)


def write(directory: Path, bits: int, count: int) -> None:
    """The inputs."""
    values = numbers(bits, count)
    for form in ("txt", "csv"):  # the first is read by all
        with (directory / f"numbers.{form}").open("w") as file:
            file.write("n\n" if form == "csv" else "")
            for start in range(0, count, 1_000_000):
                file.write("\n".join(map(str, values[start : start + 1_000_000].tolist())) + "\n")
    table = pa.table({"n": values})
    pq.write_table(table, directory / "numbers.parquet")
    with pa.ipc.new_file(directory / "numbers.arrow", table.schema) as file:
        file.write_table(table, max_chunksize=1 << 20)


def measure(name: str, command: list[str], stdin: Path | None = None) -> dict[str, Any]:
    """Runs a command, and what it took."""
    # From a small process: what a large one starts is counted to have had as much memory as that.
    small = "import json, resource, subprocess, sys, time; began = time.perf_counter(); "
    small += "code = subprocess.call(sys.argv[1:], stdout=subprocess.DEVNULL); seconds = time.perf_counter() - began; "
    small += "used = resource.getrusage(resource.RUSAGE_CHILDREN); "
    small += "print(json.dumps([code, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))"
    with open(stdin or os.devnull, "rb") as source:
        printed = subprocess.run(
            [sys.executable, "-c", small, *command], stdin=source, stdout=subprocess.PIPE, check=True
        )
    code, seconds, cpu, megabytes = json.loads(printed.stdout)
    assert code == 0, name
    print(f"{name}: {seconds:.1f} s, {cpu:.1f} s of CPU, {megabytes:.0f} MB", flush=True)
    return {"name": name, "seconds": seconds, "cpu": cpu, "megabytes": megabytes}


def flint_factors(values: list[int]) -> list[Any]:
    """What a user's function does."""
    from flint import fmpz

    return [fmpz(n).factor() for n in values]


def by_polars(path: Path, count: int) -> None:
    """A column of a Parquet file, in a process pool, by python-flint, and back."""
    values = pl.read_parquet(path)["n"].head(count)
    pieces = [values[start : start + 2000].to_list() for start in range(0, len(values), 2000)]
    with multiprocessing.Pool() as pool:
        found = [factors for piece in pool.imap(flint_factors, pieces) for factors in piece]
    lists = pl.Series("factors", [[{"prime": int(p), "exponent": e} for p, e in each] for each in found])
    pl.DataFrame([values, lists]).write_parquet(path.with_name("polars.parquet"))


def main() -> None:
    """Measures, prints, saves."""
    if sys.argv[1:2] == ["polars"]:
        by_polars(Path(sys.argv[2]), int(sys.argv[3]))
        return
    bits, count = (int(word) for word in sys.argv[1:3])
    formats = sys.argv[3:] or FORMATS
    rows = []
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        write(directory, bits, count)
        seconds = cpu = 0.0
        values = numbers(bits, count)
        for start in range(0, count, PIECE):
            began, before = time.perf_counter(), time.process_time()
            fp.factor_many(values[start : start + PIECE], strategy="threads")
            seconds, cpu = seconds + time.perf_counter() - began, cpu + time.process_time() - before
        del values
        kernel = seconds
        rows.append({"bits": bits, "numbers": count, "name": "factor_many", "seconds": seconds, "cpu": cpu})
        print(f"{bits} bits, {count} numbers: factor_many {seconds:.1f} s, {cpu:.1f} s of CPU", flush=True)
        for form in formats:
            given, output = directory / f"numbers.{form}", directory / f"factors.{form}"
            saved = directory / "caller"
            arguments = ["factor", "-s", "threads", "-i", str(given), "-o", str(output)]
            arguments += ["--column", "n"] if form == "csv" else []
            row = measure(f"{bits} bits, {form} to {form}", [sys.executable, "-c", COMMAND, str(saved), *arguments])
            row["caller_ns"] = float(saved.read_text()) / count * 1e9
            size = (given.stat().st_size + output.stat().st_size) / count
            rows.append({"bits": bits, "numbers": count, **row, "bytes": size, "files": 1 - kernel / row["seconds"]})
            caller = f"{row['caller_ns']:.1f} ns a number in the caller's thread"
            print(f"  {rows[-1]['files']:.0%} of it beside the kernel; {size:.0f} bytes a number; {caller}", flush=True)
            output.unlink()
        few = min(count // 100, 10**6 if bits == 32 else 10**5)
        head = directory / "few.txt"
        with (directory / "numbers.txt").open() as file:
            head.write_text("".join(next(file) for _ in range(few)))
        for row in (
            measure(f"{bits} bits, GNU factor, {few} numbers", ["factor"], head),
            measure(
                f"{bits} bits, Polars and python-flint, {few} numbers",
                [sys.executable, __file__, "polars", str(directory / "numbers.parquet"), str(few)],
            ),
        ):
            rows.append({"bits": bits, "numbers": few, **row})
    save(f"files-{bits}", rows, numbers=count)


if __name__ == "__main__":
    main()
