"""The loop: cuts items into chunks, feeds them to workers, collects what comes back and puts it into order.

It is the same for every strategy, and the only place that knows all three: source, schedule and workers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing

from factorpool.engine import schedule as schedules
from factorpool.engine.schedule import Measured
from factorpool.engine.source import Source
from factorpool.strategies.base import Chunk, Completion, Workers

POLL_SECONDS = 0.02
"""How often the loop looks for new items while it waits for workers and the source has none yet."""


class Cutter:
    """Cuts a source into chunks by a schedule, and learns from what they cost."""

    def __init__(self, source: Source, workers: int, schedule: str, chunksize: int | None, first: int) -> None:
        self._source = source
        self._workers = workers
        self._guided = schedule == "guided" and chunksize is None
        total = source.remaining()
        if chunksize is not None:
            self._size = chunksize
        elif schedule == "static" and total is not None:
            self._size = schedules.static(total, workers)
        else:
            self._size = first
        self._measured: Measured | None = None
        self._least_overhead = float("inf")
        self._count = self.drawn = 0

    @property
    def sized(self) -> bool:
        """Whether the source knows how many items are left, and so has them all at hand."""
        return self._source.remaining() is not None

    def ready(self) -> bool:
        """Whether `cut` would answer at once."""
        return self._source.ready()

    def cut(self, room: int | None) -> Chunk | None:
        """The next chunk, of at most `room` items; None at the end of the source."""
        size = self._size
        if self._guided:
            size = schedules.guided(self._source.remaining(), self._workers, size, self._measured)
        payload = self._source.take(size if room is None else min(size, room))
        if not len(payload):
            return None
        chunk = Chunk(self._count, self.drawn, payload)
        self._count += 1
        self.drawn += len(payload)
        return chunk

    def learn(self, done: Completion, turnaround: float) -> None:
        """Takes in what a chunk cost its worker, and how long it was away.

        The least overhead seen is the one that counts: starting a worker, or waiting for a busy machine, is no cost of
        chunks.
        """
        size = len(done.chunk.payload)
        self._least_overhead = min(self._least_overhead, max(0.0, turnaround - done.seconds))
        self._measured = Measured(size, done.seconds / size, self._least_overhead)


def run(
    cutter: Cutter,
    workers: Workers,
    count: int,
    clock: Callable[[], float],
    *,
    ordered: bool = True,
    buffersize: int | None = None,
) -> Iterator[Completion]:
    """Runs a cutter's chunks on `count` workers and yields them as completed, in order unless told otherwise.

    At most `buffersize` items are drawn ahead of what has been yielded.  The first error ends it: what comes
    before it in order is yielded, then it is raised.  Closing the iterator, or an error, gives up what is still
    running.
    """
    done: dict[int, Completion] = {}  # waiting for their turn
    sent: dict[int, float] = {}  # when the chunks in flight left
    turn = 0  # of the next chunk to yield
    yielded = 0  # items
    more = True
    failure: Exception | None = None

    def feed() -> None:
        """Gives every free worker a chunk, as far as there are items at hand and room for them."""
        nonlocal more, failure
        while more and len(sent) < count and (cutter.ready() or not sent):
            room = None if buffersize is None else buffersize - (cutter.drawn - yielded)
            if room is not None and room <= 0:
                return
            if room is not None and buffersize is not None:
                room = min(room, max(1, buffersize // count))  # every worker gets a share of the buffer
            try:
                if (chunk := cutter.cut(room)) is not None:
                    workers.submit(chunk)
            except Exception as error:  # of the items' iterator, or of pickling: what was sent before still counts
                failure, chunk = error, None
            if chunk is None:
                more = False
                return
            sent[chunk.turn] = clock()

    with closing(workers):
        while more or sent:
            feed()
            if not sent:
                continue
            idle = more and len(sent) < count and not cutter.ready()
            for completion in workers.wait(POLL_SECONDS if idle else None):
                cutter.learn(completion, clock() - sent.pop(completion.chunk.turn))
                done[completion.chunk.turn] = completion
                more = more and completion.error is None
            if sent and cutter.sized:
                feed()  # before the caller takes its time with what is done; an iterator might take its own
            while done and (not ordered or turn in done):
                completion = done.pop(turn if ordered else next(iter(done)))
                turn += 1
                if completion.error is not None:
                    raise completion.error
                yielded += len(completion.chunk.payload)
                yield completion
        if failure is not None:
            raise failure
