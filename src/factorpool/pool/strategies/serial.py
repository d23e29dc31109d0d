"""`serial`: the caller's own thread.  What every other strategy is measured against."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from factorpool.factoring.tasks import Part, Task, to_the_last
from factorpool.pool.protocol import Chunk, Completion, completed


def unavailable() -> str | None:
    """Why this machine cannot run it: it always can."""
    return None


class SerialWorkers:
    """One slot, which runs its chunk while the dispatcher waits for it."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._started = False
        self._chunk: Chunk | None = None
        self._parts: Iterator[Part] = iter(())
        self._never = bytearray(1)

    @property
    def held(self) -> Collection[int]:
        """The chunk that `wait` will go on with."""
        return () if self._chunk is None else (self._chunk.start,)

    def submit(self, chunk: Chunk) -> None:
        """Keeps the chunk for `wait`."""
        if not self._started:
            self._task.start()
            self._started = True
        self._chunk = chunk
        self._parts = to_the_last(self._task.parts(chunk.payload, chunk.start, self._never, chunk.pace))

    def wait(self, timeout: float | None) -> list[Completion]:
        """Runs the next part of the chunk, however long it takes."""
        if self._chunk is None:
            return []
        completion, self._chunk = completed(self._chunk, next(self._parts))
        if completion.last:
            self._chunk = None
        return [completion]

    def close(self, gently: bool) -> None:
        """Nothing to free."""
