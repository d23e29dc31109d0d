"""`processes`: processes of this machine, one duplex pipe each.

No queue and no lock is shared, so a worker that is killed takes nothing with it: its end of file arrives on its own
pipe, and names the chunk that was in it.  A worker ends when its pipe does, whatever it is doing, so it does not
outlive its parent.
"""

from __future__ import annotations

import multiprocessing
import pickle
import signal
import sys
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from typing import Any

from factorpool import _native
from factorpool._numbers import show
from factorpool._tasks import MapTask, Task
from factorpool.errors import NotPicklableError, OptionError, RemoteTraceback, WorkerDiedError
from factorpool.strategies.base import Chunk, Completion, execute

JOIN_SECONDS = 1.0
"""How long `close` waits for idle workers to end by themselves before it kills them."""

_END = b""
"""The message after which a worker ends by itself, and so flushes what its functions have printed."""

REMEDY = "define it at the top level of a module that workers can import, or use strategy='threads'"


def unavailable() -> str | None:
    """Why this machine cannot run it, or None."""
    if sys.platform in ("emscripten", "wasi"):
        return f"there are no processes on {sys.platform}"
    if multiprocessing.current_process().daemon:
        return "this is a worker process itself, and those may not start others"
    return None


def context(wanted: BaseContext | str | None) -> BaseContext:
    """The multiprocessing context: the caller's, what `multiprocessing.set_start_method` set, or forkserver.

    That was set to fork counts only where the caller says so: it is also what a mere `multiprocessing.Lock()` leaves
    behind. Forkserver is the default because a fork of a process with threads can hang, and spawn starts every worker
    from nothing.
    """
    methods = multiprocessing.get_all_start_methods()
    if isinstance(wanted, BaseContext):
        return wanted
    if wanted is not None and wanted not in methods:
        raise OptionError(
            f"mp_context {wanted!r} is not a start method of this machine; there are {', '.join(methods)}"
        )
    default = "forkserver" if "forkserver" in methods else "spawn"
    already = multiprocessing.get_start_method(allow_none=True)
    return multiprocessing.get_context(wanted or (default if already in (None, "fork") else already))


