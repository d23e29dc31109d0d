"""`factorpool factor`, run as its user runs it."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import math
import os
import pty
import random
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest
from conftest import command, descendants, gone, wait_until_read

import factorpool as fp

FACTOR = [sys.executable, "-m", "factorpool", "factor"]
needs_gnu_factor = pytest.mark.skipif(not shutil.which("factor"), reason="GNU factor is not installed")


def test_ranges_of_arguments() -> None:
    ran = command("factor", "5", "0..3", "1000000000000..1000000003000", "7", str(2**64 + 1))
    numbers = [5, 0, 1, 2, 3, *range(10**12, 10**12 + 3001), 7, 2**64 + 1]
    assert (ran.returncode, ran.stderr) == (0, b"")
    lines = ran.stdout.decode().splitlines()
    assert [int(line.split(":")[0]) for line in lines] == numbers
    for n, line in zip(numbers[1:], lines[1:], strict=True):
        assert n < 2 or math.prod(map(int, line.split()[1:])) == n
    one_by_one = command("factor", stdin="\n".join(map(str, numbers)).encode())
    assert one_by_one.stdout == ran.stdout


def test_ranges_that_are_none() -> None:
    ran = command("factor", "9..5", "1..18446744073709551616", "1..x", "..", "2..4..6", "4")
    assert (ran.returncode, ran.stdout) == (1, b"4: 2 2\n")
    assert [line.partition("argument ")[2] for line in ran.stderr.decode().splitlines()] == [
        "1: '9..5' is empty: its first number is larger than its last",
        "2: '1..18446744073709551616' goes too far: a range ends at 18446744073709551615 = 2^64 - 1 at most",
        "3: '1..x' is not a whole number",
        "4: '..' is not a whole number",
        "5: '2..4..6' is not a whole number",
    ]


def test_a_closed_standard_input_is_an_error() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", f"import os; os.close(0); os.execv({FACTOR[0]!r}, {FACTOR!r})"],
        capture_output=True,
        timeout=30,
    )
    assert (ran.returncode, ran.stdout) == (1, b"")
    assert ran.stderr == b"factorpool factor: cannot read standard input: it is closed\n"


def test_the_longest_range_streams() -> None:
    with subprocess.Popen([*FACTOR, "1..18446744073709551615"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as ran:
        assert ran.stdout is not None and ran.stderr is not None
        assert [ran.stdout.readline() for _ in range(4)] == [b"1:\n", b"2: 2\n", b"3: 3\n", b"4: 2 2\n"]
        ran.stdout.close()
        assert ran.wait(30) == 141
        assert ran.stderr.read() == b""


def test_arguments_in_gnu_format() -> None:
    ran = command("factor", "0", "1", "360", "+97", "0012", str(2**64 + 1))
    assert ran.stdout == b"0:\n1:\n360: 2 2 2 3 3 5\n97: 97\n12: 2 2 3\n18446744073709551617: 274177 67280421310721\n"
    assert (ran.returncode, ran.stderr) == (0, b"")


@needs_gnu_factor
@pytest.mark.parametrize("separator", ["\n", " ", "\t", "\n\n  "])
def test_same_output_as_gnu_factor(separator: str, tmp_path: Path) -> None:
    rng = random.Random(separator)
    numbers = [rng.getrandbits(rng.randrange(1, 65)) for _ in range(3000)] + [0, 1, 2**64 - 1, 2**63, 2**64 - 59]
    file = tmp_path / "numbers"
    file.write_text(separator.join(map(str, numbers)))
    with file.open("rb") as stdin:
        expected = subprocess.run(["factor"], stdin=stdin, capture_output=True, check=True).stdout
    with file.open("rb") as stdin:
        assert subprocess.run(FACTOR, stdin=stdin, capture_output=True, check=True).stdout == expected
    assert command("factor", "--input", str(file), "--strategy", "processes").stdout == expected


@needs_gnu_factor
def test_same_output_as_gnu_factor_beyond_64_bits() -> None:
    numbers = [2**64 + k for k in range(40)] + [12, 2**80 + 1, 10**25 + 3]
    text = "\n".join(map(str, numbers)).encode()
    expected = {subprocess.run(["factor", str(n)], capture_output=True, check=True).stdout for n in numbers}
    ran = command("factor", stdin=text)
    assert set(ran.stdout.splitlines(keepends=True)) == expected
    assert [int(line.split(b":")[0]) for line in ran.stdout.splitlines()] == numbers


def test_strategies_schedules_and_chunks_do_not_change_the_output(strategy: str) -> None:
    text = "\n".join(map(str, range(5000))).encode()
    expected = "".join(f"{n}:{''.join(f' {p}' * e for p, e in fp.factor(n or 1).items())}\n" for n in range(5000))
    for schedule in ("static", "dynamic", "guided"):
        ran = command("factor", "-s", strategy, "-j", "2", "--schedule", schedule, "--chunksize", "700", stdin=text)
        assert ran.stdout.decode() == expected
    assert command("factor", "-s", strategy, "-j", "3", "--schedule", "static", stdin=text).stdout.decode() == expected


def test_jsonl_and_csv() -> None:
    numbers = ["0", "1", "360", str(3 * 2**90)]
    lines = [json.loads(line) for line in command("factor", "--format", "jsonl", *numbers).stdout.splitlines()]
    assert lines == [
        {"number": 0, "primes": [], "exponents": []},
        {"number": 1, "primes": [], "exponents": []},
        {"number": 360, "primes": [2, 3, 5], "exponents": [3, 2, 1]},
        {"number": 3 * 2**90, "primes": [2, 3], "exponents": [90, 1]},
    ]
    rows = list(csv.DictReader(io.StringIO(command("factor", "--format", "csv", *numbers[:3]).stdout.decode())))
    assert rows == [
        {"number": "0", "factors": ""},
        {"number": "1", "factors": ""},
        {"number": "360", "factors": "2 2 2 3 3 5"},
    ]


@pytest.mark.parametrize(
    ("text", "out", "errors"),
    [
        (b"", b"", []),
        (b"\n\n  \n", b"", []),
        (b"12\r\n15\r\n", b"12: 2 2 3\n15: 3 5\n", []),
        (b"\xef\xbb\xbf12\n", b"12: 2 2 3\n", []),
        (b"# a comment 99\n12 # 98\n#97", b"12: 2 2 3\n", []),
        (b"12\nabc 15\n", b"12: 2 2 3\n15: 3 5\n", ["line 2: 'abc' is not a whole number"]),
        (b"12\n-5\n3.0 7", b"12: 2 2 3\n7: 7\n", ["line 2: '-5' is negative", "line 3: '3.0' is not"]),
        (b"\x00\xff\x80junk 15", b"15: 3 5\n", [r"line 1: '\x00\\xff\\x80junk' is not"]),
        (b"1" * 10000 + b"\n15", b"15: 3 5\n", ["line 1: '" + "1" * 39 + "...111111111' is too long: 10000 digits"]),
        (b"x" * 300000 + b" 15 " + b"y" * 300000, b"15: 3 5\n", ["line 1: 'xxx", "line 1: 'yyy"]),
        (b"# " + b"x" * 300000 + b"\n15", b"15: 3 5\n", []),
        (b"++5 + 5+ 1_0", b"", ["'++5'", "'+' is", "'5+'", "'1_0'"]),
    ],
)
def test_what_is_no_number_is_reported_and_the_rest_factored(text: bytes, out: bytes, errors: list[str]) -> None:
    ran = command("factor", stdin=text)
    assert ran.stdout == out
    lines = ran.stderr.decode().splitlines()
    assert len(lines) == len(errors)
    for line, error in zip(lines, errors, strict=True):
        assert line.startswith("factorpool factor: standard input, ")
        assert error in line
    assert ran.returncode == (1 if errors else 0)


def test_positions_in_files_and_arguments(tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("12\n" * 100_000 + "oops\n" + "12\n" * 10 + "ouch\n")
    ran = command("factor", "--input", str(file), "--input", str(tmp_path), "--input", "/no/such", "six", "15")
    assert ran.stdout == b"15: 3 5\n" + b"12: 2 2 3\n" * 100_010
    assert ran.stderr.decode().splitlines() == [
        "factorpool factor: argument 1: 'six' is not a whole number",
        f"factorpool factor: {file}, line 100001: 'oops' is not a whole number",
        f"factorpool factor: {file}, line 100012: 'ouch' is not a whole number",
        f"factorpool factor: cannot read {tmp_path}: Is a directory",
        "factorpool factor: cannot read /no/such: No such file or directory",
    ]
    assert ran.returncode == 1


def test_dash_is_standard_input(tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("21\n")
    assert command("factor", "-i", "-", "-i", str(file), stdin=b"15").stdout == b"15: 3 5\n21: 3 7\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-j", "0", "15"], "0 workers can do nothing; leave -j out for one on every CPU usable here"),
        (["-j", "-1", "15"], "-1 workers can do nothing; leave -j out"),
        (
            ["-s", "fibers", "15"],
            "there is no strategy 'fibers'; there are auto, serial, threads, interpreters, processes",
        ),
        (["--schedule", "fair"], "'fair' is not one of"),
        (["--method", "sieve"], "'sieve' is not one of"),
        (["--chunksize", "0"], "0 is not in the range"),
        (["--frmat", "csv"], "No such option '--frmat'"),
    ],
)
def test_wrong_usage(arguments: list[str], message: str) -> None:
    ran = command("factor", *arguments)
    assert ran.returncode == 2
    assert message in ran.stderr.decode()
    assert b"Traceback" not in ran.stderr
    assert ran.stdout == b""


def test_full_disk() -> None:
    with open("/dev/full", "wb") as full:
        ran = subprocess.run([*FACTOR, "15"], stdout=full, stderr=subprocess.PIPE)
    assert ran.returncode == 1
    assert ran.stderr == b"factorpool factor: cannot write the output: No space left on device\n"


def test_closed_output() -> None:
    ran = subprocess.run(["sh", "-c", f"{sys.executable} -m factorpool factor 15 >&-"], capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr == "Error: standard output is closed\n"


@pytest.mark.parametrize(
    ("text", "out"),
    [
        (b"# " + b"x" * 300_000, b""),
        (b"#" + b"x" * 300_000 + b" 99 98\n15", b"15: 3 5\n"),
        (b"15#" + b"x" * 300_000 + b"#\n21", b"15: 3 5\n21: 3 7\n"),
        (b"# " + b"x" * (1 << 18) + b"\n15 " + b"#" * 300_000, b"15: 3 5\n"),
    ],
)
def test_comments_longer_than_what_is_read_at_a_time(text: bytes, out: bytes, tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_bytes(text)
    ran = command("factor", "-i", str(file))
    assert (ran.stdout, ran.stderr, ran.returncode) == (out, b"", 0)


def test_tokens_longer_than_what_is_read_at_a_time(tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_bytes(b"# " + b"c" * 262_142 + b"\n" + b"z" * 262_244 + b"\n" + b"7" * 1_000_000 + b" 15")
    ran = command("factor", "-i", str(file))
    assert ran.stdout == b"15: 3 5\n"
    first, second = ran.stderr.decode().splitlines()
    assert f"{file}, line 2: 'zzz" in first
    assert f"{file}, line 3: '777" in second
    assert "more than 65536 digits" in second


@pytest.mark.parametrize("arguments", [["-s", "serial"], ["-s", "threads"], []], ids=" ".join)
def test_ctrl_c_where_python_flint_holds_the_gil(arguments: list[str]) -> None:
    hard = (10**59 + 213) * (10**60 + 7)
    running = subprocess.Popen([*FACTOR, *arguments, "-i", "-", "12"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert running.stdin
    assert running.stdout
    running.stdin.write(b"%d\n" % hard)
    running.stdin.close()
    assert running.stdout.readline() == b"12: 2 2 3\n"
    time.sleep(0.5)
    assert running.poll() is None
    running.send_signal(signal.SIGINT)
    assert running.wait(10) == 130
    running.stdout.close()


def test_long_numbers_stream_too() -> None:
    hard = (10**59 + 213) * (10**60 + 7)
    running = subprocess.Popen([*FACTOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert running.stdin
    assert running.stdout
    running.stdin.write(b"%d\n%d\n" % (2**64 + 1, hard))
    running.stdin.flush()
    assert running.stdout.readline() == b"18446744073709551617: 274177 67280421310721\n"
    running.kill()
    running.communicate()


def test_an_answer_does_not_wait_for_the_end_of_a_line_that_has_begun() -> None:
    p, q = 4999999, 9999991  # which the naive method takes a second for
    command = [*FACTOR, "-s", "threads", "-j", "1", "--method", "naive"]
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert running.stdin
    assert running.stdout
    for piece in (b"15\n", b"%d\n" % (p * q), b"\n# a comment\n", b"12"):
        running.stdin.write(piece)
        running.stdin.flush()
        time.sleep(0.1)
    assert running.stdout.readline() == b"15: 3 5\n"
    assert running.stdout.readline() == b"%d: %d %d\n" % (p * q, p, q)
    running.stdin.close()
    assert running.stdout.readline() == b"12: 2 2 3\n"
    running.stdout.close()
    assert running.wait(30) == 0


@pytest.mark.parametrize("kill", [signal.SIGTERM, signal.SIGKILL])
def test_killed_it_leaves_no_worker(kill: signal.Signals) -> None:
    hard = (10**59 + 213) * (10**60 + 7)  # python-flint holds the GIL of the worker for hours
    running = subprocess.Popen([*FACTOR, str(hard)], stdout=subprocess.PIPE)
    deadline = time.monotonic() + 30
    while len(below := descendants(running.pid)) < 3:  # resource tracker, fork server, worker
        assert time.monotonic() < deadline
        time.sleep(0.02)
    time.sleep(0.5)
    running.send_signal(kill)
    assert running.wait(5) == -kill
    assert running.stdout
    assert running.stdout.read() == b""  # nobody holds the pipe open
    running.stdout.close()
    assert gone(below)


def test_closed_pipe_ends_it_quietly(strategy: str) -> None:
    producer = subprocess.Popen(["seq", "1", "3000000"], stdout=subprocess.PIPE)
    running = subprocess.Popen(
        [*FACTOR, "-s", strategy], stdin=producer.stdout, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert producer.stdout and running.stdout and running.stderr
    producer.stdout.close()
    assert running.stdout.readline() == b"1:\n"
    running.stdout.close()
    assert running.wait(20) == 141
    assert running.stderr.read() == b""
    running.stderr.close()
    assert producer.wait(20) != 0


def test_first_results_come_while_the_input_goes_on(strategy: str) -> None:
    running = subprocess.Popen([*FACTOR, "-s", strategy], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert running.stdin and running.stdout
    for n, line in ((15, b"15: 3 5\n"), (21, b"21: 3 7\n")):
        running.stdin.write(b"%d\n" % n)
        running.stdin.flush()
        assert running.stdout.readline() == line  # the input is still open
    running.stdin.close()
    running.stdout.close()
    assert running.wait(20) == 0


def test_memory_stays_bounded(tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("".join(f"{n}\n" for n in range(10**9, 10**9 + 10**6)))
    code = (
        "import resource, subprocess, sys\n"
        f"subprocess.run({[*FACTOR, '-i', str(file)]!r}, stdout=subprocess.DEVNULL, check=True)\n"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    kilobytes = int(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    assert kilobytes < 50_000


@pytest.mark.parametrize(
    "arguments",
    [
        ["-s", "serial", "--method", "trial"],
        ["-s", "threads", "--method", "trial"],
        ["-s", "processes", "--method", "trial"],
        ["-s", "serial", "--method", "naive"],
        ["-s", "threads", "--method", "naive"],
        ["-s", "processes", "-j", "2", "--chunksize", "1"],  # one worker is idle
        [],
    ],
    ids=" ".join,
)
def test_ctrl_c_stops_at_once_and_leaves_nothing(arguments: list[str]) -> None:
    # 400 primes of 64 bits for the slow methods, a 120-digit semiprime for python-flint.
    slow = "--method" in arguments
    text = f"{2**64 - 59}\n" * 400 if slow else f"15\n{(10**59 + 213) * (10**60 + 7)}\n"
    running = subprocess.Popen(
        [*FACTOR, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert running.stdin and running.stdout and running.stderr
    running.stdin.write(text.encode())
    running.stdin.flush()
    wait_until_read(running.stdin)  # before that, Python may still be starting, and Ctrl-C is Python's own matter
    running.stdin.close()
    time.sleep(1)
    assert running.poll() is None
    below = descendants(running.pid)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to the whole group
    assert running.wait(5) == 130
    assert b"Traceback" not in running.stderr.read()
    running.stdout.close()
    running.stderr.close()
    assert gone(below)


def test_progress_bar_on_a_terminal(tmp_path: Path) -> None:
    file = tmp_path / "numbers.txt"
    file.write_text("".join(f"{n}\n" for n in range(10**15, 10**15 + 100_000)))
    ours, theirs = pty.openpty()
    running = subprocess.Popen([*FACTOR, "-i", str(file)], stdout=subprocess.DEVNULL, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while data := os.read(ours, 4096):
            shown += data
    except OSError:  # the terminal's way to end
        pass
    os.close(ours)
    assert running.wait(20) == 0
    assert b"100,000 numbers" in shown
    assert b"/s" in shown
    assert b"left" in shown


def test_no_progress_bar_elsewhere() -> None:
    assert command("factor", "15").stderr == b""
    assert b"numbers" in command("factor", "15", "--progress").stderr


def test_help_has_examples() -> None:
    for arguments in ([], ["factor"], ["bench"], ["bench", "chart"]):
        ran = command(*arguments, "--help")
        assert ran.returncode == 0
        assert b"Examples:" in ran.stdout


def test_strategies_are_listed() -> None:
    out = command("strategies").stdout.decode()
    for name in fp.strategies():
        assert name in out


def test_version() -> None:
    assert command("--version").stdout.split()[-1].decode() == version("factorpool")


COMPRESSORS = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("ending", COMPRESSORS)
def test_compressed_files_are_read_whatever_they_are_called(ending: str, tmp_path: Path) -> None:
    text = b"".join(b"%d\n" % n for n in range(10**6, 10**6 + 50_000))
    compress = COMPRESSORS[ending]
    file = tmp_path / "numbers.txt"
    file.write_bytes(compress(text[:50_000]) + compress(text[50_000:]))  # two files behind each other are one
    expected = command("factor", stdin=text).stdout
    assert command("factor", "-i", str(file)).stdout == expected
    assert command("factor", "--progress", stdin=file.read_bytes()).stdout == expected


@pytest.mark.parametrize("ending", COMPRESSORS)
def test_a_damaged_file_is_named_and_what_came_before_is_factored(ending: str, tmp_path: Path) -> None:
    text = b"".join(b"%d\n" % (n * n) for n in range(10**6, 10**6 + 100_000))
    file = tmp_path / f"numbers.{ending}"
    file.write_bytes(COMPRESSORS[ending](text)[:-40])
    ran = command("factor", "-i", str(file))
    assert ran.returncode == 1
    assert f"factorpool factor: {file} is damaged (".encode() in ran.stderr
    assert 0 < ran.stdout.count(b"\n") <= 100_000
    assert command("factor", stdin=text).stdout.startswith(ran.stdout)


def test_zstd_is_read_or_says_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "numbers"
    file.write_bytes(b"\x28\xb5\x2f\xfd and no more of it")
    ran = command("factor", "-i", str(file))
    assert ran.returncode == 1
    expected = b"is damaged (zstd" if sys.version_info >= (3, 14) else b"pip install backports.zstd"
    assert expected in ran.stderr


def test_a_table_in_a_pipe_is_refused() -> None:
    ran = command("factor", stdin=b"PAR1 15 21 27 PAR1")
    assert (ran.returncode, ran.stdout) == (1, b"")
    assert b"it is a Parquet file, which cannot be read from a pipe" in ran.stderr


def test_many_mistakes_are_counted() -> None:
    ran = command("factor", stdin=b"x\n" * 1000 + b"15\n")
    assert (ran.returncode, ran.stdout) == (1, b"15: 3 5\n")
    lines = ran.stderr.decode().splitlines()
    assert len(lines) == 21
    assert lines[-1] == "factorpool factor: ... and 980 more of that kind"


@pytest.mark.parametrize("form", ["gnu", "csv", "jsonl"])
def test_formats_are_the_same_from_the_kernel_and_from_python(form: str) -> None:
    numbers = [1, 2, 360, 97, 2**63, 2**64 - 1, 2**64 - 59, 614889782588491410]
    text = " ".join(map(str, numbers))
    by_kernel = command("factor", "-f", form, stdin=text.encode()).stdout
    by_python = command("factor", "-f", form, stdin=f"{text} {2**80}".encode()).stdout
    assert by_python.splitlines()[:-1] == by_kernel.splitlines()
    if form == "jsonl":
        assert [json.loads(line)["number"] for line in by_python.splitlines()] == [*numbers, 2**80]


def test_an_output_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    numbers, output = tmp_path / "numbers.txt", tmp_path / "factors.csv"
    numbers.write_text("15\n21\n")
    output.write_text("before")
    ran = command("factor", "-i", str(numbers), "-o", str(output))
    assert (ran.returncode, ran.stdout, output.read_text()) == (0, b"", "number,factors\n15,3 5\n21,3 7\n")
    ran = command("factor", "-o", str(output), "-f", "gnu", "15", "x")
    assert (ran.returncode, output.read_text()) == (1, "15: 3 5\n")  # the rest is still factored
    for wrong, message in (
        (str(tmp_path), "is a directory"),
        (str(tmp_path / "no" / "file"), "there is no directory"),
        (str(numbers), "is an input, too"),
    ):
        ran = command("factor", "-i", str(numbers), "-o", wrong)
        assert ran.returncode == 2
        assert message in ran.stderr.decode()
    assert numbers.read_text() == "15\n21\n"
    full = command("factor", "-o", "/dev/full", "15")
    assert full.returncode == 1
    assert b"cannot write /dev/full: No space left on device" in full.stderr
    assert command("factor", "-o", "/dev/stdout", "15").stdout == b"15: 3 5\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["factors.csv", "numbers.txt"]


def test_an_interrupted_output_file_is_removed(tmp_path: Path) -> None:
    output = tmp_path / "factors.txt"
    process = subprocess.Popen(
        [sys.executable, "-m", "factorpool", "factor", "-o", str(output)], stdin=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(b"15\n" * 100_000)
    process.stdin.flush()
    deadline = time.monotonic() + 60
    while not (part := tmp_path / "factors.txt.part").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert part.exists()
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not list(tmp_path.iterdir())


def test_standard_input_that_does_not_wait_is_an_error_and_no_end() -> None:
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    try:
        ran = subprocess.run(FACTOR, stdin=reading, capture_output=True, timeout=60)
    finally:
        os.close(reading)
        os.close(writing)
    assert ran.returncode == 1
    assert b"cannot read standard input: Resource temporarily unavailable" in ran.stderr
