"""`interpreters`: subinterpreters of this process, each in a thread and with a GIL of its own (CPython 3.14, PEP 734).

Pure Python scales in them without a second process.  What they import must allow it: extension modules such as NumPy
refuse, and so does this strategy then.  Nothing is isolated from a crash, and nothing can be stopped.
"""

from __future__ import annotations

import atexit
import re
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from factorpool.errors import NotPicklableError, StrategyUnavailableError
from factorpool.pool.cpus import usable_cpus
from factorpool.pool.dispatcher import close_all
from factorpool.pool.inside import become_worker
from factorpool.pool.pickling import (
    TaskMessage,
    answers,
    chunk_message,
    decode,
    load_task,
    raise_failure,
    start_failure,
    task_message,
    traffic,
)
from factorpool.pool.protocol import PACE_SECONDS, Chunk, Piece, Plain, Task, TaskRef, Traits
from factorpool.pool.shelf import Shelf, close_shared
from factorpool.pool.starts import remember_start
from factorpool.pool.strategies.threads import Runner, Threads, ThreadWorkers

REFUSAL = re.compile(r"module \S+ does not support loading in subinterpreters")
"""What CPython says of an extension module that cannot be imported in one."""

EXIT_SECONDS = 5.0
"""How long the end of the program waits for interpreters to come to the end of their items: CPython 3.14 may crash or
hang if it ends one that is in the middle of something, such as the import of an extension module."""

_threads: set[threading.Thread] = set()  # those that have an interpreter


@atexit.register
def _wait_for_all() -> None:
    close_all()
    close_shared()
    deadline = time.monotonic() + EXIT_SECONDS
    for thread in list(_threads):
        thread.join(max(0.0, deadline - time.monotonic()))


class Interpreters(Plain):
    """Subinterpreters of this process."""

    name: ClassVar[str] = "interpreters"
    summary: ClassVar[str] = "interpreters of this process, each with a GIL of its own, for pure Python (CPython 3.14)"
    traits: ClassVar[Traits] = Traits(
        remote=True, stops_items=False, parallel_python=True, start_seconds=0.15, rank=2, color="#b279a2"
    )

    def why_unavailable(self) -> str | None:
        """Pythons before 3.14, and subinterpreters, which may have no daemon threads."""
        if sys.version_info < (3, 14):
            return f"it needs CPython 3.14, and this is {sys.version_info.major}.{sys.version_info.minor}"
        try:
            import concurrent.interpreters  # noqa: F401
        except ImportError as error:
            return str(error)
        return Threads().why_unavailable()  # each is in one

    def capacity(self) -> int:
        """One for each CPU."""
        return usable_cpus()

    def open(self, task: TaskRef, slots: int, shelf: Shelf | None) -> ThreadWorkers:
        """Threads that have an interpreter each run the task."""
        by_name = task_message(task, inherits=False).main is not None  # an error for what cannot travel comes here
        kept = None if shelf is None or shelf.shared else shelf
        return ThreadWorkers(task, slots, _in_an_interpreter, kept, lambda chunk: chunk_message(chunk, by_name))

    def refusal(self, task: TaskRef) -> str | None:
        """Why a subinterpreter cannot run the task, found by trying, or None."""
        try:
            with _in_an_interpreter() as run:
                for _ in run(task, Chunk(0, b""), bytearray(1)):
                    pass
        except Exception as error:
            return str(error)
        return None


@contextmanager
def _in_an_interpreter() -> Iterator[Runner]:
    """A new interpreter, and how to run chunks in it; it gets each task once."""
    from concurrent import interpreters

    began = time.monotonic()
    interpreter = interpreters.create()
    _threads.add(threading.current_thread())
    started = 0  # the number of the task that it has started last

    def run(ref: TaskRef, chunk: Chunk, stop: bytearray) -> Iterator[Piece]:
        nonlocal started
        message = task_message(ref, inherits=False)
        if started != ref.number:
            arguments = (message.data, message.main, message.path, [bytes(buffer) for buffer in message.buffers])
            traffic.bytes += len(message.data)
            if failure := interpreter.call(_start, *arguments):
                try:
                    raise_failure(failure)
                except Exception as error:
                    _refuse(error)
                    raise
            if not started:
                remember_start(Interpreters.name, time.monotonic() - began)
            started = ref.number
        if not chunk.payload:
            return
        try:
            answer = interpreter.call(_answer, chunk.payload, memoryview(stop))
            while answer:
                piece = decode(answer)
                if piece.error is not None:
                    _refuse(piece.error)
                yield piece
                answer = interpreter.call(_answer, b"", None)
        except NotPicklableError as error:
            yield Piece(0, None, error, 0.0, True)

    try:
        interpreter.exec(f"import sys; sys.path[:] = {[str(path) for path in sys.path]!r}")
        yield run
    finally:
        try:
            interpreter.close()
        finally:
            _threads.discard(threading.current_thread())


# What follows is called in the interpreters, and this is what they remember from one call to the next.
_task: Task
_answers: Iterator[bytes]


def _start(data: bytes, main: dict[str, object] | None, path: list[str], buffers: list[bytes]) -> bytes:
    """Starts a task; the failure as a message, or nothing."""
    global _task
    become_worker(whole_process=True)
    try:
        _task = load_task(TaskMessage(data, [], main, path), [bytearray(buffer) for buffer in buffers])
        _task.start()
    except BaseException as error:
        return start_failure(error)
    return b""


def _answer(message: bytes, stop: memoryview | None) -> bytes:
    """The first piece of a new chunk, or, without one, the next piece of the last; nothing at its end."""
    global _answers
    if stop is not None:
        _answers = answers(_task, message, stop, PACE_SECONDS)
    return next(_answers, b"")


def _refuse(error: BaseException) -> None:
    """Raises a StrategyUnavailableError if the error came of a module that no subinterpreter can import."""
    if found := REFUSAL.search(f"{error}\n{error.__cause__}"):
        raise StrategyUnavailableError(
            f"strategy 'interpreters' cannot run this function: {found.group()}; use processes or threads"
        ) from error
