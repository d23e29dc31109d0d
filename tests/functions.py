"""Functions for workers to run: they must be importable there."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shapes import Item

import factorpool
from factorpool.pool.protocol import Piece
from factorpool.pool.task import MapTask

started = 0


def square(n: int) -> int:
    return n * n


def slow_first(n: int) -> int:
    time.sleep(0.2 if n == 0 else 0)
    return n


def fail_at_7(n: int) -> int:
    if n == 7:
        raise LookupError("seven")
    return n


def slow_fail_at_7(n: int) -> int:
    time.sleep(0.006)  # longer than a probe runs items in the caller's thread
    return fail_at_7(n)


def kill_self_at_7(n: int) -> int:
    if n == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def exit_at_7(n: int) -> int:
    if n == 7:
        os._exit(3)
    return n


def unsendable() -> object:
    """What nothing can pickle."""
    return (n for n in ())


def unpicklable_result(n: int) -> object:
    return unsendable()


class StubbornError(Exception):
    """Pickles, and does not unpickle: its arguments are not its own."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


@dataclass(frozen=True)
class FrozenError(Exception):
    """Refuses attributes."""

    n: int


def raise_frozen(n: int) -> int:
    raise FrozenError(n)


def stubborn(n: int) -> int:
    raise StubbornError(n, n)


def worker_pid(_: object) -> int:
    time.sleep(0.05)
    return os.getpid()


def start(value: int) -> None:
    global started
    started = value


def started_value(_: object) -> int:
    return started


def bad_start() -> None:
    raise RuntimeError("this worker cannot start")


def forever_after_0(n: int) -> int:
    while n:
        time.sleep(0.05)
    return n


def fork_and_exit(path: str) -> None:
    """Leaves a process behind that has all pipes of this one, and its id in a file."""
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    with open(path, "w") as file:
        file.write(str(child))
    os._exit(3)


def unpicklable_at_7(n: int) -> object:
    return unsendable() if n == 7 else n


def stubborn_at_7(n: int) -> int:
    if n == 7:
        raise StubbornError(n, n)
    return n


def note(path: str, n: object) -> None:
    """Leaves a line in a file that all workers share: what was run, and how often."""
    with open(path, "a") as file:
        file.write(f"{n}\n")


def kill_self(how: str) -> None:
    if how == "segfault":
        import faulthandler  # here: no subinterpreter can import it

        faulthandler.disable()  # pytest's would show the stack of a forked worker
        ctypes.string_at(0)
    elif how == "exit":
        os._exit(3)
    else:
        os.kill(os.getpid(), signal.SIGKILL)


def noted_and_killed_at_7(path: str, how: str, n: int) -> int:
    time.sleep(0.03)  # longer than a worker keeps results to itself
    note(path, n)
    if n == 7:
        kill_self(how)
    return n


def killed_once(path: str, n: int) -> int:
    if n % 5 == 0 and not os.path.exists(f"{path}.{n}"):
        note(f"{path}.{n}", n)
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def killed_at_sevens(n: int) -> int:
    if n % 7 == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def kill_first_starts(path: str, how: str, times: int) -> None:
    """An initializer that kills its worker, the first so many times."""
    note(path, "start")
    with open(path) as file:
        if len(file.readlines()) <= times:
            kill_self(how)


class Fatal:
    """Kills whoever unpickles it, unless that is the process it was made in."""

    def __init__(self) -> None:
        self.home = os.getpid()

    def __setstate__(self, state: dict[str, int]) -> None:
        if state["home"] != os.getpid():
            os.kill(os.getpid(), signal.SIGKILL)
        self.__dict__ = state


class KillsWhenPickled:
    def __reduce__(self) -> tuple[object, ...]:
        os.kill(os.getpid(), signal.SIGKILL)
        return (int, ())


def answer_kills_at_7(n: int) -> object:
    return KillsWhenPickled() if n == 7 else n


class Unloadable:
    """Pickles, and does not unpickle."""

    def __reduce__(self) -> tuple[object, ...]:
        return (int, ("not a number",))


