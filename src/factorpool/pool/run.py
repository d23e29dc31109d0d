"""From options to completions: checks them, chooses a strategy, makes its workers, dispatches."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from factorpool.errors import FactorpoolError, OptionError
from factorpool.factoring.tasks import RANGE_CHUNK, FactorTask, Task
from factorpool.pool import protocol as base
from factorpool.pool import strategies
from factorpool.pool.auto.machine import Machine
from factorpool.pool.auto.probe import Probe
from factorpool.pool.auto.rules import Choice, choose
from factorpool.pool.cpus import usable_cpus
from factorpool.pool.dispatcher import Cutter, Dispatcher
from factorpool.pool.protocol import Completion, Workers
from factorpool.pool.schedule import SCHEDULES
from factorpool.pool.source import Source

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    Progress = Callable[[int, int | None], object]


class Options(NamedTuple):
    """How to run; the public functions say what each means."""

    strategy: str = "auto"
    max_workers: int | None = None
    schedule: str = "guided"
    chunksize: int | None = None
    mp_context: BaseContext | str | None = None
    progress: Progress | None = None
    ordered: bool = True
    buffersize: int | None = None
    on_error: str = "raise"
    retries: int = 1
    timeout: float | None = None
    inner_threads: int | None = 1
    announce: Callable[[Choice], object] | None = None

    def check(self) -> None:
        """An OptionError for what makes no sense, before anything is done."""
        if self.strategy != "auto":
            strategies.check(self.strategy)
        check_choice("schedule", self.schedule, SCHEDULES)
        check_choice("on_error", self.on_error, ("raise", "collect"))
        _check_count("max_workers", self.max_workers, hint=" (None means every CPU this process may use)")
        _check_count("chunksize", self.chunksize)
        _check_count("buffersize", self.buffersize)
        _check_count("inner_threads", self.inner_threads)
        _check_count("retries", self.retries, least=0)
        if self.timeout is not None:
            if isinstance(self.timeout, bool) or not isinstance(self.timeout, int | float) or not self.timeout > 0:
                raise OptionError(f"timeout must be a positive number of seconds or None, not {self.timeout!r}")
            strategies.check("processes")
            if self.strategy not in ("auto", "processes"):
                raise OptionError(
                    f"strategy {self.strategy!r} cannot keep to a timeout: only a process can be stopped in the middle "
                    "of an item; use strategy='processes'"
                )
        if self.mp_context is not None:
            from factorpool.pool.strategies.processes import context

            context(self.mp_context)


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

    `choice` says where it runs and why; with strategy `auto` it may take the first items to tell.
    """

    def __init__(self, task: Task, source: Source, items: object, options: Options) -> None:
        self.choice: Choice | None = None
        self._task = task
        self._source = source
        self._items = items
        self._options = options

    def __iter__(self) -> Iterator[Completion]:
        options = self._options
        done, total = 0, self._source.remaining()
        for completion in self._completions(total):
            if options.progress is not None:
                done += len(completion.chunk.payload)
                options.progress(done, total)
            yield completion

    def _completions(self, total: int | None) -> Iterator[Completion]:
        options, task = self._options, self._task
        if base.importing_main and task.needs_main:
            raise FactorpoolError("a worker is importing this module, which starts that work again")
        if options.strategy != "auto":
            choice: Choice | None = Choice(options.strategy, "it was asked for")
        elif options.timeout is not None:
            choice = Choice("processes", "only a process can be stopped when its time is over")
        else:
            choice = choose(task, self._items, total, self._count)
        if choice is None:
            cutter = self._cutter(1, task.first_chunk)

            def count() -> int:
                cutter.workers = self._count()
                return cutter.workers

            collect = options.on_error == "collect"
            probe = Probe(task, count, total, self._workers, self._chosen, collect, Machine())
            yield from self._dispatcher(cutter, probe, probe.limits).run()
            if self.choice is None:
                self._chosen(Choice("serial", "all was done before there was anything to choose"))
            return
        self._chosen(choice)
        strategy = choice.strategy
        workers = 1 if strategy == "serial" else self._count()
        cutter = self._cutter(workers, self._first(strategy, total))
        yield from self._dispatcher(cutter, self._workers(task, strategy, workers), lambda: (workers, None)).run()

    def _chosen(self, choice: Choice) -> None:
        self.choice = choice
        if self._options.announce is not None:
            self._options.announce(choice)

    def _count(self) -> int:
        return self._options.max_workers or usable_cpus()

    def _cutter(self, count: int, first: int) -> Cutter:
        return Cutter(self._source, count, self._options.schedule, self._options.chunksize, first)

    def _first(self, strategy: str, total: int | None) -> int:
        """The size of the first chunks."""
        if isinstance(self._task, FactorTask):
            if isinstance(self._items, list):  # of ints beyond 64 bits each may take long
                return 1
            if strategy == "serial" and self._options.progress is None and total:
                return total  # the kernel writes one result; nothing is copied
            if isinstance(self._items, range):  # the longer a run, the better it sieves
                return RANGE_CHUNK
        return self._task.first_chunk

    def _workers(self, task: Task, strategy: str, count: int) -> Workers:
        options = self._options
        return strategies.make_workers(
            strategy,
            task,
            count,
            mp_context=options.mp_context,
            timeout=options.timeout,
            inner_threads=options.inner_threads,
        )

    def _dispatcher(self, cutter: Cutter, workers: Workers, limits: Callable[[], tuple[int, int | None]]) -> Dispatcher:
        options = self._options
        return Dispatcher(
            cutter,
            workers,
            limits,
            time.perf_counter,
            itemwise=self._task.itemwise,
            ordered=options.ordered,
            buffersize=options.buffersize,
            collect=options.on_error == "collect",
            retries=options.retries,
        )
