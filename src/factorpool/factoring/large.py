"""Large cofactors: workers send them back, and here, on the caller's side, they are spread over all workers of a pool.

So a number that takes minutes does not hold up the easy ones in its chunk, and each can be stopped in the middle, since
it runs in another process if it may.  Those of middling size go to one worker each.  What takes a second or more is
sieved by all of them together: each takes some families of polynomials at a time, until there are enough relations.  Of
one such number alone all of them look for small factors first, by some curves of ECM at a time.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain, islice
from threading import Timer

from factorpool.errors import FactorpoolError, UnfinishedError, WorkerDiedError
from factorpool.factoring.columns import Columns
from factorpool.factoring.effort import Deadline, Effort, GivenUpError, Stage
from factorpool.factoring.methods import ecm, siqs
from factorpool.factoring.methods.flint import Found, is_probable_prime
from factorpool.factoring.methods.hard import factor_alone, factor_begin
from factorpool.factoring.relations import Relations
from factorpool.pool.auto.cluster import Work, rather
from factorpool.pool.auto.machine import Machine
from factorpool.pool.auto.rules import Choice
from factorpool.pool.dispatcher import Completion
from factorpool.pool.inside import is_worker
from factorpool.pool.protocol import Place, Strategy
from factorpool.pool.run import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future

    from factorpool.factoring.checkpoint import Journal
    from factorpool.pool.pool import Pool

AHEAD = 4
"""Large cofactors that a stream has waiting for each worker, at most: enough for all to be busy."""

CALL_SECONDS, CALL_PART = 0.1, 1 / 16
"""How long a worker sieves before it sends back what it has found: a call costs 0.2 ms, and a thread is not stopped
before.  At most this part of what all have sieved so far, for what they sieve when there is enough is of no use."""

MOST_DEATHS = 3
"""Calls that may end by a worker's death, twice each, while one number is sieved: other families do as well."""

KEPT_SECONDS = 1.0
"""What has taken longer is kept, where there is a store, so that it is not done again."""


