"""Factor integers in bulk on every core, and measure which way of running in parallel is fastest."""

from typing import TYPE_CHECKING

from factorpool.api import factor, factor_many, factor_range, factor_stream, pmap
from factorpool.errors import (
    CheckpointError,
    FactorpoolError,
    InputError,
    ItemTimeoutError,
    NotPicklableError,
    NumberTypeError,
    NumberValueError,
    OptionError,
    StartError,
    StrategyUnavailableError,
    TooLargeError,
    UnfinishedError,
    WorkerDiedError,
)
from factorpool.factoring.arithmetic import are_prime, is_prime
from factorpool.factoring.columns import Factorizations
from factorpool.factoring.partial import PartialFactorization
from factorpool.pool.results import Outcome, Results
from factorpool.pool.strategies import StrategyInfo, strategies

if TYPE_CHECKING:
    from factorpool.bench.comparison import Comparison, compare
    from factorpool.pool.auto.cluster import Auto
    from factorpool.pool.calls import BrokenPoolError
    from factorpool.pool.pool import Pool
    from factorpool.pool.strategies.dask import Dask
    from factorpool.pool.strategies.executor import Executor
    from factorpool.pool.strategies.interpreters import Interpreters
    from factorpool.pool.strategies.processes import Processes
    from factorpool.pool.strategies.ray import Ray
    from factorpool.pool.strategies.serial import Serial
    from factorpool.pool.strategies.threads import Threads

__all__ = [
    "Auto",
    "BrokenPoolError",
    "CheckpointError",
    "Comparison",
    "Dask",
    "Executor",
    "Factorizations",
    "FactorpoolError",
    "InputError",
    "Interpreters",
    "ItemTimeoutError",
    "NotPicklableError",
    "NumberTypeError",
    "NumberValueError",
    "OptionError",
    "Outcome",
    "PartialFactorization",
    "Pool",
    "Processes",
    "Ray",
    "Results",
    "Serial",
    "StartError",
    "StrategyInfo",
    "StrategyUnavailableError",
    "Threads",
    "TooLargeError",
    "UnfinishedError",
    "WorkerDiedError",
    "are_prime",
    "compare",
    "factor",
    "factor_many",
    "factor_range",
    "factor_stream",
    "is_prime",
    "pmap",
    "strategies",
]

_LATER = {
    "Auto": "factorpool.pool.auto.cluster",
    "BrokenPoolError": "factorpool.pool.calls",
    "Comparison": "factorpool.bench.comparison",
    "compare": "factorpool.bench.comparison",
    "Dask": "factorpool.pool.strategies.dask",
    "Executor": "factorpool.pool.strategies.executor",
    "Interpreters": "factorpool.pool.strategies.interpreters",
    "Pool": "factorpool.pool.pool",
    "Processes": "factorpool.pool.strategies.processes",
    "Ray": "factorpool.pool.strategies.ray",
    "Serial": "factorpool.pool.strategies.serial",
    "Threads": "factorpool.pool.strategies.threads",
}
"""Names whose modules are imported when they are first asked for: `concurrent.futures` alone takes 7 ms."""


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module 'factorpool' has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_LATER[name]), name)
    globals()[name] = value
    return value
