"""How far one goes for a large number, and what is told of it meanwhile."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from typing import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.factoring.checkpoint import Store


class Stage(NamedTuple):
    """What is being done for one large number, in words, and how much of it has been `found` of what is `needed`."""

    what: str
    found: int
    needed: int


class Effort(NamedTuple):
    """How far one goes for large numbers, and what is told and kept meanwhile.

    `stage` is called while one is sieved by all workers.  A number is given up `timeout` seconds after its turn has
    come, if it is `interruptible` also by Ctrl-C.  What `store` knows is not done again.
    """

    stage: Callable[[Stage], object] | None = None
    timeout: float | None = None
    store: Store | None = None
    interruptible: bool = False


def open_store(directory: str | os.PathLike[str] | None) -> Store | None:
    """The checkpoints in a directory, if one is given."""
    if directory is None:
        return None
    from factorpool.factoring.checkpoint import Store  # here: json, hashlib and zlib take 5 ms to import

    return Store(directory)


class GivenUpError(Exception):
    """The number's time is up, or the user has pressed Ctrl-C."""


class Deadline:
    """When a number is given up, and why."""

    def __init__(self, timeout: float | None) -> None:
        self._end = math.inf if timeout is None else time.monotonic() + timeout
        self.why = f"after {timeout:g} s" if timeout is not None else ""

    def left(self) -> float | None:
        """Seconds, None if there is no end; a GivenUpError when none are left."""
        if self._end == math.inf:
            return None
        if (left := self._end - time.monotonic()) <= 0:
            raise GivenUpError
        return left

    def interrupted(self) -> None:
        """It is over: Ctrl-C."""
        self._end, self.why = -math.inf, "as it was interrupted"
