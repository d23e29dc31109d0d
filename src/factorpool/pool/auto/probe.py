"""`strategy="auto"` for functions that nobody knows: runs a few items, watches them, and chooses.

First some items run in the caller's thread: what do they cost, do they compute or wait?  Then two threads at once: does
the process use two CPUs now, or is it one GIL?  There, items that take long are watched for a moment, not to their end;
they go on in their threads while the others already run where it was decided.  No item is run twice, and none stays
behind: what workers have not begun when they are replaced comes back.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Iterator
from typing import Any

from factorpool.errors import NotPicklableError
from factorpool.factoring.tasks import Part, Task
from factorpool.pool.auto.machine import Machine
from factorpool.pool.auto.relay import Relay
from factorpool.pool.auto.rules import Choice, Measures, decide
from factorpool.pool.protocol import Chunk, Completion, Workers

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


class _Brief:
    """A task that gives back what is left of a chunk after a part, as long as the probe is `measuring`.

    It begins with that once items have taken so long that workers may be replaced: those hold no more then than the
    items up to the end of their part.  It stops with an error that ends the run, as errors do unless it is to `collect`
    them: what the other thread is at may still come in time.
    """

    def __init__(self, task: Task, collect: bool) -> None:
        self.measuring = True
        self._seconds = 0.0
        self._collect = collect
        self.first_chunk, self.needs_main, self.itemwise = task.first_chunk, task.needs_main, task.itemwise
        self._task = task

    def start(self) -> None:
        self._task.start()

    def parts(self, payload: Any, start: int, stop: bytearray | memoryview, pace: float) -> Iterator[Part]:
        for part in self._task.parts(payload, start, stop, pace):
            self._seconds += part.seconds
            if part.error is not None and not self._collect:
                self.measuring = False
            if self.measuring and self._seconds >= ALONE_SECONDS and not (part.last or part.followed):
                yield part._replace(last=True)
                return
            yield part


class Probe:
    """Workers that measure first, and then are those of the strategy that was chosen.

    Args:
        task: what they run.
        count: says how many workers there may be.
        total: how many items there are; None where nobody knows.
        make_workers: makes workers of a strategy, by name, for a task and so many chunks at once.
        chosen: told what is chosen, once.
        collect: whether the run goes on after an item's error.
        machine: whose time it is, and what can run there.
    """

    def __init__(
        self,
        task: Task,
        count: Callable[[], int],
        total: int | None,
        make_workers: Callable[[Task, str, int], Workers],
        chosen: Callable[[Choice], None],
        collect: bool,
        machine: Machine,
    ) -> None:
        self.choice: Choice | None = None
        self._chosen = chosen
        self._task = task
        self._collect = collect
        self._brief = _Brief(task, collect)
        self._how_many = count  # asked once it matters: it takes as long as a hundred tiny items
        self._count = 1
        self._total = total
        self._make_workers = make_workers
        self._machine = machine
        self._strategy = "serial"  # of the workers that get new chunks
        self._workers = Relay(make_workers(self._brief, "serial", 1), machine.wall)
        self._most = 1  # items in the next chunk
        self._done = 0  # items that have come back before the choice
        self._items = 0  # those among them by which the cost of one is told,
        self._seconds = 0.0  # and what they took
        self._cpu = machine.cpu()
        self._delay: float | None = None  # what this thread had waited for a CPU when the measuring began, if known
        self._watched: tuple[float, float] | None = None  # wall and CPU time when the second thread began
        self._sample: tuple[Any, Any] | None = None  # an item and its result

    def limits(self) -> tuple[int, int | None]:
        """How many chunks the dispatcher may have in flight, and of how many items (None: as the schedule has it)."""
        size = self._most if self.choice is None else None
        if self._strategy == "serial":
            return 1, size
        return (2 if self.choice is None else self._count) + self._workers.held_by_former, size

    @property
    def held(self) -> Collection[int]:
        """What the workers of the moment hold, and those before them."""
        return self._workers.held

    def submit(self, chunk: Chunk) -> None:
        """Hands the chunk to the workers of the moment."""
        self._workers.submit(chunk)
        if self.choice is None and self._watched is None and self._workers.held_by_last == 2:
            self._watched = self._machine.wall(), self._machine.cpu()

    def wait(self, timeout: float | None) -> list[Completion]:
        """What has been completed; looks at it, and chooses when it has seen enough."""
        if self.choice is not None:
            return self._workers.wait(timeout)
        done = self._workers.wait(timeout if self._watched is None else PAIR_SECONDS)
        for completion in done:
            self._done += len(completion.chunk.payload)
        if self._strategy == "serial":
            self._alone(done)
            return done
        for completion in done:  # so that there are chunks for both threads, should items have become slow
            each = completion.seconds / len(completion.chunk.payload)
            self._most = max(1, min(self._most, int(ALONE_SECONDS / max(each, 1e-9))))
        if self._watched is not None:
            self._pair(*self._watched)
        return done

    def close(self, gently: bool) -> None:
        """Frees what there is."""
        self._workers.close(gently)

    def _alone(self, done: list[Completion]) -> None:
        """Takes in what the caller's thread has done."""
        for completion in done:
            self._items += len(completion.chunk.payload)
            self._seconds += completion.seconds
            if completion.error is None and self._task.itemwise:
                self._sample = completion.chunk.payload[0], completion.value[0]
        if self._seconds < ALONE_SECONDS:
            each = max(self._seconds / self._items, 1e-9)
            self._most = max(1, min(GROWTH * self._most, int((ALONE_SECONDS - self._seconds) / each)))
            return
        each, left = self._seconds / self._items, self._left()
        self._count = self._how_many()
        idle = self._seconds - (self._machine.cpu() - self._cpu)
        waits = idle > WAITING * self._seconds
        delay = self._machine.delay() if waits else 0.0
        if waits and self._delay is None and delay > idle / 2:  # perhaps for a CPU: look once more, and know
            self._delay, self._items, self._seconds, self._cpu = delay, 0, 0.0, self._machine.cpu()
            return
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
            self._most = max(1, int(ALONE_SECONDS / each))
            self._brief = _Brief(self._task, self._collect)
            self._hand_over("threads", self._brief)

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
            from factorpool.pool.strategies.interpreters import refusal

            reason = refusal(self._task)
        if reason is not None:
            return Choice("serial", f"a second thread did not help, and {reason}")
        sends, obstacle = self._sending()
        measures = Measures(self._seconds / self._items, self._left(), sends, obstacle)
        return decide(measures, self._count, elsewhere, self._machine.start_seconds(elsewhere))

    def _sending(self) -> tuple[float | None, str]:
        """What it costs to send an item there and its result back; None and the reason if that is not possible."""
        from factorpool.pool.pickling import pickle_start  # here: it imports multiprocessing

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

    def _left(self) -> int | None:
        """How many items have not come back; None where nobody knows."""
        return None if self._total is None else self._total - self._done

    def _choose(self, choice: Choice) -> None:
        self.choice = choice
        self._chosen(choice)
        if choice.strategy == self._strategy:
            self._brief.measuring = False
        else:
            self._hand_over(choice.strategy, self._task)

    def _hand_over(self, strategy: str, task: Task) -> None:
        """Has workers of a strategy take over."""
        self._strategy = strategy
        self._workers.hand_over_to(self._make_workers(task, strategy, 1 if strategy == "serial" else self._count))


class _Length:
    """A file that counts what is written to it: large items are not copied for that."""

    length = 0

    def write(self, data: bytes | memoryview) -> None:
        self.length += len(data)
