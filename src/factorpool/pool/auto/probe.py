"""`strategy="auto"` for functions that nobody knows: runs a few items, watches them, and chooses.

There are three phases.  `Alone`: some items run in the caller's thread; what do they cost, do they compute or wait?
`Pair`: two threads run some at once; does the process use two CPUs now, or is it one GIL?  Items that take long are
watched for a moment there, not to their end; they go on in their threads while the others already run where it was
decided.  `Chosen`: the workers of the strategy that was chosen do the rest.  No item is run twice, and none stays
behind: what workers have not begun when they are replaced comes back.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Callable, Collection, Iterator
from typing import Any

from factorpool.errors import NotPicklableError, StartError
from factorpool.pool.auto.cluster import Work, rather
from factorpool.pool.auto.machine import Machine
from factorpool.pool.auto.relay import Relay
from factorpool.pool.auto.rules import Choice, Measures, decide
from factorpool.pool.auto.unproved import Unproved
from factorpool.pool.protocol import (
    Chunk,
    Done,
    Event,
    Failed,
    Hint,
    Piece,
    Place,
    Strategy,
    Task,
    TaskRef,
    Workers,
)

ALONE_SECONDS = 0.005
"""How long items run in the caller's thread first: enough to know their cost."""

GROWTH = 16
"""How many times as many items the next look takes at most, while that has not yet passed."""

PAIR_SECONDS = 0.02
"""How long two threads are watched at most: four times the interval in which CPython hands the GIL over."""

PAIR_LEAST_SECONDS = 0.005
"""How long they are watched at least if their items are shorter: a thread takes a tenth of a millisecond to begin."""

PAIR_MOST_SECONDS = 0.05
"""How long an item is waited for that tells how much longer it takes beside another."""

WORTH_SECONDS = 0.002
"""Less work than this is not worth a thread, nor finding out."""

WAITING = 0.5
"""An item that is idle for more than this part of its time, and not for want of a CPU, waits; threads can all wait."""

HELPING = 1.4
"""CPUs in use from which a second thread helps; with a GIL it is one, and without, on a machine that is busy, not 2."""

ONE_BY_ONE = 0.7
"""Part of the usable CPUs that an item uses by itself, as BLAS does, from which others beside it gain nothing."""

UNCLEAR = 1.15, 1.65
"""CPUs in use between which two threads are watched for longer: in 5 ms a few items tell little on a busy machine."""

CONTENDING = 1.9
"""An item that takes so many times as long beside a second thread gains nothing by it, whatever CPUs are in use:
threads that fight for a lock keep CPUs busy (SQLite: 1.6 CPUs, and 2.5 times as long)."""

SEND_BYTES_SECONDS = 2.5e-9
"""What a byte takes to another process: copied into a message, through a pipe, and out of it; 50 MB take 130 ms."""


class Brief:
    """A task that sends back the rest of a chunk after a piece, as long as the probe is `measuring`.

    It begins with that once items have taken so long that workers may be replaced: those hold no more then than the
    items up to the end of their piece.  It stops with an error that ends the run, as errors do unless it is to
    `collect` them: what the other thread is at may still come in time.
    """

    def __init__(self, task: Task, collect: bool) -> None:
        self.measuring = True
        self._seconds = 0.0
        self._collect = collect
        self.first_chunk, self.least_chunk = task.first_chunk, task.least_chunk
        self.itemwise, self.taints = task.itemwise, task.taints
        self._task = task

    def hint(self, items: object, total: int | None, count: Callable[[], int]) -> Hint | None:
        """It is only measured."""
        return None

    def alone_chunk(self, total: int | None) -> int:
        """That of the task."""
        return self._task.alone_chunk(total)

    def start(self) -> None:
        """That of the task."""
        self._task.start()

    def pieces(self, payload: Any, start: int, stop: bytearray | memoryview, pace: float) -> Iterator[Piece]:
        """Those of the task, up to the one after which the rest is sent back."""
        for piece in self._task.pieces(payload, start, stop, pace):
            self._seconds += piece.seconds
            if piece.error is not None and not self._collect:
                self.measuring = False
            if self.measuring and self._seconds >= ALONE_SECONDS and not (piece.last or piece.followed):
                yield piece._replace(last=True)
                return
            yield piece


