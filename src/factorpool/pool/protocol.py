"""What the rooms of the pool say to each other: tasks and their pieces, chunks, events, workers, strategies."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from enum import Enum
from itertools import count
from typing import Any, ClassVar, NamedTuple, Protocol

from factorpool.errors import FactorpoolError
from factorpool.pool.schedule import CHUNK_SECONDS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.pool.shelf import Shelf

PACE_SECONDS = 0.02
"""A worker sends back what it has done this often, so its death loses at most this much work.  A message costs about
40 us on both sides together."""


# A task, and what comes of it in the worker.


class Piece(NamedTuple):
    """What has become of the next so many `items` of a chunk: their value, or their error, and the seconds they took.

    A piece of no items is about all that are left.  `last` says that nothing more comes of this chunk; `followed` says
    that the item after these has been run too and that its piece comes next, so the chunk cannot be sent back here.
    """

    items: int
    value: Any
    error: BaseException | None
    seconds: float
    last: bool
    followed: bool = False


class Place(Enum):
    """Where a task runs best, whatever the strategies there are called."""

    HERE = "in the caller's thread"
    BESIDE = "in this process, several at once: it releases the GIL"
    APART = "outside this process: it holds the GIL, or has to be stopped in the middle"


class Hint(NamedTuple):
    """Where a task that knows its own costs runs best, and why, in one sentence.

    `seconds` is what all of it may take in one thread, where starting workers for less would not be worth it.
    """

    place: Place
    reason: str
    seconds: float | None = None


class Task(Protocol):
    """Work on chunks.

    `first_chunk` is a size for the first chunks, before costs are known.  A chunk of far fewer items than `least_chunk`
    would spend most of its time on what every chunk costs anyway.  `itemwise` says whether a piece can be a single item
    of many.  `taints` says that it leaves something in a worker that no later run may meet.
    """

    first_chunk: int
    least_chunk: int
    itemwise: bool
    taints: bool

    def hint(self, items: object, total: int | None, count: Callable[[], int]) -> Hint | None:
        """Where `items`, `total` of them if that is known, run best with `count()` workers; None: it is measured."""

    def alone_chunk(self, total: int | None) -> int:
        """The size of the first chunk if there is one worker and nobody watches its progress."""

    def start(self) -> None:
        """Called once in every worker, before its first chunk."""

    def pieces(self, payload: Any, start: int, stop: bytearray | memoryview, pace: float) -> Iterator[Piece]:
        """Runs a chunk whose first item has the index `start`; ends early once `stop[0]` is set.

        What is done is sent back after `pace` seconds, or a little more.
        """


def to_the_last(pieces: Iterator[Piece]) -> Iterator[Piece]:
    """The pieces of a chunk; if they end without a last one, an error for the items that would never come back."""
    for piece in pieces:
        yield piece
        if piece.last:
            return
    yield Piece(0, None, FactorpoolError("a task ended in the middle of its chunk"), 0.0, True)


_numbers = count(1)


class TaskRef:
    """A task on its way to workers: it is pickled once, however many of them get it, and named by a number.

    `timeout` is how many seconds an item may take before its worker is killed.
    """

    def __init__(self, task: Task, timeout: float | None = None) -> None:
        self.task = task
        self.timeout = timeout
        self.number = next(_numbers)
        self.messages: dict[bool, Any] = {}
        """The pickled task, for workers that are copies of this process and for those that are not; see `pickling`."""


# Chunks, and what workers tell of them.


class Chunk(NamedTuple):
    """Items handed to a worker at once, the first of which has the index `start`.

    `careful` says that a worker has died with it, or that something of it did not travel; `tries` counts the deaths of
    its only item, `unbegun` those of workers that had not begun with it.
    """

    start: int
    payload: Sequence[Any]
    careful: bool = False
    tries: int = 0
    unbegun: int = 0

    def split(self, count: int) -> tuple[Chunk, Chunk]:
        """The first `count` items, and the rest."""
        return (
            self._replace(payload=self.payload[:count]),
            self._replace(start=self.start + count, payload=self.payload[count:]),
        )

    @property
    def pace(self) -> float:
        """Seconds between pieces; if careful, each item is a piece, so that the next death names one."""
        return 0.0 if self.careful else PACE_SECONDS


class Done(NamedTuple):
    """The next so many `items` of the chunk that begins with item `start` are done: their value, and their seconds."""

    start: int
    items: int
    value: Any
    seconds: float


class Failed(NamedTuple):
    """The next so many `items` of a chunk have an error; 0 stands for all that are left of it."""

    start: int
    items: int
    error: BaseException
    seconds: float


class Died(NamedTuple):
    """The worker of a chunk has died; no more comes of it, and its slot is free.

    `exitcode` is as in multiprocessing, negative for a signal.  `begun` is False where the worker had not begun with
    the chunk, or ended for a reason of its own, so that none of its items is to blame.  `why` is what another system
    says of it; `repeated` that it has tried the chunk on other workers already.
    """

    start: int
    exitcode: int | None
    begun: bool
    why: str | None = None
    repeated: bool = False


class Free(NamedTuple):
    """The slot of a chunk is free again; items of it that have not come back have to be submitted anew."""

    start: int


Event = Done | Failed | Died | Free


def events_of(start: int, piece: Piece) -> list[Event]:
    """What a piece of the chunk that begins with item `start` tells."""
    event: Event
    if piece.error is None:
        event = Done(start, piece.items, piece.value, piece.seconds)
    else:
        event = Failed(start, piece.items, piece.error, piece.seconds)
    return [event, Free(start)] if piece.last else [event]


# Where they run.


class Workers(Protocol):
    """Slots that run the chunks of one task; whoever opens them closes them."""

    @property
    def held(self) -> Collection[int]:
        """The index of the first item of every chunk that was submitted and has not been freed."""

    def submit(self, chunk: Chunk) -> None:
        """Hands a chunk to a free slot, and starts that slot's worker if need be.

        Raises a NotPicklableError with an index where that item cannot be sent: the chunk is then not submitted.
        """

    def wait(self, timeout: float | None) -> list[Event]:
        """What has been done, has failed, or died; waits at most `timeout` seconds for it.

        Raises what keeps every worker from starting: an initializer that fails, a function that cannot be imported.
        """

    def wake(self) -> None:
        """Ends the `wait` of another thread, or the next one, at once."""

    def close(self, *, graceful: bool) -> None:
        """Frees every slot; what is still running is given up.  Workers that are idle may stay for the next run."""


class Traits(NamedTuple):
    """What is known of a strategy without trying it."""

    remote: bool
    """Function, items and results travel as bytes."""
    stops_items: bool
    """It honours a timeout, and an item that ends its worker leaves the caller alone."""
    parallel_python: bool
    """Pure Python scales, also with a GIL."""
    start_seconds: float
    """From nothing until two workers are ready, where it was measured; until a first run has shown it here."""
    rank: int
    """Simplicity: of two that are as fast, the lower one is recommended."""
    color: str
    """Of its bars in charts."""
    piecewise: bool = True
    """What is done of a chunk arrives while the rest runs: after a death it is known how far the worker came."""
    ahead: int = 0
    """Chunks that wait beside each worker, so that it need not wait for the next one to come."""
    chunk_seconds: float = CHUNK_SECONDS
    """A guided chunk may cost this much whatever its overhead."""
    elastic: bool = False
    """Workers come and go while it runs."""


class Strategy(Protocol):
    """Where work runs.  A strategy is a value: its options are its fields, and equal ones share workers."""

    name: ClassVar[str]
    summary: ClassVar[str]
    traits: ClassVar[Traits]

    def why_unavailable(self) -> str | None:
        """Why this machine cannot run it, or None."""

    def capacity(self) -> int:
        """How many workers are of use here."""

    def open(self, task: TaskRef, slots: int, shelf: Shelf | None) -> Workers:
        """Workers for one task, at most `slots` of them at once.

        They are taken from the shelf as far as it has some, and what is idle at the end goes back there; without a
        shelf they end with the run.
        """


class Plain:
    """A strategy without options: all of a kind are equal."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self)

    def __hash__(self) -> int:
        return hash(type(self))

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"
