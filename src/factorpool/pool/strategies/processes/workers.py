"""The parent's side of worker processes: one duplex pipe each.

No queue and no lock is shared, so a worker that is killed takes nothing with it: its end of file arrives on its own
pipe, and names the chunk that was in it.  A worker ends when its pipe does, whatever it is doing, so it does not
outlive its parent.
"""

from __future__ import annotations

import atexit
import math
import os
import time
import weakref
from collections.abc import Collection
from contextlib import suppress
from multiprocessing.connection import Pipe, wait
from typing import Any

from factorpool.errors import FactorpoolError, ItemTimeoutError, StartError
from factorpool.pool.pickling import chunk_message, task_message
from factorpool.pool.protocol import PACE_SECONDS, Chunk, Died, Event, Failed, Free, TaskRef
from factorpool.pool.shelf import close_shared
from factorpool.pool.strategies.processes.handle import GRACEFUL_SECONDS, TaskSender, Worker
from factorpool.pool.strategies.processes.starting import context, preload

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.pool.shelf import Shelf
    from factorpool.pool.strategies.processes import Processes

ABRUPT_SECONDS = 0.2
"""How long `close` waits after an error or Ctrl-C, before it kills them."""

LONGEST_WAIT = 86400.0
"""Seconds: the system's own limit is a few weeks."""

START_SECONDS = 60.0
"""How long a worker may take to start a task where items have a timeout: its imports and the initializer are no items,
but must not hang for ever either."""


