"""The public functions: validate, choose, hand over to the pool."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from itertools import chain
from typing import Any, Literal, SupportsIndex, TypedDict, TypeVar, Unpack, overload

from factorpool import _native
from factorpool.errors import (
    FactorpoolError,
    NumberValueError,
    OptionError,
    TooLargeError,
    UnfinishedError,
    WorkerDiedError,
)
from factorpool.factoring.block import WORD_MAX, Block, Kind
from factorpool.factoring.columns import Builder, Columns, Factorizations
from factorpool.factoring.effort import Effort, Stage, open_store
from factorpool.factoring.large import Planner
from factorpool.factoring.methods import METHODS
from factorpool.factoring.numbers import blocks_of, check, normalize
from factorpool.factoring.partial import PartialFactorization
from factorpool.factoring.tasks import RANGE_CHUNKS, FactorTask, most_at_once
from factorpool.pool.auto.cluster import Auto, auto_of
from factorpool.pool.results import Outcome, Results
from factorpool.pool.run import ON_ERROR, Options, Run, check_choice, check_progress, check_timeout
from factorpool.pool.schedule import Schedule
from factorpool.pool.source import BlockSource, IteratorSource, SequenceSource, Source
from factorpool.pool.task import MapTask, call_with

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from typing_extensions import Buffer

    from factorpool.pool.auto.rules import Choice
    from factorpool.pool.pool import Pool
    from factorpool.pool.progress import Bar
    from factorpool.pool.protocol import Strategy
    from factorpool.pool.run import Progress


def factor(
    n: SupportsIndex,
    *,
    method: str = "auto",
    strategy: Strategy | Auto | str = "auto",
    max_workers: int | None = None,
    progress: Progress | bool | None = None,
    timeout: float | None = None,
    on_error: OnError = "raise",
    checkpoint: str | os.PathLike[str] | None = None,
    pool: Pool | None = None,
) -> dict[int, int]:
    """The factorization of one integer: prime -> exponent, ascending; `{}` for 1.

    Any size up to 4300 digits.  Up to 128 bits by the kernel; of longer ones small factors by ECM, and the rest by a
    quadratic sieve on all workers together: 58 digits take a second, 68 ten, 77 a minute or two on two CPUs.  What is
    left of more than 350 bits (105 digits) gets curves of ECM, on all workers and without end: give a `timeout`.

    Args:
        n: a positive int, or anything with `__index__`, as NumPy's integers.
        method: `auto`, `trial`, `rho` (up to 64 bits), `ecm` (up to 128; beyond, as `auto`) or `naive`, the
            article's.
        strategy, max_workers, pool: as in `factor_many`.  With `auto`, a number runs in this thread unless it has a
            large cofactor, which may take long: then in other processes, so that Ctrl-C stops it at once, and other
            threads go on.
        progress: called in this thread with (curves begun, curves for factors of this size), then with (relations
            found, relations needed), while all workers are on such a cofactor; True shows a bar.
        timeout: seconds that may be spent on a large cofactor, which is given up then.  What python-flint is in the
            middle of (beyond 2107 bits) ends then on `processes` only; elsewhere it goes on for itself.
        on_error: what to do then, and on Ctrl-C while a large cofactor is worked on: `raise`, or `collect` what there
            is: a `PartialFactorization`, whose `composites` are the factors that are left.
        checkpoint: a directory where what is known of large cofactors is kept, so that the same call goes on from there
            after any end of the program.  Half a second of sieving is lost at most, or a second of curves.

    Raises:
        NumberTypeError, NumberValueError: n is not an integer, or below 1 or too long.
        UnfinishedError: the time was up.  CheckpointError: the directory or a file in it cannot be used.
        OptionError, StrategyUnavailableError, WorkerDiedError: as in `factor_many`.

    >>> factor(360)
    {2: 3, 3: 2, 5: 1}
    """
    options_given = method, strategy, max_workers, progress, timeout, on_error, checkpoint, pool
    if options_given == _DEFAULTS and type(n) is int and 0 < n <= WORD_MAX:
        return _native.factor_word(n)  # all else here would take longer than most such numbers
    check_choice("method", method, METHODS)
    check_progress(progress)
    check_timeout(timeout)
    check_choice("on_error", on_error, ON_ERROR)
    number = check(n)
    store = open_store(checkpoint)
    chosen = strategy == "auto" or auto_of(strategy) is not None
    if chosen and max_workers is None and pool is None:
        factors = FactorTask(method).factor_one(number)
        if factors is not None:
            return factors
    options = Options(strategy, max_workers, on_error=on_error, pool=pool).resolved()
    with ExitStack() as stack:
        effort = Effort(_stage_for(progress, stack), timeout, store, interruptible=on_error == "collect")
        try:
            return _factor_all([number], method, options, effort)[0]
        except UnfinishedError as error:
            if on_error == "raise":
                raise UnfinishedError(number, error.primes, error.composites, None, error.why) from None
            return PartialFactorization(error.primes, error.composites)


_DEFAULTS = tuple((factor.__kwdefaults__ or {}).values())
"""Of the options of `factor`, in order."""


def _stage_for(progress: Progress | bool | None, stack: ExitStack) -> Callable[[Stage], object] | None:
    """What is called while a number is sieved: the user's function, or a bar that begins with the first call."""
    if not progress:
        return None
    if callable(progress):
        return lambda stage: progress(stage.found, stage.needed)
    bars: list[Bar] = []

    def show(stage: Stage) -> None:
        from factorpool.pool.progress import Bar

        if not bars:
            bars.append(stack.enter_context(Bar(stages_only=True)))
        bars[0].stage(stage.what, stage.found, stage.needed)

    return show


