"""`threads`: threads of this process.  They scale where the work releases the GIL, as the kernel does."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from queue import Empty, SimpleQueue
from typing import Any

from factorpool.errors import FactorpoolError
from factorpool.factoring.tasks import Part, Task, to_the_last
from factorpool.pool.gil import gil_enabled
from factorpool.pool.protocol import Chunk, Completion, become_worker, completed

Runner = Callable[[Chunk], Iterator[Part]]
"""What a thread does with a chunk."""

CLOSE_SECONDS = 0.2
"""How long `close` waits for threads to notice the stop flag.  A thread cannot be killed: one whose function takes
longer goes on to the end of its item, as a daemon, and then ends."""

GENTLE_SECONDS = 5.0
"""How long it waits for threads that have nothing to do any more: one may still be in its initializer."""


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
    """Threads that share one queue of chunks, and one of what has become of them; started as chunks come.

    Each enters `runner(stop)` for what it does with a chunk; that is to end soon once `stop[0]` is set.
    """

    def __init__(self, count: int, runner: Callable[[bytearray], AbstractContextManager[Runner]]) -> None:
        self._count = count
        self._runner = runner
        self._threads: list[threading.Thread] = []
        self._stops: list[bytearray] = []  # one a thread: a buffer is not to be exported by two at once
        self._running: dict[int, Chunk] = {}  # what is left of chunks, by the start of the whole
        self._chunks: SimpleQueue[Chunk | None] = SimpleQueue()
        self._done: SimpleQueue[tuple[int, Part] | BaseException] = SimpleQueue()

    @property
    def held(self) -> Collection[int]:
        """What the threads are at, and what is queued for them."""
        return {chunk.start for chunk in self._running.values()}

    def submit(self, chunk: Chunk) -> None:
        """Queues the chunk for whichever thread is free."""
        if len(self._threads) < self._count and len(self._running) == len(self._threads):
            self._start_thread()
        self._running[chunk.start] = chunk
        self._chunks.put(chunk._replace(payload=_unshared(chunk.payload)))

    def _start_thread(self) -> None:
        stop = bytearray(1)
        name = f"factorpool-{len(self._threads)}"
        thread = threading.Thread(target=self._work, args=(stop,), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            message = f"cannot start thread {len(self._threads) + 1}: {error}; use fewer workers"
            raise FactorpoolError(message) from error
        self._threads.append(thread)
        self._stops.append(stop)

    def wait(self, timeout: float | None) -> list[Completion]:
        """What is done by now, or the next to be."""
        done: list[Completion] = []
        try:
            answer = self._done.get(timeout=timeout)
            while True:
                if isinstance(answer, BaseException):
                    if not done:
                        raise answer
                    self._done.put(answer)  # after what has been done
                    return done
                start, part = answer
                completion, rest = completed(self._running.pop(start), part)
                if not part.last:
                    self._running[start] = rest
                done.append(completion)
                answer = self._done.get_nowait()
        except Empty:
            return done

    def close(self, gently: bool) -> None:
        """Tells every thread to end, and waits for those that soon will."""
        for stop in self._stops:
            stop[0] = 1
            self._chunks.put(None)
        deadline = time.monotonic() + (GENTLE_SECONDS if gently and not self._running else CLOSE_SECONDS)
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(self, stop: bytearray) -> None:
        become_worker(whole_process=False)
        try:
            with self._runner(stop) as run:
                while (chunk := self._chunks.get()) is not None:
                    for part in to_the_last(run(chunk)):
                        self._done.put((chunk.start, part))
        except BaseException as error:
            self._done.put(error)


def _unshared(payload: Sequence[Any]) -> Sequence[Any]:
    """The same items in an object that no other thread has a part of.

    Without a GIL, the slices of one memoryview lose count of each other when threads let go of them (CPython issue
    155606): the whole is then taken for released.
    """
    return payload.tobytes() if isinstance(payload, memoryview) and not gil_enabled() else payload
