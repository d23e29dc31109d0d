"""What a strategy is: slots that run chunks.  Everything that is the same everywhere is in `engine.dispatch`, once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from factorpool._tasks import Task


class Chunk(NamedTuple):
    """Items handed to a worker at once: the chunk whose turn is the `turn`-th, and whose first item is item `start`."""

    turn: int
    start: int
    payload: Sequence[Any]


class Completion(NamedTuple):
    """A chunk that is done: its value, or the error that ended it, and the seconds its worker computed."""

    chunk: Chunk
    value: Any
    error: BaseException | None
    seconds: float


class Workers(Protocol):
    """Slots that run chunks; whoever makes one closes it (`contextlib.closing`)."""

    def submit(self, chunk: Chunk) -> None:
        """Hands a chunk to a free slot, and starts that slot's worker if need be.  Never blocks while one is free."""

    def wait(self, timeout: float | None) -> list[Completion]:
        """Chunks that are done, failed, or whose worker died; waits for one, at most `timeout` seconds."""

    def close(self) -> None:
        """Frees every slot; a chunk that is still running is given up."""


def execute(task: Task, payload: Sequence[Any], start: int, stop: bytearray) -> tuple[Any, BaseException | None, float]:
    """Runs a task on a chunk, in whatever worker: (value, error, seconds)."""
    began = time.perf_counter()
    try:
        value, failure = task.run(payload, start, stop), None
    except BaseException as error:  # travels to the caller as it is, SystemExit too
        value, failure = None, error
    return value, failure, time.perf_counter() - began
