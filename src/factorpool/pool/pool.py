"""`Pool`: workers that stay, for any number of calls; a `concurrent.futures.Executor`.

What is submitted goes through the same dispatcher as everything else: a thread of the pool runs it over the queue of
calls, and hands what comes back to their futures.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Any, TypeVar

from factorpool.errors import OptionError
from factorpool.pool.auto.machine import Machine
from factorpool.pool.calls import Call, Calls, Manager, Setup, broken_by
from factorpool.pool.cpus import usable_cpus
from factorpool.pool.gil import gil_enabled
from factorpool.pool.protocol import Place, Strategy
from factorpool.pool.shelf import Shelves
from factorpool.pool.slots import Slots
from factorpool.pool.strategies import find_available

T = TypeVar("T")


class Pool(Executor):
    """Workers that stay, for `submit` and `map`, and for `pmap`, `factor_many` and others by `pool=`.

    Workers start as work comes, and end with `shutdown` or at the end of a `with` block.  Calls may come from several
    threads at once; each has at least one worker, and together they have `max_workers` of them beyond that.  A worker
    that dies costs the call that killed it, which is tried once more before, and no other.

    Args:
        strategy: a name or a value, or `auto`: then `pmap` and others choose as they do without a pool, and `submit`
            takes processes, or threads where there is no GIL.
        max_workers: how many; None means the CPUs this process may use, or what a cluster has.
        initializer, initargs: called once in each worker, before its first call of a function.

    Raises:
        OptionError, StrategyUnavailableError: an option that makes no sense; a strategy this machine cannot run.

    >>> with Pool("threads", 2) as pool:
    ...     pool.submit(pow, 2, 10).result()
    1024
    """

    def __init__(
        self,
        strategy: Strategy | str = "auto",
        max_workers: int | None = None,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        if max_workers is not None and (
            isinstance(max_workers, bool) or not isinstance(max_workers, int) or max_workers < 1
        ):
            raise OptionError(
                f"max_workers must be greater than 0, or None for every CPU this process may use, not {max_workers!r}"
            )
        if initializer is not None and not callable(initializer):
            raise OptionError(f"initializer must be a function, not {initializer!r}")
        self.strategy = strategy if strategy == "auto" else find_available(strategy)
        ahead = 0 if isinstance(self.strategy, str) else self.strategy.traits.ahead
        self.max_workers = max_workers or (
            usable_cpus() if isinstance(self.strategy, str) else self.strategy.capacity()
        )
        self.shelves = Shelves(keep=None)
        self.slots = Slots(self.max_workers * (1 + ahead))
        self.setup = None if initializer is None else Setup(initializer, initargs)
        self._calls = Calls()
        self._manager: Manager | None = None
        self._lock = threading.Lock()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Has a worker call `fn(*args, **kwargs)`; the future has what it returns or raises.

        Raises a RuntimeError after `shutdown`, and a BrokenPoolError where no worker can start.
        """
        future: Future[T] = Future()
        with self._lock:
            if self._manager is not None and (failure := self._manager.failure) is not None:
                raise broken_by(failure)
            if self._calls.closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            call = Call(future, fn, args, kwargs)
            if self._manager is None:
                call.begins()  # the first one: its worker is started for it
            self._calls.put(call)
            if self._manager is None:
                self._manager = self._start_manager()
        self._manager.wake()
        return future

    def map(
        self,
        fn: Callable[..., T],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int = 1,
        **more: Any,
    ) -> Iterator[T]:
        """As `concurrent.futures.Executor.map`; calls are sent together as pays, whatever `chunksize` says."""
        if chunksize < 1:
            raise ValueError("chunksize must be >= 1")
        return super().map(fn, *iterables, timeout=timeout, **more)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Takes no more calls, and ends the workers once those that were submitted are done.

        Args:
            wait: return only then.
            cancel_futures: cancel the calls that have not begun.
        """
        with self._lock:
            self._calls.close()
            if cancel_futures:
                self._calls.cancel()
            manager = self._manager
        if manager is None:
            self.shelves.close()
            return
        manager.finish()
        if wait and manager.thread is not threading.current_thread():
            manager.thread.join()

    def kill_workers(self) -> None:
        """Ends the workers at once, whatever they are doing, and takes no more calls.

        Calls that have not begun are cancelled, those under way get a BrokenPoolError.  Threads and subinterpreters
        cannot be killed: they are left to themselves.
        """
        self._calls.close()
        self._calls.cancel()
        if self._manager is None:
            self.shelves.close()
        else:
            self._manager.kill()

    @property
    def closed(self) -> bool:
        """Whether it has been shut down."""
        return self._calls.closed

    def __repr__(self) -> str:
        name = self.strategy if isinstance(self.strategy, str) else self.strategy.name
        state = "closed" if self.closed else "open"
        return f"<Pool of {self.max_workers} workers, strategy {name}, {state}>"

    def _start_manager(self) -> Manager:
        manager = Manager(self._calls, self.submit_strategy(), self.max_workers, self.shelves, self.slots, self.setup)
        weakref.finalize(self, manager.finish)
        return manager

    def submit_strategy(self) -> Strategy:
        """Where `submit` runs its calls."""
        if not isinstance(self.strategy, str):
            return self.strategy
        machine = Machine()
        for place in (Place.APART, Place.BESIDE) if gil_enabled() else (Place.BESIDE, Place.APART):
            candidate = machine.candidate(place)
            if candidate.obstacle is None:
                return candidate.strategy
        return machine.candidate(Place.HERE).strategy
