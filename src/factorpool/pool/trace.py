"""What every worker did and when: a file for Perfetto, Chrome's tracing page, or `factorpool bench timeline`.

A row is a slot, which one worker has at a time; a block is a chunk, from the moment it was sent until its slot was free
again.  The format is Chrome's trace events ("Trace Event Format", complete events in microseconds).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any, NamedTuple

from factorpool.files import write_whole
from factorpool.pool.protocol import Chunk, Died, Done, Event, Failed, Free, Workers


class _Block(NamedTuple):
    """A chunk in its slot: its row, and when it was sent."""

    row: int
    chunk: Chunk
    sent: float


class TracedWorkers:
    """Workers whose chunks are noted; closing them writes the file."""

    def __init__(self, workers: Workers, path: str, clock: Callable[[], float]) -> None:
        self._workers = workers
        self._path = path
        self._clock = clock
        self._began = clock()
        self._open: dict[int, _Block] = {}  # by the index of the chunk's first item
        self._busy: dict[int, float] = {}  # seconds that its items have taken
        self._failed: dict[int, int] = {}
        self._events: list[dict[str, Any]] = []
        with open(path, "w", encoding="utf-8"):  # an error before the work, not after it
            pass

    @property
    def held(self) -> Collection[int]:
        """What the workers hold."""
        return self._workers.held

    def submit(self, chunk: Chunk) -> None:
        """Notes the chunk in the first row that is free."""
        sent = self._clock()
        self._workers.submit(chunk)
        taken = {block.row for block in self._open.values()}
        row = next(row for row in range(len(taken) + 1) if row not in taken)
        self._open[chunk.start] = _Block(row, chunk, sent)
        self._busy[chunk.start] = 0.0
        self._failed[chunk.start] = 0

    def wait(self, timeout: float | None) -> list[Event]:
        """Notes what ends."""
        events = self._workers.wait(timeout)
        for event in events:
            if event.start not in self._open:
                continue
            if isinstance(event, Done | Failed):
                self._busy[event.start] += event.seconds
                self._failed[event.start] += isinstance(event, Failed)
            elif isinstance(event, Free | Died):
                self._end(event.start, "died" if isinstance(event, Died) else "done")
        return events

    def wake(self) -> None:
        """Ends the `wait` of another thread."""
        self._workers.wake()

    def close(self, *, graceful: bool) -> None:
        """Notes what is given up, and writes the file."""
        for start in list(self._open):
            self._end(start, "given up")
        self._workers.close(graceful=graceful)
        rows = {event["tid"] for event in self._events}
        names = [
            {"name": "thread_name", "ph": "M", "pid": 1, "tid": row, "args": {"name": f"worker {row}"}} for row in rows
        ]
        write_whole(self._path, json.dumps({"displayTimeUnit": "ms", "traceEvents": [*names, *self._events]}))

    def _end(self, start: int, how: str) -> None:
        block = self._open.pop(start)
        chunk = block.chunk
        count = len(chunk.payload)
        what = f"item {chunk.start}" if count == 1 else f"items {chunk.start} to {chunk.start + count - 1}"
        again = chunk.careful or chunk.tries or chunk.unbegun
        self._events.append(
            {
                "name": what,
                "cat": "died" if how == "died" else "again" if again else "chunk",
                "ph": "X",
                "pid": 1,
                "tid": block.row + 1,
                "ts": round((block.sent - self._began) * 1e6, 1),
                "dur": round((self._clock() - block.sent) * 1e6, 1),
                "args": {
                    "items": count,
                    "busy_us": round(self._busy.pop(start) * 1e6, 1),
                    "errors": self._failed.pop(start),
                    "end": how,
                    "run_again": bool(again),
                },
            }
        )