class ProcessWorkers:
    """The worker processes of one run, taken from a shelf or started as chunks come."""

    def __init__(self, strategy: Processes, ref: TaskRef, shelf: Shelf | None) -> None:
        self._context = context(strategy.context)
        method = self._context.get_start_method()
        self._forks = method == "fork"
        # A forked worker is a copy of this moment, and the next call may count on what has changed since.
        self._shelf = None if self._forks and shelf is not None and shelf.shared else shelf
        self._limits = strategy.inner_threads, strategy.memory_bytes()
        self._most_items = math.inf if strategy.max_tasks_per_child is None else strategy.max_tasks_per_child
        self._timeout = ref.timeout
        message = task_message(ref, inherits=self._forks)
        self._by_name = self._forks or message.main is not None
        # A timeout is an item's, so each has to be heard of.
        self._number = ref.number
        self._task = TaskSender(message, PACE_SECONDS if ref.timeout is None else 0.0)
        if method == "forkserver":
            preload(message.data)
        self._idle: list[Worker] = []
        self._busy: dict[Any, Worker] = {}  # by connection, and by the sentinel of its process
        self._started = 0
        try:
            self._waker = Pipe(duplex=False)
        except OSError as error:
            raise StartError(f"worker process 1 cannot be started: {error}") from error
        self._owner = os.getpid()
        _open.add(self)

    @property
    def held(self) -> Collection[int]:
        """What the busy workers are at."""
        return {worker.start for worker in self._busy.values()}

    def submit(self, chunk: Chunk) -> None:
        """Sends the chunk to an idle worker, or to a new one."""
        self._hand_out(chunk.start, chunk_message(chunk, self._by_name))

    def _hand_out(self, start: int, message: bytes) -> None:
        worker = self._free_worker()
        while not worker.give(start, message):  # it has just been killed, before it had the chunk
            worker.free()
            worker = self._free_worker()
        self._busy[worker.connection] = self._busy[worker.process.sentinel] = worker

    def _free_worker(self) -> Worker:
        """An idle worker, unless it has died meanwhile, or one from the shelf, or a new one."""
        while self._idle:
            worker = self._idle.pop()
            if worker.process.is_alive():
                return worker
            worker.free()
        if self._shelf is not None and (resting := self._shelf.take(self._number)) is not None:
            assert isinstance(resting, Worker)
            worker = resting
            if worker.task == self._number:
                return worker
        else:
            try:
                worker = Worker(self._context, *self._limits)
            except (OSError, EOFError) as error:
                what = str(error) or "the fork server could not"
                raise StartError(f"worker process {self._started + 1} cannot be started: {what}") from error
            self._started += 1
        worker.take_up(self._number, self._task)
        return worker

    def wait(self, timeout: float | None) -> list[Event]:
        """What has arrived; a worker that died or took too long completes its chunk with the error that says so."""
        if self._timeout is not None and self._busy:
            soonest = min(self._due(worker, self._timeout) for worker in self._busy.values())
            soonest = max(0.0, min(soonest - time.monotonic(), LONGEST_WAIT))
            timeout = soonest if timeout is None else min(soonest, timeout)
        arrived = wait([*self._busy, self._waker[0]], timeout)
        if self._waker[0] in arrived:
            arrived.remove(self._waker[0])
            self._waker[0].recv_bytes()
        done: list[Event] = []
        for worker in dict.fromkeys(map(self._busy.__getitem__, arrived)):
            done += self._take_in(worker)
        if self._timeout is not None:
            done += self._kill_overdue(self._timeout)
        return done

    def _take_in(self, worker: Worker) -> list[Event]:
        """The next thing that a worker says, or that it has died."""
        rested = worker.rested and not worker.ready
        events = worker.receive()
        if events and isinstance(events[-1], Died) and rested:
            # Its time on the shelf was over just when it was taken from there.
            self._release(worker)
            worker.free()
            self._hand_out(worker.start, worker.message)
            return []
        if events and isinstance(events[-1], Free | Died):
            self._release(worker)
            if worker.dead:
                worker.free()
            elif worker.items >= self._most_items:
                worker.tell_to_end()
                worker.join(GRACEFUL_SECONDS)
                worker.free()
            elif self._shelf is not None:
                self._shelf.put(worker)
            else:
                self._idle.append(worker)
        return events

    def _release(self, worker: Worker) -> None:
        del self._busy[worker.connection], self._busy[worker.process.sentinel]

    def _due(self, worker: Worker, timeout: float) -> float:
        """When something has to be heard of a worker."""
        return worker.heard + timeout if worker.ready else worker.told + max(timeout, START_SECONDS)

    def _kill_overdue(self, timeout: float) -> list[Event]:
        """Kills the workers of which nothing was heard for too long since they began an item."""
        done: list[Event] = []
        now = time.monotonic()
        for worker in dict.fromkeys(self._busy.values()):
            if now >= self._due(worker, timeout) and not worker.connection.poll():
                if not worker.ready:
                    seconds = max(timeout, START_SECONDS)
                    raise FactorpoolError(
                        f"a worker did not start within {seconds:g} s: an import or the initializer hangs"
                    )
                self._release(worker)
                worker.free()
                error = ItemTimeoutError(worker.next_item, timeout)
                done += [Failed(worker.start, 1, error, timeout), Free(worker.start)]
        return done

    def wake(self) -> None:
        """Ends `wait`, by a pipe that it listens to as well."""
        with suppress(OSError):  # it has been closed meanwhile
            if not self._waker[0].poll():
                self._waker[1].send_bytes(b"!")

    def close(self, *, graceful: bool) -> None:
        """Kills busy workers and waits until they are gone; idle ones go to the shelf, or are told to end."""
        if self._owner != os.getpid():  # this is a copy in a process that the caller has forked
            return
        busy = list(dict.fromkeys(self._busy.values()))
        for worker in busy:
            worker.process.kill()
        for worker in self._idle:
            worker.tell_to_end()
        if self._shelf is not None:
            self._shelf.lay_down(self._number)
        deadline = time.monotonic() + (GRACEFUL_SECONDS if graceful else ABRUPT_SECONDS)
        for worker in [*busy, *self._idle]:
            worker.join(max(0.0, deadline - time.monotonic()))
            worker.free()
        self._busy.clear()
        self._idle.clear()
        for end in self._waker:
            end.close()


_open: weakref.WeakSet[ProcessWorkers] = weakref.WeakSet()


@atexit.register  # after multiprocessing has registered its own, and so before that waits for workers for ever
def _end_all() -> None:
    for workers in list(_open):
        workers.close(graceful=False)
    close_shared()
