"""`serial`: the caller's own thread.  What every other strategy is measured against."""

from __future__ import annotations

from factorpool._tasks import Task
from factorpool.strategies.base import Chunk, Completion, execute


def unavailable() -> str | None:
    """Why this machine cannot run it: it always can."""
    return None


class SerialWorkers:
    """One slot, which runs its chunk while the dispatcher waits for it."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._started = False
        self._chunk: Chunk | None = None
        self._never = bytearray(1)

    def submit(self, chunk: Chunk) -> None:
        """Keeps the chunk for `wait`."""
        self._chunk = chunk

    def wait(self, timeout: float | None) -> list[Completion]:
        """Runs the chunk, however long it takes."""
        chunk, self._chunk = self._chunk, None
        if chunk is None:
            return []
        if not self._started:
            self._task.start()
            self._started = True
        return [Completion(chunk, *execute(self._task, chunk.payload, chunk.start, self._never))]

    def close(self) -> None:
        """Nothing to free."""
