"""A sieve with a checkpoint, killed over and over: the same command has to come to the same factors.

    python benchmarks/kill_sieve.py     # twenty kills: about three minutes

Each run of `factorpool factor --checkpoint DIR N` gets SIGKILL, which nothing can handle, at a random moment: in its
start, while it looks for small factors, while it sieves or while it writes.  An undisturbed run is measured first.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import save

KILLS = 20
P, Q = 2**126 - 137, 2**127 - 1
NUMBER = P * Q
"""253 bits: some 20 s on two CPUs with AVX-512 IFMA, a minute on older ones."""


def run(directory: str, seconds: float | None) -> tuple[str, float]:
    """What the command prints, unless it is killed after so many seconds; and how long it took."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "factorpool", "factor", "--checkpoint", directory, str(NUMBER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        try:
            output, _ = program.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            program.kill()
            output, _ = program.communicate()
    return output, time.perf_counter() - began


def main() -> None:
    """Runs, kills, compares, saves."""
    expected = f"{NUMBER}: {P} {Q}\n"
    with tempfile.TemporaryDirectory() as directory:
        output, undisturbed = run(directory, None)
    assert output == expected, output
    print(f"undisturbed: {undisturbed:.1f} s", flush=True)
    rng = random.Random(1)
    rounds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as directory:
        while len(rounds) < KILLS:
            output, seconds = run(directory, rng.uniform(0.2, 0.2 + undisturbed / 8))
            assert output in ("", expected), output
            size = sum(file.stat().st_size for file in Path(directory).iterdir())
            rounds.append({"seconds": seconds, "bytes": size})
            print(f"killed after {seconds:.1f} s: {size:,} bytes are kept", flush=True)
            if output:
                break
        last, seconds = run(directory, None)
    assert last == expected, last
    print(f"after {len(rounds)} kills the same factors, in {seconds:.1f} s more")
    save("kill_sieve", rounds, undisturbed=undisturbed, last=seconds)


if __name__ == "__main__":
    main()