class _Seen:
    """What the probe knows: `done` items have come back, by `items` of them, which took `seconds`, costs are told."""

    def __init__(self) -> None:
        self.done = self.items = 0
        self.seconds = 0.0
        self.sample: tuple[Any, Any] | None = None  # an item and its result; or several together, and theirs
        self.sampled = 1

    @property
    def each(self) -> float:
        """Seconds for one item."""
        return max(self.seconds / max(self.items, 1), 1e-9)


class _Alone:
    """The first phase: the caller's thread runs items until their costs are known."""

    slots = 1

    def __init__(self, machine: Machine, seen: _Seen) -> None:
        self.most = 1  # items in the next chunk
        self._machine = machine
        self._seen = seen
        self._cpu = machine.cpu()
        self._delay: float | None = None  # what this thread had waited for a CPU when the measuring began, if known

    def enough(self, events: list[Done | Failed]) -> bool:
        """Takes in what was done; whether that is enough to go on."""
        seen = self._seen
        for event in events:
            seen.items += event.items
            seen.seconds += event.seconds
        if seen.seconds < ALONE_SECONDS:
            self.most = max(1, min(GROWTH * self.most, int((ALONE_SECONDS - seen.seconds) / seen.each)))
            return False
        idle = seen.seconds - (self._machine.cpu() - self._cpu)
        self.waits = idle > WAITING * seen.seconds
        delay = self._machine.delay() if self.waits else 0.0
        if self.waits and self._delay is None and delay > idle / 2:  # perhaps for a CPU: look once more, and know
            self._delay, seen.items, seen.seconds, self._cpu = delay, 0, 0.0, self._machine.cpu()
            return False
        self.waits = self.waits and delay - (self._delay or 0.0) <= idle / 2
        self.cpus = (self._machine.cpu() - self._cpu) / seen.seconds
        return True


class _Pair:
    """The second phase: two threads, to see how many CPUs they use, and how much longer an item takes then."""

    slots = 2

    def __init__(self, machine: Machine, seen: _Seen) -> None:
        self.most = max(1, int(ALONE_SECONDS / seen.each))
        self.cpus = 0.0
        self.slowed = 0.0  # how many times as long as alone; 0 if no item has come back
        self._machine = machine
        self._seen = seen
        self._alone = seen.each
        self._items, self._seconds = 0, 0.0
        self._began: tuple[float, float] | None = None  # wall and CPU time when the second thread began

    @property
    def watching(self) -> bool:
        """Whether both threads are at work."""
        return self._began is not None

    def watch(self) -> None:
        """Both are, from now on."""
        if self._began is None:
            self._began = self._machine.wall(), self._machine.cpu()

    def enough(self, events: list[Done | Failed]) -> bool:
        """Takes in what was done; whether they have been watched for long enough, and then `cpus` is known."""
        for event in events:  # so that there are chunks for both threads, should items have become slow
            each = event.seconds / max(event.items, 1)
            self.most = max(1, min(self.most, int(ALONE_SECONDS / max(each, 1e-9))))
        if self._began is None:
            return False
        self._items += sum(event.items for event in events)
        self._seconds += sum(event.seconds for event in events)
        wall, cpu = self._machine.wall() - self._began[0], self._machine.cpu() - self._began[1]
        if wall < PAIR_LEAST_SECONDS or (not self._items and wall < PAIR_MOST_SECONDS):
            return False
        self.cpus = cpu / wall
        if UNCLEAR[0] < self.cpus < UNCLEAR[1] and wall < PAIR_SECONDS:
            return False
        self.slowed = self._seconds / max(self._items, 1) / self._alone
        if self._seen.items == 1 and self._items and self.slowed < 1:
            # That one item took longer than others may be due to what is done once, such as an import.
            self._seen.items, self._seen.seconds = self._items, self._seconds
        return True