def unloadable_at_7(n: int) -> object:
    return Unloadable() if n == 7 else n


def kind(item: object) -> str:
    return type(item).__name__


def large_result(path: str, n: int) -> bytes:
    note(path, os.getpid())
    return bytes(20_000_000)


def hang_at_7(n: int) -> int:
    if n == 7:
        time.sleep(600)
    return n


def hang_first_fail_second(n: int) -> int:
    if n == 0:
        time.sleep(600)
    raise LookupError(n)


def stop_iteration_at_7(n: int) -> int:
    if n == 7:
        raise StopIteration
    return n


def exit_politely_at_7(n: int) -> int:
    if n == 7:
        raise SystemExit("enough")
    return n


def nap(seconds: float) -> None:
    time.sleep(seconds)


def thread_variables(_: object) -> list[str | None]:
    return [os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")]


def blas_threads(_: object) -> list[int]:
    import numpy as np
    import threadpoolctl

    np.ones((2, 2)) @ np.ones((2, 2))
    return [library["num_threads"] for library in threadpoolctl.threadpool_info()]


def inner(strategy: str, n: int) -> tuple[list[int], str | None]:
    """A pmap in a worker."""
    results = factorpool.pmap(square, range(n), strategy=strategy, max_workers=2)
    return list(results), results.strategy


def inner_report_and_hang(n: int) -> None:
    list(factorpool.pmap(report_and_hang, [n, n], strategy="processes", max_workers=2))


def report_and_hang(n: int) -> None:
    os.write(1, b"%d\n" % n)  # in one piece
    time.sleep(600)


def forever_after_7(n: int) -> int:
    while n > 7:
        time.sleep(0.05)
    return n


def log(n: int) -> int:
    logger = logging.getLogger("mine")
    logger.debug("not wanted: %s", n)
    try:
        if n == 2:
            raise LookupError(n)
    except LookupError:
        logger.warning("item %s", n, exc_info=True)
    else:
        logger.warning("item %s", n)
    return n


def allocate(megabytes: int) -> int:
    return len(bytearray(megabytes << 20)) >> 20


def look_up(table: bytes, n: int) -> int:
    time.sleep(0.001)
    return table[n]


def fail_to_start() -> None:
    raise ValueError("no start")


def nap_and_square(n: int) -> int:
    time.sleep(0.002)
    return n * n


def spin(seconds: float) -> int:
    """Computes for so long, holding the GIL; the process it was in."""
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass
    return os.getpid()


def spin_for(item: tuple[float, object]) -> None:
    spin(item[0])


def spin_and_note(item: tuple[Any, ...]) -> int:
    path, seconds, n = item[:3]
    spin(seconds)
    note(path, n)
    return n


def count_zeros(data: bytes) -> int:
    return data.count(0)


def raise_worker_died(n: int) -> int:
    """As a pmap within would, if its own workers cannot start."""
    if n == 3:
        raise factorpool.WorkerDiedError(0, 1, 3, ready=False)
    return n


def nap_and_fail(seconds: float) -> None:
    time.sleep(seconds)
    raise LookupError


def with_timeout(n: int) -> str:
    try:
        return str(list(factorpool.pmap(square, [n], timeout=5)))
    except factorpool.StrategyUnavailableError as error:
        return str(error)


def ignore_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def do(path: str, item: Item) -> int:
    """Does as the item says, and notes that it did."""
    note(path, item.index)
    nap(item.seconds) if item.waits else spin(item.seconds)
    if item.fails:
        raise LookupError(item.index)
    return item.index


class EndsEarly(MapTask):
    """A task with a mistake: it forgets the chunk after its first item."""

    def pieces(self, payload: Any, start: int, stop: Any, pace: float) -> Iterator[Piece]:
        for piece in super().pieces(payload[:1], start, stop, pace):
            yield piece._replace(last=False)


def slow_once(n: int) -> int:
    """The first call takes long, as one does that imports something."""
    if not _done_once:
        _done_once.append(n)
        spin(0.3)
    return n


_done_once: list[int] = []
