"""The caller's side of somebody else's executor: chunks as its calls, and what becomes of them.

An executor tells of a dead worker as it likes: it breaks as a whole, or blames every call that ran at the time.  So a
call that was not alone when it died is run again alone, before anything else: only what dies then is blamed.
"""

from __future__ import annotations

import concurrent.futures
import os
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from typing import Any

from factorpool.errors import (
    FactorpoolError,
    ItemTimeoutError,
    NotPicklableError,
    OptionError,
    StrategyUnavailableError,
    WorkerDiedError,
)
from factorpool.pool.logs import handle_record, level_here
from factorpool.pool.pickling import chunk_message, decode, raise_failure, task_message, traffic
from factorpool.pool.protocol import Chunk, Died, Event, Failed, Free, TaskRef, events_of
from factorpool.pool.strategies.executor import there
from factorpool.pool.strategies.executor.kinds import KILLED, Meaning, kind_of, told

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.pool.shelf import Shelf

SMALL_BYTES = 1 << 12
"""A task of up to this size goes with every chunk: to ask for it would take longer."""

CHECK_SECONDS = 1.0
"""How often it is looked whether the executor can still be reached."""

MOST_MADE = 8
"""Executors that are made one after the other without any that answers: then they never will."""

CLEAN_SECONDS = 5.0
"""How long a broken executor may take to clean up."""

_this_process = uuid.uuid4().hex  # tasks of other callers have the same numbers
_numbers = count()


