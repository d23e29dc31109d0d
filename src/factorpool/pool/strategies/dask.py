"""`dask`: the workers of a Dask cluster, by the address of its scheduler."""

from __future__ import annotations

import os
from concurrent import futures
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, ClassVar

from factorpool.errors import StrategyUnavailableError
from factorpool.pool.protocol import Traits
from factorpool.pool.strategies.executor import Executor

ADDRESS_VARIABLE = "DASK_SCHEDULER_ADDRESS"

ANSWER_SECONDS = 10
"""How long a scheduler may take to answer, and a cluster to have its first worker."""


class Dask(Executor):
    """The workers of a Dask cluster (`pip install "factorpool[dask]"`).

    Args:
        address: the scheduler's, such as "tcp://host:8786"; None takes the environment variable
            DASK_SCHEDULER_ADDRESS.

    For a client that is there already, `fp.Executor(client.get_executor(pure=False))` does the same.

    >>> Dask("tcp://127.0.0.1:8786")
    Dask('tcp://127.0.0.1:8786')
    """

    name: ClassVar[str] = "dask"
    summary: ClassVar[str] = "the workers of a Dask cluster, as dask:ADDRESS"
    traits: ClassVar[Traits] = Executor.traits._replace(rank=5, color="#eeca3b")

    def __init__(self, address: str | None = None) -> None:
        super().__init__(_Connect(address))

    def __repr__(self) -> str:
        return f"Dask({self.executor.address!r})"  # type: ignore[union-attr]

    def why_unavailable(self) -> str | None:
        """Where Dask is not installed, or no address is known."""
        if find_spec("distributed") is None:
            return 'Dask is not installed; pip install "factorpool[dask]"'
        if self.executor.address is None and not os.environ.get(ADDRESS_VARIABLE):  # type: ignore[union-attr]
            return f"it needs a scheduler's address, as dask:tcp://host:8786 or in {ADDRESS_VARIABLE}"
        return None


@dataclass(frozen=True)
class _Connect:
    """Makes an executor over a connection of its own."""

    address: str | None

    def __call__(self) -> futures.Executor:
        from distributed import Client

        address = self.address or os.environ[ADDRESS_VARIABLE]
        try:
            client: Any = Client(address, timeout=f"{ANSWER_SECONDS}s", set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise StrategyUnavailableError(
                f"no Dask scheduler answers at {address} ({type(error).__name__}: {error}): is it running there, and "
                "of the same version?"
            ) from error
        try:
            client.wait_for_workers(1, timeout=ANSWER_SECONDS)
        except TimeoutError as error:
            client.close()
            raise StrategyUnavailableError(
                f"the Dask cluster at {address} has no workers; start some: dask worker {address}"
            ) from error
        executor: Any = client.get_executor(pure=False)
        executor.made_by_factorpool = True
        made: futures.Executor = executor
        return made
