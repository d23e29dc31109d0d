"""`strategy="auto"` for functions that nobody knows: runs a few items, watches them, and chooses.

First some items run in the caller's thread: what do they cost, do they compute or wait?  Then two threads at once: does
the process use two CPUs now, or is it one GIL?  There, items that take long are watched for a moment, not to their end;
they go on in their threads while the others already run where it was decided.  No item is run twice.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Collection
from typing import Any

from factorpool._tasks import Task
from factorpool.engine.choose import Choice, Measures, decide
from factorpool.engine.machine import Machine
from factorpool.errors import NotPicklableError
from factorpool.strategies.base import Chunk, Completion, Workers

ALONE_SECONDS = 0.005
"""How long items run in the caller's thread first: enough to know their cost."""

GROWTH = 16
"""How many times as many items the next look takes at most, while that has not yet passed."""

PAIR_SECONDS = 0.02
"""How long two threads are watched at most: four times the interval in which CPython hands the GIL over;"""

PAIR_LEAST_SECONDS = 0.005
"""and how long at least, if their items are shorter: a thread takes a tenth of a millisecond to begin."""

WORTH_SECONDS = 0.002
"""Less work than this is not worth a thread, nor finding out."""

WAITING = 0.5
"""An item that is idle for more than this part of its time, and not for want of a CPU, waits; threads can all wait."""

HELPING = 1.4
"""CPUs in use from which a second thread helps; with a GIL it is one, and without, on a machine that is busy, not 2."""

SEND_BYTES_SECONDS = 2.5e-9
"""What a byte takes to another process: copied into a message, through a pipe, and out of it; 50 MB take 130 ms."""

SLICE_SECONDS = 0.005
"""How long one kind of worker is waited for, while another is at work too."""