class Probe:
    """Workers that measure first, and then are those of the strategy that was chosen.

    Args:
        ref: the task that they run.
        count: says how many workers there may be, here or on the cluster that it is given.
        total: how many items there are; None where nobody knows.
        open_workers: opens workers of a strategy for a task and so many chunks at once.
        chosen: told what is chosen, once.
        collect: whether the run goes on after an item's error.
        machine: whose time it is, and what can run there.
        cluster: one that may be chosen, too.
    """

    def __init__(
        self,
        ref: TaskRef,
        count: Callable[[Strategy | None], int],
        total: int | None,
        open_workers: Callable[[TaskRef, Strategy, int], Workers],
        chosen: Callable[[Choice], None],
        collect: bool,
        machine: Machine,
        cluster: Strategy | None = None,
    ) -> None:
        self.choice: Choice | None = None
        self._cluster = cluster
        self._chosen = chosen
        self._ref = ref
        self._collect = collect
        self._brief = Brief(ref.task, collect)
        self._how_many = count  # asked once it matters: it takes as long as a hundred tiny items
        self._count = 1
        self._total = total
        self._open = open_workers
        self._machine = machine
        self._here = machine.candidate(Place.HERE).strategy
        self._strategy = self._here  # of the workers that get new chunks
        self._workers = Relay(open_workers(TaskRef(self._brief), self._here, 1), machine.wall)
        self._seen = _Seen()
        self._phase: _Alone | _Pair = _Alone(machine, self._seen)
        self._payloads: dict[int, Any] = {}  # of the chunks that were submitted before the choice

    def limits(self) -> tuple[int, int | None]:
        """How many chunks the dispatcher may have in flight, and of how many items (None: as the schedule has it)."""
        if self.choice is None:
            former = self._workers.held_by_former if self._phase.slots > 1 else 0
            return self._phase.slots + former, self._phase.most
        if self._strategy is self._here:
            return 1, None
        count = self._count
        if self._strategy is self._cluster:
            count = self._how_many(self._cluster) * (1 + self._cluster.traits.ahead)  # they come and go
        return count + self._workers.held_by_former, None

    @property
    def held(self) -> Collection[int]:
        """What the workers of the moment hold, and those before them."""
        return self._workers.held

    def submit(self, chunk: Chunk) -> None:
        """Hands the chunk to the workers of the moment; if it cannot be sent to them, to the caller's thread."""
        try:
            self._workers.submit(chunk)
        except (NotPicklableError, StartError) as error:
            if not self._strategy.traits.remote or (isinstance(error, StartError) and self._workers.held_by_last):
                raise
            self._stay_here(error)
            self._workers.submit(chunk)
        if self.choice is None:
            self._payloads[chunk.start] = chunk.payload
            if isinstance(self._phase, _Pair) and self._workers.held_by_last == 2:
                self._phase.watch()

    def wait(self, timeout: float | None) -> list[Event]:
        """What workers tell; looks at it, and chooses when it has seen enough."""
        if self.choice is not None:
            return self._workers.wait(timeout)
        phase = self._phase
        events = self._workers.wait(PAIR_SECONDS if isinstance(phase, _Pair) and phase.watching else timeout)
        told = [event for event in events if isinstance(event, Done | Failed)]
        for event in told:
            self._seen.done += event.items
            if isinstance(event, Done) and isinstance(phase, _Alone):
                payload, value, itemwise = self._payloads[event.start], event.value, self._ref.task.itemwise
                self._seen.sample = (payload[0], value[0]) if itemwise else (payload, value)
                self._seen.sampled = 1 if itemwise else event.items
        if phase.enough(told):
            self._after_pair(phase) if isinstance(phase, _Pair) else self._after_alone(phase)
        return events

    def wake(self) -> None:
        """Ends the `wait` of another thread."""
        self._workers.wake()

    def close(self, *, graceful: bool) -> None:
        """Frees what there is."""
        self._workers.close(graceful=graceful)

    def _stay_here(self, error: BaseException) -> None:
        """Goes on in the caller's thread, and says so."""
        reason = f"{self._strategy.name} cannot be used: {error}"
        warnings.warn(f"factorpool goes on in the calling thread: {reason}", RuntimeWarning, stacklevel=2)
        self.choice = Choice(self._here, reason)
        self._chosen(self.choice)
        self._hand_over(self._here, self._ref)

    def _after_alone(self, alone: _Alone) -> None:
        self._count = self._how_many(None)
        remaining, beside = self._remaining(), self._machine.candidate(Place.BESIDE)
        if self._count == 1:
            self._choose(Choice(self._here, "there is one CPU to use"))
        elif remaining is not None and remaining * self._seen.each < WORTH_SECONDS:
            self._choose(Choice(self._here, "what is left is done before threads have started"))
        elif beside.obstacle is not None:
            self._choose(self._without_threads())
        elif alone.cpus > ONE_BY_ONE * self._count:
            self._choose(Choice(self._here, f"an item uses {alone.cpus:.1f} CPUs by itself"))
        elif alone.waits:
            self._choose(Choice(beside.strategy, "an item waits most of its time, and threads can all wait at once"))
        elif not self._machine.gil_enabled():
            self._choose(Choice(beside.strategy, "there is no GIL: threads compute side by side"))
        else:
            self._phase = _Pair(self._machine, self._seen)
            self._brief = Brief(self._ref.task, self._collect)
            self._hand_over(beside.strategy, TaskRef(self._brief))

    def _after_pair(self, pair: _Pair) -> None:
        if pair.cpus > HELPING and pair.slowed < CONTENDING:
            strategy = self._machine.candidate(Place.BESIDE).strategy
            self._choose(Choice(strategy, f"the function releases the GIL: two threads used {pair.cpus:.1f} CPUs"))
        else:
            self._choose(self._without_threads())

    def _without_threads(self) -> Choice:
        elsewhere, obstacle = self._machine.candidate(Place.APART)
        if obstacle is not None:
            return Choice(self._here, f"a second thread did not help, and {obstacle}")
        seen, start = self._seen, self._machine.start_seconds(elsewhere, self._count)
        at_best = decide(Measures(seen.each, self._remaining(), 0.0, ""), self._count, self._here, elsewhere, start)
        if at_best.strategy is self._here:  # so there is no need to know what sending costs, which takes 25 ms
            return at_best
        if (refusal := getattr(elsewhere, "refusal", None)) is not None and (reason := refusal(self._ref)) is not None:
            return Choice(self._here, f"a second thread did not help, and {reason}")
        sends, reason = self._sending()
        if sends is None:
            warnings.warn(f"factorpool goes on in the calling thread: {reason}", RuntimeWarning, stacklevel=2)
        measures = Measures(seen.each, self._remaining(), sends, reason)
        return decide(measures, self._count, self._here, elsewhere, start)

    def _sending(self) -> tuple[float | None, str]:
        """What it costs to send an item there and its result back; None and the reason if that is not possible."""
        from factorpool.pool.pickling import dumps, task_message  # here: it imports multiprocessing

        try:
            task_message(self._ref, inherits=False)
        except NotPicklableError as error:
            return None, str(error)
        try:
            began, message = self._machine.wall(), _Length()
            try:
                pickle.Pickler(message, pickle.HIGHEST_PROTOCOL).dump(self._seen.sample)
            except Exception:
                message.length = len(dumps(self._seen.sample))
            pickling = self._machine.wall() - began
        except Exception as error:
            return None, f"an item or its result cannot be pickled to reach another process: {error}"
        seconds = 2 * pickling + message.length * SEND_BYTES_SECONDS  # unpickling takes as long again
        return seconds / self._seen.sampled, ""

    def _remaining(self) -> int | None:
        """How many items have not come back; None where nobody knows."""
        return None if self._total is None else self._total - self._seen.done

    def _choose(self, choice: Choice) -> None:
        if self._cluster is not None:
            choice = self._rather(choice, self._cluster)
        self.choice = choice
        self._payloads.clear()
        self._chosen(choice)
        if choice.strategy == self._strategy:
            self._brief.measuring = False
        else:
            self._hand_over(choice.strategy, self._ref)

    def _rather(self, choice: Choice, cluster: Strategy) -> Choice:
        """The cluster, if that is better than what was chosen here."""
        workers = 1 if choice.strategy is self._here else self._count
        work = Work(self._seen.each, self._remaining())
        better = rather(choice, workers, work, cluster, lambda: self._how_many(cluster), lambda: self._sending()[0])
        self._count = self._how_many(cluster if better.strategy is cluster else None)
        return better

    def _hand_over(self, strategy: Strategy, ref: TaskRef) -> None:
        """Has workers of a strategy take over."""
        self._strategy = strategy
        workers = self._open(ref, strategy, 1 if strategy is self._here else self._count)
        self._workers.hand_over_to(Unproved(workers, self._stay_here) if strategy.traits.remote else workers)


class _Length:
    """A file that counts what is written to it: large items are not copied for that."""

    length = 0

    def write(self, data: bytes | memoryview) -> None:
        self.length += len(data)
