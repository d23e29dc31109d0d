"""How long workers of a strategy take to start here: its own guess, until a first run has shown it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.pool.protocol import Strategy

_measured: dict[str, float] = {}


def start_seconds(strategy: Strategy) -> float:
    """By the last worker that started in this process."""
    return _measured.get(strategy.name, strategy.traits.start_seconds)


def remember_start(name: str, seconds: float) -> None:
    """Keeps how long a worker took from its start until it was ready."""
    _measured[name] = seconds
