"""Workers that do their worst, as far as their protocol lets them: what the dispatcher must survive."""

from __future__ import annotations

import random

import factorpool as fp
from factorpool.errors import NotPicklableError
from factorpool.pool.protocol import Chunk, Completion

ERRORS: dict[str, type[Exception]] = {
    "killers": fp.WorkerDiedError,
    "raising": LookupError,
    "unsendable": NotPicklableError,
    "unreadable": NotPicklableError,
}


class Adversary:
    """Slots that die, answer in parts and out of order, and cannot send or read some items: a model of `processes`.

    Items in `killers` end their worker whenever they run; others may lose theirs, too, as often as `storms` allows.
    """

    def __init__(self, rng: random.Random, count: int, items: dict[str, set[int]], storms: int, itemwise: bool) -> None:
        self.rng = rng
        self.count = count
        self.items = items
        self.storms = storms
        self.itemwise = itemwise
        self.running: list[Chunk] = []
        self.delivered: set[int] = set()
        self.sizes: list[int] = []  # of the chunks it was given
        self.closed = 0
        self.room: int | None = None  # the index up to which items may be drawn

    @property
    def held(self) -> set[int]:
        return {chunk.start for chunk in self.running}

    def submit(self, chunk: Chunk) -> None:
        assert len(self.running) < self.count, "more chunks than slots"
        assert len(chunk.payload), "a chunk of nothing"
        indices = range(chunk.start, chunk.start + len(chunk.payload))
        assert list(chunk.payload) == list(indices), "items are not at their index"
        assert not self.delivered.intersection(indices), "what was finished is run again"
        assert self.room is None or indices[-1] < self.room, "more is drawn than the buffer holds"
        for index in indices:
            if index in self.items["unsendable"]:
                raise NotPicklableError("cannot be sent", index)
        self.sizes.append(len(indices))
        self.running.append(chunk)

    def wait(self, timeout: float | None) -> list[Completion]:
        assert self.running or timeout is not None, "a wait for nothing"
        done = []
        for _ in range(self.rng.randint(1, 2)):
            if self.running:
                done += self.go_on(self.running.pop(self.rng.randrange(len(self.running))))
        return done

    def go_on(self, chunk: Chunk) -> list[Completion]:
        """Runs some more of a chunk; what is left of it stays in its slot."""
        first, count = chunk.start, len(chunk.payload)
        indices = range(first, first + count)
        if self.items["unreadable"].intersection(indices):
            return [Completion(chunk, None, NotPicklableError("cannot be read"), 0.0)]
        if self.storms and self.rng.random() < 0.3 and (count > 1 or chunk.tries == 0):
            self.storms -= 1
            died = fp.WorkerDiedError(first, first + count, -9, ready=self.rng.random() < 0.5)
            return [Completion(chunk, None, died, 0.0, died=True)]
        size = 0
        most = 1 if chunk.pace == 0 and self.itemwise else self.rng.randint(1, count) if self.itemwise else count
        for index in indices[:most]:
            if index in self.items["killers"]:
                if size and self.itemwise and self.rng.random() < 0.5:
                    break  # what came before it was given away in time
                return [Completion(chunk, None, fp.WorkerDiedError(first, first + count, -9), 0.0, died=True)]
            if index in self.items["raising"]:
                if size:
                    break
                return self.answer(chunk, 1, LookupError(index))
            size += 1
        return self.answer(chunk, size, None)

    def answer(self, chunk: Chunk, size: int, error: Exception | None) -> list[Completion]:
        head, rest = chunk.split(size)
        last = not len(rest.payload) or self.rng.random() < 0.1  # a timeout leaves the rest behind
        self.delivered.update(range(head.start, head.start + size))
        if not last:
            self.running.append(rest)
        return [Completion(head, list(head.payload), error, 1e-3 * size, last)]

    def close(self, gently: bool) -> None:
        self.closed += 1
