"""What `pmap` returns: results as they come, for a loop or for `async for`."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

from factorpool.pool.run import Run

R = TypeVar("R")


class Outcome(NamedTuple, Generic[R]):
    """What became of one item: its index, and its value, or its error.

    The error is what the function raised, a WorkerDiedError, an ItemTimeoutError or a NotPicklableError.
    """

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    value: R
    error: BaseException | None


class Results(Iterator[R]):
    """An iterator of results, also for `async for`.

    Closing it, or leaving its `with` block, stops what is still running, also while another thread waits for a result.
    From the first result on, `strategy` and `reason` say where the work runs and why.  Its length is the number of
    items, where that is known before they are drawn.
    """

    def __init__(self, run: Run, collect: bool, total: int | None) -> None:
        self._run = run
        self._total = total
        self._results: Generator[Any, None, None] = _outcomes(run) if collect else _values(run)

    def __next__(self) -> R:
        result: R = next(self._results)
        return result

    def __iter__(self) -> Iterator[R]:
        return self._results  # itself, so that a loop need not call `__next__` for each item

    def __aiter__(self) -> Results[R]:
        return self

    async def __anext__(self) -> R:
        import asyncio  # here: it takes longer to import than all the rest

        end = object()
        result: Any = await asyncio.to_thread(next, self._results, end)
        if result is end:
            raise StopAsyncIteration
        found: R = result
        return found

    def __len__(self) -> int:
        if self._total is None:
            raise TypeError("the number of results is not known before the items are drawn")
        return self._total

    def __repr__(self) -> str:
        items = "items of unknown number" if self._total is None else f"{self._total} items"
        return f"<Results of {items}, {f'strategy {self.strategy}' if self.strategy else 'not begun'}>"

    def close(self) -> None:
        """Stops what is still running."""
        try:
            self._results.close()
        except ValueError:  # another thread is waiting for a result: it finds that there are no more
            self._run.stop()

    def __enter__(self) -> Results[R]:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @property
    def strategy(self) -> str | None:
        """Where the work runs; None before the first result."""
        return self._run.choice and self._run.choice.strategy.name

    @property
    def reason(self) -> str | None:
        """Why it runs there, in one sentence; None before the first result."""
        return self._run.choice and self._run.choice.reason


def _values(run: Run) -> Generator[Any, None, None]:
    for completion in run:
        yield from completion.value


def _outcomes(run: Run) -> Generator[Outcome[Any], None, None]:
    for completion in run:
        if completion.error is not None:
            for index in range(completion.chunk.start, completion.chunk.start + len(completion.chunk.payload)):
                yield Outcome(index, None, completion.error)
        else:
            for index, value in enumerate(completion.value, completion.chunk.start):
                yield Outcome(index, value, None)