class Handle:
    """One executor; `make` is how it was made, None for one that belongs to the caller and is never ended here."""

    def __init__(
        self, executor: concurrent.futures.Executor, make: Callable[[], concurrent.futures.Executor] | None
    ) -> None:
        self.executor = executor
        self.kind = kind_of(executor)
        self.task = 0
        self.usable = True
        self._make = make
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    @property
    def made_here(self) -> bool:
        """Whether it may be ended here, and made anew."""
        return self._make is not None

    def make_anew(self) -> None:
        """Takes another executor for one that is broken."""
        assert self._make is not None
        # What cleans up after a broken executor of the standard library may close descriptors that the next one has got
        # already, so it has to be done first; it is left to itself if that takes long.
        cleaning = threading.Thread(target=self.kind.end_broken, args=(self.executor,), daemon=True)
        cleaning.start()
        cleaning.join(CLEAN_SECONDS)
        self.executor = made(self._make)

    # As the shelf has it.

    def alive(self) -> bool:
        """Whether it can still work; it ends no more by itself."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            return self.usable

    def up_to_date(self) -> bool:
        """Its workers get every task anew."""
        return True

    def rest(self, seconds: float | None) -> None:
        """Ends after so many seconds."""
        with self._lock:
            if seconds is None or self._timer is not None or not self.made_here:
                return
            self._timer = threading.Timer(seconds, self._expire)
            self._timer.daemon = True
            self._timer.start()

    def _expire(self) -> None:
        """The time to rest is over, unless somebody has taken it just now."""
        with self._lock:
            taken = self._timer is not threading.current_thread()
        if not taken:
            self.tell_to_end()

    def tell_to_end(self) -> None:
        """Ends it, if that was not done."""
        self._end(kill=False)

    def kill(self) -> None:
        """The same, with all that runs in it."""
        self._end(kill=True)

    def _end(self, kill: bool) -> None:
        if self.alive():
            self.usable = False
            with suppress(Exception):  # what is left of it is the library's own
                (self.kind.kill if kill else self.kind.end)(self.executor)

    def join(self, seconds: float) -> None:
        """There is nothing that could be waited for in every library."""

    def free(self) -> None:
        """Nor to free."""


def made(make: Callable[[], concurrent.futures.Executor]) -> concurrent.futures.Executor:
    """A new executor; an OptionError says what was made instead."""
    executor = make()
    if not isinstance(executor, concurrent.futures.Executor):
        raise OptionError(f"{make!r} is to make a concurrent.futures.Executor, not {executor!r}")
    return executor


class _Flight:
    """A chunk on its way, `sent` at this time; `alone` if no other was in the executor while it was.

    `token` names it to others.  A `trial` is one that has to be alone.
    """

    __slots__ = ("alone", "future", "items", "message", "sent", "start", "token", "trial")

    def __init__(self, chunk: Chunk, message: bytes) -> None:
        self.start = chunk.start
        self.items = len(chunk.payload)
        self.message = message
        self.sent = 0.0
        self.future: Future[Any] | None = None
        self.alone = self.trial = False
        self.token = f"factorpool-{_this_process}-{os.getpid()}-{next(_numbers)}"


class ExecutorWorkers:
    """The slots of an executor, for one task."""

    def __init__(self, ref: TaskRef, slots: int, handle: Handle, shelf: Shelf | None) -> None:
        self._data = there.pack(task_message(ref, inherits=False))
        self._key = f"{_this_process}-{os.getpid()}", ref.number  # a copy of this process has the same numbers
        self._slots = slots
        self._handle = handle
        self._shelf = shelf
        self._sender = there.Sender(there.process(), there.versions(), level_here(), handle.kind.buffers)
        self._sent = 0  # times that the task was sent
        self._shared: Any = None  # what is sent for a large task
        self._flying: dict[int, _Flight] = {}
        self._waiting: deque[_Flight] = deque()
        self._suspects: deque[_Flight] = deque()
        self._arrived: SimpleQueue[tuple[_Flight, Future[Any]] | None] = SimpleQueue()
        self._untold: list[Event] = []  # by `wait`
        self._timeout = ref.timeout
        self._late: set[int] = set()  # items that have taken too long
        self._made = 0  # executors without an answer
        self._answered = False
        self._gone = False  # out of reach, or of no more use
        handle.task = ref.number

    @property
    def held(self) -> Collection[int]:
        """What is in the executor, or waits for it."""
        waiting = (flight.start for flight in (*self._waiting, *self._suspects))
        return {*self._flying, *waiting, *(event.start for event in self._untold)}

    def submit(self, chunk: Chunk) -> None:
        """Sends the chunk, unless another has to be alone first."""
        if self._late and (late := [item for item in self._late if 0 <= item - chunk.start < len(chunk.payload)]):
            chunk, _ = chunk.split(min(late) - chunk.start)
            if not len(chunk.payload):
                assert self._timeout is not None
                error = ItemTimeoutError(chunk.start, self._timeout)
                self._untold += [Failed(chunk.start, 1, error, self._timeout), Free(chunk.start)]
                return
        message = chunk_message(chunk, by_name=False)
        self._waiting.append(_Flight(chunk, message))
        self._send_what_may_go()

    def _send_what_may_go(self) -> None:
        if any(flight.trial for flight in self._flying.values()):
            return
        if self._suspects:
            if not self._flying:
                suspect = self._suspects.popleft()
                suspect.trial = True
                self._send(suspect)
            return
        while self._waiting and not self._suspects:
            self._send(self._waiting.popleft())

    def _send(self, flight: _Flight, *, with_task: bool = False) -> None:
        """Has the executor call it; the task goes along with the first chunks, then only to workers that ask for it."""
        with_task = with_task or len(self._data) <= SMALL_BYTES or self._sent < self._slots
        self._sent += with_task
        message = there.beside(flight.message) if self._sender.buffers else flight.message
        flight.alone = not self._flying
        for other in self._flying.values():
            other.alone = False
        self._flying[flight.start] = flight
        flight.sent = time.monotonic()
        try:
            limit = None if self._timeout is None else self._handle.kind.limit(flight.token, self._timeout)
            task = self._task() if with_task else None
            future = self._handle.executor.submit(there.run_chunk, self._key, task, message, self._sender, limit)
        except Exception as error:
            if self._handle.kind.meaning(error) is Meaning.BROKEN:
                del self._flying[flight.start]
                self._waiting.appendleft(flight)
                self._broken(error, at_once=True)
                return
            self._gone = True
            self._check()  # which may know better why
            raise FactorpoolError(
                f"{self._handle.executor!r} takes no calls: {type(error).__name__}: {error}; is it shut down?"
            ) from error
        flight.future = future
        future.add_done_callback(lambda done: self._arrived.put((flight, done)))

    def _task(self) -> Any:
        """The task, as it is sent along with a chunk."""
        new = self._shared is None
        if new:
            large = len(self._data) > SMALL_BYTES
            self._shared = self._handle.kind.share(self._handle.executor, self._data) if large else self._data
        if new or self._shared is self._data:
            traffic.bytes += len(self._data)
        return self._shared

    def wait(self, timeout: float | None) -> list[Event]:
        """What has come back by now, or comes next."""
        events: list[Event] = []
        if self._untold:
            events, self._untold = self._untold, []
            return events
        left = timeout
        while True:
            step = CHECK_SECONDS if left is None else min(left, CHECK_SECONDS)
            try:
                arrival = self._arrived.get(timeout=step)
                break
            except Empty:
                self._check()
                if left is not None and (left := left - step) <= 0:
                    return []
        try:
            with suppress(Empty):
                while True:
                    if arrival is not None:
                        flight, future = arrival
                        if self._flying.get(flight.start) is flight and flight.future is future:
                            events += self._settle(flight, future)
                    arrival = self._arrived.get_nowait()
            self._send_what_may_go()
        except BaseException:
            self._untold = events  # they are held until they are told
            raise
        return events

    def _check(self) -> None:
        """Raises an error if the executor cannot be reached any more."""
        try:
            self._handle.kind.check(self._handle.executor)
        except FactorpoolError:
            self._gone = True
            raise

    def _settle(self, flight: _Flight, future: Future[Any]) -> list[Event]:
        """What a call that is over tells."""
        error = concurrent.futures.CancelledError() if future.cancelled() else future.exception()
        if error is not None:
            return self._failed(flight, error)
        answer = future.result()
        if isinstance(answer, there.NeedsTask):
            del self._flying[flight.start]
            self._send(flight, with_task=True)
            return []
        if isinstance(answer, there.NotStarted):
            raise_failure(answer.failure)
        if isinstance(answer, there.OtherVersions):
            raise other_versions(answer.where, answer.versions)
        del self._flying[flight.start]
        self._made = 0
        self._answered = True
        for record in answer.records:
            handle_record(record)
        events: list[Event] = []
        try:
            for message in answer.messages:
                events += events_of(flight.start, decode(message))
        except NotPicklableError as unread:
            events.append(Failed(flight.start, 0, unread, 0.0))
        if not events or not isinstance(events[-1], Free):
            events.append(Free(flight.start))
        return events

    def _failed(self, flight: _Flight, error: BaseException) -> list[Event]:
        """What becomes of a call that did not answer."""
        meaning = self._handle.kind.meaning(error)
        self._shared = None  # what was put into a cluster may be lost with a worker
        if meaning is Meaning.OTHER:
            raise _strange(error) from error
        if meaning is Meaning.BROKEN:
            self._broken(error)
            deaths, self._untold = self._untold, []
            return deaths
        del self._flying[flight.start]
        if meaning is Meaning.LOST:
            self._check()
            return [Died(flight.start, KILLED, False, told(error))]
        late = None if self._timeout is None else self._handle.kind.late_item(flight.token)
        slow = self._timeout is not None and flight.items == 1 and time.monotonic() - flight.sent > self._timeout
        if late is None and slow and flight.alone:  # it held the GIL, so that its worker could not tell
            late = 0
        if late is not None:
            self._late.add(flight.start + late)
            return [Free(flight.start)]
        if (slow or meaning is Meaning.SUSPECTED) and not flight.alone:
            self._suspects.append(flight)
            return []
        return [Died(flight.start, None, True, told(error), self._handle.kind.repeats)]

    def _broken(self, error: BaseException, *, at_once: bool = False) -> None:
        """Makes the executor anew; what was in it is run alone, one after the other, unless there was only one.

        `at_once` says that it took no call.
        """
        lost = [self._flying.pop(start) for start in sorted(self._flying)]
        if not self._handle.made_here:
            raise _broken_for_good(lost or [*self._waiting], error) from error
        self._made += at_once or not self._answered  # else something has died in it, and that is counted elsewhere
        self._gone = True
        if self._made > MOST_MADE:
            raise _strange(error) from error
        self._handle.make_anew()
        self._gone = False
        self._sent = 0
        self._arrived.put(None)
        if len(lost) == 1 and lost[0].alone:
            self._untold.append(Died(lost[0].start, None, True, told(error)))
        else:
            self._suspects.extend(lost)

    def wake(self) -> None:
        """Nothing has happened, but `wait` returns."""
        self._arrived.put(None)

    def close(self, *, graceful: bool) -> None:
        """Gives up what has not come back; an executor that was made here rests, or ends."""
        flying = [flight.future for flight in self._flying.values() if flight.future is not None]
        if not self._gone:
            with suppress(Exception):  # it may be broken
                self._handle.kind.cancel(flying)
        if not self._handle.made_here or not self._handle.usable:
            return
        if self._gone or any(not future.done() for future in flying):
            self._handle.kill()
        elif self._shelf is None:
            self._handle.tell_to_end()
        else:
            self._shelf.put(self._handle)
            self._shelf.lay_down(self._handle.task)


def _broken_for_good(lost: list[_Flight], error: BaseException) -> WorkerDiedError:
    """The error for an executor that cannot be made anew, as it is the caller's."""
    out = [f"{f.start}" if f.items == 1 else f"{f.start} to {f.start + f.items - 1}" for f in lost]
    why = (
        f"{told(error)} and has broken the executor, so that items {', '.join(out)} are out (pass a function that "
        "makes the executor, and it is made anew)"
    )
    return WorkerDiedError(lost[0].start, lost[-1].start + lost[-1].items, None, why=why)


def other_versions(where: str, theirs: tuple[str, str]) -> StrategyUnavailableError:
    """The error for workers of other versions than the caller's."""
    python, package = there.versions()
    return StrategyUnavailableError(
        f"the worker at {where} runs Python {theirs[0]} with factorpool {theirs[1]}, and this is Python {python} with "
        f"factorpool {package}: install Python {python} and `pip install factorpool=={package}` there"
    )


def _strange(error: BaseException) -> FactorpoolError:
    """The error for what an executor answers instead of a result."""
    python, package = there.versions()
    if isinstance(error, ImportError) and "factorpool" in str(error):
        return StrategyUnavailableError(
            f"a worker cannot import factorpool ({error}): it needs `pip install factorpool=={package}` with Python "
            f"{python} there"
        )
    return FactorpoolError(f"the executor did not run a chunk: {type(error).__name__}: {error}")
