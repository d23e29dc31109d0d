"""Where work can run: one module a strategy, imported only when it is used."""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple

from factorpool.errors import OptionError, StrategyUnavailableError
from factorpool.pool.gil import gil_note

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from factorpool.factoring.tasks import Task
    from factorpool.pool.protocol import Workers

STRATEGIES = {
    "serial": "one after the other in the calling thread",
    "threads": "threads of this process; they scale where the GIL is released, as the kernel does",
    "interpreters": "interpreters of this process, each with a GIL of its own, for pure Python (CPython 3.14)",
    "processes": "processes of this machine, for functions that hold the GIL",
}


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
    for name, description in STRATEGIES.items():
        reason = unavailable(name)
        if name == "threads" and gil_note():
            description = f"{description}; {gil_note()}"
        infos[name] = StrategyInfo(name, reason is None, reason or "", description)
    return infos


def unavailable(name: str) -> str | None:
    """Why a strategy cannot run here, or None."""
    reason: str | None = import_module(f"factorpool.pool.strategies.{name}").unavailable()
    return reason


def check(name: str) -> None:
    """An error for a strategy that does not exist, which says which do, or that cannot run here, which says why."""
    if name not in STRATEGIES:
        raise OptionError(f"there is no strategy {name!r}; there are auto, {', '.join(STRATEGIES)}")
    if reason := unavailable(name):
        raise StrategyUnavailableError(f"strategy {name!r} cannot run here: {reason}")


def make_workers(
    name: str,
    task: Task,
    count: int,
    *,
    mp_context: BaseContext | str | None = None,
    timeout: float | None = None,
    inner_threads: int | None = 1,
) -> Workers:
    """Workers of a strategy that passes `check`; the dispatcher never has more than `count` chunks in them."""
    if name == "processes":
        from factorpool.pool.strategies.processes import ProcessWorkers

        return ProcessWorkers(task, mp_context, timeout, inner_threads)
    if name == "threads":
        from factorpool.pool.strategies.threads import thread_workers

        return thread_workers(task, count)
    if name == "interpreters":
        from factorpool.pool.strategies.interpreters import interpreter_workers

        return interpreter_workers(task, count)
    from factorpool.pool.strategies.serial import SerialWorkers

    return SerialWorkers(task)
