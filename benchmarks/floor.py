"""The floor of every row of kernel.py's table: multiplications counted in the code, times what one takes here.

    python benchmarks/floor.py

A floor is for every lane at work, with additions, trial division, greatest common divisors and all that is around for
nothing.  It reads what kernel.py measured, on the same machine, and prints how far above it that is, for the isas of
vectors.  What goes to a sieve in part has no row.
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

BITS = (48, 59, 64, 96, 128)
"""Multiplications are counted by the size of the modulus: up to so many bits."""

IFMA50, IFMA100 = ("x86/lanes_ifma50.h",), ("x86/lanes_ifma100.h",)
IFMA128 = ("x86/lanes_ifma_limbs.h", "-DFP_REGISTER=64", "-DFP_LIMBS=3", "-DFP_FIELD_BITS=128", "-DFP_UNITS=2")
TWO, THREE = ("lanes_fma.h", "-DFP_LIMBS=2"), ("lanes_fma.h", "-DFP_LIMBS=3")
WORD, WIDE = ("lanes_word.h", "-DFP_UNITS=6"), ("lanes_wide.h", "-DFP_FIELD_BITS=123")

# The arithmetic of each isa for these sizes: a header, and what is defined for it.
ARITHMETICS: dict[str, tuple[tuple[str, ...], ...]] = {
    "avx512ifma": (IFMA50, IFMA100, IFMA100, IFMA100, IFMA128),
    "avx2": (
        ("lanes_fma48.h",),
        ("x86/lanes_mul64.h", "-DFP_FIELD_BITS=59"),
        ("x86/lanes_mul64.h", "-DFP_FIELD_BITS=64"),
        TWO,
        THREE,
    ),
    "generic": (WORD, WORD, WORD, WIDE, WIDE),
}
FLAGS = {
    "avx512ifma": ["-mavx512f", "-mavx512dq", "-mavx512cd", "-mavx512ifma", "-mavx2", "-mfma"],
    "avx2": ["-mavx2", "-mfma"],
    "generic": [],
}


def compile_c(target: Path, *flags: str) -> None:
    """Builds floor.c, or a program of it and of the kernel."""
    subprocess.run(["cc", "-O3", "-fno-trapping-math", "-w", f"-I{NATIVE}", *flags, "-o", str(target)], check=True)


def nanoseconds(folder: Path, isa: str) -> list[float]:
    """What one multiplication takes, for every size."""
    found: dict[tuple[str, ...], float] = {}
    for arithmetic in {*ARITHMETICS[isa]}:
        header, *defined = arithmetic
        program = folder / "time"
        compile_c(program, *FLAGS[isa], "-DTIME", f'-DLANES="{header}"', *defined, SOURCE, "-lm")
        found[arithmetic] = float(subprocess.run([program], check=True, capture_output=True).stdout)
    return [found[arithmetic] for arithmetic in ARITHMETICS[isa]]


def counter(folder: Path) -> Path:
    """The program that counts: the kernel with all generic fields counting, one lane each."""
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
        (row["isa"], row["workload"]): row["factorpool_us"]
        for row in json.loads((RESULTS / "kernel.json").read_text())["rows"]
    }
    kept = []
    with tempfile.TemporaryDirectory() as folder:
        costs = {isa: nanoseconds(Path(folder), isa) for isa in _native.ISAS if isa in ARITHMETICS}  # NEON is not
        for isa, each in costs.items():
            print(f"{isa:11} a multiplication, ns: " + ", ".join(f"{ns:.3f}" for ns in each))
        program = counter(Path(folder))
        for row in rows():
            if isinstance(row.numbers, range) or row.name == "uniform, up to 128 bits":
                continue  # sieved: no multiplications, or not all
            numbers = [int(n) for n in row.numbers]
            width = 2 if max(numbers) >> 64 else 1
            words = array("Q", numbers if width == 1 else [w for n in numbers for w in (n & 2**64 - 1, n >> 64)])
            method = "0" if width == 1 else "3"  # FP_ECM: plain C would sieve the longer ones
            ran = subprocess.run([program, str(width), method], input=words.tobytes(), check=True, capture_output=True)
            counts = [float(count) for count in ran.stdout.split()]
            print(f"{row.name}: " + ", ".join(f"{n:.0f} to {b} bits" for n, b in zip(counts, BITS, strict=True) if n))
            for isa in list(costs)[:-1]:
                floor = sum(n * ns for n, ns in zip(counts, costs[isa], strict=True)) / 1e3
                took = measured[isa, row.name]
                kept.append(
                    {"isa": isa, "workload": row.name, "counts": counts, "floor_us": floor, "measured_us": took}
                )
                print(f"    {isa:11} floor {floor:8.3f} us, measured {took:8.3f}, {took / floor:5.2f} times")
    save("floor", kept, bits=BITS, multiplication_ns=costs)


if __name__ == "__main__":
    main()
