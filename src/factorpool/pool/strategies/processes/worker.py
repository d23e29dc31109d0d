"""What a worker process runs: one task after the other, the chunks of each, until its pipe ends.

A message begins with a letter: a task (T), a chunk (C), a rest (R); an empty one is the end.  A task is answered by
READY or by what keeps it from starting, a chunk by its pieces; log records may come in between.  Before a piece come
its large buffers, each announced by PAGES and its length; what no pages can be had for comes as the next message.
"""

from __future__ import annotations

import os
import pickle
import resource
import signal
import sys
import time
from contextlib import suppress
from multiprocessing.connection import Connection

from factorpool import _native
from factorpool.pool import pickling
from factorpool.pool.inside import become_worker
from factorpool.pool.logs import send_records
from factorpool.pool.protocol import Task
from factorpool.pool.strategies.processes import buffers

TASK, CHUNK, REST, END = b"T", b"C", b"R", b""

LOG = b"log "
"""How a log record begins on its way to the caller."""

PAGES = b"pages "
"""What announces pages, followed by how many bytes they have."""

READY = b"ready "
"""How a task is answered that has started, followed by the time when it could have begun."""

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
    "TBB_NUM_THREADS",
)
"""The environment variables from which libraries take how many threads to start, when they are imported."""


def serve(connection: Connection, inner_threads: int | None, memory: int | None, copied: bool) -> None:
    """Works until the pipe ends; `copied` if this process was forked from the caller's.

    `memory` is how many bytes of it there may be.
    """
    sys.excepthook = sys.__excepthook__  # the fork server's own is not for what runs here
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to the whole group; the parent decides
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    sys.modules["multiprocessing.process"].current_process().daemon = False  # what runs here may start processes
    pickling.copied = copied
    _native.exit_when_closed(connection.fileno())
    become_worker(whole_process=True)
    _limit_threads(inner_threads)
    if memory is not None:
        # Private memory that can be written to; all address space (RLIMIT_AS) would count what is only reserved.
        resource.setrlimit(resource.RLIMIT_DATA, (memory, resource.getrlimit(resource.RLIMIT_DATA)[1]))
    with suppress(EOFError, OSError):  # the parent is gone
        _Worker(connection).work()


def _limit_threads(count: int | None) -> None:
    if count is None:
        return
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(count)))
    if "numpy" in sys.modules:  # this process is a copy of one that had its libraries loaded already
        from threadpoolctl import threadpool_limits

        threadpool_limits(count)


def _flush() -> None:
    """What was printed arrives now, not when the worker ends."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # there is none, it is full, it is closed
            stream.flush()


class _Worker:
    """The task at hand, and the pipe to the parent."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pace = 0.0
        self._task: Task | None = None
        self._never = bytearray(1)

    def work(self) -> None:
        """Does what it is told until it is told to end."""
        seconds: float | None = None
        while self._connection.poll(seconds):
            message = self._connection.recv_bytes()
            kind, rest, seconds = message[:1], message[1:], None
            if kind == CHUNK:
                self._run(rest)
            elif kind == TASK:
                self._start(rest)
            elif kind == REST:
                self._task = None  # and with it all that it has captured
                seconds = pickle.loads(rest)
            else:
                return

    def _start(self, message: bytes) -> None:
        data, lengths, main, path, self._pace, level = pickle.loads(message)
        if level is not None:
            send_records(level, lambda record: self._connection.send_bytes(LOG + record))
        try:
            pages = [buffers.receive(self._connection, length, "the task") for length in lengths]
            self._task = pickling.load_task(pickling.TaskMessage(data, [], main, path), pages)
            now = time.monotonic()  # the same clock in all processes; the user's own initializer counts no more
            self._task.start()
        except BaseException as error:
            self._task = None
            self._connection.send_bytes(pickling.start_failure(error))
        else:
            _flush()
            self._connection.send_bytes(READY + str(now).encode())

    def _run(self, message: bytes) -> None:
        if self._task is None:  # it could not start: the parent is hearing of that
            return
        beside: list[memoryview] | None = [] if buffers.RESULTS_IN_PAGES else None
        for answer in pickling.answers(self._task, message, self._never, self._pace, beside=beside):
            _flush()
            if beside:
                for buffer in beside:
                    self._send_beside(buffer)
                beside.clear()
            self._connection.send_bytes(answer)

    def _send_beside(self, buffer: memoryview) -> None:
        self._connection.send_bytes(PAGES + str(buffer.nbytes).encode())
        try:
            buffers.SharedBuffer(buffer).send(self._connection)
        except OSError:  # too little memory, too many files; or the caller is gone, to whom nothing can be sent then
            buffers.refuse(self._connection)
            self._connection.send_bytes(buffer)
