"""Large cofactors: sent back by workers, run by themselves, put where they belong."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import sympy
from conftest import command, descendants, gone

import factorpool as fp

pytestmark = pytest.mark.usefixtures("workers_left")

P, Q, R = 2**85 - 19, 2**86 - 35, 2**87 - 67  # primes
HOURS = (2**180 - 47) * (2**181 - 165)
"""A product of two primes that nothing here factors within a test: it is left to python-flint, as too long to sieve."""

SIEVED_LONG = (2**112 - 75) * (2**113 - 133)
"""What all workers sieve together for longer than a test waits."""

TOGETHER = (2**92 - 83) * (2**93 - 25)
"""What all workers sieve together, in about a second."""


@pytest.mark.parametrize("strategy", ["auto", "serial", "threads", "processes"])
def test_large_among_easy(strategy: str) -> None:
    numbers = [360, P * Q, 97, 15 * P * R, 2**400, (P * Q) ** 2, P, *range(1, 40)]
    expected = [{2: 3, 3: 2, 5: 1}, {P: 1, Q: 1}, {97: 1}, {3: 1, 5: 1, P: 1, R: 1}, {2: 400}, {P: 2, Q: 2}, {P: 1}]
    counted: list[int] = []
    numbers, expected = (
        [*numbers, TOGETHER],
        [*expected, *map(fp.factor, range(1, 40)), {2**92 - 83: 1, 2**93 - 25: 1}],
    )
    fs = fp.factor_many(numbers, strategy=strategy, max_workers=2, progress=lambda done, _: counted.append(done))
    assert list(fs) == expected
    assert fs.strategy == ("processes" if strategy == "auto" else strategy)
    assert "may take long" in fs.reason
    assert counted == sorted(counted)
    assert counted[-1] == len(numbers)


def test_a_pool_runs_them_and_stays_open() -> None:
    with fp.Pool("processes", 2) as pool:
        assert fp.factor(P * Q, pool=pool) == {P: 1, Q: 1}
        assert fp.factor_many([P * R, 15], pool=pool).to_dict() == {P * R: [P, R], 15: [3, 5]}
        assert pool.submit(pow, 2, 5).result() == 32


def test_streams_keep_their_order() -> None:
    numbers = [15, P * Q, 21, *range(1000, 1300), P * R, 35]
    blocks = fp.factor_stream(iter(numbers), max_workers=2)
    assert [factors for block in blocks for factors in block] == list(fp.factor_many(numbers))
    ran = command("factor", "15", str(P * Q), "21")
    assert ran.stdout.decode().splitlines() == ["15: 3 5", f"{P * Q}: {P} {Q}", "21: 3 7"]


def test_long_primes_come_back_too() -> None:
    prime = 2**1279 - 1
    fs = fp.factor_many([6 * prime, 2**521 - 1, 12])
    assert list(fs) == [{2: 1, 3: 1, prime: 1}, {2**521 - 1: 1}, {2: 2, 3: 1}]
    assert fs.probable_primes == {prime}


@pytest.mark.parametrize("strategy", ["serial", "threads", "processes"])
def test_all_workers_sieve_one_number(strategy: str) -> None:
    seen: list[tuple[int, int | None]] = []
    factors = fp.factor(
        TOGETHER * 35, strategy=strategy, max_workers=2, progress=lambda found, needed: seen.append((found, needed))
    )
    assert factors == {5: 1, 7: 1, 2**92 - 83: 1, 2**93 - 25: 1}
    stages = list(dict.fromkeys(needed for _, needed in seen))  # curves for factors of a size, of the next, relations
    assert seen == sorted(seen, key=lambda at: (stages.index(at[1]), at[0]))
    assert seen[-1][0] >= (seen[-1][1] or 0) > 1000


def test_all_workers_look_for_a_factor_first(strategy: str) -> None:
    """By curves: to sieve these would take a minute and more."""
    p, q = sympy.nextprime(2**44), sympy.nextprime(2**230)
    for n in (p * q, p * sympy.nextprime(2**45) * q):
        found = fp.factor(n, strategy=strategy, max_workers=2)
        assert math.prod(f**e for f, e in found.items()) == n
        assert len(found) == 2 + (n > p * q)
    assert list(fp.factor_many([p * q, 3 * p * q], strategy=strategy, max_workers=2)) == [
        {p: 1, q: 1},
        {3: 1, p: 1, q: 1},
    ]


def test_progress_is_checked_and_drawn(capfd: pytest.CaptureFixture[str]) -> None:
    for nonsense in (3, 0, "x"):
        with pytest.raises(fp.OptionError, match="progress must be a function, True for a bar, or None, not "):
            fp.factor(360, progress=nonsense)  # type: ignore[arg-type]
    fp.factor(360, progress=True, strategy="serial")
    assert capfd.readouterr().err == ""
    fp.factor(TOGETHER, progress=True, max_workers=2)
    assert "for 185 bits" in capfd.readouterr().err


def test_workers_that_die_while_they_sieve_cost_nothing() -> None:
    killed: list[int] = []

    def kill(found: int, needed: int | None) -> None:
        if len(killed) < 2 and found > 300 * (len(killed) + 1):
            process = next(p for p in multiprocessing.active_children() if p.name == "factorpool")
            os.kill(process.pid or 0, signal.SIGKILL)
            killed.append(found)

    assert len(fp.factor(TOGETHER, strategy="processes", max_workers=2, progress=kill)) == 2
    assert len(killed) == 2


@pytest.mark.parametrize("strategy", ["threads", "processes"])
def test_interrupt_ends_a_sieve(strategy: str) -> None:
    code = f"""
