"""The floor of every row of kernel.py's table: multiplications counted in the code, times what one takes here.

    python benchmarks/floor.py

A floor is for the best isa, every lane at work, with additions, trial division, greatest common divisors and all that
is around for nothing.  It reads what kernel.py measured and prints how far above it that is.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from array import array
from pathlib import Path

from common import RESULTS, save
from kernel import rows

from factorpool import _native

NATIVE = Path(__file__).parent.parent / "src/factorpool/native"
SOURCE = str(Path(__file__).parent / "floor.c")

# The arithmetic for moduli below and above 2^50 of each isa, and the flags that compile it as the kernel does.
ARITHMETICS = {
    "avx512ifma": ("x86/lanes_ifma50.h", "x86/lanes_ifma100.h"),
    "avx2": ("x86/lanes_fma48.h", "x86/lanes_mul64.h"),
    "generic": ("lanes_word.h", "lanes_word.h"),
}
FLAGS = {
    "avx512ifma": ["-mavx512f", "-mavx512dq", "-mavx512cd", "-mavx512ifma"],
    "avx2": ["-mavx2", "-mfma"],
    "generic": [],
}


def compile_c(target: Path, *flags: str) -> None:
    """Builds floor.c, or a program of it and of the kernel."""
    subprocess.run(["cc", "-O3", "-w", f"-I{NATIVE}", *flags, "-o", str(target)], check=True)


def nanoseconds(folder: Path, isa: str) -> list[float]:
    """What one multiplication takes, below and above 2^50."""
    found = []
    for header in ARITHMETICS[isa]:
        program = folder / header.replace("/", "_")
        lanes = ["-DFP_UNITS=6"] if isa == "generic" else []
        compile_c(program, *FLAGS[isa], "-DTIME", f'-DLANES="{header}"', *lanes, SOURCE, "-lm")
        found.append(float(subprocess.run([program], check=True, capture_output=True).stdout))
    return found


def counter(folder: Path) -> Path:
    """The program that counts: the kernel with both generic fields counting, one lane each."""
    fields = []
    for name, header, *flags in (
        ("64", "lanes_word.h"),
        ("123", "lanes_wide.h", "-DFP_FIELD_BITS=123"),
        ("128", "lanes_wide.h", "-DFP_FIELD_BITS=128"),
    ):
        fields.append(str(folder / f"{name}.o"))
        defined = [f'-DLANES="{header}"', f"-DFP_FIELD=fp_generic_{name}", "-DFP_UNITS=1", *flags]
        compile_c(Path(fields[-1]), "-c", *defined, SOURCE)
    skipped = {"generic_64.c", "generic_123.c", "generic_128.c"}
    kernel = [
        str(p)
        for p in NATIVE.rglob("*.c")
        if p.name not in skipped and p.parent.name != "python" and not p.name.startswith("t-")
    ]
    compile_c(folder / "count", SOURCE, *kernel, *fields, "-lm")
    return folder / "count"


def main() -> None:
    """Counts, times, prints, saves."""
    measured = {
        row["workload"]: row
        for row in json.loads((RESULTS / "kernel.json").read_text())["rows"][::-1]
        if row["isa"] == _native.ISAS[0]
    }
    kept = []
    with tempfile.TemporaryDirectory() as folder:
        costs = {isa: nanoseconds(Path(folder), isa) for isa in _native.ISAS}
        for isa, (low, high) in costs.items():
            print(f"{isa:11} a multiplication: {low:.3f} ns below 2^50, {high:.3f} ns above")
        program = counter(Path(folder))
        for row in rows():
            if isinstance(row.numbers, range):
                continue  # sieved: no multiplications
            width = 2 if max(row.numbers) >> 64 else 1
            numbers = [int(n) for n in row.numbers]
            words = array("Q", numbers if width == 1 else [w for n in numbers for w in (n & 2**64 - 1, n >> 64)])
            ran = subprocess.run([program, str(width)], input=words.tobytes(), check=True, capture_output=True)
            low, high = map(float, ran.stdout.split())
            floor = (low * costs[_native.ISAS[0]][0] + high * costs[_native.ISAS[0]][1]) / 1e3
            took = measured[row.name]["factorpool_us"]
            kept.append(
                {"workload": row.name, "below_2_50": low, "above": high, "floor_us": floor, "measured_us": took}
            )
            print(
                f"{row.name:34} {low:9.0f} below 2^50, {high:9.0f} above: floor {floor:8.3f} us, "
                f"measured {took:8.3f}, {took / floor:5.2f} times"
            )
    save("floor", kept, multiplication_ns=costs)


if __name__ == "__main__":
    main()
