"""Large cofactors: workers send them back, and here, on the caller's side, they are spread over all workers of a pool.

So a number that takes minutes does not hold up the easy ones in its chunk, and each can be stopped in the middle, since
it runs in another process if it may.  Those of middling size go to one worker each.  What takes a second or more is
sieved by all of them together: each takes some families of polynomials at a time, until there are enough relations.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from factorpool.errors import WorkerDiedError
from factorpool.factoring.columns import Columns
from factorpool.factoring.methods import siqs
from factorpool.factoring.methods.flint import Found
from factorpool.factoring.methods.hard import factor_alone
from factorpool.factoring.relations import Relations
from factorpool.pool.auto.machine import Machine
from factorpool.pool.auto.rules import Choice
from factorpool.pool.dispatcher import Completion
from factorpool.pool.inside import is_worker
from factorpool.pool.protocol import Place, Strategy
from factorpool.pool.run import Options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from concurrent.futures import Future

AHEAD = 4
"""Large cofactors that a stream has waiting for each worker, at most: enough for all to be busy."""

CALL_SECONDS = 0.1
"""How long a worker sieves before it sends back what it has found: a call costs 0.2 ms, and a thread is not stopped
before."""

MOST_DEATHS = 3
"""Calls that may end by a worker's death, twice each, while one number is sieved: other families do as well."""


class Stage(NamedTuple):
    """What is being done for one large number: relations found of those needed."""

    n: int
    found: int
    needed: int

    @property
    def what(self) -> str:
        """In words."""
        return f"relations of {self.needed:,} for {self.n.bit_length()} bits"


class Planner:
    """Runs the large cofactors that are left in completions.

    `choice` says where they run, once there is one; `stage` is called while one is sieved by all workers.
    """

    def __init__(self, options: Options, stage: Callable[[Stage], object] | None = None) -> None:
        self.choice: Choice | None = None
        self._options = options
        self._stage = stage
        self._pool = options.pool

    def finish(self, completions: Iterator[Completion]) -> Iterator[Completion]:
        """The completions, in their order, each once nothing large is left in it; chunks with an error are split."""
        waiting: deque[tuple[Completion, list[Future[Found]]]] = deque()
        futures: deque[Future[Found]] = deque()
        try:
            for completion in completions:
                large = [] if completion.error is not None else completion.value.large
                if not large and not waiting:
                    yield completion
                    continue
                mine = [self._submit(cofactor) for _, cofactor, _ in large]
                futures.extend(mine)
                waiting.append((completion, mine))
                while waiting and (self._too_many(futures) or all(future.done() for future in waiting[0][1])):
                    yield from self._settled(*waiting.popleft())
            while waiting:
                yield from self._settled(*waiting.popleft())
        finally:
            self._close(futures)

    def _submit(self, cofactor: int) -> Future[Found]:
        if self._pool is None:
            from factorpool.pool.pool import Pool

            self._pool = Pool(self._strategy(), self._options.max_workers)
        if self.choice is None:
            strategy = self._pool.submit_strategy()
            bits = cofactor.bit_length()
            self.choice = Choice(strategy, f"a cofactor of {bits} bits may take long, and is apart from the others")
            if self._options.announce is not None:
                self._options.announce(self.choice)
        return self._pool.submit(factor_alone, cofactor)

    def _strategy(self) -> Strategy:
        if not isinstance(self._options.strategy, str):
            return self._options.strategy
        machine = Machine(self._options.for_strategies())
        apart = machine.candidate(Place.APART)
        return apart.strategy if apart.obstacle is None and not is_worker() else machine.candidate(Place.HERE).strategy

    def _too_many(self, futures: deque[Future[Found]]) -> bool:
        """Whether a stream should wait; what is not a stream has all its numbers in memory anyway."""
        while futures and futures[0].done():
            futures.popleft()
        return self._options.buffersize is not None and len(futures) > AHEAD * self._pool.max_workers  # type: ignore[union-attr]

    def _settled(self, completion: Completion, futures: list[Future[Found]]) -> Iterator[Completion]:
        """A completion with what its large cofactors are made of; number by number if one of them has an error."""
        if completion.error is not None:
            yield completion
            return
        columns: Columns = completion.value
        rows = [dict(zip(*row, strict=True)) for row in columns.rows()]
        probable, errors = list(columns.probable), dict[int, WorkerDiedError]()
        for (at, _, exponent), future in zip(columns.large, futures, strict=True):
            try:
                found = self._whole(future.result())
            except WorkerDiedError as error:
                index = completion.chunk.start + at
                errors[at] = WorkerDiedError(index, index + 1, error.exitcode, error.ready)
                if self._options.on_error != "collect":
                    raise errors[at] from error
                continue
            for p, e in found.pairs:
                rows[at][p] = rows[at].get(p, 0) + e * exponent
            probable += found.probable
        if not errors:
            yield completion._replace(value=_columns(rows, probable))
            return
        rest = completion.chunk
        for at, row in enumerate(rows):
            item, rest = rest.split(1)
            yield Completion(item, _columns([row], probable), errors.get(at))

    def _whole(self, found: Found) -> Found:
        """With what is left in it sieved."""
        if not found.large:
            return found
        assert self._pool is not None
        pairs, probable, todo = dict(found.pairs), list(found.probable), list(found.large)
        while todo:
            n, exponent = todo.pop()
            factor = self._sieve(n)
            for future in [self._pool.submit(factor_alone, part) for part in (factor, n // factor)]:
                part = future.result()
                for p, e in part.pairs:
                    pairs[p] = pairs.get(p, 0) + e * exponent
                probable += part.probable
                todo += [(m, e * exponent) for m, e in part.large]
        return Found(sorted(pairs.items()), probable)

    def _sieve(self, n: int) -> int:
        """A proper factor of n, by all workers together."""
        from concurrent.futures import FIRST_COMPLETED, wait  # here: it takes 10 ms to import

        assert self._pool is not None
        relations = Relations(siqs.plan(n))
        started, batch, deaths = 0, 1, 0
        pending: set[Future[siqs.Harvest]] = set()
        try:
            while True:
                while len(pending) < 2 * self._pool.max_workers:
                    pending.add(self._pool.submit(siqs.harvest, n, started, batch))
                    started += batch
                done, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in done:
                    try:
                        harvest = future.result()
                    except WorkerDiedError:
                        deaths += 1
                        if deaths > MOST_DEATHS:
                            raise
                        continue
                    relations.add(harvest)
                    batch = max(1, int(CALL_SECONDS * harvest.families / max(harvest.seconds, 1e-9)))
                if self._stage is not None:
                    self._stage(Stage(n, relations.found, relations.needed))
                if relations.enough and (factor := relations.factor()) is not None:
                    return factor
        finally:
            for future in pending:
                future.cancel()

    def _close(self, futures: deque[Future[Found]]) -> None:
        """Gives up what is not done."""
        if self._pool is None:
            return
        for future in futures:
            future.cancel()
        if self._pool is not self._options.pool:
            self._pool.kill_workers()


def _columns(rows: list[dict[int, int]], probable: list[int]) -> Columns:
    """The columns of these factorizations."""
    pairs = [sorted(row.items()) for row in rows]
    return Columns(
        [len(row) for row in pairs],
        [p for row in pairs for p, _ in row],
        [e for row in pairs for _, e in row],
        probable,
    )