import factorpool as fp
if __name__ == "__main__":
    fp.factor({SIEVED_LONG}, strategy={strategy!r}, progress=lambda *_: print("go", flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"go\n"
        workers = descendants(program.pid)
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=20)
    assert errors.strip().endswith(b"KeyboardInterrupt")
    assert gone(workers)


def test_closing_a_stream_ends_what_takes_hours() -> None:
    blocks = fp.factor_stream([*range(1, 100), HOURS], strategy="processes", max_workers=2, chunksize=50)
    assert next(blocks)[14] == {3: 1, 5: 1}
    blocks.close()  # type: ignore[attr-defined]  # no worker is left then, as after every test here


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has had; 0 for one that has ended."""
    with suppress(OSError):
        user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
    return 0.0


def test_a_death_costs_one_number() -> None:
    over = threading.Event()

    def kill() -> None:
        """Kills whoever is at work; one that had not begun would take no number with it."""
        while not over.wait(0.2):
            for process in multiprocessing.active_children():
                if process.name == "factorpool" and process.pid and cpu_seconds(process.pid) > 0.02:
                    os.kill(process.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        fs = fp.factor_many([15, HOURS, 21], on_error="collect")
        with pytest.raises(fp.WorkerDiedError, match="item 0"):
            fp.factor(HOURS)
    finally:
        over.set()
        killer.join()
    assert (fs[0], fs[2]) == ({3: 1, 5: 1}, {3: 1, 7: 1})
    with pytest.raises(fp.WorkerDiedError, match="SIGKILL while it had item 1"):
        fs[1]


def test_interrupt_ends_the_factoring_of_one(tmp_path: Path) -> None:
    code = f"import factorpool as fp\nprint('go', flush=True)\nfp.factor({HOURS})"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == b"go\n"
        while not (workers := descendants(program.pid)):
            time.sleep(0.02)
        time.sleep(1)
        workers |= descendants(program.pid)
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=20)
    assert b"KeyboardInterrupt" in errors
    assert gone(workers)


@pytest.mark.parametrize("number", [HOURS, SIEVED_LONG])
def test_a_number_is_given_up_when_its_time_is_up(number: int) -> None:
    with pytest.raises(fp.UnfinishedError, match=r"is not factored whole, after 0\.5 s: found 3 3 97; left a") as e:
        fp.factor(9 * 97 * number, timeout=0.5)
    assert (e.value.number, e.value.primes, e.value.composites) == (873 * number, {3: 2, 97: 1}, {number: 1})
    assert isinstance(e.value, TimeoutError)
    partial = fp.factor(15 * number, timeout=0.5, on_error="collect")
    assert partial == fp.PartialFactorization({3: 1, 5: 1}, {number: 1})
    assert partial != {3: 1, 5: 1}


def test_what_is_given_up_costs_no_other_number() -> None:
    numbers = [15, 21 * HOURS, TOGETHER, P * Q, 7 * SIEVED_LONG, HOURS**2, 35]
    fs = fp.factor_many(numbers, timeout=2, on_error="collect")
    assert {index: type(error) for index, error in fs.errors.items()} == dict.fromkeys((1, 4, 5), fp.UnfinishedError)
    for at, factors in ((0, {3: 1, 5: 1}), (2, {2**92 - 83: 1, 2**93 - 25: 1}), (3, {P: 1, Q: 1}), (6, {5: 1, 7: 1})):
        assert fs[at] == factors
    with pytest.raises(fp.UnfinishedError, match=r"^item 5: .* left a composite of 109 digits to the power 2$"):
        fs[5]


def test_a_prime_that_is_given_up_is_no_composite() -> None:
    """Proving it takes python-flint a second."""
    prime = 2**607 - 1
    fs = fp.factor_many([15 * prime], timeout=1e-6, on_error="collect")
    assert fs[0] == {3: 1, 5: 1, prime: 1}
    assert fs.probable_primes == {prime}


@pytest.mark.parametrize("timeout", [0, -1, "1", True, float("nan")])
def test_a_timeout_that_is_none(timeout: object) -> None:
    for call in (fp.factor, lambda n, **options: fp.factor_many([n], **options)):
        with pytest.raises(fp.OptionError, match="timeout must be a positive number of seconds"):
            call(6, timeout=timeout)


def test_an_interrupt_gives_what_there_is() -> None:
    code = f"""
import factorpool as fp
if __name__ == "__main__":
    go = lambda *_: print("go", flush=True)
    print(fp.factor(33 * {SIEVED_LONG}, on_error="collect", progress=go))
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "go\n"
        workers = descendants(program.pid)
        program.send_signal(signal.SIGINT)
        output, _ = program.communicate(timeout=20)
    assert output.splitlines()[-1] == f"PartialFactorization({{3: 1, 11: 1}}, composites={{{SIEVED_LONG}: 1}})"
    assert program.returncode == 0
    assert gone(workers)


def test_the_command_gives_up_too() -> None:
    ran = command("factor", "--timeout", "0.5", "15", str(15 * HOURS), "21")
    assert ran.stdout.decode().splitlines() == ["15: 3 5", "21: 3 7"]
    assert ran.stderr.decode() == (
        f"factorpool factor: {15 * HOURS}: given up after 0.5 s: primes: 3 5; composite: {HOURS}\n"
    )
    assert ran.returncode == 1
