"""What workers that share no memory with the caller need: tasks, items and answers as bytes, and the main module.

`processes` and `interpreters` differ in how bytes travel, not in what they say: a task once, then chunks; back come
parts.  What cannot be pickled is told apart here: the function, an item, a result, an exception, at either end.
"""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator
from multiprocessing import process, spawn
from typing import Any

from factorpool.errors import FactorpoolError, NotPicklableError, RemoteTraceback
from factorpool.factoring.numbers import show
from factorpool.factoring.tasks import Part, Task, to_the_last
from factorpool.pool import protocol as base
from factorpool.pool.protocol import Chunk, become_worker

REMEDY = (
    "define it at the top level of a module that workers can import (lambdas and functions within functions cannot "
    "travel), or use strategy='threads'"
)

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)
"""The environment variables from which libraries take how many threads to start, when they are imported."""


def pickle_start(task: Task, inherits: bool, inner_threads: int | None) -> bytes:
    """A worker's first message: the task and how to import what it needs; `inherits` if workers are copies of us."""
    try:
        message = pickle.dumps(task, pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise NotPicklableError(
            f"the function or its arguments cannot be pickled to reach a worker: {error}; {REMEDY}"
        ) from error
    main = _main_module() if task.needs_main and not inherits else None
    fn = getattr(task, "fn", None)
    if main is not None and len(main) == 2 and getattr(fn, "__module__", None) == "__main__":
        raise NotPicklableError(
            f"workers cannot import the function {getattr(fn, '__qualname__', fn)}: the main module is no file (a "
            "session, or standard input); put it into a module, or use strategy='threads'"
        )
    return pickle.dumps((message, main, inner_threads))


def _main_module() -> dict[str, Any]:
    """How to import the caller's main module, if that is possible, in the words of `multiprocessing.spawn.prepare`."""
    main = sys.modules["__main__"]
    search = [process.ORIGINAL_DIR if path == "" else path for path in sys.path]  # type: ignore[attr-defined]
    found: dict[str, Any] = {"sys_path": search, "sys_argv": sys.argv}
    if spec := getattr(main, "__spec__", None):
        found["init_main_from_name"] = spec.name
    elif path := getattr(main, "__file__", None):
        found["init_main_from_path"] = os.path.join(process.ORIGINAL_DIR or "", path)  # type: ignore[attr-defined]
    return found


def pickle_chunk(chunk: Chunk) -> bytes:
    """A chunk as a message; a NotPicklableError names the first item that cannot travel."""
    payload = chunk.payload.tobytes() if isinstance(chunk.payload, memoryview) else chunk.payload
    try:
        return pickle.dumps((chunk.start, payload, chunk.pace), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        cause = error
    for index, item in enumerate(chunk.payload, chunk.start):
        try:
            pickle.dumps(item, pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            message = f"item {index}, {show(item)}, cannot be pickled to reach a worker: {error}"
            raise NotPicklableError(message, index) from error
    raise NotPicklableError(f"items {chunk.start} and following cannot be pickled together: {cause}") from cause


def load(message: bytes) -> Task:
    """In the worker, before its first chunk: holds libraries to their threads, imports, unpickles."""
    task_message, main, inner_threads = pickle.loads(message)
    become_worker(whole_process=True)
    if inner_threads is not None:
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(inner_threads)))
        if "numpy" in sys.modules:  # this process is a copy of one that had its libraries loaded already
            from threadpoolctl import threadpool_limits

            threadpool_limits(inner_threads)
    if main is not None:
        _import_main(main)
    try:
        task: Task = pickle.loads(task_message)
    except (AttributeError, ImportError) as error:
        raise NotPicklableError(f"a worker cannot import what it was sent: {error}; {REMEDY}") from error
    return task


def _import_main(main: dict[str, Any]) -> None:
    """Imports the caller's main module, as `multiprocessing` would, and with its guards."""
    current = process.current_process()
    current._inheriting = True  # type: ignore[attr-defined]  # multiprocessing itself starts no process meanwhile
    base.importing_main = True
    try:
        spawn.prepare(main)
    except Exception as error:
        raise FactorpoolError(
            f"a worker cannot import the main module: {type(error).__name__}: {error}; if that module starts work as "
            'soon as it is imported, put what starts it under `if __name__ == "__main__":`'
        ) from error
    finally:
        base.importing_main = False
        del current._inheriting  # type: ignore[attr-defined]


def start_failure(error: BaseException) -> bytes:
    """In the worker: what keeps it from starting, as a message."""
    from traceback import format_exception

    trace = "".join(format_exception(error))
    try:
        message = pickle.dumps((error, trace))
        pickle.loads(message)
    except Exception:
        message = pickle.dumps((FactorpoolError(f"a worker could not start: {type(error).__name__}: {error}"), trace))
    return message


def raise_failure(message: bytes) -> None:
    """In the caller: raises what `start_failure` has made a message of."""
    error, trace = pickle.loads(message)
    raise error from RemoteTraceback(trace)


def answers(task: Task, message: bytes, stop: bytearray | memoryview, most_pace: float) -> Iterator[bytes]:
    """In the worker: runs a chunk and gives each part as a message; a part of no items is about all that are left."""
    try:
        start, payload, pace = pickle.loads(message)
    except BaseException as error:
        cause = NotPicklableError(f"an item cannot be unpickled in the worker: {type(error).__name__}: {error}")
        yield _encode(Part(0, None, cause, 0.0, True))
        return
    try:
        for part in to_the_last(task.parts(payload, start, stop, min(pace, most_pace))):
            try:
                yield _encode(part)
            except Exception as error:
                yield from _one_by_one(part, error)
    except KeyboardInterrupt as error:  # of the function's own making
        yield _encode(Part(0, None, error, 0.0, True))


def _encode(part: Part) -> bytes:
    if part.error is None:
        return pickle.dumps((*part, ""), pickle.HIGHEST_PROTOCOL)
    from traceback import format_exception  # here, for it takes longer to import than all the rest of this module

    message = pickle.dumps((*part, "".join(format_exception(part.error))), pickle.HIGHEST_PROTOCOL)
    pickle.loads(message)  # an exception may pickle and still not unpickle: its arguments may not be its own
    return message


def _one_by_one(part: Part, cause: Exception) -> Iterator[bytes]:
    """A part of which something cannot be pickled: the error that says what, beside the results that can."""
    if part.items == 1 or part.error is not None:
        what = "the result" if part.error is None else f"the exception {show(part.error)}"
        error = NotPicklableError(f"{what} cannot be pickled to leave the worker: {cause}")
        error.__notes__ = getattr(part.error, "__notes__", [])
        yield _encode(part._replace(value=None, error=error))
        return
    for at, value in enumerate(part.value, 1):
        single = Part(1, [value], None, part.seconds / part.items, part.last and at == part.items)
        try:
            yield _encode(single)
        except Exception as error:
            yield from _one_by_one(single, error)


def decode(message: bytes) -> Part:
    """In the caller: a part from a message."""
    try:
        *fields, trace = pickle.loads(message)
    except Exception as cause:
        raise NotPicklableError(f"a result cannot be unpickled here: {type(cause).__name__}: {cause}") from cause
    part = Part(*fields)
    if part.error is not None and trace:
        part.error.__cause__ = RemoteTraceback(trace)
    return part
