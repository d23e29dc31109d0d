"""Jobs killed at random moments: the output is that of an undisturbed run, and how much is done twice.

    python benchmarks/kill_job.py 200      # kills: about six minutes

`factorpool factor -i FILE -o FILE` on 10^6 uniform 64-bit integers, with comments and words between them; SIGKILL after
a random part of the time that it takes undisturbed, then the same command, until it is done; again and again until
there were so many kills.  The cost of the journal is the median of five undisturbed runs with a mark every second
against as many without any.
"""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import save

from factorpool.jobs.journal import read_journal

COUNT = 1_000_000
NO_MARKS = "from factorpool.jobs import journal; from factorpool.cli import main; journal.MARK_SECONDS = 1e9; main()"


def start(directory: Path, *, marks: bool = True) -> subprocess.Popen[bytes]:
    """The command."""
    program = ["-m", "factorpool"] if marks else ["-c", NO_MARKS]
    return subprocess.Popen(
        [sys.executable, *program, "factor", "-i", "numbers", "-o", "factors"],
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def run(directory: Path, *, marks: bool = True) -> tuple[float, bytes]:
    """Seconds of an undisturbed run, and its output."""
    began = time.perf_counter()
    start(directory, marks=marks).wait()
    seconds = time.perf_counter() - began
    output = directory / "factors"
    data = output.read_bytes()
    output.unlink()
    return seconds, data


def main() -> None:
    """Measures, prints, saves."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with (directory / "numbers").open("w") as file:
            for at in range(COUNT):
                file.write(f"{rng.getrandbits(64) | 1}\n" if at % 5000 else "# a comment\nword\n")
        with_marks, without = [], []
        for _ in range(5):
            with_marks.append(run(directory)[0])
            without.append(run(directory, marks=False)[0])
        undisturbed, expected = statistics.median(with_marks), run(directory)[1]
        cost = statistics.median(a / b for a, b in zip(with_marks, without, strict=True)) - 1
        print(f"undisturbed {undisturbed:.2f} s; the journal costs {cost:.1%}", flush=True)
        kills = outputs = 0
        lost: list[float] = []
        while kills < wanted:
            job = start(directory)
            time.sleep(rng.uniform(0.3, undisturbed))
            if job.poll() is None:
                job.kill()
                kills += 1
                job.wait()
                known = read_journal(str(directory / "factors.job"))
                part = directory / "factors.part"
                if known is not None and part.exists():
                    beyond = part.stat().st_size - known["mark"]["size"]
                    lost.append(beyond / len(expected) * undisturbed)
            if (output := directory / "factors").exists():
                assert output.read_bytes() == expected
                output.unlink()
                outputs += 1
        assert run(directory)[1] == expected
        outputs += 1
    row = {"kills": kills, "outputs": outputs, "undisturbed": undisturbed, "cost": cost, "lost_seconds": max(lost)}
    print(f"{kills} kills, {outputs} outputs as undisturbed; at most {max(lost):.2f} s of work written and done again")
    save("kill_job", [row], numbers=COUNT)


if __name__ == "__main__":
    main()
