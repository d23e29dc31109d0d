"""The registry of strategies: those of factorpool, and those that other packages add.

A package adds one by an entry point in the group `factorpool.strategies`: its name, and a class without required
arguments that has what `factorpool.pool.protocol.Strategy` asks for.  It is then a strategy like any other, for
`strategy="name"`, on the command line, in benchmarks and in charts.
"""

from __future__ import annotations

import os
import sys
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from factorpool.errors import OptionError, StrategyUnavailableError
from factorpool.pool.gil import gil_note
from factorpool.pool.protocol import Place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.pool.protocol import Strategy

GROUP = "factorpool.strategies"

BUILT_IN = {
    "serial": ("factorpool.pool.strategies.serial:Serial", Place.HERE),
    "threads": ("factorpool.pool.strategies.threads:Threads", Place.BESIDE),
    "interpreters": ("factorpool.pool.strategies.interpreters:Interpreters", Place.APART),
    "processes": ("factorpool.pool.strategies.processes:Processes", Place.APART),
}
"""Where the strategies of factorpool are, and where they run work; each is imported when it is asked for."""


ELSEWHERE = {
    "executor": ("factorpool.pool.strategies:_executor_of", "executor:MODULE:FUNCTION"),
    "dask": ("factorpool.pool.strategies.dask:Dask", "dask:ADDRESS"),
    "ray": ("factorpool.pool.strategies.ray:Ray", "ray or ray:ADDRESS"),
}
"""Strategies on other machines or in other libraries: how they are made of the text after the colon of a name, and how
that is written.  They take part where they are asked for, and nowhere else."""

SIGNS = {
    "ray": ("RAY_ADDRESS",),
    "dask": ("DASK_SCHEDULER_ADDRESS",),
    "executor": ("SLURM_JOB_ID", "PMI_SIZE", "OMPI_COMM_WORLD_SIZE"),
}
"""Environment variables that say that there is something of the kind."""


class StrategyInfo(NamedTuple):
    """A strategy: its name, whether this machine can run it, why not, and where it runs work."""

    name: str
    available: bool
    reason: str
    description: str


def strategies() -> dict[str, StrategyInfo]:
    """Every strategy by name, with the reason where this machine cannot run it.

    >>> strategies()["serial"].available
    True
    """
    infos = {}
    for name in names():
        strategy = find(name)
        reason, description = strategy.why_unavailable(), strategy.summary
        if not strategy.traits.remote and strategy.traits.rank and gil_note():
            description = f"{description}; {gil_note()}"
        infos[name] = StrategyInfo(name, reason is None, reason or "", description)
    return infos


def elsewhere() -> dict[str, StrategyInfo]:
    """The strategies on other machines or in other libraries, by how they are written, with the signs of them here."""
    infos = {}
    for name, (_, written) in ELSEWHERE.items():
        strategy = _found(name) if name != "executor" else None
        reason = None if strategy is None else strategy.why_unavailable()
        summary = _EXECUTOR if strategy is None else strategy.summary
        signs = [f"{variable}={os.environ[variable]}" for variable in SIGNS[name] if os.environ.get(variable)]
        found = f"; here: {', '.join(signs)}" if signs else ""
        infos[written] = StrategyInfo(written, reason is None, reason or "", f"{summary}{found}")
    return infos


_EXECUTOR = "what FUNCTION of MODULE makes: any executor of concurrent.futures, such as mpi4py's, parsl's or loky's"


def names() -> list[str]:
    """The names of all strategies, factorpool's own first."""
    return [*BUILT_IN, *(name for name in _added() if name not in BUILT_IN)]


@cache
def _names_for(place: Place) -> list[str]:
    fitting = [find(name) for name, (_, where) in BUILT_IN.items() if where is place]
    fitting.sort(key=lambda strategy: (not strategy.traits.stops_items, strategy.traits.rank))
    return [strategy.name for strategy in fitting]


def candidates(place: Place, **options: object) -> list[Strategy]:
    """The strategies that `auto` may choose for a place: first those that stop items, then the simplest."""
    return [find(name, **options) for name in _names_for(place)]


def find(wanted: Strategy | str, **options: object) -> Strategy:
    """The strategy of that name, with those of the options that it has; a strategy itself stays as it is.

    Raises an OptionError for a name that there is not, and for an option that makes no sense.
    """
    if not isinstance(wanted, str):
        if isinstance(wanted, type) or not all(hasattr(wanted, part) for part in ("name", "traits", "open")):
            raise OptionError(f"{wanted!r} is no strategy; there are auto, {', '.join(names())}")
        return wanted
    strategy = _found(wanted)
    if options and hasattr(strategy, "__dataclass_fields__"):
        from dataclasses import fields, replace  # here: it takes 8 ms to import

        have: Any = strategy
        taken = {field.name: options[field.name] for field in fields(have) if field.name in options}
        if taken:
            strategy = replace(have, **taken)
    return strategy


def find_available(wanted: Strategy | str, **options: object) -> Strategy:
    """As `find`; a StrategyUnavailableError says why this machine cannot run it."""
    strategy = find(wanted, **options)
    if reason := strategy.why_unavailable():
        raise StrategyUnavailableError(f"strategy {strategy.name!r} cannot run here: {reason}")
    return strategy


def _executor_of(place: str) -> Strategy:
    """The executor that a function makes, given as module:function; the current directory is searched, too."""
    from factorpool.pool.strategies.executor import Executor

    module, _, function = place.partition(":")
    if not module or not function:
        raise OptionError(f"executor:{place} names no function: write executor:MODULE:FUNCTION")
    if os.getcwd() not in sys.path and "" not in sys.path:
        sys.path.append(os.getcwd())
    try:
        make = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise OptionError(f"executor:{place} cannot be imported: {error}") from error
    return Executor(make)


@cache
def _found(name: str) -> Strategy:
    kind, colon, rest = name.partition(":")
    if kind in ELSEWHERE and (colon or kind not in (*_added(), "executor")):
        module, _, attribute = ELSEWHERE[kind][0].partition(":")
        make = getattr(import_module(module), attribute)
        elsewhere: Strategy = make(rest) if rest or kind == "executor" else make()
        return elsewhere
    if name in BUILT_IN:
        module, _, attribute = BUILT_IN[name][0].partition(":")
        made: Strategy = getattr(import_module(module), attribute)()
        return made
    if kind.startswith("auto"):
        raise OptionError(f"{name} is for calls that choose, as pmap and factor_many: here, name the strategy itself")
    if name not in _added():
        far = ", ".join(written for _, written in ELSEWHERE.values())
        raise OptionError(f"there is no strategy {name!r}; there are auto, {', '.join(names())}; and {far}")
    added: Strategy = _added()[name].load()()
    return added


@cache
def _added() -> dict[str, Any]:
    """The entry points of other packages, by name."""
    from importlib.metadata import entry_points  # here: it takes longer than all the rest

    return {entry.name: entry for entry in entry_points(group=GROUP)}
