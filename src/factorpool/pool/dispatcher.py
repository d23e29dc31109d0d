"""The loop: cuts items into chunks, feeds them to workers, collects what comes back and puts it into order.

It is the same for every strategy, and the only place that knows all three: source, schedule and workers.  What becomes
of items after something went wrong is decided in `recovery`, and done here.
"""

from __future__ import annotations

import atexit
import warnings
from collections.abc import Callable, Generator
from typing import Any, NamedTuple
from weakref import WeakSet

from factorpool.errors import FactorpoolError, NotPicklableError, StartError
from factorpool.pool import schedule as schedules
from factorpool.pool.protocol import Chunk, Died, Done, Event, Failed, Workers
from factorpool.pool.recovery import Policy, Verdict, after_death, after_failure
from factorpool.pool.returned import Returned
from factorpool.pool.schedule import Measured
from factorpool.pool.source import Source

POLL_SECONDS = 0.02
"""How often the loop looks for new items while it waits for workers and the source has none yet."""

ERROR_SECONDS = 1.0
"""How long an error waits for the items before its own that workers hold.  Quick items are delivered even if their
worker is still starting (a subinterpreter takes 0.15 s, a process up to 0.5 s); slow items do not delay the error."""


_open: WeakSet[Dispatcher] = WeakSet()  # runs that nobody has brought to their end


@atexit.register
def close_all() -> None:
    """At the end of the program: closes what is still open while threads and processes can still be waited for."""
    for dispatcher in list(_open):
        dispatcher.close(graceful=False)


class Cutter:
    """Cuts a source into chunks for so many workers, by a schedule, and learns from what they cost."""

    def __init__(
        self,
        source: Source,
        workers: int,
        schedule: str,
        chunksize: int | None,
        first: int,
        chunk_seconds: float = schedules.CHUNK_SECONDS,
        least_chunk: int = 1,
    ) -> None:
        self.workers = workers
        self._chunk_seconds = chunk_seconds
        self._least_chunk = 1 if chunksize else least_chunk
        self._source = source
        self._guided = schedule == "guided" and chunksize is None
        self._static = schedule == "static" and chunksize is None
        self._total = source.remaining()
        self._size = first if chunksize is None else chunksize
        self._measured: Measured | None = None
        self._least_overhead = self._least_handling = float("inf")
        self.drawn = 0

    @property
    def seconds_per_item(self) -> float | None:
        """What an item of the last chunk took; None before the first."""
        return None if self._measured is None else self._measured.seconds_per_item

    def prepare(self) -> bool:
        """Gets the next items ready where that takes no waiting; whether `cut` will take no time then."""
        return self._source.prepare()

    @property
    def over(self) -> bool:
        """Whether it is known that nothing is left."""
        return self._source.remaining() == 0

    def ready(self, room: int | None, size: int | None = None) -> bool:
        """Whether `cut` would answer at once."""
        return self._source.ready(self._most(room, size))

    def _most(self, room: int | None, size: int | None) -> int:
        size = size or self.size()
        return size if room is None else min(size, room)

    def cut(self, room: int | None, size: int | None = None) -> Chunk | None:
        """The next chunk, of at most `room` items, and of `size` if that is given; None at the end of the source."""
        payload = self._source.take(self._most(room, size))
        if not len(payload):
            return None
        chunk = Chunk(self.drawn, payload)
        self.drawn += len(payload)
        return chunk

    def size(self, returned: int = 0) -> int:
        """How many items a chunk should have now, with so many to be run again beside those of the source."""
        least = self._least_chunk
        if self._total is not None and least > 1:
            least = schedules.even(self._total, self.workers, least)
        if self._guided:
            remaining = self._source.remaining()
            remaining = None if remaining is None else remaining + returned
            return schedules.guided(remaining, self.workers, self._size, self._measured, self._chunk_seconds, least)
        if self._static and self._total is not None:
            return schedules.static(self._total, self.workers)
        return self._size if least == 1 else least

    def learn(self, size: int, seconds: float, turnaround: float | None, handling: float) -> None:
        """Takes in what a chunk cost its worker, how long it was away (None if it waited there), and what to send it.

        The least overhead seen is the one that counts: starting a worker, or waiting for a busy machine, is no cost of
        chunks.
        """
        if turnaround is not None:
            self._least_overhead = min(self._least_overhead, max(0.0, turnaround - seconds))
        elif self._measured is None:
            return  # of its overhead nothing is known yet
        self._least_handling = min(self._least_handling, handling)
        self._measured = Measured(size, seconds / size, self._least_overhead, self._least_handling)


class Completion(NamedTuple):
    """Items that are settled: their value, or their error."""

    chunk: Chunk
    value: Any
    error: BaseException | None


