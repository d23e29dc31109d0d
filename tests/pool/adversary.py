"""Workers that do their worst, as far as their protocol lets them: what the dispatcher must survive."""

from __future__ import annotations

import random

import factorpool as fp
from factorpool.errors import NotPicklableError
from factorpool.pool.protocol import Chunk, Died, Done, Event, Failed, Free

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
        self.running: dict[int, Chunk] = {}  # what is left of each chunk, by the start of the whole
        self.delivered: set[int] = set()
        self.sizes: list[int] = []  # of the chunks it was given
        self.closed = 0
        self.room: int | None = None  # the index up to which items may be drawn

    @property
    def held(self) -> set[int]:
        return set(self.running)

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
        self.running[chunk.start] = chunk

    def wait(self, timeout: float | None) -> list[Event]:
        assert self.running or timeout is not None, "a wait for nothing"
        done: list[Event] = []
        for _ in range(self.rng.randint(1, 2)):
            if self.running:
                done += self.go_on(self.rng.choice(sorted(self.running)))
        return done

    def go_on(self, start: int) -> list[Event]:
        """Runs some more of a chunk; what is left of it stays in its slot."""
        chunk = self.running[start]
        first, count = chunk.start, len(chunk.payload)
        indices = range(first, first + count)
        if self.items["unreadable"].intersection(indices):
            return self.end(start, Failed(start, 0, NotPicklableError("cannot be read"), 0.0))
        if self.storms and self.rng.random() < 0.3 and (count > 1 or chunk.tries == 0) and chunk.unbegun < 2:
            self.storms -= 1
            return self.die(start, begun=self.rng.random() < 0.5)
        size = 0
        most = 1 if chunk.pace == 0 and self.itemwise else self.rng.randint(1, count) if self.itemwise else count
        for index in indices[:most]:
            if index in self.items["killers"]:
                if size and self.itemwise and self.rng.random() < 0.5:
                    break  # what came before it was sent back in time
                return self.die(start, begun=True)
            if index in self.items["raising"]:
                if size:
                    break
                return self.answer(start, 1, LookupError(index))
            size += 1
        return self.answer(start, size, None)

    def answer(self, start: int, size: int, error: Exception | None) -> list[Event]:
        head, rest = self.running[start].split(size)
        self.running[start] = rest
        self.delivered.update(range(head.start, head.start + size))
        event: Event = (
            Failed(start, size, error, 1e-3 * size) if error else Done(start, size, [*head.payload], 1e-3 * size)
        )
        last = not len(rest.payload) or self.rng.random() < 0.1  # a timeout leaves the rest behind
        return self.end(start, event) if last else [event]

    def end(self, start: int, event: Event) -> list[Event]:
        del self.running[start]
        return [event, Free(start)]

    def die(self, start: int, begun: bool) -> list[Event]:
        del self.running[start]
        return [Died(start, -9, begun)]

    def wake(self) -> None:
        """Nobody waits."""

    def close(self, *, graceful: bool) -> None:
        self.closed += 1
