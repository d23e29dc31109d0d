"""Large cofactors: sent back by workers, run by themselves, put where they belong."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from conftest import command, descendants, gone

import factorpool as fp

pytestmark = pytest.mark.usefixtures("workers_left")

P, Q, R = 2**85 - 19, 2**86 - 35, 2**87 - 67  # primes
HOURS = (2**180 - 47) * (2**181 - 165)
"""A product of two primes that nothing here factors within a test."""


@pytest.mark.parametrize("strategy", ["auto", "serial", "threads", "processes"])
def test_large_among_easy(strategy: str) -> None:
    numbers = [360, P * Q, 97, 15 * P * R, 2**400, (P * Q) ** 2, P, *range(1, 40)]
    expected = [{2: 3, 3: 2, 5: 1}, {P: 1, Q: 1}, {97: 1}, {3: 1, 5: 1, P: 1, R: 1}, {2: 400}, {P: 2, Q: 2}, {P: 1}]
    counted: list[int] = []
    fs = fp.factor_many(numbers, strategy=strategy, max_workers=2, progress=lambda done, _: counted.append(done))
    assert list(fs) == expected + [fp.factor(n) for n in range(1, 40)]
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


def test_closing_a_stream_ends_what_takes_hours() -> None:
    blocks = fp.factor_stream([*range(1, 100), HOURS], strategy="processes", max_workers=2, chunksize=50)
    assert next(blocks)[14] == {3: 1, 5: 1}
    blocks.close()  # type: ignore[attr-defined]  # no worker is left then, as after every test here


def test_a_death_costs_one_number() -> None:
    over = threading.Event()

    def kill() -> None:
        while not over.wait(0.2):
            for process in multiprocessing.active_children():
                if process.name == "factorpool" and process.pid:
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
