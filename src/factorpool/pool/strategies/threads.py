"""`threads`: threads of this process.  They scale where the work releases the GIL, as the kernel does."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from queue import Empty, SimpleQueue
from typing import Any, ClassVar, NamedTuple

from factorpool.errors import StartError
from factorpool.pool.cpus import usable_cpus
from factorpool.pool.inside import become_worker
from factorpool.pool.protocol import Chunk, Event, Free, Piece, Plain, TaskRef, Traits, events_of, to_the_last

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.pool.shelf import Shelf

Runner = Callable[[TaskRef, Chunk, bytearray], Iterator[Piece]]
"""What a thread does with a chunk of a task; it ends soon once the first byte of the last argument is set."""

CLOSE_SECONDS = 0.2
"""How long `close` waits for threads to notice the stop flag.  A thread cannot be killed: one whose function takes
longer goes on to the end of its item, as a daemon, and then ends."""

GRACEFUL_SECONDS = 5.0
"""How long it waits for threads that have nothing to do any more: one may still be in its initializer."""


class Threads(Plain):
    """Threads of this process."""

    name: ClassVar[str] = "threads"
    summary: ClassVar[str] = "threads of this process; they scale where the GIL is released, as the kernel does"
    traits: ClassVar[Traits] = Traits(
        remote=False, stops_items=False, parallel_python=False, start_seconds=0.0002, rank=1, color="#e45756"
    )

    def why_unavailable(self) -> str | None:
        """There are systems without threads."""
        if sys.platform in ("emscripten", "wasi"):
            return f"there are no threads on {sys.platform}"
        if not getattr(threading, "_daemon_threads_allowed", lambda: True)():
            return "this is a subinterpreter, and those may not have threads that end with the program"
        return None

    def capacity(self) -> int:
        """One for each CPU."""
        return usable_cpus()

    def open(self, task: TaskRef, slots: int, shelf: Shelf | None) -> ThreadWorkers:
        """Threads that run the task themselves."""
        # To start a thread takes 60 us; one that is kept would keep its thread-local variables from call to call.
        return ThreadWorkers(task, slots, _in_this_interpreter, None if shelf is None or shelf.shared else shelf)


@contextmanager
def _in_this_interpreter() -> Iterator[Runner]:
    started = 0  # the number of the task that this thread has started last

    def run(ref: TaskRef, chunk: Chunk, stop: bytearray) -> Iterator[Piece]:
        nonlocal started
        if started != ref.number:
            ref.task.start()
            started = ref.number
        return ref.task.pieces(chunk.payload, chunk.start, stop, chunk.pace)

    yield run


class _Order(NamedTuple):
    """A chunk for a thread, the flag that stops it, and where its events go: with the thread, once it is free."""

    ref: TaskRef
    chunk: Chunk
    stop: bytearray
    events: SimpleQueue[tuple[list[Event], _Thread | None] | BaseException | None]


class _Thread:
    """A thread that runs one order after the other, for one run after the other."""

    def __init__(self, runner: Callable[[], AbstractContextManager[Runner]], name: str) -> None:
        self.task = 0
        self.orders: SimpleQueue[_Order | float | None] = SimpleQueue()
        self._runner = runner
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def alive(self) -> bool:
        return self._thread.is_alive()

    def up_to_date(self) -> bool:
        return True

    def rest(self, seconds: float | None) -> None:
        """With nothing to do for so long, it ends."""
        self.task = 0
        if seconds is not None:
            self.orders.put(seconds)

    def tell_to_end(self) -> None:
        self.orders.put(None)

    def free(self) -> None:
        self._thread.join(GRACEFUL_SECONDS)

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _work(self) -> None:
        become_worker(whole_process=False)
        order = self._next()  # before the runner starts: whoever gave it hears of one that fails
        try:
            with self._runner() as run:
                while order is not None:
                    self._fulfil(order, run)
                    order = None  # nothing of it is to live on here until the next
                    order = self._next()
        except BaseException as error:
            if order is not None:
                order.events.put(error)

    def _fulfil(self, order: _Order, run: Runner) -> None:
        for piece in to_the_last(run(order.ref, order.chunk, order.stop)):
            order.events.put((events_of(order.chunk.start, piece), self if piece.last else None))

    def _next(self) -> _Order | None:
        """The next order; None at the end."""
        timeout: float | None = None
        while True:
            try:
                order = self.orders.get(timeout=timeout)
            except Empty:
                return None
            if order is None or isinstance(order, _Order):
                return order
            timeout = order


class ThreadWorkers:
    """The threads of one run, taken from a shelf or started as chunks come.

    Each enters `runner()` once, for what it does with chunks; `packed` says in what form it gets their items.
    """

    def __init__(
        self,
        ref: TaskRef,
        slots: int,
        runner: Callable[[], AbstractContextManager[Runner]],
        shelf: Shelf | None,
        packed: Callable[[Chunk], Any] | None = None,
    ) -> None:
        self._ref = ref
        self._slots = slots
        self._runner = runner
        self._shelf = shelf
        self._packed = packed
        self._idle: list[_Thread] = []
        self._busy: dict[int, tuple[_Thread, bytearray]] = {}  # by the start of the chunk
        self._started = 0
        self._events: SimpleQueue[tuple[list[Event], _Thread | None] | BaseException | None] = SimpleQueue()

    @property
    def held(self) -> Collection[int]:
        """What the threads are at."""
        return self._busy.keys()

    def submit(self, chunk: Chunk) -> None:
        """Hands the chunk to a thread that is free."""
        payload = chunk.payload if self._packed is None else self._packed(chunk)
        thread = self._idle.pop() if self._idle else self._new_thread()
        thread.task = self._ref.number
        stop = bytearray(1)  # one for each chunk: a buffer is not to be exported by two threads at once
        self._busy[chunk.start] = thread, stop
        thread.orders.put(_Order(self._ref, chunk._replace(payload=payload), stop, self._events))

    def _new_thread(self) -> _Thread:
        if self._shelf is not None and (resting := self._shelf.take(self._ref.number)) is not None:
            assert isinstance(resting, _Thread)
            return resting
        try:
            thread = _Thread(self._runner, f"factorpool-{self._started}")
        except RuntimeError as error:
            raise StartError(f"thread {self._started + 1} cannot be started: {error}") from error
        self._started += 1
        return thread

    def wait(self, timeout: float | None) -> list[Event]:
        """What is done by now, or the next to be."""
        done: list[Event] = []
        try:
            answer = self._events.get(timeout=timeout)
            while answer is not None:
                if isinstance(answer, BaseException):
                    if not done:
                        raise answer
                    self._events.put(answer)  # after what has been done
                    return done
                events, free = answer
                done += events
                if free is not None:
                    assert isinstance(events[-1], Free)
                    del self._busy[events[-1].start]
                    self._idle.append(free) if self._shelf is None else self._shelf.put(free)
                answer = self._events.get_nowait()
        except Empty:
            pass
        return done

    def wake(self) -> None:
        """Nothing has happened, but `wait` returns."""
        self._events.put(None)

    def close(self, *, graceful: bool) -> None:
        """Stops what is running, and waits for threads that soon will have ended."""
        busy = list(self._busy.values())
        for thread, stop in busy:
            stop[0] = 1
            thread.tell_to_end()
        ending = [thread for thread, _ in busy]
        for thread in self._idle:
            thread.tell_to_end()
            ending.append(thread)
        if self._shelf is not None:
            self._shelf.lay_down(self._ref.number)
        deadline = time.monotonic() + (GRACEFUL_SECONDS if graceful and not busy else CLOSE_SECONDS)
        for thread in ending:
            thread.join(max(0.0, deadline - time.monotonic()))
        self._idle.clear()