class _Flight:
    """A chunk in a worker: what of it has not come back, and what has: items, and their seconds.

    `sent` is when it was sent, None if it waits there behind another; `handling` how long that took, `failed` whether
    the last to come was an error.
    """

    __slots__ = ("chunk", "done", "failed", "handling", "seconds", "sent")

    def __init__(self, chunk: Chunk, sent: float | None, handling: float) -> None:
        self.chunk = chunk
        self.sent = sent
        self.handling = handling
        self.done = 0
        self.seconds = 0.0
        self.failed = False


class Dispatcher:
    """Runs a cutter's chunks on workers and gives what they complete, in order unless told otherwise.

    Args:
        cutter: where chunks come from.
        workers: where they run; closed at the end, whatever that is.
        limits: how many chunks may be in flight now, and how many items a new one gets (None: as the schedule has it).
        clock: seconds, of whatever time the workers live in.
        policy: what becomes of items whose worker has died.
        ordered: False yields what is done as it comes.
        buffersize: most items drawn ahead of what has been yielded.
        collect: whether the error of an item is yielded as its completion; else it ends the run.

    The first error that ends the run is raised after what came before it in order; what is running by then is given up.
    """

    def __init__(
        self,
        cutter: Cutter,
        workers: Workers,
        limits: Callable[[], tuple[int, int | None]],
        clock: Callable[[], float],
        *,
        policy: Policy = Policy(retries=1, itemwise=True),  # noqa: B008 (a value)
        ordered: bool = True,
        buffersize: int | None = None,
        collect: bool = False,
    ) -> None:
        self._cutter = cutter
        self._workers = workers
        self._limits = limits
        self._clock = clock
        self._policy = policy
        self._ordered = ordered
        self._buffersize = buffersize
        self._collect = collect
        self._flights: dict[int, _Flight] = {}  # by the index of their first item
        self._again = Returned()
        self._done: dict[int, Completion] = {}  # waiting for their turn
        self._yielded = cutter.drawn  # items; if ordered, the index of the next one to yield
        self._more = True
        self._closed = self._stopping = False
        self._startable: int | None = None  # workers, once it has shown that there cannot be more
        self._failure: Exception | None = None  # of the items themselves: all before it is delivered
        self._fatal: tuple[int, BaseException] | None = None  # an item's error that ends the run, and its index

    def run(self) -> Generator[Completion, None, None]:
        """Yields completions until the items are used up."""
        graceful = False
        _open.add(self)
        try:
            while self._fatal is None:
                self._feed()
                if self._flights:
                    self._prepare()
                    self._wait(POLL_SECONDS if self._more and len(self._flights) < self._slots() else None)
                    if self._stopping:
                        return
                elif not self._due():
                    break
                if self._fatal is None:
                    try:
                        self._feed(prepared=True)  # before the caller takes its time; an iterator may take its own
                    except StartError:
                        if not self._due():
                            raise  # else it comes again, after what is due
                if self._fatal is not None:
                    self._wait_before(self._fatal[0])
                while self._due():
                    yield self._next_due()  # and keep no reference to it
            if self._fatal is not None:
                raise self._fatal[1]
            if self._failure is not None:
                raise self._failure
            if self._yielded != self._cutter.drawn:
                raise _lost(f"{self._cutter.drawn - self._yielded} items were drawn and did not come back")
            graceful = True
        finally:
            self.close(graceful=graceful)

    def stop(self) -> None:
        """Has another thread, which is in `run`, end it."""
        self._stopping = True
        self._workers.wake()

    def close(self, *, graceful: bool) -> None:
        """Closes the workers, once."""
        if not self._closed:
            self._closed = True
            self._workers.close(graceful=graceful)

    def _next_due(self) -> Completion:
        """What is to be yielded next."""
        completion = self._done.pop(self._yielded if self._ordered else next(iter(self._done)))
        self._yielded += len(completion.chunk.payload)
        return completion

    def _due(self) -> bool:
        """Whether there is something to yield."""
        return self._yielded in self._done if self._ordered else bool(self._done)

    def _slots(self) -> int:
        """How many chunks may be in flight."""
        count = self._limits()[0]
        return count if self._startable is None else min(count, self._startable)

    def _feed(self, *, prepared: bool = False) -> None:
        """Gives every free worker a chunk, as far as there are items, with `prepared` at hand, and room for them."""
        while len(self._flights) < self._slots():
            if (prepared and not self._again and not self._prepare()) or not self._send_one():
                break

    def _prepare(self) -> bool:
        """Has the next items ready, if that takes no waiting, for a worker that will be free; whether they are."""
        try:
            return self._more and self._cutter.prepare()
        except Exception as error:  # of the items' iterator
            self._failure, self._more = error, False
            return False

    def _send_one(self) -> bool:
        """Gives a free worker a chunk, if there is one."""
        chunk = (
            self._again.cut(self._limits()[1] or self._cutter.size(self._again.items)) if self._again else self._cut()
        )
        if chunk is None:
            return False
        began = self._clock()
        try:
            self._workers.submit(chunk)
        except NotPicklableError as error:
            self._set_aside(chunk, error)
        except StartError as error:
            self._make_do(chunk, error)
        else:
            sent = self._clock()
            waits = len(self._flights) >= self._cutter.workers
            self._flights[chunk.start] = _Flight(chunk, None if waits else sent, sent - began)
        return True

    def _cut(self) -> Chunk | None:
        """The next chunk of the source, if it has one now and there is room for it."""
        if not self._more:
            return None
        count, size = self._limits()
        room = None
        if self._buffersize is not None:
            left = self._buffersize - (self._cutter.drawn - self._yielded)
            if left <= 0:
                return None
            room = min(left, max(1, self._buffersize // count))  # every worker gets a share of the buffer
        if self._flights and not self._cutter.ready(room, size):
            return None
        chunk = None
        try:
            chunk = self._cutter.cut(room, size)
        except Exception as error:  # of the items' iterator
            self._failure = error
        self._more = chunk is not None and not self._cutter.over
        return chunk

    def _make_do(self, chunk: Chunk, error: StartError) -> None:
        """Goes on with the workers that there are."""
        self._again.add(chunk)
        if not self._flights:
            raise error
        self._startable = len(self._flights)
        warnings.warn(f"factorpool goes on with {self._startable} workers: {error}", RuntimeWarning, stacklevel=2)

    def _wait(self, timeout: float | None) -> None:
        """Takes in what workers tell.  A chunk in flight that they do not hold is an error: it would never come."""
        held = self._workers.held
        if len(held) < len(self._flights):
            chunk = self._flights[min(self._flights.keys() - set(held))].chunk
            raise _lost(f"no worker has the {len(chunk.payload)} items from {chunk.start} on")
        for event in self._workers.wait(timeout):
            self._take_in(event)

    def _set_aside(self, chunk: Chunk, error: NotPicklableError) -> None:
        """Takes the item that cannot be sent out of its chunk."""
        if error.index is None:
            raise error
        before, rest = chunk.split(error.index - chunk.start)
        item, after = rest.split(1)
        if self._collect:
            self._done[item.start] = Completion(item, None, error)
        else:
            self._failure, self._more, after = error, False, after._replace(payload=())
        self._again.add(before)
        self._again.add(after)

    def _take_in(self, event: Event) -> None:
        """Takes in what a worker tells."""
        flight = self._flights.get(event.start)
        if flight is None:
            raise _lost(f"a worker has answered for the chunk from item {event.start} on, which was not in one")
        if isinstance(event, Done | Failed):
            chunk = flight.chunk
            items = event.items or len(chunk.payload)
            if items == len(chunk.payload):  # the usual case: nothing to copy
                head, flight.chunk = chunk, Chunk(chunk.start + items, ())
            else:
                head, flight.chunk = chunk.split(items)
            flight.done += items
            flight.seconds += event.seconds
            flight.failed = isinstance(event, Failed)
            if isinstance(event, Done):
                self._done[head.start] = Completion(head, event.value, None)
            else:
                self._decide(after_failure(head, event))
            return
        del self._flights[event.start]
        if isinstance(event, Died):
            self._decide(after_death(flight.chunk, event, self._policy))
            return
        self._again.add(flight.chunk)
        if flight.done and not flight.failed:
            away = None if flight.sent is None else self._clock() - flight.sent
            self._cutter.learn(flight.done, flight.seconds, away, flight.handling)

    def _decide(self, verdict: Verdict) -> None:
        """Carries out what was decided about items that something went wrong with."""
        for chunk in verdict.again:
            self._again.add(chunk)
        if verdict.error is None:
            return
        if verdict.fatal or verdict.settled is None:
            raise verdict.error
        start = verdict.settled.start
        if self._collect and not isinstance(verdict.error, KeyboardInterrupt):
            self._done[start] = Completion(verdict.settled, None, verdict.error)
        elif self._fatal is None or start < self._fatal[0]:
            self._fatal = start, verdict.error

    def _wait_before(self, end: int) -> None:
        """Gives what runs before the item `end` a moment to finish."""
        deadline = self._clock() + ERROR_SECONDS
        while any(flight.chunk.start < end for flight in self._flights.values()):
            if (remaining := deadline - self._clock()) <= 0:
                break
            self._wait(remaining)


def _lost(what: str) -> FactorpoolError:
    """What should not be possible: then it is said at once, and not waited for."""
    return FactorpoolError(f"{what}: a mistake of factorpool or of the strategy, please report it")
