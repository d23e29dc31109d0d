"""`ray`: the CPUs of a Ray cluster, or a Ray that is started on this machine for the purpose.

Ray's tasks are calls of an executor here, so that everything else is as with any other.  Its own retries are off: what
becomes of a lost chunk is decided as everywhere in factorpool.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent import futures
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from factorpool.errors import FactorpoolError, OptionError, StrategyUnavailableError
from factorpool.pool.cpus import usable_cpus
from factorpool.pool.protocol import Traits
from factorpool.pool.strategies.executor import Executor
from factorpool.pool.strategies.executor.kinds import Kind, Meaning
from factorpool.pool.strategies.executor.there import Limit

ADDRESS_VARIABLE = "RAY_ADDRESS"

ANSWER_SECONDS = 5.0
"""How long the machine at an address may take to answer."""

DIED = ("WorkerCrashedError", "OutOfMemoryError")
LOST = ("NodeDiedError", "ObjectLostError", "TaskCancelledError", "LocalRayletDiedError", "OwnerDiedError")
"""Ray's errors by what they say of a chunk: that its worker has died, or that it is not to blame."""


class Ray(Executor):
    """The CPUs of a Ray cluster (`pip install "factorpool[ray]"`).

    Args:
        address: of the cluster, as `ray.init` takes it, such as "auto" or "10.0.0.1:6379"; None takes the program's own
            connection, else the environment variable RAY_ADDRESS, else starts Ray on this machine.
        runtime_env: what `ray.init` is to see to on the workers, such as {"pip": ["factorpool"]}.

    Workers come and go with the nodes of the cluster.  Only what was started here is shut down.  With `timeout`, a
    worker ends itself once an item takes longer.

    Raises:
        OptionError: an address of Ray Client, which starts with ray://.

    >>> Ray("auto")
    Ray('auto')
    """

    name: ClassVar[str] = "ray"
    summary: ClassVar[str] = "the CPUs of a Ray cluster, as ray or ray:ADDRESS"
    traits: ClassVar[Traits] = Executor.traits._replace(stops_items=True, start_seconds=3.0, rank=6, color="#72b7b2")

    def __init__(self, address: str | None = None, *, runtime_env: dict[str, Any] | None = None) -> None:
        if address is not None and address.startswith("ray://"):
            raise OptionError(
                f"{address!r} is an address of Ray Client, through which too little can be seen of workers: run the "
                "program on a node of the cluster, with address='auto'"
            )
        super().__init__(_Start(address, runtime_env))

    def __repr__(self) -> str:
        return f"Ray({self.executor.address!r})"  # type: ignore[union-attr]

    def why_unavailable(self) -> str | None:
        """Where Ray is not installed."""
        return None if find_spec("ray") is not None else 'Ray is not installed; pip install "factorpool[ray]"'

    def capacity(self) -> int:
        """The cluster's CPUs, now."""
        import ray

        if not ray.is_initialized():  # what was counted over an earlier connection may be out of date
            self.forget_capacity()
        return super().capacity()


def _cpus() -> int:
    import ray

    return int(ray.cluster_resources().get("CPU", 0)) if ray.is_initialized() else 0


class _RayKind(Kind):
    """Ray runs one task at a time in a worker, so what it says has died, has.

    Chunks and answers of 100 kB or more are in its object store, and read there without a copy.
    """

    buffers = True

    def share(self, executor: Any, task: bytes) -> Any:
        import ray

        return ray.put(pickle.PickleBuffer(task))

    def slots(self, executor: Any) -> int | None:
        return _cpus() or None

    def meaning(self, error: BaseException) -> Meaning:
        names = {each.__name__ for each in type(error).__mro__}
        if names.intersection(DIED):
            return Meaning.DIED
        return Meaning.LOST if names.intersection(LOST) else super().meaning(error)

    def check(self, executor: Any) -> None:
        import ray

        if not ray.is_initialized():
            raise FactorpoolError("Ray was shut down while work was running on it")

    def limit(self, token: str, seconds: float) -> Limit | None:
        return Limit(seconds, partial(_tell, token))

    def late_item(self, token: str) -> int | None:
        from ray.experimental import internal_kv

        told = internal_kv._internal_kv_get(token)
        if told is None:
            return None
        internal_kv._internal_kv_del(token)
        return int(told)

    def cancel(self, futures: Iterable[Future[Any]]) -> None:
        import ray

        for future in futures:
            if not future.done() and (reference := _references.get(future)) is not None:
                ray.cancel(reference, force=True)


