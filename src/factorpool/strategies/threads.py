"""`threads`: threads of this process.  They scale where the work releases the GIL, as the kernel does."""

from __future__ import annotations

import sys
import threading
import time
from queue import Empty, SimpleQueue

from factorpool._tasks import Task
from factorpool.errors import FactorpoolError
from factorpool.strategies.base import Chunk, Completion, become_worker, completed

CLOSE_SECONDS = 0.2
"""How long `close` waits for threads to notice the stop flag.  A thread cannot be killed: one whose function takes
longer goes on to the end of its item, as a daemon, and then ends."""


def unavailable() -> str | None:
    """Why this machine cannot run it, or None."""
    if sys.platform in ("emscripten", "wasi"):
        return f"there are no threads on {sys.platform}"
    return None


class ThreadWorkers:
    """Threads that share one queue of chunks, and one of completions; started as chunks come."""

    def __init__(self, task: Task, count: int) -> None:
        self._task = task
        self._count = count
        self._threads: list[threading.Thread] = []
        self._in_flight = 0
        self._chunks: SimpleQueue[Chunk | None] = SimpleQueue()
        self._done: SimpleQueue[Completion | BaseException] = SimpleQueue()
        self._stop = bytearray(1)

    def submit(self, chunk: Chunk) -> None:
        """Queues the chunk for whichever thread is free."""
        if len(self._threads) < self._count and self._in_flight == len(self._threads):
            name = f"factorpool-{len(self._threads)}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                message = f"cannot start thread {len(self._threads) + 1}: {error}; use fewer workers"
                raise FactorpoolError(message) from error
            self._threads.append(thread)
        self._in_flight += 1
        self._chunks.put(chunk)

    def wait(self, timeout: float | None) -> list[Completion]:
        """What is done by now, or the next to be."""
        done: list[Completion] = []
        try:
            answer = self._done.get(timeout=timeout)
            while True:
                if isinstance(answer, BaseException):
                    raise answer
                done.append(answer)
                self._in_flight -= answer.last
                answer = self._done.get_nowait()
        except Empty:
            return done

    def close(self, gently: bool) -> None:
        """Tells every thread to end, and waits for those that soon will."""
        self._stop[0] = 1
        for _ in self._threads:
            self._chunks.put(None)
        deadline = time.monotonic() + CLOSE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()) if self._in_flight else None)

    def _work(self) -> None:
        become_worker(whole_process=False)
        try:
            self._task.start()
            while (chunk := self._chunks.get()) is not None:
                rest = chunk
                for part in self._task.parts(chunk.payload, chunk.start, self._stop, chunk.pace):
                    completion, rest = completed(rest, part)
                    self._done.put(completion)
        except BaseException as error:
            self._done.put(error)