class Planner:
    """Runs the large cofactors that are left in completions; `choice` says where they run, once there is one."""

    def __init__(self, options: Options, effort: Effort) -> None:
        self.choice: Choice | None = None
        self._options = options
        self._effort = effort
        self._pool = options.pool
        self._futures: deque[Future[Found]] = deque()
        self._lost: set[Future[Found]] = set()  # whose pool was ended because of another number
        self._begun: set[Future[Found]] = set()  # of which ECM has not been tried
        self._seconds = 0.0  # that those of the last completion may take one CPU

    def finish(self, completions: Iterator[Completion]) -> Iterator[Completion]:
        """The completions, in their order, each once nothing large is left in it; chunks with an error are split."""
        waiting: deque[tuple[Completion, list[Future[Found]]]] = deque()
        try:
            for completion in completions:
                large = [] if completion.error is not None else completion.value.large
                if not large and not waiting:
                    yield completion
                    continue
                self._seconds = sum(siqs.expected_seconds(cofactor.bit_length()) for _, cofactor, _ in large)
                alone = len(large) == 1 and not waiting
                waiting.append((completion, [self._begin(cofactor, alone) for _, cofactor, _ in large]))
                while waiting and (self._too_many() or all(future.done() for future in waiting[0][1])):
                    yield from self._settled(*waiting.popleft())
            while waiting:
                yield from self._settled(*waiting.popleft())
        finally:
            self._close()

    def _begin(self, cofactor: int, alone: bool = False) -> Future[Found]:
        """Has a worker do what one alone should do for a cofactor, unless that is known.

        If it is `alone`, that ends where all workers can do something for it.
        """
        known = None if self._effort.store is None else self._effort.store.known(cofactor)
        if known is not None:
            future = _done(known)
        else:
            future = self._open_pool(cofactor).submit(factor_begin if alone else factor_alone, cofactor)
            if alone:
                self._begun.add(future)
        self._futures.append(future)
        return future

    def _open_pool(self, cofactor: int) -> Pool:
        """The pool; a new one, and the choice of where it runs, before the first cofactor."""
        if self.choice is None:
            here = None if self._pool is None else self._pool.submit_strategy()
            self.choice = self._choose(cofactor) if here is None else self._because(here, cofactor)
            if self._options.announce is not None:
                self._options.announce(self.choice)
        if self._pool is None:
            from factorpool.pool.pool import Pool

            self._pool = Pool(self.choice.strategy, self._options.max_workers)
        return self._pool

    def _choose(self, cofactor: int) -> Choice:
        """Where large cofactors run, of which this is the first."""
        options = self._options
        if (strategy := options.asked_for) is not None:
            return self._because(strategy, cofactor)
        machine = Machine(options.for_strategies())
        apart = machine.candidate(Place.APART)
        here = apart.strategy if apart.obstacle is None and not is_worker() else machine.candidate(Place.HERE).strategy
        choice = self._because(here, cofactor)
        if (cluster := options.cluster) is None or is_worker():
            return choice
        work = Work(self._seconds, 1)
        return rather(choice, options.workers(None), work, cluster, lambda: options.workers(cluster), lambda: 0.0)

    @staticmethod
    def _because(strategy: Strategy, cofactor: int) -> Choice:
        return Choice(
            strategy, f"a cofactor of {cofactor.bit_length()} bits may take long, and is apart from the others"
        )

    def _too_many(self) -> bool:
        """Whether a stream should wait; what is not a stream has all its numbers in memory anyway."""
        while self._futures and self._futures[0].done():
            self._futures.popleft()
        return (
            self._options.buffersize is not None
            and self._pool is not None
            and len(self._futures) > AHEAD * self._pool.max_workers
        )

    def _settled(self, completion: Completion, futures: list[Future[Found]]) -> Iterator[Completion]:
        """A completion with what its large cofactors are made of; number by number if one of them has an error."""
        if completion.error is not None:
            yield completion
            return
        columns: Columns = completion.value
        rows = [dict(zip(*row, strict=True)) for row in columns.rows()]
        probable, errors = list(columns.probable), dict[int, FactorpoolError]()
        for (at, cofactor, exponent), future in zip(columns.large, futures, strict=True):
            index = completion.chunk.start + at
            deadline = Deadline(self._effort.timeout)
            try:
                found = self._whole(cofactor, future, deadline)
            except WorkerDiedError as error:
                errors[at] = WorkerDiedError(index, index + 1, error.exitcode, error.ready)
                if self._options.on_error != "collect":
                    raise errors[at] from error
                continue
            for p, e in found.pairs:
                rows[at][p] = rows[at].get(p, 0) + e * exponent
            probable += found.probable
            if found.large:
                composites = {n: e * exponent for n, e in found.large}
                primes = dict(sorted(rows[at].items()))
                number = math.prod(p**e for p, e in chain(primes.items(), composites.items()))
                errors[at] = UnfinishedError(number, primes, composites, index, deadline.why)
                if self._options.on_error != "collect":
                    raise errors[at]
        if not errors:
            yield completion._replace(value=_columns(rows, probable))
            return
        rest = completion.chunk
        for at, row in enumerate(rows):
            item, rest = rest.split(1)
            yield Completion(item, _columns([row], probable), errors.get(at))

    def _whole(self, cofactor: int, future: Future[Found], deadline: Deadline) -> Found:
        """All prime factors of a cofactor; `large` has the composites that were given up."""
        pairs, probable, left = dict[int, int](), list[int](), list[tuple[int, int]]()
        todo: list[tuple[int, int, Future[Found] | None]] = [(cofactor, 1, future)]
        curves = future in self._begun
        while todo:
            n, exponent, begun = todo.pop()
            try:
                if begun is None:
                    factor = self._split(n, deadline, curves)
                    todo += [(part, exponent, self._begin(part)) for part in (factor, n // factor)]
                    continue
                found = self._result(n, begun, deadline)
            except GivenUpError:
                if not is_probable_prime(n):
                    left.append((n, exponent))
                    continue
                found = Found([(n, 1)], [n])
            for p, e in found.pairs:
                pairs[p] = pairs.get(p, 0) + e * exponent
            probable += found.probable
            todo += [(m, e * exponent, None) for m, e in found.large]
        return Found(sorted(pairs.items()), probable, left)

    def _result(self, n: int, future: Future[Found], deadline: Deadline) -> Found:
        """What a worker has found of n; it is kept if that has taken long."""
        from concurrent.futures import CancelledError  # here: it takes 10 ms to import

        from factorpool.pool.calls import BrokenPoolError

        began = time.monotonic()
        while True:
            try:
                found = future.result(None if future.done() else deadline.left())
                break
            except (BrokenPoolError, CancelledError):
                if future not in self._lost:
                    raise
                future = self._begin(n)
            except (TimeoutError, GivenUpError):
                self._abandon(future)
                raise GivenUpError from None
            except KeyboardInterrupt:
                if not self._effort.interruptible:
                    raise
                deadline.interrupted()
                self._abandon(future)
                raise GivenUpError from None
        if self._effort.store is not None and time.monotonic() - began > KEPT_SECONDS:
            self._effort.store.keep(n, found)
        return found

    def _abandon(self, future: Future[Found]) -> None:
        """Ends what works on it, if that can be ended; what else is under way there begins again."""
        if future.cancel() or future.done() or self._pool is None or self._pool is self._options.pool:
            return
        if self._pool.submit_strategy().traits.stops_items:
            self._lost |= {each for each in self._futures if not each.done()}
            self._pool.kill_workers()
            self._pool = None

    def _split(self, n: int, deadline: Deadline, curves: bool) -> int:
        """A proper factor of n, by all workers together: by ECM, if there should be `curves`, and else by the sieve.

        What is too long for the sieve gets curves until one finds a factor.
        """
        store = self._effort.store
        if store is not None and (known := store.split(n)) is not None:
            return known
        try:
            tried = 0 if store is None else store.curves(n)
            curves = curves or n.bit_length() > siqs.MOST_BITS or tried > 0
            return (curves and self._look(n, tried, deadline)) or self._sieve(n, deadline)
        except KeyboardInterrupt:
            if not self._effort.interruptible:
                raise
            deadline.interrupted()
            raise GivenUpError from None

    def _look(self, n: int, before: int, deadline: Deadline) -> int:
        """Has all curves done that are worth it, after those that an earlier run has tried: a factor, or 0."""
        from concurrent.futures import FIRST_COMPLETED, wait  # here: it takes 10 ms to import

        store, began, deaths = self._effort.store, time.monotonic(), 0
        left, done, kept, tried = ecm.worth_while(n, before), before, began, dict[int, int]()
        pool = self._open_pool(n)
        pending: dict[Future[int], ecm.Curves] = {}
        factor = 0
        try:
            while not factor:
                for each in islice(left, 2 * pool.max_workers - len(pending)):
                    pending[pool.submit(ecm.run, n, each)] = each
                    self._tell_curves(n, each)
                if not pending:
                    break
                for future in wait(pending, deadline.left(), FIRST_COMPLETED).done:
                    curves = pending.pop(future)
                    try:
                        factor = factor or future.result()
                    except WorkerDiedError:  # the sieve needs no curve
                        deaths += 1
                        if deaths > MOST_DEATHS:
                            raise
                    tried[curves.first] = curves.first + curves.number
                while done in tried:  # they end in any order, and are kept as the number of the first that has not
                    done = tried.pop(done)
                if store is not None and not factor and time.monotonic() - kept > KEPT_SECONDS:
                    store.keep_curves(n, done)
                    kept = time.monotonic()
        finally:
            for future in pending:
                future.cancel()
            if store is not None and not factor and done > before and (before or kept > began):
                store.keep_curves(n, done)
        if store is not None and factor and time.monotonic() - began > KEPT_SECONDS:
            store.keep_split(n, factor)
        return factor

    def _sieve(self, n: int, deadline: Deadline) -> int:
        """A factor by the quadratic sieve."""
        store = self._effort.store
        relations = Relations(siqs.plan(n))
        with nullcontext() if store is None else store.journal(relations.plan) as journal:
            started = 0
            for harvest in () if journal is None else journal.read():
                relations.add(harvest)
                started = max(started, harvest.first + harvest.families)
            factor = self._factor_from(relations, started, journal, deadline)
        if store is not None and relations.seconds > KEPT_SECONDS:
            store.keep_split(n, factor)
        return factor

    def _factor_from(self, relations: Relations, started: int, journal: Journal | None, deadline: Deadline) -> int:
        """Has families sieved, from number `started` on, until the relations give a factor."""
        from concurrent.futures import FIRST_COMPLETED, wait  # here: it takes 10 ms to import

        n, batch, deaths = relations.plan.n, 1, 0
        pool = self._open_pool(n)
        pending: set[Future[siqs.Harvest]] = set()
        try:
            while True:
                self._tell_relations(relations)
                if relations.enough:
                    # What is not begun would take its time from the matrix.
                    pending = {future for future in pending if not future.cancel()}
                    if (factor := _linear_algebra(relations, deadline)) is not None:
                        return factor
                while len(pending) < 2 * pool.max_workers:
                    pending.add(pool.submit(siqs.harvest, n, started, batch))
                    started += batch
                done, pending = wait(pending, deadline.left(), FIRST_COMPLETED)
                for future in done:
                    try:
                        harvest = future.result()
                    except WorkerDiedError:
                        deaths += 1
                        if deaths > MOST_DEATHS:
                            raise
                        continue
                    relations.add(harvest)
                    if journal is not None:
                        journal.add(harvest)
                    call = min(CALL_SECONDS, CALL_PART * relations.seconds)
                    batch = max(1, int(call * harvest.families / max(harvest.seconds, 1e-9)))
        finally:
            for future in pending:
                future.cancel()

    def _tell_curves(self, n: int, curves: ecm.Curves) -> None:
        if self._effort.stage is not None:
            digits = round(curves.bits * math.log10(2))
            what = f"curves of {curves.last:,} for factors of {digits} digits in {n.bit_length()} bits"
            self._effort.stage(Stage(what, curves.first, curves.last))

    def _tell_relations(self, relations: Relations) -> None:
        if self._effort.stage is not None and relations.families:
            then = ", now linear algebra" if relations.enough else ""
            what = f"relations of {relations.needed:,} for {relations.plan.n.bit_length()} bits{then}"
            self._effort.stage(Stage(what, relations.found, relations.needed))

    def _close(self) -> None:
        """Gives up what is not done."""
        if self._pool is None:
            return
        for future in self._futures:
            future.cancel()
        if self._pool is not self._options.pool:
            self._pool.kill_workers()


def _done(found: Found) -> Future[Found]:
    """A future of what is known already."""
    from concurrent.futures import Future

    future: Future[Found] = Future()
    future.set_result(found)
    return future


def _linear_algebra(relations: Relations, deadline: Deadline) -> int | None:
    """A factor from the relations, if there is one in them; a timer ends it at the deadline."""
    stop = bytearray(1)
    if (left := deadline.left()) is None:
        return relations.factor(stop)
    timer = Timer(left, lambda: stop.__setitem__(0, 1))
    timer.start()
    try:
        return relations.factor(stop)
    except InterruptedError:
        raise GivenUpError from None
    finally:
        timer.cancel()
        timer.join()


def _columns(rows: list[dict[int, int]], probable: list[int]) -> Columns:
    """The columns of these factorizations."""
    pairs = [sorted(row.items()) for row in rows]
    return Columns(
        [len(row) for row in pairs],
        [p for row in pairs for p, _ in row],
        [e for row in pairs for _, e in row],
        probable,
    )
