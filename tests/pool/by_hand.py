"""A machine whose time is moved by hand, and runs of `strategy="auto"` on it: thousands take seconds.

Tasks, dispatcher, probe and the caller's thread are the real ones.  Threads pass the machine's time instead of their
own; processes are the adversary of the dispatcher's tests.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

from adversary import Adversary
from shapes import Item

from factorpool.pool.auto.machine import Candidate, Machine
from factorpool.pool.auto.probe import Probe
from factorpool.pool.auto.rules import Choice
from factorpool.pool.dispatcher import Completion, Cutter, Dispatcher
from factorpool.pool.protocol import Chunk, Event, Free, Piece, Place, Strategy, Task, TaskRef, Workers, events_of
from factorpool.pool.recovery import Policy
from factorpool.pool.source import Source
from factorpool.pool.strategies import find
from factorpool.pool.strategies.serial import SerialWorkers
from factorpool.pool.task import MapTask

STRATEGIES = {Place.HERE: "serial", Place.BESIDE: "threads", Place.APART: "processes"}


class HandMachine(Machine):
    """Passes time when an item is run, or waited for.

    `gil` says whether there is one, `releases` whether items let go of it, `busy` how much longer than their own time
    items take on average, because others use the CPUs.
    """

    def __init__(
        self, rng: random.Random, more: Iterator[Item], missing: tuple[str, ...], start: float, gil: bool,
        releases: bool, busy: float,
    ) -> None:  # fmt: skip
        super().__init__()
        self.now = self.used = self.stalled = 0.0
        self.sharing = 1  # threads that have a chunk
        self.inner = 1  # threads that an item has of its own
        self.contention = 0.0  # how much longer items take beside another, with CPUs busy for two thirds of that
        self.ran: Counter[int] = Counter()
        self._items: list[Item] = []
        self._more = more
        self._rng = rng
        self._missing = missing
        self._start = start
        self._gil = gil
        self._releases = releases
        self._busy = busy

    def wall(self) -> float:
        return self.now

    def cpu(self) -> float:
        return self.used

    def delay(self) -> float:
        return self.stalled

    def gil_enabled(self) -> bool:
        return self._gil

    def candidate(self, place: Place, stopping: bool = False) -> Candidate:
        name = STRATEGIES[place]
        return Candidate(find(name), "it is missing" if name in self._missing else None)

    def start_seconds(self, strategy: Strategy, count: int) -> float:
        return self._start

    def item(self, index: int) -> Item:
        while len(self._items) <= index:
            self._items.append(next(self._more))
        return self._items[index]

    def run(self, index: int) -> int:
        """What the function does that is mapped."""
        item = self.item(index)
        self.ran[item.index] += 1
        self.now += item.seconds
        if not item.waits:
            self.used += item.seconds * self.inner
            stall = self._busy * item.seconds * 2 * self._rng.random()
            self.stalled += stall
            self.now += stall
            if self.sharing > 1:
                self.now += self.contention * item.seconds
                self.used += self.contention * item.seconds * 2 / 3
            if self._gil and not self._releases:
                self.now += (self.sharing - 1) * item.seconds
        if item.fails:
            raise LookupError(item.index)
        return item.index


class HandTask(MapTask):
    """Runs items on such a machine, by its time; it travels only as far as `pickle.dumps`."""

    def __init__(self, machine: HandMachine, collect: bool) -> None:
        super().__init__(machine.run, collect)
        self.clock = machine.wall

    def __reduce__(self) -> tuple[object, ...]:
        return (object, ())


class _Pending(NamedTuple):
    """A piece that a thread is at: when it began and is done, and what CPU time it takes."""

    began: float
    end: float
    cpu: float
    piece: Piece


class HandThreads:
    """Threads whose chunks run side by side in a machine's time; `wait` works out their next pieces."""

    def __init__(self, machine: HandMachine, task: Task, count: int) -> None:
        self._machine = machine
        self._task = task
        self._count = count
        self._running: dict[int, tuple[Iterator[Piece], float]] = {}  # with when its next piece begins
        self._pending: dict[int, _Pending] = {}

    @property
    def held(self) -> set[int]:
        return set(self._running)

    def submit(self, chunk: Chunk) -> None:
        assert len(self._running) < self._count, "more chunks than threads"
        pieces = self._task.pieces(chunk.payload, chunk.start, bytearray(1), chunk.pace)
        self._running[chunk.start] = pieces, self._machine.now

    def wait(self, timeout: float | None) -> list[Event]:
        assert self._running or timeout is not None, "a wait for nothing"
        machine = self._machine
        for start in self._running.keys() - self._pending.keys():
            self._pending[start] = self._next_piece(*self._running[start])
        before, until = machine.now, machine.now + (timeout or 0.0)
        soonest = min((pending.end for pending in self._pending.values()), default=until)
        machine.now = max(before, soonest if timeout is None else min(soonest, until))
        done: list[Event] = []
        for start, pending in sorted(self._pending.items(), key=lambda item: item[1].end):
            began, end, cpu, piece = pending
            if end > began:
                machine.used += cpu * (min(end, machine.now) - min(end, before)) / (end - began)
            if end <= machine.now:
                del self._pending[start]
                pieces, _ = self._running.pop(start)
                events = events_of(start, piece)
                if not isinstance(events[-1], Free):
                    self._running[start] = pieces, end
                done += events
        return done

    def _next_piece(self, pieces: Iterator[Piece], began: float) -> _Pending:
        machine = self._machine
        now, used, machine.now, machine.sharing = machine.now, machine.used, began, len(self._running)
        piece = next(pieces)
        pending = _Pending(began, machine.now, machine.used - used, piece)
        machine.now, machine.used, machine.sharing = now, used, 1
        return pending

    def wake(self) -> None:
        """Nobody waits."""

    def close(self, *, graceful: bool) -> None:
        """Nothing to free."""


class Impatient(Probe):
    """Does not wait for what never comes."""

    empty = 0

    def wait(self, timeout: float | None) -> list[Event]:
        done = super().wait(timeout)
        self.empty = 0 if done else self.empty + 1
        assert self.empty < 1000, f"waiting for {sorted(self.held)}, and nothing comes"
        return done


class HandRun:
    """One run by `auto` on such a machine, with `cpus` workers: what it has chosen, what its processes have done."""

    def __init__(self, machine: HandMachine, processes: Adversary, cpus: int) -> None:
        self.machine = machine
        self.processes = processes
        self.chosen: list[Choice] = []
        self._cpus = cpus

    def completions(
        self,
        source: Source,
        *,
        schedule: str = "guided",
        chunksize: int | None = None,
        collect: bool = True,
        **more: Any,
    ) -> Generator[Completion, None, None]:
        cutter = Cutter(source, 1, schedule, chunksize, 1)

        def how_many(_: Strategy | None) -> int:
            cutter.workers = self._cpus
            return self._cpus

        task, total = HandTask(self.machine, collect), source.remaining()
        probe = Impatient(TaskRef(task), how_many, total, self._open, self.chosen.append, collect, self.machine)
        policy = Policy(retries=1, itemwise=True)
        return Dispatcher(cutter, probe, probe.limits, self.machine.wall, policy=policy, collect=collect, **more).run()

    def _open(self, ref: TaskRef, strategy: Strategy, count: int) -> Workers:
        if strategy.name == "serial":
            return SerialWorkers(ref.task)
        return HandThreads(self.machine, ref.task, count) if strategy.name == "threads" else self.processes