class Probe:
    """Workers that measure first, and then are those of the strategy that was chosen."""

    def __init__(
        self,
        task: Task,
        count: Callable[[], int],
        remaining: Callable[[], int | None],
        make_workers: Callable[[str, int], Workers],
        chosen: Callable[[Choice], None],
        machine: Machine,
    ) -> None:
        self._machine = machine
        self.choice: Choice | None = None
        self._chosen = chosen
        self._task = task
        self._how_many = count  # asked once it matters: it takes as long as a hundred tiny items
        self._count = 1
        self._remaining = remaining
        self._make_workers = make_workers
        self._now = make_workers("serial", 1)  # where chunks go
        self._threads: Workers | None = None  # once there are two to be watched
        self._most = 1  # items in the next chunk
        self._items = 0
        self._seconds = 0.0
        self._cpu = self._machine.cpu()
        self._delay: float | None = None  # what this thread had waited for a CPU when the measuring began, if known
        self._watched: tuple[float, float] | None = None  # wall and CPU time when the second thread began
        self._sample: tuple[Any, Any] | None = None  # an item and its result

    def limits(self) -> tuple[int, int | None]:
        """How many chunks the dispatcher may have in flight, and of how many items (None: as the schedule has it)."""
        if self.choice is None:
            return (1 if self._threads is None else 2), self._most
        if self.choice.strategy == "serial":
            return 1, None
        still = 0 if self._threads in (None, self._now) else len(self._threads.held)
        return self._count + still, None

    @property
    def held(self) -> Collection[int]:
        """What the workers of the moment hold, and the threads of the probe."""
        return {*self._now.held, *(() if self._threads is None else self._threads.held)}

    def submit(self, chunk: Chunk) -> None:
        """Hands the chunk to the workers of the moment."""
        self._now.submit(chunk)
        if self._watched is None and self._threads is not None and len(self._threads.held) == 2:
            self._watched = self._machine.wall(), self._machine.cpu()

    def wait(self, timeout: float | None) -> list[Completion]:
        """What has been completed; looks at it, and chooses when it has seen enough."""
        if self.choice is None:
            if self._threads is None:
                return self._alone(self._now.wait(timeout))
            if self._watched is None:  # there was no second chunk
                return self._threads.wait(timeout)
            done = self._threads.wait(PAIR_SECONDS)
            self._pair(*self._watched)
            return done
        if self._threads is None or self._now is self._threads:
            return self._now.wait(timeout)
        if self.choice.strategy == "serial" and self._threads.held:
            return self._threads.wait(timeout)
        return self._either(timeout)

    def close(self, gently: bool) -> None:
        """Frees what there is."""
        self._now.close(gently)
        if self._threads is not None:
            self._threads.close(gently)

    def _either(self, timeout: float | None) -> list[Completion]:
        """Waits for the chosen workers, and for the threads that still have an item of the probe."""
        assert self._threads is not None
        deadline = self._machine.wall() + (sys.maxsize if timeout is None else timeout)
        while self._threads.held and self._machine.wall() < deadline:
            if done := self._threads.wait(0) or self._now.wait(SLICE_SECONDS):
                return done
        return self._now.wait(None if timeout is None else max(0.0, deadline - self._machine.wall()))

    def _alone(self, done: list[Completion]) -> list[Completion]:
        """Takes in what the caller's thread has done."""
        for completion in done:
            self._items += len(completion.chunk.payload)
            self._seconds += completion.seconds
            if completion.error is None and self._task.itemwise:
                self._sample = completion.chunk.payload[0], completion.value[0]
        if self._seconds < ALONE_SECONDS:
            each = max(self._seconds / self._items, 1e-9)
            self._most = max(1, min(GROWTH * self._most, int((ALONE_SECONDS - self._seconds) / each)))
            return done
        each, left = self._seconds / self._items, self._remaining()
        self._count = self._how_many()
        idle = self._seconds - (self._machine.cpu() - self._cpu)
        waits = idle > WAITING * self._seconds
        delay = self._machine.delay() if waits else 0.0
        if waits and self._delay is None and delay > idle / 2:  # perhaps for a CPU: look once more, and know
            self._delay, self._items, self._seconds, self._cpu = delay, 0, 0.0, self._machine.cpu()
            return done
        if self._count == 1:
            self._choose(Choice("serial", "there is one CPU to use"))
        elif left is not None and left * each < WORTH_SECONDS:
            self._choose(Choice("serial", "what is left is done before threads have started"))
        elif self._machine.unavailable("threads") is not None:
            self._choose(self._without_threads())
        elif waits and delay - (self._delay or 0.0) <= idle / 2:
            self._choose(Choice("threads", "an item waits most of its time, and threads can all wait at once"))
        elif not self._machine.gil_enabled():
            self._choose(Choice("threads", "there is no GIL: threads compute side by side"))
        else:
            self._now = self._threads = self._make_workers("threads", self._count)
            self._most = max(1, int(ALONE_SECONDS / each))
        return done

    def _pair(self, wall: float, cpu: float) -> None:
        """Looks at how many CPUs two threads have used."""
        wall, cpu = self._machine.wall() - wall, self._machine.cpu() - cpu
        if wall < PAIR_LEAST_SECONDS:
            return
        if cpu > HELPING * wall:
            self._choose(Choice("threads", f"the function releases the GIL: two threads used {cpu / wall:.1f} CPUs"))
        else:
            self._choose(self._without_threads())

    def _without_threads(self) -> Choice:
        elsewhere = "processes" if self._machine.unavailable("processes") is None else "interpreters"
        reason = self._machine.unavailable(elsewhere)
        if reason is None and elsewhere == "interpreters":
            from factorpool.strategies.interpreters import refusal

            reason = refusal(self._task)
        if reason is not None:
            return Choice("serial", f"a second thread did not help, and {reason}")
        sends, obstacle = self._sending()
        measures = Measures(self._seconds / self._items, self._remaining(), sends, obstacle)
        return decide(measures, self._count, elsewhere, self._machine.start_seconds(elsewhere))

    def _sending(self) -> tuple[float | None, str]:
        """What it costs to send an item there and its result back; None and the reason if that is not possible."""
        from factorpool.strategies.remote import pickle_start  # here: it imports multiprocessing

        try:
            pickle_start(self._task, inherits=False, inner_threads=None)
        except NotPicklableError as error:
            return None, str(error)
        try:
            began, message = self._machine.wall(), _Length()
            pickle.Pickler(message, pickle.HIGHEST_PROTOCOL).dump(self._sample)
            pickling = self._machine.wall() - began
        except Exception as error:
            return None, f"an item or its result cannot be pickled to reach another process: {error}"
        return 2 * pickling + message.length * SEND_BYTES_SECONDS, ""  # unpickling takes as long again

    def _choose(self, choice: Choice) -> None:
        self.choice = choice
        self._chosen(choice)
        if not (choice.strategy == "threads" and self._threads is not None):
            self._now = self._make_workers(choice.strategy, self._count)


class _Length:
    """A file that counts what is written to it: large items are not copied for that."""

    length = 0

    def write(self, data: bytes | memoryview) -> None:
        self.length += len(data)
