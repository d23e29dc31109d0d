"""What several tests share: strategies, start methods, real processes to look for."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from factorpool import _native
from factorpool.jobs.journal import read_journal
from factorpool.pool import dispatcher
from factorpool.pool.shelf import close_shared
from factorpool.pool.strategies import BUILT_IN, find

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A background job of a script is started so, and what the tests start would be: Ctrl-C would end none of it.
    signal.signal(signal.SIGINT, signal.default_int_handler)

REPOSITORY = Path(__file__).parent.parent

collect_ignore = ["added"]  # pytest would put it on the path of all tests

ADDED = str(REPOSITORY / "tests" / "added")
"""Where a package is that adds a strategy; it is installed as far as Python can tell."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no other worker has to wait for it in the end."""
    items.sort(key=lambda item: "test_against_slow_code" not in item.name)


@pytest.fixture(params=list(BUILT_IN))
def strategy(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if reason := find(name).why_unavailable():
        pytest.skip(reason)
    return name


@pytest.fixture(params=multiprocessing.get_all_start_methods())
def start_method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=_native.ISAS)
def isa(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def run_python(code: str, *, timeout: float = 60, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs code in a fresh interpreter, from a file: workers import the main module."""
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=timeout, env={**os.environ, **env}
    )


def command(*args: str, stdin: bytes | None = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    """Runs the command line as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "factorpool", *args],
        input=stdin,
        capture_output=True,
        timeout=120,
        env={**os.environ, **env},
    )


def descendants(pid: int) -> set[int]:
    """The processes started by a process, and by those, that are still there (zombies are not)."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if stat[0] != "Z":
                children.setdefault(int(stat[1]), []).append(int(entry.name))
    found: set[int] = set()
    todo = [pid]
    while todo:
        for child in children.get(todo.pop(), []):
            found.add(child)
            todo.append(child)
    return found


def gone(pids: set[int], seconds: float = 5) -> bool:
    """Whether all these processes have ended before so many seconds are over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not any(alive(pid) for pid in pids):
            return True
        time.sleep(0.02)
    return False


def alive(pid: int) -> bool:
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until_read(pipe: IO[bytes], seconds: float = 60) -> None:
    """Returns once the other end has read all that was written to this pipe."""
    deadline = time.monotonic() + seconds
    while any(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def workers_left() -> Iterator[None]:
    """After the test, no worker of this process is left but those that rest, and these end when they are told."""
    yield
    close_shared()
    assert not [p for p in multiprocessing.active_children() if p.name == "factorpool"]


@pytest.fixture
def patient_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error waits until all before it has come: on a busy machine a worker may take seconds to start."""
    monkeypatch.setattr(dispatcher, "ERROR_SECONDS", 60.0)


@contextmanager
def ends_within(seconds: float) -> Iterator[None]:
    """Raises in this thread what takes longer, and again should somebody catch that: a run that never ends fails."""

    def late(*_: object) -> None:
        raise TimeoutError(f"it did not end within {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def kill_at_next_mark(job: subprocess.Popen[bytes], output: Path, last: int, how: signal.Signals) -> int | None:
    """Kills a job once its journal says that more than `last` bytes are written: so many; None if it ended before."""
    while job.poll() is None:
        known = read_journal(f"{output}.job")
        if known is not None and known["mark"]["size"] > last:
            job.send_signal(how)
            return int(known["mark"]["size"])
        time.sleep(0.001)
    return None