def factor_many(
    numbers: Iterable[SupportsIndex] | Buffer,
    *,
    strategy: Strategy | Auto | str = "auto",
    max_workers: int | None = None,
    schedule: Schedule = "guided",
    chunksize: int | None = None,
    method: str = "auto",
    on_error: OnError = "raise",
    timeout: float | None = None,
    progress: Progress | bool | None = None,
    mp_context: BaseContext | str | None = None,
    pool: Pool | None = None,
) -> Factorizations:
    """The factorizations of many integers, in their order, computed on every CPU this process may use.

    Args:
        numbers: ints, an integer array (NumPy's or anything with the buffer protocol), an Arrow column (pyarrow's,
            Polars', DuckDB's, pandas'), a range, any iterable.  A range of step 1 or 2, and an array of which the
            numbers are as dense as that, is sieved, not factored one by one.  A null of a column stays one: the result
            has its error in `errors`, and a null in its place as an Arrow table.
        strategy: `serial`, `threads`, `processes`, or `auto`, which takes threads for enough numbers of up to 81 bits
            (the kernel releases the GIL) and processes for longer ones.  Large cofactors, of more than 160 bits, go to
            one worker each, those of more than 184 to all together; `auto` takes processes for them.
        max_workers: how many; None means the CPUs this process may use (affinity and cgroup quota).
        schedule: `static`, `dynamic` or `guided`: how numbers are cut into chunks.
        chunksize: numbers in a chunk; None leaves it to the schedule.
        method: `auto`, `trial`, `rho`, `ecm` or `naive`; see `factor`.
        on_error: `raise` the first bad value's error, or `collect` them in the result's `errors` and factor the rest.
        timeout: seconds that may be spent on a large cofactor once all numbers before it are done; a number of which it
            is given up then has an UnfinishedError, which knows the primes that were found.
        progress: called in this thread with (numbers done, numbers in all) as chunks complete.
        mp_context: a multiprocessing context or start method for `processes`; None means forkserver where there is one.
        pool: a `Pool` to run on, which then says where and with how many workers.

    Raises:
        NumberTypeError, NumberValueError: a value that cannot be factored, with its index.
        OptionError: an option that makes no sense; StrategyUnavailableError: a strategy this machine cannot run.
        WorkerDiedError: a worker process was killed.  UnfinishedError: a number's time was up.

    >>> factor_many([360, 97]).to_dict()
    {360: [2, 2, 2, 3, 3, 5], 97: [97]}
    """
    check_choice("method", method, METHODS)
    options = Options(
        strategy, max_workers, schedule, chunksize, mp_context, progress, on_error=on_error, pool=pool
    ).resolved()
    check_timeout(timeout)
    return _factor_all(numbers, method, options, Effort(timeout=timeout))


def _factor_all(
    numbers: Iterable[SupportsIndex] | Buffer,
    method: str,
    options: Options,
    effort: Effort,
) -> Factorizations:
    progress, on_error = options.progress, options.on_error
    if isinstance(numbers, range):
        _check_size(numbers)
    errors: dict[int, FactorpoolError] = {}
    block = normalize(numbers, errors if on_error == "collect" else None, errors)
    dense = _dense(block) if METHODS[method].sieves else None
    if dense is not None and callable(progress):
        options = options._replace(progress=_scaled(progress, len(block)))
    items = block if dense is None else Block(dense)
    builder = Builder()
    planner = Planner(options, effort)
    run = Run(FactorTask(method, items), SequenceSource(items), items, options, planner.finish)
    for completion in run:
        if isinstance(completion.error, WorkerDiedError | UnfinishedError) and dense is None:
            errors[completion.chunk.start] = completion.error
            builder.add(Columns(bytes(1), b"", b""))
        elif completion.error is not None:
            raise completion.error
        else:
            builder.add(completion.value)
    fs = builder.build(block, errors) if dense is None else builder.build_from(block.words(), dense.start, errors)
    if (choice := planner.choice or run.choice) is not None:
        fs.strategy, fs.reason = choice.strategy.name, choice.reason
    return fs


