"""`processes`: processes of this machine, one duplex pipe each.

No queue and no lock is shared, so a worker that is killed takes nothing with it: its end of file arrives on its own
pipe, and names the chunk that was in it.  A worker ends when its pipe does, whatever it is doing, so it does not
outlive its parent.
"""

from __future__ import annotations

import atexit
import math
import multiprocessing
import os
import signal
import sys
import threading
import time
import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing import forkserver, resource_tracker, spawn
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from typing import Any

from factorpool import _native
from factorpool.errors import ItemTimeoutError, NotPicklableError, OptionError, WorkerDiedError
from factorpool.factoring.tasks import Task
from factorpool.pool.pickling import (
    answers,
    decode,
    load,
    pickle_chunk,
    pickle_start,
    raise_failure,
    start_failure,
)
from factorpool.pool.protocol import PACE_SECONDS, Chunk, Completion, completed, remember_start

GENTLE_SECONDS = 5.0
"""How long `close` waits for idle workers to flush what they have printed and end, before it kills them;"""

ABRUPT_SECONDS = 0.2
"""and how long after an error or Ctrl-C."""

LONGEST_WAIT = 86400.0
"""Seconds: the system's own limit is a few weeks."""

STARTS = 5
"""Workers killed one after the other before one was ready: then the machine is at fault, and there is no use in going
on.  A worker that ends by itself at that stage would always do so."""

PRELOADED = "factorpool.pool.strategies.preloaded"
"""The module that the fork server imports."""

_READY = b"ready "
"""A worker's first message, if nothing went wrong, followed by the time when it could have begun."""

_END = b""
"""The message after which a worker ends by itself."""


def unavailable() -> str | None:
    """Why this machine cannot run it, or None."""
    if sys.platform in ("emscripten", "wasi"):
        return f"there are no processes on {sys.platform}"
    if multiprocessing.current_process().daemon:
        return "this process is a daemon of multiprocessing, and those may not start others"
    return None


def context(wanted: BaseContext | str | None) -> BaseContext:
    """The multiprocessing context: the caller's, what `multiprocessing.set_start_method` set, or forkserver.

    That was set to fork counts only where the caller says so: it is also what a mere `multiprocessing.Lock()` leaves
    behind. Forkserver is the default because a fork of a process with threads can hang, and spawn starts every worker
    from nothing.  Forked workers fork theirs.
    """
    methods = multiprocessing.get_all_start_methods()
    if isinstance(wanted, BaseContext):
        return wanted
    if wanted is not None and wanted not in methods:
        raise OptionError(
            f"mp_context {wanted!r} is not a start method of this machine; there are {', '.join(methods)}"
        )
    default = "fork" if _forked else "forkserver" if "forkserver" in methods else "spawn"
    already = multiprocessing.get_start_method(allow_none=True)
    return multiprocessing.get_context(wanted or (default if already in (None, "fork") else already))


