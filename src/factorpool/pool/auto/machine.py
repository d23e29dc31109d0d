"""What the probe asks of the machine it runs on: its clocks, its GIL, and which strategies can run there."""

from __future__ import annotations

import time

from factorpool.pool import strategies
from factorpool.pool.gil import gil_enabled
from factorpool.pool.protocol import start_seconds


class Machine:
    """This machine.  Tests have others, whose time they move by hand."""

    def wall(self) -> float:
        """Seconds since some moment."""
        return time.perf_counter()

    def cpu(self) -> float:
        """Seconds of CPU time that all threads of this process have used together."""
        return time.process_time()

    def delay(self) -> float:
        """Seconds that this thread has waited for a CPU since it began; 0 where Linux does not say."""
        try:
            with open("/proc/thread-self/schedstat") as file:
                return int(file.read().split()[1]) * 1e-9
        except OSError:
            return 0.0

    def gil_enabled(self) -> bool:
        """Whether Python code runs one thread at a time."""
        return gil_enabled()

    def unavailable(self, strategy: str) -> str | None:
        """Why a strategy cannot run here, or None."""
        return strategies.unavailable(strategy)

    def start_seconds(self, strategy: str) -> float:
        """How long workers of a strategy take to start."""
        return start_seconds(strategy)