def factor_range(
    start: SupportsIndex,
    stop: SupportsIndex,
    *,
    strategy: Strategy | Auto | str = "auto",
    max_workers: int | None = None,
    schedule: Schedule = "guided",
    chunksize: int | None = None,
    progress: Progress | bool | None = None,
    mp_context: BaseContext | str | None = None,
    pool: Pool | None = None,
) -> Factorizations:
    """The factorizations of start, start + 1, ..., stop - 1, sieved: about ten times faster than one by one.

    Args:
        start: the first number, 1 or more.
        stop: one more than the last, which has at most 64 bits.  A result takes about 50 bytes a number, and twice that
            while several workers' columns are put together: for longer ranges than fit in memory take pieces, or
            `factorpool factor START..LAST`, which streams.
        strategy, max_workers, schedule, chunksize, progress, mp_context: as in `factor_many`.

    Raises:
        NumberTypeError, NumberValueError: start or stop is no integer, start is below 1, stop above 2**64.
        OptionError, StrategyUnavailableError, WorkerDiedError: as in `factor_many`.

    >>> factor_range(10**12, 10**12 + 3).to_dict()[10**12 + 2]
    [2, 3, 166666666667]
    """
    first, end = check(start), check(stop)
    if end > WORD_MAX + 1:
        raise NumberValueError(f"stop is {end}: ranges end at 2**64 = {WORD_MAX + 1}", end)
    return factor_many(
        range(first, end),
        strategy=strategy,
        max_workers=max_workers,
        schedule=schedule,
        chunksize=chunksize,
        progress=progress,
        mp_context=mp_context,
        pool=pool,
    )


RESULT_BYTES = 50
"""What a result takes: a number of 64 bits has 4 distinct primes on average, of nine bytes each."""


