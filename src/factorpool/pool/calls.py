"""What `Pool.submit` is made of: calls with their futures, their queue, and the thread that runs them."""

from __future__ import annotations

import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Future
from functools import partial
from typing import Any
from uuid import uuid4

from factorpool.errors import FactorpoolError
from factorpool.pool.auto.machine import place_of
from factorpool.pool.dispatcher import Completion, Cutter, Dispatcher
from factorpool.pool.inside import is_whole_process
from factorpool.pool.protocol import Place, Strategy, TaskRef, Workers
from factorpool.pool.recovery import Policy
from factorpool.pool.shelf import Shelves
from factorpool.pool.slots import Slots, slotted
from factorpool.pool.task import MapTask

BATCH_SECONDS = 0.0005
"""Calls are sent to another process together if they take less than this in all: a message costs 0.04 ms, and what is
in one message waits for the slowest of it."""

BATCH = 64
"""Most calls in one message."""

LINGER_SECONDS = 0.01
"""How long a thread waits for the next call before it gives its slot back."""


class BrokenPoolError(FactorpoolError, BrokenExecutor):
    """No worker of a pool can start, so it can do no more; the cause says why."""


def broken_by(error: BaseException) -> BrokenPoolError:
    """What is said of a pool whose workers cannot start for this reason."""
    broken = BrokenPoolError(f"the pool is broken: {type(error).__name__}: {error}")
    broken.__cause__ = error
    return broken


class Setup:
    """What prepares each worker of a pool, once."""

    def __init__(self, initializer: Callable[..., object], initargs: tuple[Any, ...]) -> None:
        self._name = uuid4().hex  # workers may outlive the program, and have others
        self._initializer = initializer
        self._initargs = initargs

    def __call__(self) -> None:
        """Calls the initializer if this worker has not yet."""
        done = _prepared if is_whole_process() else _prepared_thread.__dict__.setdefault("names", set())
        if self._name not in done:
            self._initializer(*self._initargs)
            done.add(self._name)


_prepared: set[str] = set()  # the names of what has prepared this worker, if it is all of a process,
_prepared_thread = threading.local()  # and if it is a thread


