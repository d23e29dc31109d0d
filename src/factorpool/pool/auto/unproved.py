"""Workers that `auto` chose, until they have done something: their failure to start is not the user's problem."""

from __future__ import annotations

from collections.abc import Callable, Collection

from factorpool.errors import FactorpoolError, WorkerDiedError
from factorpool.pool.protocol import Chunk, Died, Done, Event, Failed, Free, Workers


class Unproved:
    """Workers that give their chunks back if they cannot even start; none of the items has run then.

    `give_up` is told why, once, before that.
    """

    def __init__(self, workers: Workers, give_up: Callable[[BaseException], object]) -> None:
        self._workers = workers
        self._give_up = give_up
        self._proved = self._given_up = False

    @property
    def held(self) -> Collection[int]:
        """What the workers hold; nothing once they have been given up."""
        return () if self._given_up else self._workers.held

    def submit(self, chunk: Chunk) -> None:
        """Hands the chunk to them."""
        self._workers.submit(chunk)

    def wait(self, timeout: float | None) -> list[Event]:
        """What they tell; or that their slots are free, if they cannot start."""
        if self._given_up:
            return []
        try:
            events = self._workers.wait(timeout)
        except FactorpoolError as error:
            if self._proved:
                raise
            return self._back(error, [])
        if not self._proved:
            self._proved = any(isinstance(event, Done | Failed) for event in events)
            dead = [event for event in events if isinstance(event, Died)]
            ended = [event for event in dead if not event.begun and (event.exitcode or 0) >= 0]
            if ended and not self._proved:
                start = ended[0].start
                return self._back(WorkerDiedError(start, start + 1, ended[0].exitcode, ready=False), dead)
        return events

    def wake(self) -> None:
        """Ends the `wait` of another thread."""
        self._workers.wake()

    def close(self, *, graceful: bool) -> None:
        """Frees them."""
        if not self._given_up:
            self._workers.close(graceful=graceful)

    def _back(self, error: FactorpoolError, dead: list[Died]) -> list[Event]:
        starts = {event.start for event in dead} | set(self._workers.held)
        self._workers.close(graceful=False)
        self._given_up = True
        self._give_up(error)
        return [Free(start) for start in starts]
