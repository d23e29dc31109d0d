"""`processes`: processes of this machine, for functions that hold the GIL, and for items that may end their worker."""

from __future__ import annotations

import re
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
        max_tasks_per_child: items after which a worker ends and another takes its place, for functions that leak; it
            ends with the chunk that it has then.
        memory_limit: what a worker may have of memory, as a number of bytes or as text such as "512M" or "2G".  An item
            that needs more has a MemoryError, or its worker dies with it; other items go on.

    Raises:
        OptionError: an option that makes no sense.

    >>> Processes(inner_threads=2, memory_limit="2G")
    Processes(context=None, inner_threads=2, max_tasks_per_child=None, memory_limit='2G')
    """

    context: BaseContext | str | None = None
    inner_threads: int | None = 1
    max_tasks_per_child: int | None = None
    memory_limit: int | str | None = None

    name: ClassVar[str] = "processes"
    summary: ClassVar[str] = "processes of this machine, for functions that hold the GIL"
    traits: ClassVar[Traits] = Traits(
        remote=True, stops_items=True, parallel_python=True, start_seconds=0.2, rank=3, color="#54a24b"
    )

    def __post_init__(self) -> None:
        for option, value in (
            ("inner_threads", self.inner_threads),
            ("max_tasks_per_child", self.max_tasks_per_child),
        ):
            if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise OptionError(f"{option} must be a positive integer or None, not {value!r}")
        self.memory_bytes()
        if self.context is not None:
            from factorpool.pool.strategies.processes.starting import context

            context(self.context)

    def memory_bytes(self) -> int | None:
        """The memory limit in bytes."""
        limit = self.memory_limit
        if limit is None or (isinstance(limit, int) and not isinstance(limit, bool) and limit > 0):
            return limit
        found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?", limit) if isinstance(limit, str) else None
        if found is None or float(found[1]) == 0:
            raise OptionError(f"memory_limit must be a number of bytes or text such as '512M' or '2G', not {limit!r}")
        return int(float(found[1]) * 1024 ** (" KMGT".index(found[2]) if found[2] else 0))

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

    def cool(self) -> None:
        """Ends what waits to start workers, if none are there: the next start takes as long as a program's first."""
        from factorpool.pool.strategies.processes.starting import end_fork_server

        end_fork_server()

    def open(self, task: TaskRef, slots: int, shelf: Shelf | None) -> ProcessWorkers:
        """Worker processes, started as chunks come."""
        from factorpool.pool.strategies.processes.workers import ProcessWorkers

        return ProcessWorkers(self, task, shelf)
