"""Jobs killed at random moments: the output is that of an undisturbed run, and how much is done twice.

    python benchmarks/kill_job.py 200      # kills of each kind: about a quarter of an hour; needs a C compiler

`factorpool factor -i FILE -o FILE` on 3 10^6 uniform 64-bit integers, half of them with comments and words between;
SIGKILL after a random part of the time that it takes undisturbed, then the same command, until it is done; again and
again until there were so many kills.  Then as many power cuts, at random changes of its files: what was not on disk is
lost, in part or whole (`tests/jobs/power_cut.c`).  The cost of the journal is the share of an undisturbed run that the
marks take in the thread that writes, while the caller and the workers go on; the median of five.
"""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import save

from factorpool.jobs.journal import read_journal

COUNT = 3_000_000
TIMED = """
import time
from factorpool.cli import main
from factorpool.jobs import output
keep, taken = output.WholeFile._keep, []
def timed(*args):
    began = time.perf_counter()
    keep(*args)
    taken.append(time.perf_counter() - began)
output.WholeFile._keep = timed
try:
    main()
finally:
    print(len(taken), sum(taken))
"""
"""The command, which prints how many marks it made, and the seconds that they took."""

POWER_CUT = Path(__file__).parent.parent / "tests" / "jobs" / "power_cut.c"


def start(directory: Path, **env: str) -> subprocess.Popen[bytes]:
    """The command."""
    return subprocess.Popen(
        [sys.executable, "-c", TIMED, "factor", "-i", "numbers", "-o", "factors"],
        cwd=directory,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **env},
    )


def run(directory: Path) -> tuple[float, float, bytes]:
    """Seconds of an undisturbed run, and of its marks, and its output."""
    began = time.perf_counter()
    printed = start(directory).communicate()[0]
    seconds = time.perf_counter() - began
    output = directory / "factors"
    data = output.read_bytes()
    output.unlink()
    return seconds, float(printed.split()[1]), data


def main() -> None:
    """Measures, prints, saves."""
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    rng = random.Random(7)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        with (directory / "numbers").open("w") as file:
            for at in range(COUNT):
                plain = at % 5000 or at // 100_000 % 2
                file.write(f"{rng.getrandbits(64) | 1}\n" if plain else "# a comment\nword\n")
        runs = [run(directory) for _ in range(5)]
        undisturbed, expected = statistics.median(seconds for seconds, _, _ in runs), runs[0][2]
        cost = statistics.median(marks / seconds for seconds, marks, _ in runs)
        print(f"undisturbed {undisturbed:.2f} s, of which the marks take {cost:.2%}", flush=True)
        campaign = Campaign(directory, expected, undisturbed)
        while campaign.kills < wanted:
            job = start(directory)
            time.sleep(rng.uniform(0.3, undisturbed))
            if job.poll() is None:
                job.kill()
            campaign.look(job)
        library = directory / "power_cut.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, POWER_CUT, "-ldl"], check=True)
        preloaded = {"LD_PRELOAD": str(library), "POWER_CUT_DIRECTORY": os.path.realpath(directory / "factors")}
        while campaign.kills < 2 * wanted:
            campaign.look(start(directory, POWER_CUT_AT=str(rng.randrange(1, 100)), **preloaded))
        assert run(directory)[2] == expected
    row = {
        "kills": wanted,
        "power_cuts": wanted,
        "outputs": campaign.outputs + 1,
        "undisturbed": undisturbed,
        "cost": cost,
        "lost_seconds": max(campaign.lost),
    }
    print(f"{wanted} kills, {wanted} power cuts, {campaign.outputs + 1} outputs as undisturbed; ", end="")
    print(f"at most {max(campaign.lost):.2f} s of work done again")
    save("kill_job", [row], numbers=COUNT)


class Campaign:
    """What has become of jobs that were killed."""

    def __init__(self, directory: Path, expected: bytes, undisturbed: float) -> None:
        self._directory = directory
        self._expected = expected
        self._undisturbed = undisturbed
        self.kills = self.outputs = 0
        self.lost: list[float] = []

    def look(self, job: subprocess.Popen[bytes]) -> None:
        """Counts a job once it has ended; an output has to be what it is undisturbed."""
        if job.wait() < 0:
            self.kills += 1
            known = read_journal(str(self._directory / "factors.job"))
            part = self._directory / "factors.part"
            if known is not None and part.exists():
                beyond = part.stat().st_size - known["mark"]["size"]
                self.lost.append(beyond / len(self._expected) * self._undisturbed)
        output = self._directory / "factors"
        if output.exists():
            assert output.read_bytes() == self._expected
            output.unlink()
            self.outputs += 1


if __name__ == "__main__":
    main()
