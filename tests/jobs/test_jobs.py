"""Jobs that are killed and go on: the output is that of a run that nobody disturbed."""

from __future__ import annotations

import fcntl
import gzip
import json
import random
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest
from conftest import command, kill_at_next_mark

from factorpool.cli import factor
from factorpool.jobs import journal, reader

LINES = 60_000


@pytest.fixture(scope="module")
def text() -> bytes:
    rng = random.Random(4)
    lines = [str(rng.getrandbits(rng.choice([20, 64])) + 1) for _ in range(LINES)]
    for at in range(500, LINES, 7001):
        lines[at] = f"# {lines[at]}, a comment\nword {2**70 + at}"
    return "\n".join(lines).encode()


def start(directory: Path, *args: str) -> subprocess.Popen[bytes]:
    """A job that marks often, and reads little at a time: a second would be all of it."""
    code = (
        "from factorpool.jobs import journal, reader; from factorpool.cli import factor, main; "
        "journal.MARK_SECONDS = 0.01; reader.READ_BYTES = 1 << 13; factor.BUFFER = 4096; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, "factor", "-s", "serial", "--chunksize", "500", *args],
        cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


@pytest.mark.parametrize(
    ("ending", "compressed", "how"),
    [
        ("txt", False, signal.SIGKILL),
        ("txt", True, signal.SIGINT),
        ("csv", True, signal.SIGKILL),
        ("jsonl", False, signal.SIGINT),
    ],
)
def test_a_job_that_is_killed_goes_on(
    text: bytes, tmp_path: Path, ending: str, compressed: bool, how: signal.Signals
) -> None:
    numbers, more = tmp_path / "numbers", tmp_path / "more"
    numbers.write_bytes(gzip.compress(text) if compressed else text)
    more.write_bytes(b"15 21\n" * 100)
    args = ["-i", "numbers", "-i", "more", "-o", f"factors.{ending}", "9"]
    undisturbed = start(tmp_path, *args)
    undisturbed.communicate()
    assert undisturbed.returncode == 1  # for the words in it
    output = tmp_path / f"factors.{ending}"
    expected = output.read_bytes()
    output.unlink()
    kills, last = 0, -1
    while not output.exists():
        job = start(tmp_path, *args)
        mark = kill_at_next_mark(job, output, last, how) if kills < 5 else None
        kills += mark is not None
        _, errors = job.communicate(timeout=100)
        if last > 0:
            assert b"going on at line" in errors
        if mark is not None and (known := journal.read_journal(f"{output}.job")) is not None:
            last = known["mark"]["size"]  # of all that was written, after Ctrl-C, which says so
            line = b"note: the same command goes on at line %d of" % known["mark"]["place"][2]
            assert (line in errors) == (how is signal.SIGINT)
    assert kills == 5
    assert output.read_bytes() == expected
    assert names(tmp_path) == sorted(["numbers", "more", output.name])


@pytest.fixture
def half(text: bytes, tmp_path: Path) -> Path:
    """A job that was killed after its first mark; the path of its output."""
    (tmp_path / "numbers").write_bytes(text)
    job = start(tmp_path, "-i", "numbers", "-o", "factors")
    deadline = time.monotonic() + 60
    while not (tmp_path / "factors.job").exists() and time.monotonic() < deadline:
        time.sleep(0.005)
    job.kill()
    job.communicate()
    assert names(tmp_path) == ["factors.job", "factors.part", "numbers"]
    return tmp_path / "factors"


def again(half: Path, *args: str) -> tuple[int, str]:
    job = start(half.parent, "-i", "numbers", "-o", "factors", *args)
    _, errors = job.communicate(timeout=100)
    return job.returncode, errors.decode()


def test_another_job_is_refused_and_says_what_differs(half: Path) -> None:
    (half.parent / "more").write_bytes(b"15")
    for args, message in (
        (["-f", "csv"], "format was 'gnu' and is 'csv'"),
        (["--method", "ecm"], "method was 'auto' and is 'ecm'"),
        (["15"], "numbers was [] and is ['15']"),
        (["-i", "more"], "its input was numbers"),
    ):
        code, errors = again(half, *args)
        assert code == 2
        assert "is of another job, which is not done" in errors
        assert message in errors
    numbers = half.parent / "numbers"
    with numbers.open("ab") as file:
        file.write(b"\n77\n")
    code, errors = again(half)
    assert (code, "numbers has changed since" in errors) == (2, True)
    code, errors = again(half, "--restart")
    assert code == 1 and "going on" not in errors
    assert half.read_bytes().endswith(b"77: 7 11\n")
    assert names(half.parent) == ["factors", "more", "numbers"]


def test_a_journal_that_is_damaged_or_of_another_version_is_refused(half: Path) -> None:
    file = half.parent / "factors.job"
    sound = file.read_text()
    body = {**json.loads(sound.splitlines()[0]), "version": 99}
    for damaged, message in (
        (sound.replace('"gnu"', '"csv"'), "its checksum is wrong"),
        (sound[: len(sound) // 2], "is no journal of a job"),
        ("", "is no journal of a job"),
        (f"{json.dumps(body)}\n{zlib.crc32(json.dumps(body).encode())}\n", "of another version of factorpool"),
    ):
        file.write_text(damaged)
        code, errors = again(half)
        assert code == 1
        assert message in errors and "--restart" in errors
    file.write_text(sound)
    assert "going on at line" in again(half)[1]


def test_a_part_that_is_not_what_its_journal_says_is_refused(half: Path) -> None:
    part = half.parent / "factors.part"
    sound = part.read_bytes()
    part.write_bytes(b"x" + sound[1:])
    assert "is not what its journal says" in again(half)[1]
    part.write_bytes(sound[:10])
    assert "is not what its journal says" in again(half)[1]
    part.unlink()
    assert "is gone, of which" in again(half)[1]
    part.write_bytes(sound + b"what was torn when the power went")
    assert "going on at line" in again(half)[1]
    assert b"torn" not in half.read_bytes()


def test_two_at_once_are_refused(half: Path) -> None:
    with (half.parent / "factors.part").open("r+b") as part:
        fcntl.flock(part, fcntl.LOCK_EX)
        code, errors = again(half)
        assert (code, "is being written by another process" in errors) == (1, True)


def test_a_job_that_lacks_only_its_name_gets_it(half: Path) -> None:
    file = half.parent / "factors.job"
    known = json.loads(file.read_text().splitlines()[0])
    known["mark"]["done"] = True
    text = json.dumps(known)
    file.write_text(f"{text}\n{zlib.crc32(text.encode())}\n")
    code, errors = again(half)
    assert code in (0, 1)  # whether there was a word before the mark
    assert "factors was written already" in errors
    assert names(half.parent) == ["factors", "numbers"]


def test_what_cannot_be_read_twice_is_no_job(tmp_path: Path) -> None:
    output = tmp_path / "factors"
    ran = command("factor", "-o", str(output), stdin=b"15\n")
    assert (ran.returncode, output.read_bytes()) == (0, b"15: 3 5\n")
    assert b"standard input cannot be read twice" in ran.stderr
    assert names(tmp_path) == ["factors"]
    assert command("factor", "-o", str(output), "15").stderr == b""


def test_jobs_are_listed(half: Path) -> None:
    ran = command("jobs", str(half.parent))
    assert ran.returncode == 0
    line = ran.stdout.decode()
    assert line.startswith(f"{half}: ") and "of numbers" in line
    assert command("jobs", str(half.parent / "numbers")).returncode == 2
    (half.parent / "factors.job").write_text("junk")
    ran = command("jobs", str(half.parent))
    assert b"is no journal of a job" in ran.stdout
    half.with_suffix(".job").unlink()
    assert command("jobs", str(half.parent)).stdout == b"no job is under way here\n"


def test_the_constants_that_these_tests_change_are_there() -> None:
    assert journal.MARK_SECONDS > 1
    assert reader.READ_BYTES > 1 << 13
    assert factor.BUFFER > 4096
