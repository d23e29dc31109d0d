"""`processes`: processes of this machine, for functions that hold the GIL, and for items that may end their worker."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import ClassVar

from factorpool.errors import OptionError
from factorpool.pool.cpus import usable_cpus
from factorpool.pool.protocol import TaskRef, Traits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from multiprocessing.context import BaseContext

    from factorpool.pool.shelf import Shelf
    from factorpool.pool.strategies.processes.workers import ProcessWorkers


@dataclass(frozen=True)
class Processes:
    """Processes of this machine.

    Args:
        context: a multiprocessing context or start method; None means what `multiprocessing.set_start_method` set, else
            forkserver where there is one.
        inner_threads: threads that BLAS, OpenMP and others may use in each worker; None leaves them alone.
    """

    context: BaseContext | str | None = None
    inner_threads: int | None = 1

    name: ClassVar[str] = "processes"
    summary: ClassVar[str] = "processes of this machine, for functions that hold the GIL"
    traits: ClassVar[Traits] = Traits(
        remote=True, stops_items=True, parallel_python=True, start_seconds=0.1, rank=3, color="#54a24b"
    )

    def __post_init__(self) -> None:
        threads = self.inner_threads
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
            raise OptionError(f"inner_threads must be a positive integer or None, not {threads!r}")
        if self.context is not None:
            from factorpool.pool.strategies.processes.workers import context

            context(self.context)

    def why_unavailable(self) -> str | None:
        """Systems without processes, and daemons of multiprocessing, which may not start any."""
        if sys.platform in ("emscripten", "wasi"):
            return f"there are no processes on {sys.platform}"
        module = sys.modules.get("multiprocessing.process")
        if module is not None and module.current_process().daemon:
            return "this process is a daemon of multiprocessing, and those may not start others"
        return None

    def capacity(self) -> int:
        """One for each CPU."""
        return usable_cpus()

    def open(self, task: TaskRef, slots: int, shelf: Shelf | None) -> ProcessWorkers:
        """Worker processes, started as chunks come."""
        from factorpool.pool.strategies.processes.workers import ProcessWorkers

        return ProcessWorkers(self, task, shelf)
