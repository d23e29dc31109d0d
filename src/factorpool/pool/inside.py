"""Whether this is a worker already, of this pool or of another library's: then the other CPUs have theirs."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_this_thread = threading.local()
_whole_process = False


def become_worker(whole_process: bool) -> None:
    """Says that this thread, or all of this process or interpreter, is a worker."""
    global _whole_process
    if whole_process:
        _whole_process = True
    else:
        _this_thread.worker = True


@contextmanager
def working() -> Iterator[None]:
    """Says that this thread, which belongs to others, is a worker meanwhile."""
    before = getattr(_this_thread, "worker", False)
    _this_thread.worker = True
    try:
        yield
    finally:
        _this_thread.worker = before


def is_whole_process() -> bool:
    """Whether all of this process or interpreter is a worker."""
    return _whole_process


def is_worker() -> bool:
    """Whether the caller runs in a worker: another pool's workers would then compete with this one's."""
    return _whole_process or getattr(_this_thread, "worker", False) or _of_another_library()


def _of_another_library() -> bool:
    """Whether multiprocessing.Pool, a ProcessPoolExecutor, loky (joblib) or Dask runs this.

    Only modules that are imported already are asked.
    """
    if (module := sys.modules.get("multiprocessing.process")) is not None:
        process: Any = module.current_process()
        target = getattr(process, "_target", None)
        if getattr(target, "__module__", "") in ("multiprocessing.pool", "concurrent.futures.process"):
            return True
        if "loky" in type(process).__module__ or getattr(process, "name", "").startswith("LokyProcess"):
            return True
    dask = sys.modules.get("distributed.worker")
    return hasattr(getattr(dask, "thread_state", None), "execution_state")