class ProcessWorkers:
    """Worker processes, started as chunks come."""

    def __init__(
        self, task: Task, mp_context: BaseContext | str | None, timeout: float | None, inner_threads: int | None
    ) -> None:
        self._context = context(mp_context)
        if self._context.get_start_method() == "forkserver":
            _preload()
        self._timeout = timeout
        forked = self._context.get_start_method() == "fork"
        self._first_message = pickle_start(task, forked, inner_threads)
        self._pace = PACE_SECONDS if timeout is None else 0.0  # a timeout is an item's: each has to be heard of
        self._idle: list[_Worker] = []
        self._busy: dict[Any, _Worker] = {}  # by connection, and by the sentinel of its process
        self._failed_starts = 0
        self._owner = os.getpid()
        _open.add(self)

    @property
    def held(self) -> Collection[int]:
        """What the busy workers are at."""
        return {worker.chunk.start for worker in self._busy.values()}

    def submit(self, chunk: Chunk) -> None:
        """Sends the chunk to an idle worker, or to a new one."""
        message = pickle_chunk(chunk)
        worker = self._free_worker()
        while not worker.give(chunk, message):  # it has just been killed, before it had the chunk
            worker.free()
            worker = self._free_worker()
        self._busy[worker.connection] = self._busy[worker.process.sentinel] = worker

    def _free_worker(self) -> _Worker:
        """An idle worker, unless it has died meanwhile, or a new one."""
        while self._idle:
            worker = self._idle.pop()
            if worker.process.is_alive():
                return worker
            worker.free()
        return _Worker(self._context, self._first_message, self._pace)

    def wait(self, timeout: float | None) -> list[Completion]:
        """What has arrived; a worker that died or took too long completes its chunk with the error that says so."""
        if self._timeout is not None and self._busy:
            running = [worker.heard for worker in self._busy.values() if worker.ready]
            soonest = max(0.0, min(running, default=math.inf) + self._timeout - time.monotonic())
            timeout = soonest if timeout is None else min(soonest, timeout)
            timeout = min(timeout, LONGEST_WAIT)
        ready = wait(list(self._busy), timeout)
        done = []
        for worker in dict.fromkeys(map(self._busy.__getitem__, ready)):
            completion = worker.receive()
            if completion is None:
                self._failed_starts = 0
                continue
            if completion.last:
                del self._busy[worker.connection], self._busy[worker.process.sentinel]
                if worker.dead:
                    worker.free()
                    self._count_failed_start(worker, completion)
                else:
                    self._idle.append(worker)
            done.append(completion)
        if self._timeout is not None:
            done += self._kill_overdue(self._timeout)
        return done

    def _count_failed_start(self, worker: _Worker, completion: Completion) -> None:
        """A worker that ended by itself before it was ready, or one too many that was killed there, ends the run."""
        if worker.ready:
            return
        assert isinstance(completion.error, WorkerDiedError)
        self._failed_starts += 1
        if (completion.error.exitcode or 0) >= 0 or self._failed_starts >= STARTS:
            raise completion.error

    def _kill_overdue(self, timeout: float) -> list[Completion]:
        """Kills the workers of which nothing was heard for too long since they began an item."""
        done = []
        now = time.monotonic()
        for worker in dict.fromkeys(self._busy.values()):
            if worker.ready and now - worker.heard >= timeout and not worker.connection.poll():
                del self._busy[worker.connection], self._busy[worker.process.sentinel]
                worker.free()
                item, _ = worker.chunk.split(1)
                done.append(Completion(item, None, ItemTimeoutError(item.start, timeout), timeout))
        return done

    def close(self, gently: bool) -> None:
        """Tells idle workers to end, kills busy ones, and waits until all are gone."""
        if self._owner != os.getpid():  # this is a copy in a process that the caller has forked
            return
        busy = list(dict.fromkeys(self._busy.values()))
        for worker in busy:
            worker.process.kill()
        for worker in self._idle:
            with suppress(OSError):
                worker.connection.send_bytes(_END)
        deadline = time.monotonic() + (GENTLE_SECONDS if gently else ABRUPT_SECONDS)
        for worker in [*busy, *self._idle]:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            worker.free()
        self._busy.clear()
        self._idle.clear()


_open: weakref.WeakSet[ProcessWorkers] = weakref.WeakSet()


@atexit.register  # after multiprocessing has registered its own, and so before that waits for workers for ever
def _close_all() -> None:
    for workers in list(_open):
        workers.close(gently=False)


# The parent's ends of all pipes of all pools of this process.
_parent_ends: weakref.WeakSet[Connection] = weakref.WeakSet()

# Whether this is a forked worker: its parent's fork server is no child of its own, and multiprocessing stumbles there.
_forked = False


def _preload() -> None:
    """Has the fork server import what workers need once, if it is yet to be started.

    What the program itself wants preloaded stays; multiprocessing can be told the list, but not asked for it.
    """
    wanted = forkserver._forkserver._preload_modules  # type: ignore[attr-defined]
    if PRELOADED not in wanted:
        forkserver.set_forkserver_preload([*wanted, PRELOADED])


_starting = threading.Lock()


def _forget_starts() -> None:
    """In a process that was forked: the lock may have been another thread's."""
    global _starting
    _starting = threading.Lock()


