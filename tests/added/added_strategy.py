"""A strategy as another package would add it: one file and an entry point.  It runs chunks on a ThreadPoolExecutor."""

from __future__ import annotations

import os
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import ClassVar

from factorpool.pool.protocol import Chunk, Event, Free, TaskRef, Traits, events_of, to_the_last
from factorpool.pool.shelf import Shelf


@dataclass(frozen=True)
class ExecutorThreads:
    prefix: str = "executor"

    name: ClassVar[str] = "executor"
    summary: ClassVar[str] = "threads of a ThreadPoolExecutor"
    traits: ClassVar[Traits] = Traits(
        remote=False, stops_items=False, parallel_python=False, start_seconds=0.001, rank=7, color="#111111"
    )

    def why_unavailable(self) -> str | None:
        return os.environ.get("ADDED_STRATEGY_MISSING")

    def capacity(self) -> int:
        return 2

    def open(self, task: TaskRef, slots: int, shelf: Shelf | None) -> ExecutorWorkers:
        return ExecutorWorkers(task, slots, self.prefix)


class ExecutorWorkers:
    def __init__(self, ref: TaskRef, slots: int, prefix: str) -> None:
        self._task = ref.task
        self._executor = ThreadPoolExecutor(slots, prefix, initializer=ref.task.start)
        self._events: SimpleQueue[list[Event]] = SimpleQueue()
        self._stop = bytearray(1)
        self._held: set[int] = set()

    @property
    def held(self) -> Collection[int]:
        return self._held

    def submit(self, chunk: Chunk) -> None:
        self._held.add(chunk.start)
        self._executor.submit(self._run, chunk)

    def _run(self, chunk: Chunk) -> None:
        for piece in to_the_last(self._task.pieces(chunk.payload, chunk.start, self._stop, chunk.pace)):
            self._events.put(events_of(chunk.start, piece))

    def wait(self, timeout: float | None) -> list[Event]:
        try:
            events = self._events.get(timeout=timeout)
        except Empty:
            return []
        if events and isinstance(events[-1], Free):
            self._held.remove(events[-1].start)
        return events

    def wake(self) -> None:
        self._events.put([])

    def close(self, *, graceful: bool) -> None:
        self._stop[0] = 1
        self._executor.shutdown(wait=graceful, cancel_futures=True)
