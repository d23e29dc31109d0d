"""What a strategy is: slots that run chunks.  Everything that is the same everywhere is in `engine.dispatch`, once."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol

from factorpool.factoring.tasks import Part

PACE_SECONDS = 0.02
"""Workers give results away this often, if they have any: what a worker that dies takes with it is no more.  A message
costs some 40 us on both sides together."""


class Chunk(NamedTuple):
    """Items handed to a worker at once, the first of which has the index `start`.

    `careful` says that a worker has died with it, or something of it did not travel; `tries` is how often its only item
    has been the one that died.
    """

    start: int
    payload: Sequence[Any]
    careful: bool = False
    tries: int = 0

    def split(self, count: int) -> tuple[Chunk, Chunk]:
        """The first `count` items, and the rest."""
        return (
            self._replace(payload=self.payload[:count]),
            self._replace(start=self.start + count, payload=self.payload[count:]),
        )

    @property
    def pace(self) -> float:
        """Seconds between parts; if careful, each item is a part, so that the next death names one."""
        return 0.0 if self.careful else PACE_SECONDS


class Completion(NamedTuple):
    """A chunk, or the next part of one, that is done: its value, or the error that ended it, and the seconds it took.

    `last` says that its slot is free again; items of the chunk that are still missing have to be submitted anew.
    `died` says that the error is the worker's death; that, or a NotPicklableError, may be about several items of which
    one is to blame.
    """

    chunk: Chunk
    value: Any
    error: BaseException | None
    seconds: float
    last: bool = True
    died: bool = False


class Workers(Protocol):
    """Slots that run chunks; whoever makes one closes it."""

    @property
    def held(self) -> Collection[int]:
        """The index of the first item that is not back, for every chunk that was submitted and is not done."""

    def submit(self, chunk: Chunk) -> None:
        """Hands a chunk to a free slot, and starts that slot's worker if need be.

        Raises a NotPicklableError with an index where that item cannot be sent: the chunk is then not submitted.
        """

    def wait(self, timeout: float | None) -> list[Completion]:
        """What has been done, failed, or died; waits at most `timeout` seconds for it.

        Raises what keeps every worker from starting: an initializer that fails, a function that cannot be imported.
        """

    def close(self, gently: bool) -> None:
        """Frees every slot; what is still running is given up.  `gently` lets idle workers end by themselves."""


def completed(chunk: Chunk, part: Part) -> tuple[Completion, Chunk]:
    """A part as a completion of the first items of a chunk, and the rest of the chunk.

    A part of no items is about all of them.
    """
    if part.items in (0, len(chunk.payload)):  # the usual case: nothing to copy
        return Completion(chunk, part.value, part.error, part.seconds, part.last), chunk._replace(payload=())
    head, rest = chunk.split(part.items)
    return Completion(head, part.value, part.error, part.seconds, part.last), rest


_this_thread = threading.local()
_whole_process = False
importing_main = False  # set while a worker imports the caller's main module


def become_worker(whole_process: bool) -> None:
    """Says that this thread, or all of this process or interpreter, is a worker."""
    global _whole_process
    if whole_process:
        _whole_process = True
    else:
        _this_thread.worker = True


def is_worker() -> bool:
    """Whether the caller runs in a worker: another pool's workers would then compete with this one's."""
    return _whole_process or getattr(_this_thread, "worker", False)


_start_seconds = {"interpreters": 0.15, "processes": 0.1}
"""What it takes until two workers are ready: before a first run has shown it, a guess from a machine where it was
measured (the fork server's own start included)."""


def start_seconds(strategy: str) -> float:
    """How long workers of a strategy take to start here, by the last that did in this process."""
    return _start_seconds[strategy]


def remember_start(strategy: str, seconds: float) -> None:
    """Keeps how long a worker took from its start until it was ready."""
    _start_seconds[strategy] = seconds
