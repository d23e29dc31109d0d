"""Large buffers in results of worker processes, which come in pages of their own and not through the pipe."""

from __future__ import annotations

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import run_python

import factorpool as fp
from factorpool import _native
from factorpool.pool.memory import LARGE
from factorpool.pool.pickling import LARGE_RESULT_BYTES
from factorpool.pool.protocol import PACE_SECONDS
from factorpool.pool.strategies.processes import buffers
from factorpool.pool.strategies.processes.buffers import MAPPED_BYTES

pytestmark = pytest.mark.usefixtures("workers_left")

SIZES = [0, 1, *(n // 8 + more for n in (LARGE_RESULT_BYTES, LARGE, MAPPED_BYTES) for more in (-1, 0, 1))]


def counted(size: int) -> dict[str, Any]:
    return {"size": size, "both": [np.arange(size), np.arange(size, 0, -1)], "name": str(size)}


def check(results: list[dict[str, Any]]) -> None:
    for size, found in zip(SIZES, results, strict=True):
        assert (found["size"], found["name"]) == (size, str(size))
        up, down = found["both"]
        assert np.array_equal(up, np.arange(size))
        assert np.array_equal(down, np.arange(size, 0, -1))


@pytest.mark.parametrize("strategy", [fp.Processes(), fp.Processes(context="spawn"), fp.Processes(context="fork")])
def test_they_come_as_they_were(strategy: fp.Processes) -> None:
    check(list(fp.pmap(counted, SIZES, strategy=strategy, max_workers=2)))


def slowly(size: int) -> dict[str, Any]:
    time.sleep(2 * PACE_SECONDS)
    return counted(size)


def test_pieces_of_one_chunk_have_each_their_own() -> None:
    check(list(fp.pmap(slowly, SIZES, strategy="processes", max_workers=1, chunksize=len(SIZES))))
    check(list(fp.pmap(slowly, SIZES[::-1], strategy="processes", max_workers=1, chunksize=len(SIZES)))[::-1])


def memory_of(array: Any) -> object:
    """What an array is a view of, in the end."""
    while (base := getattr(array, "base", None)) is not None or (base := getattr(array, "obj", None)) is not None:
        array = base
    return array


def test_large_ones_are_in_pages_and_are_the_callers_own() -> None:
    small, large = fp.pmap(np.zeros, [10, MAPPED_BYTES], strategy="processes", max_workers=1)
    assert isinstance(memory_of(large), _native.Pages)
    large += 1
    small += 1
    assert large.sum() == MAPPED_BYTES
    assert small.sum() == 10


MANY = f"""
import resource
from functools import partial
import numpy as np, factorpool as fp
with fp.Pool("processes", max_workers=2) as pool:
    resource.setrlimit(resource.RLIMIT_NOFILE, (48, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    sizes = [{LARGE_RESULT_BYTES}] * 100 + [{MAPPED_BYTES}] * 60
    results = list(fp.pmap(partial(np.zeros, dtype="u1"), sizes, pool=pool))
print([len(each) for each in results] == sizes)
"""


def test_results_that_are_kept_hold_no_descriptor() -> None:
    ran = run_python(MANY)
    assert ran.stdout == "True\n", ran.stderr


def test_a_default_timeout_of_sockets_is_not_the_pipes() -> None:
    ran = run_python(
        "import socket; socket.setdefaulttimeout(0.05)\n"
        "import time, numpy as np, factorpool as fp\n"
        "def slow(n): time.sleep(0.3); return np.full(1 << 18, n)\n"
        "print([int(a[0]) for a in fp.pmap(slow, [1, 2, 3], strategy='processes', max_workers=1)])\n"
    )
    assert ran.stdout == "[1, 2, 3]\n", ran.stderr


def test_a_class_of_the_main_module_goes_by_value_with_its_array(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import numpy as np, factorpool as fp\n"
        "class Signal:\n"
        "    def __init__(self, n): self.samples = np.full(n, n)\n"
        "found = list(fp.pmap(Signal, [7, 1 << 17], strategy='processes', max_workers=1))\n"
        "print([type(s) is Signal and int(s.samples.sum()) == len(s.samples) ** 2 for s in found])\n"
    )
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    assert (ran.stdout, ran.stderr) == ("[True, True]\n", "")


def test_columns_of_a_range_come_in_pages() -> None:
    numbers = range(10**12, 10**12 + 300_000)
    fs = fp.factor_many(numbers, strategy="processes", max_workers=2)
    assert _native.Pages in {type(segment.primes.obj) for segment in fs._segments.segments}  # type: ignore[union-attr]
    assert fs == fp.factor_many(numbers, strategy="serial")
    assert fs.primes.readonly  # type: ignore[union-attr]


def test_a_worker_is_killed_between_the_pages_and_the_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it was at is done again; the pages that have come belong to nothing."""
    caller, send = os.getpid(), buffers.SharedBuffer.send

    def die_once(self: buffers.SharedBuffer, connection: Connection) -> None:
        send(self, connection)
        if os.getpid() != caller and not (tmp_path / "killed").exists():
            (tmp_path / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)

    monkeypatch.setattr(buffers.SharedBuffer, "send", die_once)
    check(list(fp.pmap(counted, SIZES, strategy=fp.Processes(context="fork"), max_workers=2)))
    assert (tmp_path / "killed").exists()


@pytest.mark.parametrize("missing", ["memfd_create", "write"])
def test_where_there_are_no_pages_the_pipe_is_used(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    caller, existing = os.getpid(), getattr(os, missing)

    def fail(*arguments: Any) -> Any:
        if os.getpid() == caller or (missing == "write" and len(arguments[1]) < LARGE_RESULT_BYTES):
            return existing(*arguments)
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(os, missing, fail)
    check(list(fp.pmap(counted, SIZES, strategy=fp.Processes(context="fork"), max_workers=2)))


def test_a_descriptor_that_cannot_be_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ETOOMANYREFS, "Too many references: cannot splice")

    monkeypatch.setattr(socket, "send_fds", fail)
    check(list(fp.pmap(counted, SIZES, strategy=fp.Processes(context="fork"), max_workers=2)))


NO_DESCRIPTORS = """
import os, resource
import numpy as np, factorpool as fp
with fp.Pool("processes", max_workers=1) as pool:
    assert len(list(fp.pmap(np.zeros, [1], pool=pool))) == 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    taken = []
    results = fp.pmap(np.zeros, [1, 1 << 20], pool=pool, on_error="collect")
    next(results)
    try:
        while True:
            taken.append(os.open("/dev/null", os.O_RDONLY))
    except OSError:
        pass
    outcome = next(results)
    print(type(outcome.error).__name__, outcome.error)
    for each in taken:
        os.close(each)
"""


def test_too_many_files_are_open_for_pages() -> None:
    ran = run_python(NO_DESCRIPTORS)
    assert "bytes of a result cannot be received: Too many open files" in ran.stdout, ran.stderr