class ProcessWorkers:
    """Worker processes, started as chunks come."""

    def __init__(self, task: Task, mp_context: BaseContext | str | None) -> None:
        self._context = context(mp_context)
        if self._context.get_start_method() == "forkserver":
            _preload()
        self._task = _pickle(task, "the function or its arguments")
        self._needs_main = task.needs_main
        self._idle: list[_Worker] = []
        self._busy: dict[Any, _Worker] = {}  # by connection, and by the sentinel of its process

    def submit(self, chunk: Chunk) -> None:
        """Sends the chunk to an idle worker, or to a new one."""
        payload = chunk.payload.tobytes() if isinstance(chunk.payload, memoryview) else chunk.payload
        try:
            message = pickle.dumps((chunk.start, payload), pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            raise _unpicklable_item(chunk, error) from error
        worker = self._free_worker()
        worker.chunk = chunk
        self._busy[worker.connection] = self._busy[worker.process.sentinel] = worker
        with suppress(OSError):  # it has died: `wait` will see its end of file
            worker.connection.send_bytes(message)

    def _free_worker(self) -> _Worker:
        """An idle worker, unless it has died meanwhile, or a new one."""
        while self._idle:
            worker = self._idle.pop()
            if worker.process.is_alive():
                return worker
            worker.connection.close()
        return _Worker(self._context, self._task, self._needs_main)

    def wait(self, timeout: float | None) -> list[Completion]:
        """What has arrived; a worker that died completes its chunk with a WorkerDiedError."""
        ready = wait(list(self._busy), timeout)
        done = []
        for worker in dict.fromkeys(map(self._busy.__getitem__, ready)):
            del self._busy[worker.connection], self._busy[worker.process.sentinel]
            completion, alive = worker.receive()
            done.append(completion)
            if alive:
                self._idle.append(worker)
        return done

    def close(self) -> None:
        """Tells idle workers to end, kills busy ones, and waits until all are gone."""
        busy = list(dict.fromkeys(self._busy.values()))
        for worker in busy:
            worker.process.kill()
        for worker in self._idle:
            with suppress(OSError):
                worker.connection.send_bytes(_END)
        deadline = time.monotonic() + JOIN_SECONDS
        for worker in [*busy, *self._idle]:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.connection.close()
            worker.process.close()
        self._busy.clear()
        self._idle.clear()


# The parent's ends of all pipes of all pools of this process.
_parent_ends: weakref.WeakSet[Connection] = weakref.WeakSet()


def _preload() -> None:
    """Has the fork server import this module once, if it is yet to be started: a worker then starts 15 ms sooner.

    What the program itself wants preloaded stays; multiprocessing can be told the list, but not asked for it.
    """
    wanted = forkserver._forkserver._preload_modules  # type: ignore[attr-defined]
    if __name__ not in wanted:
        forkserver.set_forkserver_preload([*wanted, __name__])


@contextmanager
def _hidden_main() -> Iterator[None]:
    """Keeps multiprocessing from importing the main module into a worker that needs nothing of it.

    So factoring on processes needs no `if __name__ == "__main__":`, works where the main module is no file, and starts
    sooner.  multiprocessing finds the module by these two names, and has no option for it.
    """
    main = sys.modules["__main__"]
    hidden: dict[str, Any] = {
        name: main.__dict__.pop(name) for name in ("__spec__", "__file__") if name in main.__dict__
    }
    main.__spec__ = None
    try:
        yield
    finally:
        main.__dict__.update(hidden)


class _Worker:
    """The parent's side of one worker: its process, its pipe, and the chunk in it."""

    def __init__(self, mp: BaseContext, task: bytes, needs_main: bool) -> None:
        self.chunk: Chunk
        self.connection, theirs = mp.Pipe()
        _parent_ends.add(self.connection)
        # A forked child has copies of the parent's ends; while it keeps them open, no worker would see the parent end.
        forked = mp.get_start_method() == "fork"
        inherited = [end for end in _parent_ends if not end.closed] if forked else []
        self.process = mp.Process(  # type: ignore[attr-defined]
            target=_serve, args=(theirs, inherited), name="factorpool", daemon=True
        )
        with nullcontext() if needs_main else _hidden_main():
            self.process.start()
        theirs.close()
        self.answered = False
        with suppress(OSError):  # as in submit
            self.connection.send_bytes(task)

    def receive(self) -> tuple[Completion, bool]:
        """The answer to the chunk, and whether the worker is still there."""
        try:
            # Where the process has ended, a child of its own may hold the pipe open: then nothing will come.
            if not self.process.is_alive() and not self.connection.poll():
                return self._died(), False
            message = self.connection.recv_bytes()
        except (EOFError, OSError):
            return self._died(), False
        self.answered = True
        try:
            value, error, trace, seconds = pickle.loads(message)
        except Exception as cause:
            failure = NotPicklableError(
                f"the answer for item {self.chunk.start} and following cannot be unpickled here: {cause}"
            )
            failure.__cause__ = cause
            return Completion(self.chunk, None, failure, 0.0), True
        if error is not None and trace:
            error.__cause__ = RemoteTraceback(trace)
        return Completion(self.chunk, value, error, seconds), True

    def _died(self) -> Completion:
        self.process.join(JOIN_SECONDS)
        hint = ""
        if not self.answered and self.process.exitcode == 1:
            hint = (
                "; it had not answered before: does the main module start work without "
                'an `if __name__ == "__main__":`, or fail to import?'
            )
        start = self.chunk.start
        died = WorkerDiedError(start, start + len(self.chunk.payload), self.process.exitcode, hint)
        self.connection.close()
        return Completion(self.chunk, None, died, 0.0)


def _serve(connection: Connection, inherited: list[Connection]) -> None:
    """What a worker process runs: a task, then chunks, until its pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    for other in inherited:
        other.close()
    _native.exit_when_closed(connection.fileno())
    never = bytearray(1)
    failure: BaseException | None = None
    try:
        task: Task = _unpickle(connection.recv_bytes())
        task.start()
    except EOFError:
        return
    except BaseException as error:
        failure = error
    while True:
        try:
            message = connection.recv_bytes()
        except (EOFError, OSError):
            return
        if message == _END:
            return
        answer: tuple[Any, BaseException | None, float] = (None, failure, 0.0)
        collect = False
        if failure is None:
            try:
                start, payload = _unpickle(message)
            except BaseException as error:
                answer = (None, error, 0.0)
            else:
                answer = execute(task, payload, start, never)
                collect = isinstance(task, MapTask) and task.collect
        try:
            connection.send_bytes(_encode(*answer, collect))
        except OSError:
            return  # the parent is gone


def _encode(value: Any, error: BaseException | None, seconds: float, collect: bool) -> bytes:
    """An answer as bytes; what cannot be pickled becomes the error that says so, with `collect` item by item."""
    trace = ""
    if error is not None:
        from traceback import format_exception  # here, for it takes longer to import than all the rest of this module

        trace = "".join(format_exception(error))
    try:
        message = pickle.dumps((value, error, trace, seconds), pickle.HIGHEST_PROTOCOL)
        if error is not None or collect:
            pickle.loads(message)  # an exception may pickle and still not unpickle: its arguments may not be its own
        return message
    except Exception as cause:
        if collect and error is None:
            value = [_portable(*outcome) for outcome in value]
        else:
            value, error = None, _cannot_leave("a result", error, cause)
        return pickle.dumps((value, error, trace, seconds), pickle.HIGHEST_PROTOCOL)


def _portable(value: Any, error: Exception | None) -> tuple[Any, Exception | None]:
    """One item's outcome, or the error that says why it cannot travel."""
    try:
        pickle.loads(pickle.dumps(error if error is not None else value, pickle.HIGHEST_PROTOCOL))
    except Exception as cause:
        return None, _cannot_leave("the result", error, cause)
    return value, error


def _cannot_leave(result: str, error: BaseException | None, cause: Exception) -> NotPicklableError:
    what = result if error is None else f"the exception {show(error)}"
    return NotPicklableError(f"{what} cannot be pickled to leave the worker: {cause}")


def _pickle(thing: object, what: str) -> bytes:
    try:
        return pickle.dumps(thing, pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise NotPicklableError(f"{what} cannot be pickled to reach a worker process: {error}; {REMEDY}") from error


def _unpickle(message: bytes) -> Any:
    try:
        return pickle.loads(message)
    except (AttributeError, ImportError) as error:
        raise NotPicklableError(f"a worker process cannot import what it was sent: {error}; {REMEDY}") from error


def _unpicklable_item(chunk: Chunk, error: Exception) -> NotPicklableError:
    """Names the first item of the chunk that cannot be pickled."""
    for index, item in enumerate(chunk.payload, chunk.start):
        try:
            pickle.dumps(item, pickle.HIGHEST_PROTOCOL)
        except Exception:
            return NotPicklableError(f"item {index}, {show(item)}, cannot be pickled to reach a worker: {error}")
    return NotPicklableError(f"items {chunk.start} and following cannot be pickled together: {error}")
