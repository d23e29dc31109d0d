"""Functions for workers to run: they must be importable there."""

from __future__ import annotations

import os
import signal
import time

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


def kill_self_at_7(n: int) -> int:
    if n == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return n


def exit_at_7(n: int) -> int:
    if n == 7:
        os._exit(3)
    return n


def unpicklable_result(n: int) -> object:
    return lambda: n


class StubbornError(Exception):
    """Pickles, and does not unpickle: its arguments are not its own."""

    def __init__(self, a: int, b: int) -> None:
        super().__init__(f"{a} and {b}")


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
    return (lambda: n) if n == 7 else n


def stubborn_at_7(n: int) -> int:
    if n == 7:
        raise StubbornError(n, n)
    return n
