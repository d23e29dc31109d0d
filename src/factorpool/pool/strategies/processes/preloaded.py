"""What the fork server imports before it forks its first worker, and nobody else: workers then start 15 ms sooner."""

from __future__ import annotations

import sys
from types import TracebackType

from factorpool.pool.strategies.processes import worker  # noqa: F401  (what workers need)


def _quiet_if_left(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Keeps the fork server from printing a traceback when its program ends in the middle of a request.

    Ctrl-C while the fork server is still starting ends the program so.  CPython's fork server does not expect all of
    the errors that follow, and it shares the program's standard error.
    """
    if not issubclass(kind, ConnectionError | EOFError):
        _shown(kind, error, trace)


_shown = sys.excepthook
sys.excepthook = _quiet_if_left