class Call:
    """A submitted call: pickled it is only the function with its arguments."""

    __slots__ = ("_args", "_fn", "_kwargs", "future")

    def __init__(
        self, future: Future[Any], fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> None:
        self.future = future
        self._fn = fn
        self._args = args
        self._kwargs = kwargs

    def __call__(self) -> Any:
        """In a thread of this process."""
        return self._fn(*self._args, **self._kwargs)

    def begins(self) -> bool:
        """Says that it begins, unless that was said; False if it was cancelled before."""
        return self.future.running() or self.future.set_running_or_notify_cancel()

    def __reduce__(self) -> tuple[object, ...]:
        return _joined, (self._fn, self._args, self._kwargs)


def _joined(fn: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[], Any]:
    return partial(fn, *args, **kwargs)


class _Interrupted:
    """A KeyboardInterrupt of the call's own making, as its result: as an error it would end the worker's chunk."""

    def __init__(self, error: KeyboardInterrupt) -> None:
        self.error = error


def _call(call: Callable[[], Any]) -> Any:
    """In the worker: does what was submitted."""
    try:
        return call()
    except KeyboardInterrupt as error:
        return _Interrupted(error)


class Calls:
    """The queue of submitted calls, as a source for the dispatcher; it ends once it is closed and empty."""

    def __init__(self) -> None:
        self._waiting: deque[Call] = deque()
        self._taken: set[Call] = set()  # by `take`, and not settled
        self._condition = threading.Condition()
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def closed(self) -> bool:
        """Whether nothing more may come."""
        return self._closed

    @property
    def over(self) -> bool:
        """Whether nothing waits and nothing more may come."""
        return self._closed and not self._waiting

    def put(self, call: Call) -> None:
        """Adds a call."""
        with self._condition:
            self._waiting.append(call)
            self._condition.notify()

    def close(self) -> None:
        """Nothing more comes."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def cancel(self) -> None:
        """Cancels what has not begun."""
        with self._condition:
            waiting = [call for call in self._waiting if not call.future.running()]
            self._waiting = deque(call for call in self._waiting if call.future.running())
        for call in waiting:
            call.future.cancel()
            call.future.set_running_or_notify_cancel()

    def settle(self, completion: Completion) -> None:
        """Gives the calls of a chunk that was taken what became of them."""
        for at, call in enumerate(completion.chunk.payload):
            self._taken.discard(call)
            _settle(call, completion, at)

    def drain(self) -> list[Call]:
        """All that are not settled, but those that were cancelled."""
        with self._condition:
            waiting, self._waiting = self._waiting, deque()
            taken, self._taken = self._taken, set()
        return [*taken, *(call for call in waiting if call.begins())]

    def take(self, most: int) -> Sequence[Call]:
        """The next calls that nobody has cancelled; waits for one."""
        taken: list[Call] = []
        with self._condition:
            while True:
                while self._waiting and len(taken) < most:
                    call = self._waiting.popleft()
                    if call.begins():
                        taken.append(call)
                if taken or self._closed:
                    self._taken.update(taken)
                    return taken
                self._condition.wait()

    def next(self) -> Call | None:
        """The next call that nobody has cancelled; None if there is none for LINGER_SECONDS."""
        with self._condition:
            while True:
                while self._waiting:
                    call = self._waiting.popleft()
                    if call.begins():
                        return call
                if self._closed or not self._condition.wait(LINGER_SECONDS):
                    return None

    def wait(self) -> bool:
        """Waits until there are calls; False if there will be none."""
        with self._condition:
            while not self._waiting and not self._closed:
                self._condition.wait()
            return bool(self._waiting)

    def remaining(self) -> int | None:
        """Nobody knows."""
        return None

    def ready(self, most: int) -> bool:
        """Whether `take` would answer at once."""
        return bool(self._waiting) or self._closed

    def prepare(self) -> bool:
        """A call is taken only for a worker that is free."""
        return False


class _Service:
    """For workers that share this process's memory: items that serve one call after the other while there are some.

    A call then costs no event of its own.
    """

    def __init__(self, calls: Calls) -> None:
        self.servers = 0
        self._calls = calls
        self._lock = threading.Lock()

    def take(self, most: int) -> Sequence[Callable[[], None]]:
        """One more server; if there is none yet, waits until there is something to do."""
        if self._calls.over or not (self.servers or self._calls.wait()):
            return ()
        self._count(1)
        return (self._serve,)

    def remaining(self) -> int | None:
        """Nobody knows."""
        return None

    def ready(self, most: int) -> bool:
        """Whether `take` would answer at once."""
        return self._calls.ready(most)

    def prepare(self) -> bool:
        """As of the calls."""
        return self._calls.prepare()

    def _count(self, change: int) -> None:
        with self._lock:
            self.servers += change

    def _serve(self) -> None:
        try:
            while (call := self._calls.next()) is not None:
                try:
                    value = call()
                except BaseException as error:
                    call.future.set_exception(error)
                else:
                    call.future.set_result(value)
                    del value
                del call  # nothing of it is to live on here until the next
        finally:
            self._count(-1)


class Manager:
    """A thread that runs the dispatcher over the calls of a pool until there are no more; it does not hold the pool."""

    def __init__(
        self, calls: Calls, strategy: Strategy, max_workers: int, shelves: Shelves, slots: Slots, setup: Setup | None
    ) -> None:
        self.failure: BaseException | None = None
        self._calls = calls
        self._strategy = strategy
        self._count = 1 if place_of(strategy) is Place.HERE else max_workers
        self._shelves = shelves
        self._slots = slots
        self._setup = setup
        self._service = None if strategy.traits.remote else _Service(calls)
        self._workers: Workers | None = None
        self._dispatcher: Dispatcher | None = None
        self._killed = False
        self.thread = threading.Thread(target=self._run, name="factorpool-pool", daemon=True)
        _managers[self.thread] = self
        self.thread.start()

    def wake(self) -> None:
        """Has it look at the calls again, if that could be of use."""
        if self._workers is not None and (self._service is None or self._service.servers < self._count):
            self._workers.wake()

    def finish(self) -> None:
        """Takes no more calls; the thread ends with the last of those that there are."""
        self._calls.close()
        self.wake()

    def kill(self) -> None:
        """Ends all workers that can be ended in the middle, and the thread with them."""
        self._killed = True
        if self._dispatcher is not None:
            self._dispatcher.stop()
        if self._strategy.traits.stops_items:
            self.thread.join()

    def _run(self) -> None:
        try:
            self._serve()
        except BaseException as error:
            self.failure = error
        if self._killed and self.failure is None:
            self.failure = FactorpoolError("its workers were killed")
        if self.failure is not None:
            for call in self._calls.drain():
                call.future.set_exception(broken_by(self.failure))
        self._shelves.close()

    def _serve(self) -> None:
        task = MapTask(_call, collect=True, setup=self._setup, names_items=False)
        workers = self._strategy.open(TaskRef(task), self._count, self._shelves.of(self._strategy))
        cutter = Cutter(self._service or self._calls, self._count, "dynamic", 1, 1)

        def limits() -> tuple[int, int | None]:
            size = 1
            if self._service is None and (each := cutter.seconds_per_item) is not None:
                fair = len(self._calls) // (2 * self._count)
                size = max(1, min(BATCH, fair, int(BATCH_SECONDS / max(each, 1e-9))))
            return self._count * (1 + self._strategy.traits.ahead), size

        counted, limited = slotted(workers, limits, self._slots)
        self._workers = counted
        policy = Policy(retries=1, itemwise=True, piecewise=self._strategy.traits.piecewise)
        self._dispatcher = Dispatcher(
            cutter, counted, limited, time.perf_counter, policy=policy, ordered=False, collect=True
        )
        if self._killed:
            self._dispatcher.stop()
        for completion in self._dispatcher.run():
            if self._service is None:
                self._calls.settle(completion)
            del completion  # nothing of it is to live on here until the next call


def _settle(call: Call, completion: Completion, at: int) -> None:
    """Gives the future of a call what became of it."""
    if completion.error is not None:
        call.future.set_exception(completion.error)
    elif isinstance(value := completion.value[at], _Interrupted):
        call.future.set_exception(value.error)
    else:
        call.future.set_result(value)


_managers: weakref.WeakKeyDictionary[threading.Thread, Manager] = weakref.WeakKeyDictionary()


def _finish_all() -> None:
    """At the end of the program: what was submitted is done first, as with other executors."""
    for manager in list(_managers.values()):
        manager.finish()
    for thread in list(_managers):
        thread.join()


threading._register_atexit(_finish_all)  # type: ignore[attr-defined]  # before threads may no longer start
