"""Factor integers in bulk on every core, and measure which way of running in parallel is fastest."""

from factorpool.api import Outcome, Results, factor, factor_many, factor_range, pmap
from factorpool.errors import (
    FactorpoolError,
    InputError,
    ItemTimeoutError,
    NotPicklableError,
    NumberTypeError,
    NumberValueError,
    OptionError,
    StrategyUnavailableError,
    WorkerDiedError,
)
from factorpool.factoring.columns import Factorizations
from factorpool.pool.strategies import StrategyInfo, strategies

__all__ = [
    "Factorizations",
    "FactorpoolError",
    "InputError",
    "ItemTimeoutError",
    "NotPicklableError",
    "NumberTypeError",
    "NumberValueError",
    "OptionError",
    "Outcome",
    "Results",
    "StrategyInfo",
    "StrategyUnavailableError",
    "WorkerDiedError",
    "factor",
    "factor_many",
    "factor_range",
    "pmap",
    "strategies",
]
