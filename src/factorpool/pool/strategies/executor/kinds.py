"""What is known of the executors of other libraries: how many slots they have, what their errors mean, how they end.

Each fact is one of the library, found in its documentation or source; what is known of none is the base class.
"""

from __future__ import annotations

import concurrent.futures
import signal
import time
from collections.abc import Iterable
from concurrent.futures import BrokenExecutor, CancelledError, Future
from contextlib import suppress
from enum import Enum
from typing import Any

from factorpool.errors import FactorpoolError
from factorpool.pool.strategies.executor.there import Limit

GONE_SECONDS = 15.0
"""How long a scheduler that does not answer may take to come back."""


class Meaning(Enum):
    """What an error of a future says of the chunk that it was for."""

    BROKEN = "all workers are gone, and the executor with them"
    SUSPECTED = "its worker died, or that of another chunk at the same time"
    DIED = "its worker died"
    LOST = "it was lost, and is not to blame"
    OTHER = "something else went wrong"


class Kind:
    """An executor as `concurrent.futures` describes it."""

    repeats = False
    """Whether it has tried a call on other workers before it says that its worker died."""

    buffers = False
    """Whether chunks and answers travel beside the pickle of a call, and are read where they arrive."""

    def slots(self, executor: Any) -> int | None:
        """Calls that run at once; None where it does not say."""
        for name in ("max_workers", "num_workers", "_max_workers"):
            count = getattr(executor, name, None)
            if isinstance(count, int) and count > 0:
                return count
        return None

    def meaning(self, error: BaseException) -> Meaning:
        """What an error that is none of the function's says."""
        if isinstance(error, BrokenExecutor):
            return Meaning.BROKEN
        return Meaning.LOST if isinstance(error, CancelledError) else Meaning.OTHER

    def check(self, executor: Any) -> None:
        """Raises a FactorpoolError if it cannot be reached any more."""

    def share(self, executor: Any, task: bytes) -> Any:
        """Puts a large task where every machine gets it once; what calls are given for it."""
        return task

    def limit(self, token: str, seconds: float) -> Limit | None:
        """How a worker is to keep to a timeout, where it may end for it; `token` names the call."""
        return None

    def late_item(self, token: str) -> int | None:
        """Which item of a call that has died took too long, if that was it."""
        return None

    def cancel(self, futures: Iterable[Future[Any]]) -> None:
        """Gives up calls, and ends those that run, where the library can."""
        for future in futures:
            future.cancel()

    def end(self, executor: Any) -> None:
        """Ends one that was made here and is idle."""
        executor.shutdown(wait=False, cancel_futures=True)

    def end_broken(self, executor: Any) -> None:
        """Ends one that was made here and is broken, and waits for that."""
        with suppress(Exception):
            executor.shutdown(wait=True)

    def kill(self, executor: Any) -> None:
        """Ends one that was made here, and what still runs in it."""
        self.end(executor)


class _Processes(Kind):
    """`concurrent.futures.ProcessPoolExecutor`, and loky's: a worker that dies breaks it."""

    def meaning(self, error: BaseException) -> Meaning:
        # What cleans up after a broken executor may close descriptors that the next one has got already (CPython 3.11).
        return Meaning.BROKEN if isinstance(error, OSError | EOFError) else super().meaning(error)

    def kill(self, executor: Any) -> None:
        workers = [*(getattr(executor, "_processes", None) or {}).values()]
        self.end(executor)
        for worker in workers:
            with suppress(OSError, ValueError):  # it has ended
                worker.kill()


class _Dask(Kind):
    """`distributed.Client.get_executor()`: Dask tries a call on four workers, and blames all that were on them."""

    repeats = True

    def __init__(self) -> None:
        self._gone_since: float | None = None
        self._asked = False

    def slots(self, executor: Any) -> int | None:
        client = executor._client
        if self._asked:  # what its client learns every two seconds: a scheduler that hangs would keep us waiting
            return client._scheduler_identity.get("total_threads") or None
        self._asked = True
        return sum(client.ncores().values()) or None

    def share(self, executor: Any, task: bytes) -> Any:
        try:
            return executor._client.scatter(task, hash=False)
        except TimeoutError:  # there is no worker now, which would have to hold it
            return task

    def meaning(self, error: BaseException) -> Meaning:
        if type(error).__name__ == "KilledWorker":
            return Meaning.SUSPECTED
        # Where a worker dies just as its result is fetched, its adapter takes apart an error that is not there.
        if isinstance(error, TypeError | ValueError) and "unpack" in str(error):
            return Meaning.LOST
        return super().meaning(error)

    def check(self, executor: Any) -> None:
        client = executor._client
        if client.status == "running":
            self._gone_since = None
            return
        now = time.monotonic()
        self._gone_since = self._gone_since or now
        if client.status in ("closing", "closed") or now - self._gone_since > GONE_SECONDS:
            where = getattr(client, "_start_arg", None) or "of Dask"
            raise FactorpoolError(f"the scheduler {where} is gone: is it still running, and to be reached from here?")

    def end(self, executor: Any) -> None:
        try:
            executor.shutdown(wait=False)
        finally:
            if getattr(executor, "made_by_factorpool", False):
                executor._client.close()


class _Parsl(Kind):
    """`parsl.concurrent.ParslPoolExecutor`: nothing can be cancelled."""

    def slots(self, executor: Any) -> int | None:
        total = 0
        for label, each in executor._dfk.executors.items():
            if label == "_parsl_internal":
                continue
            workers = getattr(each, "max_workers_per_node", None) or getattr(each, "max_threads", None)
            provider = getattr(each, "provider", None)
            nodes = 1 if provider is None else provider.max_blocks * provider.nodes_per_block
            if not isinstance(workers, int):  # as many as the node has CPUs: nobody here knows
                return None
            total += workers * nodes
        return total or None

    def meaning(self, error: BaseException) -> Meaning:
        if type(error).__name__ in ("WorkerLost", "ManagerLost"):
            return Meaning.SUSPECTED
        return super().meaning(error)

    def end(self, executor: Any) -> None:
        executor.shutdown(wait=False)


class _Executorlib(Kind):
    """`executorlib.SingleNodeExecutor` and its sisters: a call each has its own process."""

    def slots(self, executor: Any) -> int | None:
        for part in (executor, getattr(executor, "_task_scheduler", None)):
            for name in ("max_workers", "_max_workers", "_max_cores"):
                count = getattr(part, name, None)
                if isinstance(count, int) and count > 0:
                    return count
        return None

    def meaning(self, error: BaseException) -> Meaning:
        if type(error).__name__ == "ExecutorlibSocketError":
            return Meaning.DIED
        return super().meaning(error)


_KINDS: dict[str, type[Kind]] = {
    "concurrent.futures.process": _Processes,
    "loky": _Processes,
    "joblib": _Processes,
    "distributed": _Dask,
    "parsl": _Parsl,
    "executorlib": _Executorlib,
}


def kind_of(executor: concurrent.futures.Executor) -> Kind:
    """What is known of an executor, by the modules of its class and of those that it is derived from."""
    for each in type(executor).__mro__:
        module = each.__module__
        if own := getattr(each, "factorpool_kind", None):
            return own()  # type: ignore[no-any-return]
        for name in (module, module.partition(".")[0]):
            if name in _KINDS:
                return _KINDS[name]()
    return Kind()


def told(error: BaseException) -> str:
    """What a system says of a death, on one line."""
    text = " ".join(str(error).split())
    return f"died ({type(error).__name__}: {text[:200]}{'...' if len(text) > 200 else ''})"


KILLED = -signal.SIGKILL
"""The exit code of workers of which nothing else is known."""