def _tell(token: str, item: int) -> None:
    """In a worker: leaves which item has taken too long where the caller finds it."""
    from ray.experimental import internal_kv

    internal_kv._internal_kv_put(token, str(item).encode())


_references: WeakKeyDictionary[Future[Any], Any] = WeakKeyDictionary()


class _Started:
    """The Ray that was started or connected here, and how many executors are on it: it ends with the last of them."""

    lock = threading.Lock()
    job: str | None = None
    users = 0


class RayExecutor(futures.Executor):
    """Ray's tasks as an executor."""

    factorpool_kind = _RayKind

    def __init__(self) -> None:
        self._open = True
        with _Started.lock:
            _Started.users += 1
        self._remote: dict[Callable[..., Any], Any] = {}

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Has a worker of one CPU call it, once."""
        import ray

        if fn not in self._remote:
            self._remote[fn] = ray.remote(num_cpus=1, max_retries=0)(fn)
        reference = self._remote[fn].remote(*args, **kwargs)
        future: Future[Any] = reference.future()
        _references[future] = reference
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Ends Ray, if it was started here and nobody else uses it."""
        import ray

        with _Started.lock:
            if not self._open:
                return
            self._open = False
            _Started.users -= 1
            if _Started.users == 0 and _Started.job is not None:
                if ray.is_initialized() and ray.get_runtime_context().get_job_id() == _Started.job:
                    ray.shutdown()
                _Started.job = None

    def __repr__(self) -> str:
        return "<tasks of Ray>"


@dataclass(frozen=True)
class _Start:
    """Connects to a cluster, or starts one of this machine."""

    address: str | None
    runtime_env: dict[str, Any] | None = field(default=None, hash=False)

    def __call__(self) -> futures.Executor:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # which ray.init warns about
        import ray

        if ray.is_initialized():
            return RayExecutor()
        address = self.address or os.environ.get(ADDRESS_VARIABLE)
        if address == "local":
            address = None
        if address is not None:
            _knock(address)
        options: dict[str, Any] = {"logging_level": logging.ERROR, "runtime_env": self.runtime_env}
        if address is None:
            options |= {"num_cpus": usable_cpus(), "include_dashboard": False}
        try:
            ray.init(address=address or "local", **options)
        except Exception as error:
            with suppress(Exception):
                ray.shutdown()
            raise StrategyUnavailableError(
                f"cannot use Ray at {address or 'this machine'}: {' '.join(str(error).split())}; this is Ray "
                f"{ray.__version__} with Python {sys.version_info[0]}.{sys.version_info[1]}"
            ) from error
        _Started.job = ray.get_runtime_context().get_job_id()
        return RayExecutor()


def _knock(address: str) -> None:
    """Raises a StrategyUnavailableError where nobody listens, or who does refuses us: Ray itself would try for long."""
    if address == "auto":
        from ray._private.services import canonicalize_bootstrap_address

        try:
            address = canonicalize_bootstrap_address(address) or ""
        except ConnectionError:  # there is none, as ray.init says too
            return
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS).close()
    except OSError as error:
        raise StrategyUnavailableError(
            f"no Ray cluster answers at {address} ({error}): is it running there, and to be reached from here?"
        ) from error
    from ray.exceptions import AuthenticationError, RayError

    raylet: Any = import_module("ray._raylet")
    try:
        raylet.GcsClient(address=address)
    except AuthenticationError as error:
        raise StrategyUnavailableError(
            f"the Ray cluster at {address} refuses this program's token, or that it has none: set RAY_AUTH_MODE=token, "
            "and the cluster's token as RAY_AUTH_TOKEN or in the file ~/.ray/auth_token"
        ) from error
    except RayError as error:
        raise StrategyUnavailableError(f"what listens at {address} is no Ray that can be used: {error}") from error