os.register_at_fork(after_in_child=_forget_starts)


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Keeps Ctrl-C from a process until it is there, and ignores it: it would print a traceback.

    The process inherits this thread's mask, or that of the fork server, if that was started here.  Both start
    multiprocessing's resource tracker first, if it is not running, and that resets the mask: so it is started before.
    """
    resource_tracker.ensure_running()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def _without_main() -> Iterator[None]:
    """Keeps multiprocessing from importing the main module into a process that is started here.

    A worker imports the main module itself, once it can say what went wrong, and only if its task needs it: so
    factoring on processes needs no `if __name__ == "__main__":`, and works where the main module is no file.
    multiprocessing has no option for that.
    """
    here = threading.get_ident()

    def without_main(name: str) -> dict[str, object]:
        data = describe(name)
        if threading.get_ident() == here:  # another thread may start a process of its own
            data.pop("init_main_from_name", None)
            data.pop("init_main_from_path", None)
        return data

    with _starting:
        describe = spawn.get_preparation_data
        spawn.get_preparation_data = without_main
        try:
            yield
        finally:
            spawn.get_preparation_data = describe


class _Worker:
    """The parent's side of one worker: its process, its pipe, and the rest of the chunk in it.

    `heard` is when it last sent something or was sent a chunk; `ready` says that it has started, `dead` that it is of
    no more use.
    """

    def __init__(self, mp: BaseContext, first_message: bytes, pace: float) -> None:
        self.chunk: Chunk
        self.heard: float
        self._kept = b""
        self.began = time.monotonic()
        self.ready = self.dead = False
        self.connection, theirs = mp.Pipe()
        _parent_ends.add(self.connection)
        # A forked child has copies of the parent's ends; while it keeps them open, no worker would see the parent end.
        forked = mp.get_start_method() == "fork"
        inherited = [end for end in list(_parent_ends) if not end.closed] if forked else None
        self.process = mp.Process(  # type: ignore[attr-defined]
            target=_serve, args=(theirs, pace, inherited), name="factorpool", daemon=True
        )
        with _no_interrupt(), nullcontext() if forked else _without_main():
            self.process.start()
        theirs.close()
        with suppress(OSError):  # it has died: `receive` will see its end of file
            self.connection.send_bytes(first_message)

    def give(self, chunk: Chunk, message: bytes) -> bool:
        """Sends a chunk; False if the worker is dead.

        One that is not ready yet gets it later: a large chunk would block the caller till then.
        """
        self.chunk = chunk
        if not self.ready:
            self._kept = message
            return True
        try:
            self.connection.send_bytes(message)
        except OSError:
            return False
        self.heard = time.monotonic()
        return True

    def receive(self) -> Completion | None:
        """The next part of the chunk; None once the worker is ready."""
        try:
            # Where the process has ended, a child of its own may hold the pipe open: then nothing will come.
            if not self.process.is_alive() and not self.connection.poll():
                return self._died()
            message = self.connection.recv_bytes()
        except ConnectionResetError:  # it has not even read what it was sent: no item of that is to blame
            return self._died(had_chunk=False)
        except (EOFError, OSError):
            return self._died()
        self.heard = time.monotonic()
        if self.ready:
            try:
                completion, self.chunk = completed(self.chunk, decode(message))
            except NotPicklableError as error:  # more may follow: the rest is better begun anew
                self.dead = True
                head = self.chunk.split(1)[0] if self.chunk.careful else self.chunk
                return Completion(head, None, error, 0.0)
            return completion
        if not message.startswith(_READY):
            raise_failure(message)
        self.ready = True
        remember_start("processes", float(message.removeprefix(_READY)) - self.began)
        self.give(self.chunk, self._kept)  # if it has died meanwhile, its end of file comes next
        self._kept = b""
        return None

    def _died(self, had_chunk: bool = True) -> Completion:
        self.process.join(GENTLE_SECONDS)
        self.process.kill()  # if it has closed its pipe and goes on
        self.process.join()
        start = self.chunk.start
        died = WorkerDiedError(start, start + len(self.chunk.payload), self.process.exitcode, self.ready and had_chunk)
        self.dead = True
        return Completion(self.chunk, None, died, 0.0, died=True)

    def free(self) -> None:
        """Frees all that the worker holds, itself too."""
        self.process.kill()
        self.process.join()
        self.connection.close()
        self.process.close()


def _serve(connection: Connection, pace: float, inherited: list[Connection] | None) -> None:
    """What a worker process runs: a task, then chunks, until its pipe ends."""
    sys.excepthook = sys.__excepthook__  # the fork server's own is not for what runs here
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    multiprocessing.current_process().daemon = False  # what runs here may start processes of its own
    if inherited is not None:
        global _forked
        _forked = True
        for other in inherited:
            other.close()
    _native.exit_when_closed(connection.fileno())
    with suppress(EOFError, OSError):  # the parent is gone
        try:
            task = load(connection.recv_bytes())
            now = time.monotonic()  # the same clock in all processes; the user's own initializer counts no more
            task.start()
        except BaseException as error:
            connection.send_bytes(start_failure(error))
            return
        connection.send_bytes(_READY + str(now).encode())
        never = bytearray(1)
        while (message := connection.recv_bytes()) != _END:
            for answer in answers(task, message, never, pace):
                connection.send_bytes(answer)