def _check_size(numbers: range) -> None:
    """A TooLargeError for a range of which the results cannot be held."""
    count = max(0, -((numbers.start - numbers.stop) // numbers.step))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if count * RESULT_BYTES > memory:
        raise TooLargeError(
            f"the factorizations of {count} numbers need about {count * RESULT_BYTES / 1e9:.3g} GB, and this machine "
            f"has {memory / 1e9:.3g} GB; factor_stream gives them block by block, and `factorpool factor FIRST..LAST` "
            "prints them as they come"
        )


DENSE_FROM = 4096
"""Numbers from which an array is looked at: fewer have not enough of each prime's multiples for a sieve to pay."""

DENSE = 2
"""An array is sieved if the run of integers it lies in is less than this many times as long."""


def _dense(block: Block) -> range | None:
    """The range in which words lie dense enough to be sieved."""
    if block.kind is not Kind.WORDS or len(block) < DENSE_FROM:
        return None
    low, high = _native.span(block.words())
    return range(low, high + 1) if high - low < DENSE * len(block) else None


def _scaled(progress: Progress, count: int) -> Progress:
    """Reports on `count` numbers while the longer range that they lie in is sieved."""
    return lambda done, total: progress(count * done // (total or 1), count)


def factor_stream(
    numbers: Iterable[SupportsIndex] | Buffer,
    *,
    strategy: Strategy | Auto | str = "auto",
    max_workers: int | None = None,
    schedule: Literal["dynamic", "guided"] = "guided",
    chunksize: int | None = None,
    method: str = "auto",
    mp_context: BaseContext | str | None = None,
    pool: Pool | None = None,
) -> Iterator[Factorizations]:
    """The factorizations of any number of integers, in their order, block by block: memory stays bounded.

    Work begins with the first block asked for; a block has as many numbers as the schedule gives to a worker at once.
    Closing the iterator gives up what is still running.

    Args:
        numbers: as in `factor_many`; an iterator is drawn from as blocks are taken, at most STREAM_AHEAD ahead (of a
            range from 10^13 on up to four times as many, for it is sieved in long pieces).  A null of an Arrow column
            has its error in its block's `errors`, by its index in the block.
        strategy, max_workers, schedule, chunksize, method, mp_context, pool: as in `factor_many`.

    Raises:
        NumberTypeError, NumberValueError: a value that cannot be factored, with its index, after the blocks before it.
        OptionError, StrategyUnavailableError, WorkerDiedError: as in `factor_many`.

    >>> sum(len(block) for block in factor_stream(range(10**18, 10**18 + 1000)))
    1000
    """
    nulls: deque[tuple[int, FactorpoolError]] = deque()
    blocks = factor_blocks(
        blocks_of(numbers, nulls),
        None,
        strategy=strategy,
        max_workers=max_workers,
        schedule=schedule,
        chunksize=chunksize,
        method=method,
        buffersize=STREAM_AHEAD,
        mp_context=mp_context,
        pool=pool,
    )
    start = 0
    for block, columns in blocks:
        builder = Builder()
        builder.add(columns)
        errors: dict[int, FactorpoolError] = {}
        while nulls and nulls[0][0] < start + len(block):
            index, error = nulls.popleft()
            errors[index - start] = error
        yield builder.build(block, errors)
        start += len(block)


STREAM_AHEAD = 1 << 20
"""Numbers that a stream draws ahead of what is taken, at most: about 50 MB."""


def factor_blocks(
    blocks: Iterator[Block],
    ready: Callable[[], bool] | None,
    *,
    strategy: Strategy | Auto | str = "auto",
    max_workers: int | None = None,
    schedule: Schedule = "guided",
    chunksize: int | None = None,
    method: str = "auto",
    buffersize: int | None = None,
    announce: Callable[[Choice], object] | None = None,
    mp_context: BaseContext | str | None = None,
    pool: Pool | None = None,
    trace: str | None = None,
    effort: Effort | None = None,
    unfinished: Callable[[UnfinishedError], object] | None = None,
    printed: Callable[[Block, Columns], bytes] | None = None,
    longest: int = RANGE_CHUNKS[1],
) -> Iterator[tuple[Block, Columns]]:
    """The factorizations of a stream, in order, as it arrives: pairs of a block and its columns.

    `ready` says whether the next of the `blocks` can be had without waiting; None where nobody knows.
    The other options are those of `factor_many`; at most `buffersize` numbers are drawn ahead, or two chunks of a
    range, of which none needs to be longer than `longest`.  `auto` goes by the first block.  `announce` is called with
    the strategy once it is known, and why it is that; `unfinished` for each number that was given up, which is left out
    then.  `printed` is run by the workers, and makes the columns' `text`.
    """
    check_choice("method", method, METHODS)
    options = Options(
        strategy,
        max_workers,
        schedule,
        chunksize,
        mp_context,
        buffersize=buffersize,
        announce=announce,
        on_error="raise" if unfinished is None else "collect",
        pool=pool,
        trace=trace,
    ).resolved()
    first = next((block for block in blocks if len(block)), Block(range(0)))
    task = FactorTask(method, first, printed, longest)
    if options.buffersize is not None and task.least_chunk > 1:
        options = options._replace(buffersize=max(options.buffersize, 2 * task.least_chunk))
    source: Source = BlockSource(chain([first], blocks), ready, most_at_once)
    if schedule == "static" and chunksize is None:
        numbers = list(chain(first, *blocks))  # an even split needs them all
        source = SequenceSource(Block.packed(numbers))
        options = options._replace(buffersize=None)
    planner = Planner(options, effort or Effort())
    for completion in Run(task, source, first, options, planner.finish):
        if isinstance(completion.error, UnfinishedError) and unfinished is not None:
            unfinished(completion.error)
            continue
        if completion.error is not None:
            raise completion.error
        yield completion.chunk.payload, completion.value  # type: ignore[misc]


T = TypeVar("T")
R = TypeVar("R")
OnError = Literal["raise", "collect"]


class PmapOptions(TypedDict, total=False):
    """The options of `pmap`, for type checkers."""

    strategy: Strategy | Auto | str
    max_workers: int | None
    schedule: Schedule
    chunksize: int | None
    buffersize: int | None
    ordered: bool
    retries: int
    timeout: float | None
    progress: Progress | bool | None
    initializer: Callable[..., object] | None
    initargs: tuple[Any, ...]
    inner_threads: int | None
    mp_context: BaseContext | str | None
    pool: Pool | None
    trace: str | os.PathLike[str] | None


@overload
def pmap(
    fn: Callable[[T], R], items: Iterable[T], /, *, on_error: Literal["raise"] = "raise", **options: Unpack[PmapOptions]
) -> Results[R]: ...


@overload
def pmap(
    fn: Callable[[T], R], items: Iterable[T], /, *, on_error: Literal["collect"], **options: Unpack[PmapOptions]
) -> Results[Outcome[R]]: ...


@overload
def pmap(
    fn: Callable[..., R],
    /,
    *iterables: Iterable[Any],
    on_error: Literal["raise"] = "raise",
    **options: Unpack[PmapOptions],
) -> Results[R]: ...


@overload
def pmap(
    fn: Callable[..., R], /, *iterables: Iterable[Any], on_error: Literal["collect"], **options: Unpack[PmapOptions]
) -> Results[Outcome[R]]: ...


def pmap(
    fn: Callable[..., Any],
    /,
    *iterables: Iterable[Any],
    strategy: Strategy | Auto | str = "auto",
    max_workers: int | None = None,
    schedule: Schedule = "guided",
    chunksize: int | None = None,
    buffersize: int | None = None,
    ordered: bool = True,
    on_error: OnError = "raise",
    retries: int = 1,
    timeout: float | None = None,
    progress: Progress | bool | None = None,
    initializer: Callable[..., object] | None = None,
    initargs: tuple[Any, ...] = (),
    inner_threads: int | None = 1,
    mp_context: BaseContext | str | None = None,
    pool: Pool | None = None,
    trace: str | os.PathLike[str] | None = None,
) -> Results[Any]:
    """`fn(item)` for every item, in parallel: an iterator of one result an item, in the items' order.

    Work begins with the first result asked for; closing the iterator gives up what is still running.

    Args:
        fn: any function of as many arguments as there are iterables; also a lambda, a closure, or one that was defined
            in a notebook: what a worker of `processes` or `interpreters` cannot import goes by value, its globals and
            closure variables too.
        iterables: one or more; of several, as with `map`, the shortest ends it.  An infinite one is drawn from as
            workers become free (but all at once, to be split evenly, with schedule `static`).
        strategy, max_workers, schedule, chunksize, progress, mp_context: as in `factor_many`.
        buffersize: most items drawn ahead of the results taken; None sets no bound.
        ordered: False yields results as they come.
        on_error: `raise` the first error, or `collect`: one `Outcome(index, value, error)` an item.  An exception of fn
            keeps its type, and has a note that names its item and, from another process, the traceback as its cause.
            Items before it that are running get a second to finish; all others are given up.
        retries: how often an item is tried again that is known to have ended its worker (`processes`).  The chunk in a
            dead worker is run again, ever less of it, until the item that kills is alone; no result that has come back
            is computed again.
        timeout: seconds an item may take, its worker is killed then (`processes` only: nothing else can be stopped).
        initializer, initargs: called once in every worker before its first item.
        inner_threads: what BLAS and OpenMP may use in each worker process; None leaves them alone.
        pool: a `Pool` to run on, which then says where and with how many workers.
        trace: a file to write, at the end, what every worker did and when: `factorpool bench timeline FILE` draws it,
            and Perfetto (ui.perfetto.dev) and chrome://tracing read it.

    Raises:
        OptionError, StrategyUnavailableError: as in `factor_many`, at once.
        NotPicklableError: fn, an item or a result cannot travel to or from a worker.
        WorkerDiedError: an item kills its worker; ItemTimeoutError: one took too long.

    >>> list(pmap(len, ["a", "bb", ""], strategy="threads"))
    [1, 2, 0]
    """
    if not callable(fn):
        raise OptionError(f"fn must be a function, not {fn!r}")
    if not iterables:
        raise OptionError("pmap needs at least one iterable of arguments")
    options = Options(
        strategy=strategy,
        max_workers=max_workers,
        schedule=schedule,
        chunksize=chunksize,
        mp_context=mp_context,
        progress=progress,
        ordered=ordered,
        buffersize=buffersize,
        on_error=on_error,
        retries=retries,
        timeout=timeout,
        inner_threads=inner_threads,
        pool=pool,
        trace=None if trace is None else os.fspath(trace),
    ).resolved()
    items, call = iterables[0], fn
    sized = all(type(each) in (list, tuple, range) for each in iterables)  # others may not slice into what they yield
    if len(iterables) > 1:
        items, call = zip(*iterables, strict=False), partial(call_with, fn)
        items = list(items) if sized else items
    source: Source
    if sized:
        source = SequenceSource(items)  # type: ignore[arg-type]
    elif schedule == "static" and chunksize is None:
        source = SequenceSource(list(items))  # an even split needs to know how many there are
    else:
        source = IteratorSource(iter(items))
    collect = on_error == "collect"
    task = MapTask(call, collect, initializer, initargs, setup=None if pool is None else pool.setup)
    return Results(Run(task, source, items, options), collect, source.remaining())
