"""`threads`: threads of this process.  They scale where the work releases the GIL, as the kernel does."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from queue import Empty, SimpleQueue

from factorpool._tasks import Part, Task
from factorpool.errors import FactorpoolError
from factorpool.strategies.base import Chunk, Completion, become_worker, completed

Runner = Callable[[Chunk], Iterator[Part]]
"""What a thread does with a chunk."""

CLOSE_SECONDS = 0.2
"""How long `close` waits for threads to notice the stop flag.  A thread cannot be killed: one whose function takes
longer goes on to the end of its item, as a daemon, and then ends."""


def unavailable() -> str | None:
    """Why this machine cannot run it, or None."""
    if sys.platform in ("emscripten", "wasi"):
        return f"there are no threads on {sys.platform}"
    return None


def thread_workers(task: Task, count: int) -> ThreadWorkers:
    """Threads that run the task themselves."""

    @contextmanager
    def runner(stop: bytearray) -> Iterator[Runner]:
        task.start()
        yield lambda chunk: task.parts(chunk.payload, chunk.start, stop, chunk.pace)

    return ThreadWorkers(count, runner)


class ThreadWorkers:
    """Threads that share one queue of chunks, and one of completions; started as chunks come.

    Each enters `runner(stop)` for what it does with a chunk; that is to end soon once `stop[0]` is set.
    """

    def __init__(self, count: int, runner: Callable[[bytearray], AbstractContextManager[Runner]]) -> None:
        self._count = count
        self._runner = runner
        self._threads: list[threading.Thread] = []
        self.in_flight = 0  # chunks
        self._chunks: SimpleQueue[Chunk | None] = SimpleQueue()
        self._done: SimpleQueue[Completion | BaseException] = SimpleQueue()
        self._stop = bytearray(1)

    def submit(self, chunk: Chunk) -> None:
        """Queues the chunk for whichever thread is free."""
        if len(self._threads) < self._count and self.in_flight == len(self._threads):
            name = f"factorpool-{len(self._threads)}"
            thread = threading.Thread(target=self._work, name=name, daemon=True)
            try:
                thread.start()
            except RuntimeError as error:
                message = f"cannot start thread {len(self._threads) + 1}: {error}; use fewer workers"
                raise FactorpoolError(message) from error
            self._threads.append(thread)
        self.in_flight += 1
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
                self.in_flight -= answer.last
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
            thread.join(max(0.0, deadline - time.monotonic()) if self.in_flight else None)

    def _work(self) -> None:
        become_worker(whole_process=False)
        try:
            with self._runner(self._stop) as run:
                while (chunk := self._chunks.get()) is not None:
                    rest = chunk
                    for part in run(chunk):
                        completion, rest = completed(rest, part)
                        self._done.put(completion)
        except BaseException as error:
            self._done.put(error)
