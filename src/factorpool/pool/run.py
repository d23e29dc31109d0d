"""From options to completions: checks them, chooses a strategy, opens its workers, dispatches."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from factorpool.errors import OptionError
from factorpool.pool.auto.cluster import Auto, auto_of
from factorpool.pool.auto.machine import Machine, place_of
from factorpool.pool.auto.rules import Choice, choose
from factorpool.pool.cpus import usable_cpus
from factorpool.pool.dispatcher import Completion, Cutter, Dispatcher
from factorpool.pool.protocol import Chunk, Place, Strategy, Task, TaskRef, Workers, to_the_last
from factorpool.pool.recovery import Policy
from factorpool.pool.schedule import CHUNK_SECONDS, SCHEDULES
from factorpool.pool.shelf import Shelves, shared
from factorpool.pool.slots import slotted
from factorpool.pool.source import IteratorSource, Source
from factorpool.pool.strategies import find_available
from factorpool.pool.strategies.serial import Serial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from factorpool.pool.pool import Pool

    Progress = Callable[[int, int | None], object]


ON_ERROR = ("raise", "collect")
"""What may be done with errors."""


class Options(NamedTuple):
    """How to run; the public functions say what each means."""

    strategy: Strategy | Auto | str = "auto"
    max_workers: int | None = None
    schedule: str = "guided"
    chunksize: int | None = None
    mp_context: BaseContext | str | None = None
    progress: Progress | bool | None = None
    ordered: bool = True
    buffersize: int | None = None
    on_error: str = "raise"
    retries: int = 1
    timeout: float | None = None
    inner_threads: int | None = 1
    announce: Callable[[Choice], object] | None = None
    pool: Pool | None = None
    trace: str | None = None
    cluster: Strategy | None = None  # that auto may choose, too

    def resolved(self) -> Options:
        """These options with the strategy as a value, unless it is `auto`.

        Raises an OptionError for what makes no sense, before anything is done.
        """
        options = self if self.pool is None else self._in_pool(self.pool)
        if (auto := auto_of(options.strategy)) is not None:
            options = options._replace(strategy="auto", cluster=find_available(auto.cluster))
        if options.strategy != "auto":
            assert not isinstance(options.strategy, Auto)
            options = options._replace(strategy=find_available(options.strategy, **options.for_strategies()))
        elif given := options.for_strategies():
            Machine(given).candidate(Place.APART)  # which raises what makes no sense
        check_choice("schedule", options.schedule, SCHEDULES)
        check_progress(options.progress)
        check_choice("on_error", options.on_error, ON_ERROR)
        _check_count("max_workers", options.max_workers, hint=" (None means every CPU this process may use)")
        _check_count("chunksize", options.chunksize)
        _check_count("buffersize", options.buffersize)
        _check_count("retries", options.retries, least=0)
        options._check_timeout()
        return options

    @property
    def asked_for(self) -> Strategy | None:
        """The strategy as a value, once resolved; None where it is to be chosen."""
        return None if isinstance(self.strategy, str | Auto) else self.strategy

    def workers(self, strategy: Strategy | None) -> int:
        """How many there may be: as many as were asked for, else all of the strategy's, None being this machine's."""
        if self.max_workers is not None:
            return self.max_workers
        return usable_cpus() if strategy is None else strategy.capacity()

    def for_strategies(self) -> dict[str, object]:
        """The options that are fields of some strategies, as far as they are not their defaults."""
        options: dict[str, object] = {}
        if self.mp_context is not None:
            options["context"] = self.mp_context
        if self.inner_threads != 1:
            options["inner_threads"] = self.inner_threads
        return options

    def _in_pool(self, pool: Pool) -> Options:
        """The pool says where work runs."""
        if self.strategy != "auto" or self.max_workers is not None:
            raise OptionError("strategy and max_workers are the pool's: leave them out where pool= is given")
        if pool.closed:
            raise OptionError(f"{pool!r} has been shut down")
        return self._replace(strategy=pool.strategy, max_workers=pool.max_workers)

    def _check_timeout(self) -> None:
        check_timeout(self.timeout)
        if self.timeout is None:
            return
        if (strategy := self.asked_for) is None:
            strategy = Machine(self.for_strategies()).candidate(Place.APART, stopping=True).strategy
            find_available(strategy)
        if not strategy.traits.stops_items:
            raise OptionError(
                f"strategy {strategy.name!r} cannot keep to a timeout: only a process can be stopped in the middle "
                "of an item; use strategy='processes'"
            )


def check_progress(progress: object) -> None:
    """An OptionError for what cannot tell anybody how far the work is."""
    if not (progress is None or isinstance(progress, bool) or callable(progress)):
        raise OptionError(f"progress must be a function, True for a bar, or None, not {progress!r}")


def check_timeout(timeout: object) -> None:
    """An OptionError for what is no time."""
    if timeout is not None and (isinstance(timeout, bool) or not isinstance(timeout, int | float) or not timeout > 0):
        raise OptionError(f"timeout must be a positive number of seconds or None, not {timeout!r}")


def check_choice(option: str, value: str, choices: Iterable[str]) -> None:
    """An OptionError for a value that is none of the choices."""
    if value not in choices:
        raise OptionError(f"there is no {option} {value!r}; there are {', '.join(choices)}")


def _check_count(option: str, value: int | None, least: int = 1, hint: str = "") -> None:
    if value is None and least:
        return
    try:
        good = not isinstance(value, bool) and operator.index(value) >= least  # type: ignore[arg-type]
    except TypeError:
        good = False
    if not good:
        what = "a positive integer or None" if least else "an integer from 0 up"
        raise OptionError(f"{option} must be {what}{hint}, not {value!r}")


class Run:
    """One run of a task over a source: iterating it does the work.

    `choice` says where it runs and why; with strategy `auto` it may take the first items to tell.  `finish` does what
    the caller's side has to do on the completions before they count as done.
    """

    def __init__(
        self,
        task: Task,
        source: Source,
        items: object,
        options: Options,
        finish: Callable[[Iterator[Completion]], Iterator[Completion]] = iter,
    ) -> None:
        self.choice: Choice | None = None
        self._running: Dispatcher | None = None
        self._ref = TaskRef(task, options.timeout)
        self._source = source
        self._items = items
        self._options = options
        self._finish = finish

    def __iter__(self) -> Iterator[Completion]:
        progress, total = self._options.progress, self._source.remaining()
        try:
            if not progress:
                yield from self._finish(self._completions(total))
            elif callable(progress):
                yield from self._watched(total, progress)
            else:
                from factorpool.pool.progress import Bar

                with Bar(total, "items") as bar:
                    yield from self._watched(total, lambda done, _: bar.advance(done))
        finally:
            if isinstance(self._source, IteratorSource):
                self._source.close()

    def _watched(self, total: int | None, progress: Progress) -> Iterator[Completion]:
        done = 0
        for completion in self._finish(self._completions(total)):
            done += len(completion.chunk.payload)
            progress(done, total)
            yield completion

    def stop(self) -> None:
        """Ends the run from another thread than the one that iterates it."""
        if self._running is not None:
            self._running.stop()

    def _completions(self, total: int | None) -> Iterator[Completion]:
        options, task = self._options, self._ref.task
        machine = Machine(options.for_strategies(), self._shelves)
        if options.asked_for is None:
            stoppable, measuring = options.timeout is not None, options.cluster is not None
            choice = choose(task, self._items, total, self._count, machine, stoppable, measuring)
        else:
            choice = Choice(options.asked_for, "it was asked for")
        if choice is None:
            yield from self._probed(machine, total)
            return
        self._chosen(choice)
        alone = place_of(choice.strategy) is Place.HERE
        workers = 1 if alone else self._count()
        first = task.first_chunk if options.progress or not alone else task.alone_chunk(total)
        at_once = type(choice.strategy) is Serial and not (task.itemwise or options.pool or options.trace)
        if at_once and first == total and options.chunksize is None:
            yield self._at_once(task, total)
            return
        opened = self._open(self._ref, choice.strategy, workers)
        if not alone:
            self._draw_apart(opened)
        cutter = self._cutter(workers, first, choice.strategy.traits.chunk_seconds)
        yield from self._dispatcher(cutter, opened, self._limits(choice.strategy, cutter), choice.strategy).run()

    def _at_once(self, task: Task, total: int) -> Completion:
        """All items as one chunk in this thread: a dispatcher would cost as much as a hundred numbers."""
        chunk = Chunk(0, self._source.take(total))
        task.start()
        piece = next(to_the_last(task.pieces(chunk.payload, 0, bytearray(1), chunk.pace)))
        return Completion(chunk, piece.value, piece.error)

    def _limits(self, strategy: Strategy, cutter: Cutter) -> Callable[[], tuple[int, int | None]]:
        """How many chunks may be in flight, as workers of the strategy come and go."""
        traits = strategy.traits
        follows = traits.elastic and self._options.max_workers is None

        def limits() -> tuple[int, int | None]:
            if follows:
                cutter.workers = max(1, strategy.capacity())
            return cutter.workers * (1 + traits.ahead), None

        return limits

    def _probed(self, machine: Machine, total: int | None) -> Iterator[Completion]:
        from factorpool.pool.auto.probe import Probe

        options, task = self._options, self._ref.task
        cutter = self._cutter(1, task.first_chunk)

        def count(cluster: Strategy | None) -> int:
            cutter.workers = options.workers(cluster)
            if cutter.workers > 1:
                self._draw_apart(probe)
            return cutter.workers

        collect = options.on_error == "collect"
        probe = Probe(self._ref, count, total, self._open, self._chosen, collect, machine, options.cluster)
        yield from self._dispatcher(cutter, probe, probe.limits, options.cluster).run()
        if self.choice is None:
            here = machine.candidate(Place.HERE).strategy
            self._chosen(Choice(here, "all was done before there was anything to choose"))

    def _draw_apart(self, workers: Workers) -> None:
        if isinstance(self._source, IteratorSource):
            self._source.draw_apart(workers.wake)

    def _chosen(self, choice: Choice) -> None:
        self.choice = choice
        if self._options.announce is not None:
            self._options.announce(choice)

    def _count(self) -> int:
        return self._options.workers(self._options.asked_for)

    def _cutter(self, count: int, first: int, chunk_seconds: float = CHUNK_SECONDS) -> Cutter:
        options, least = self._options, self._ref.task.least_chunk
        return Cutter(self._source, count, options.schedule, options.chunksize, first, chunk_seconds, least)

    def _open(self, ref: TaskRef, strategy: Strategy, count: int) -> Workers:
        # What a task leaves in workers stays among those of its own run, unless the caller keeps a pool for it.
        shelf = None
        rests = place_of(strategy) is not Place.HERE and getattr(strategy, "rests", True)
        if rests and (self._options.pool is not None or not ref.task.taints):
            shelves = self._shelves()
            shelf = None if shelves is None else shelves.of(strategy)
        return strategy.open(ref, count, shelf)

    def _shelves(self) -> Shelves | None:
        """Where idle workers rest."""
        return shared() if self._options.pool is None else self._options.pool.shelves

    def _dispatcher(
        self,
        cutter: Cutter,
        workers: Workers,
        limits: Callable[[], tuple[int, int | None]],
        strategy: Strategy | None = None,
    ) -> Dispatcher:
        options = self._options
        piecewise = strategy is None or strategy.traits.piecewise
        if options.trace is not None:
            from factorpool.pool.trace import TracedWorkers

            workers = TracedWorkers(workers, options.trace, time.perf_counter)
        if options.pool is not None:
            workers, limits = slotted(workers, limits, options.pool.slots)
        self._running = Dispatcher(
            cutter,
            workers,
            limits,
            time.perf_counter,
            policy=Policy(options.retries, self._ref.task.itemwise, piecewise),
            ordered=options.ordered,
            buffersize=options.buffersize,
            collect=options.on_error == "collect",
        )
        return self._running
