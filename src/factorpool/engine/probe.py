"""`strategy="auto"` for functions that nobody knows: runs a few items, watches them, and chooses.

First some items run in the caller's thread: what do they cost, do they compute or wait?  Then two threads at once: does
the process use two CPUs now, or is it one GIL?  Items that take long are watched for a moment, not to their end; they
go on in their threads while the others already run where it was decided.  No item is run twice.
"""

from __future__ import annotations

import pickle
import sys
import time
from collections.abc import Callable
from resource import RUSAGE_SELF, getrusage
from typing import Any

from factorpool import strategies
from factorpool._gil import gil_enabled
from factorpool._tasks import Task
from factorpool.engine.choose import Choice, Measures, decide
from factorpool.strategies.base import Chunk, Completion, Workers, start_seconds
from factorpool.strategies.serial import SerialWorkers
from factorpool.strategies.threads import ThreadWorkers, thread_workers

ALONE_SECONDS = 0.005
"""How long items run in the caller's thread first: enough to know their cost."""

GROWTH = 4
"""How many times as many items the next look takes, while that has not yet passed."""

PAIR_SECONDS = 0.02
"""How long two threads are watched at most: four times the interval in which CPython hands the GIL over;"""

PAIR_LEAST_SECONDS = 0.005
"""and how long at least, if their items are shorter: a thread takes a tenth of a millisecond to begin."""

WORTH_SECONDS = 0.002
"""Less work than this is not worth a thread, nor finding out."""

WAITING = 0.5
"""An item that uses a CPU for less than this part of its time waits, unless the machine is busy and took the CPU away
more often than the item gave it up; threads can all wait at once."""

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
        count: int,
        remaining: Callable[[], int | None],
        make_workers: Callable[[str, int], Workers],
        chosen: Callable[[Choice], None],
    ) -> None:
        self.choice: Choice | None = None
        self._chosen = chosen
        self._task = task
        self._count = count
        self._remaining = remaining
        self._make_workers = make_workers
        self._now: Workers = SerialWorkers(task)  # where chunks go
        self._threads: ThreadWorkers | None = None  # once there are two to be watched
        self._most = 1  # items in the next chunk
        self._items = 0
        self._seconds = 0.0
        self._cpu = time.process_time()
        self._usage = getrusage(RUSAGE_SELF)
        self._watched: tuple[float, float] | None = None  # wall and CPU time when the second thread began
        self._sample: tuple[Any, Any] | None = None  # an item and its result

    def limits(self) -> tuple[int, int | None]:
        """How many chunks the dispatcher may have in flight, and of how many items."""
        if self.choice is None:
            return (1 if self._threads is None else 2), self._most
        if self.choice.strategy == "serial":
            return 1, None
        still = 0 if self._threads in (None, self._now) else self._threads.in_flight
        return self._count + still, None

    def submit(self, chunk: Chunk) -> None:
        """Hands the chunk to the workers of the moment."""
        self._now.submit(chunk)
        if self._watched is None and self._threads is not None and self._threads.in_flight == 2:
            self._watched = time.perf_counter(), time.process_time()

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
        if self.choice.strategy == "serial" and self._threads.in_flight:
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
        deadline = time.monotonic() + (sys.maxsize if timeout is None else timeout)
        while self._threads.in_flight and time.monotonic() < deadline:
            if done := self._threads.wait(0) or self._now.wait(SLICE_SECONDS):
                return done
        return self._now.wait(None if timeout is None else max(0.0, deadline - time.monotonic()))

    def _alone(self, done: list[Completion]) -> list[Completion]:
        """Takes in what the caller's thread has done."""
        for completion in done:
            self._items += len(completion.chunk.payload)
            self._seconds += completion.seconds
            if completion.error is None and self._task.itemwise:
                self._sample = completion.chunk.payload[0], completion.value[0]
        if self._seconds < ALONE_SECONDS:
            self._most *= GROWTH
            return done
        each, left = self._seconds / self._items, self._remaining()
        if left is not None and left * each < WORTH_SECONDS:
            self._choose(Choice("serial", "what is left is done before threads have started"))
        elif strategies.unavailable("threads") is not None:
            self._choose(self._without_threads())
        elif self._waits():
            self._choose(Choice("threads", "an item waits most of its time, and threads can all wait at once"))
        elif not gil_enabled():
            self._choose(Choice("threads", "there is no GIL: threads compute side by side"))
        else:
            self._now = self._threads = thread_workers(self._task, self._count)
            self._most = max(1, int(ALONE_SECONDS / each))
        return done

    def _waits(self) -> bool:
        """Whether the items so far have mostly waited."""
        now = getrusage(RUSAGE_SELF)
        given_up, taken_away = now.ru_nvcsw - self._usage.ru_nvcsw, now.ru_nivcsw - self._usage.ru_nivcsw
        return time.process_time() - self._cpu < WAITING * self._seconds and given_up >= taken_away

    def _pair(self, wall: float, cpu: float) -> None:
        """Looks at how many CPUs two threads have used."""
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        if wall < PAIR_LEAST_SECONDS:
            return
        if cpu > HELPING * wall:
            self._choose(Choice("threads", f"the function releases the GIL: two threads used {cpu / wall:.1f} CPUs"))
        else:
            self._choose(self._without_threads())

    def _without_threads(self) -> Choice:
        elsewhere = "processes" if strategies.unavailable("processes") is None else "interpreters"
        if (reason := strategies.unavailable(elsewhere)) is not None:
            return Choice("serial", f"a second thread did not help, and {reason}")
        sends, obstacle = self._sending()
        measures = Measures(self._seconds / self._items, self._remaining(), sends, obstacle)
        return decide(measures, self._count, elsewhere, start_seconds(elsewhere))

    def _sending(self) -> tuple[float | None, str]:
        """What it costs to send an item there and its result back; None and the reason if that is not possible."""
        from factorpool.strategies.remote import pickle_start  # here: it imports multiprocessing

        what = "the function cannot be sent"
        try:
            pickle_start(self._task, inherits=False, inner_threads=None)
            what = "an item or its result cannot be sent"
            began, message = time.perf_counter(), _Length()
            pickle.Pickler(message, pickle.HIGHEST_PROTOCOL).dump(self._sample)
            pickling = time.perf_counter() - began
            return 2 * pickling + message.length * SEND_BYTES_SECONDS, ""  # unpickling takes as long again
        except Exception as error:
            return None, f"{what} to another process ({error})"

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
