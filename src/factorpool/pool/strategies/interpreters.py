"""`interpreters`: subinterpreters of this process, each in a thread and with a GIL of its own (CPython 3.14, PEP 734).

Pure Python scales in them without a second process.  What they import must allow it: extension modules such as NumPy
refuse, and so does this strategy then.  Nothing is isolated from a crash, and nothing can be stopped.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from factorpool.errors import NotPicklableError, StrategyUnavailableError
from factorpool.factoring.tasks import Part, Task
from factorpool.pool.pickling import (
    answers,
    decode,
    load,
    pickle_chunk,
    pickle_start,
    raise_failure,
    start_failure,
)
from factorpool.pool.protocol import PACE_SECONDS, Chunk, remember_start
from factorpool.pool.strategies.threads import Runner, ThreadWorkers

REFUSAL = re.compile(r"module \S+ does not support loading in subinterpreters")
"""What CPython says of an extension module that cannot be imported in one."""


def unavailable() -> str | None:
    """Why this machine cannot run it, or None."""
    if sys.version_info < (3, 14):
        return f"it needs CPython 3.14, and this is {sys.version_info.major}.{sys.version_info.minor}"
    try:
        import concurrent.interpreters  # noqa: F401
    except ImportError as error:
        return str(error)
    return None


def interpreter_workers(task: Task, count: int) -> ThreadWorkers:
    """Threads that have an interpreter each run the task."""
    return ThreadWorkers(count, _runner(task))


def refusal(task: Task) -> str | None:
    """Why a subinterpreter cannot run the task, found by trying, or None."""
    try:
        with _runner(task)(bytearray(1)):
            return None
    except Exception as error:
        return str(error)


def _runner(task: Task) -> Callable[[bytearray], AbstractContextManager[Runner]]:
    from concurrent import interpreters

    first = pickle_start(task, inherits=False, inner_threads=None)

    @contextmanager
    def runner(stop: bytearray) -> Iterator[Runner]:
        began = time.monotonic()
        interpreter = interpreters.create()
        try:
            interpreter.exec(f"import sys; sys.path[:] = {[str(path) for path in sys.path]!r}")
            if failure := interpreter.call(_start, first, memoryview(stop)):
                try:
                    raise_failure(failure)
                except Exception as error:
                    _refuse(error)
                    raise

            remember_start("interpreters", time.monotonic() - began)

            def run(chunk: Chunk) -> Iterator[Part]:
                try:
                    message = pickle_chunk(chunk)
                    while answer := interpreter.call(_answer, message):
                        message = b""
                        part = decode(answer)
                        if part.error is not None:
                            _refuse(part.error)
                        yield part
                except NotPicklableError as error:
                    yield Part(0, None, error, 0.0, True)

            yield run
        finally:
            interpreter.close()

    return runner


# What follows is called in the interpreters, and this is what they remember from one call to the next.
_task: Task
_stop: memoryview
_answers: Iterator[bytes]


def _start(first: bytes, stop: memoryview) -> bytes:
    """Prepares the task; the failure as a message, or nothing."""
    global _task, _stop
    _stop = stop
    try:
        _task = load(first)
        _task.start()
    except BaseException as error:
        return start_failure(error)
    return b""


def _answer(message: bytes) -> bytes:
    """The first part of a new chunk, or, without one, the next part of the last; nothing at its end."""
    global _answers
    if message:
        _answers = answers(_task, message, _stop, PACE_SECONDS)
    return next(_answers, b"")


def _refuse(error: BaseException) -> None:
    """Raises a StrategyUnavailableError if the error came of a module that no subinterpreter can import."""
    if found := REFUSAL.search(f"{error}\n{error.__cause__}"):
        raise StrategyUnavailableError(
            f"strategy 'interpreters' cannot run this function: {found.group()}; use processes or threads"
        ) from error
