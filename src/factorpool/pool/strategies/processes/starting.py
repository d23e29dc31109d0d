"""What guards the start of worker processes against what else happens in this one: forks, Ctrl-C, other threads.

multiprocessing starts them.  What it has no option for is done here, with what it keeps to itself.
"""

from __future__ import annotations

import multiprocessing
import os
import pickletools
import signal
import sys
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing import forkserver, process, resource_tracker, spawn
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext
from typing import Any

from factorpool.errors import OptionError
from factorpool.pool.edited import is_installed
from factorpool.pool.strategies.processes import worker as child

LONGEST_SEARCHED = 1 << 18
"""Bytes of a pickled task that is looked through for what the fork server should import: 50 ms for that many."""

PRELOADED = "factorpool.pool.strategies.processes.preloaded"
"""The module that the fork server imports."""


def context(wanted: BaseContext | str | None) -> BaseContext:
    """The multiprocessing context: the caller's, what `multiprocessing.set_start_method` set, or forkserver.

    That was set to fork counts only where the caller says so: it is also what a mere `multiprocessing.Lock()` leaves
    behind. Forkserver is the default because a fork of a process with threads can hang, and spawn starts every worker
    from nothing.
    """
    methods = multiprocessing.get_all_start_methods()
    if isinstance(wanted, BaseContext):
        return wanted
    if wanted is not None and wanted not in methods:
        raise OptionError(
            f"mp_context {wanted!r} is not a start method of this machine; there are {', '.join(methods)}"
        )
    default = "forkserver" if "forkserver" in methods else "spawn"
    already = multiprocessing.get_start_method(allow_none=True)
    return multiprocessing.get_context(wanted or (default if already in (None, "fork") else already))


_starting = threading.RLock()
"""Held while a process is started and while a parent's end of a pipe is made or closed: a copy of this process then
knows every one of these ends, and none in the middle of a change."""

_parent_ends: weakref.WeakSet[Connection] = weakref.WeakSet()
"""The parent's ends of the pipes of all workers of this process."""

_processes: weakref.WeakSet[Any] = weakref.WeakSet()
"""All worker processes of this process."""


def _after_fork() -> None:
    """In a process that was forked: the workers of its parent are not its own, and neither is the fork server.

    While a copy keeps the parent's ends of the pipes open, no worker would see the parent end.
    """
    global _starting
    _starting = threading.RLock()
    for end in list(_parent_ends):
        with suppress(OSError):
            end.close()
    _parent_ends.clear()
    process._children.difference_update(_processes)  # type: ignore[attr-defined]  # or it would join them at its exit
    _processes.clear()
    server: Any = forkserver._forkserver
    if server._forkserver_pid is not None:
        with suppress(OSError):
            os.close(server._forkserver_alive_fd)
        server._lock = threading.Lock()
        server._forkserver_alive_fd = server._forkserver_address = server._forkserver_pid = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _starting.acquire(), after_in_parent=lambda: _starting.release(), after_in_child=_after_fork
    )


def end_fork_server() -> None:
    """Ends the fork server, unless it has children, whoever's they are: nobody would know any more how they end."""
    server: Any = forkserver._forkserver
    with _starting:
        if server._forkserver_pid is not None and not process.active_children():
            server._stop()


def preload(task: bytes) -> None:
    """Has the fork server import what workers need once, if it is yet to be started.

    That is what the task refers to, among the modules that are imported here.  What the program itself wants preloaded
    stays; multiprocessing can be told the list, but not asked for it.
    """
    server: Any = forkserver._forkserver
    if server._forkserver_pid is None:
        wanted = [name for name in server._preload_modules if name != PRELOADED]
        forkserver.set_forkserver_preload(list(dict.fromkeys([*wanted, *_modules_in(task), PRELOADED])))


def _modules_in(task: bytes) -> list[str]:
    """The installed modules that a pickle names.  The program's own may be edited, and the fork server stays."""
    found = []
    if len(task) < LONGEST_SEARCHED:
        for _, name, _ in pickletools.genops(task):
            if isinstance(name, str) and (module := sys.modules.get(name)) is not None and is_installed(module):
                found.append(name)
    return found


@contextmanager
def _no_interrupt() -> Iterator[None]:
    """Keeps Ctrl-C from a process until it is there, and ignores it: it would print a traceback.

    The process inherits this thread's mask, or that of the fork server, if that was started here.  Both start
    multiprocessing's resource tracker first, if it is not running, and that resets the mask: so it is started before.
    """
    resource_tracker.ensure_running()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


@contextmanager
def _without_main() -> Iterator[None]:
    """Keeps multiprocessing from importing the main module into a process that is started here.

    A task that needs it says so itself, and the worker can then say what went wrong: so factoring on processes needs no
    `if __name__ == "__main__":`, and works where the main module is no file.  multiprocessing has no option for that.
    """
    here = threading.get_ident()
    main: Any = sys.modules["__main__"]
    if not hasattr(main, "__spec__"):  # as under pdb; multiprocessing asks for it
        main.__spec__ = None

    def without_main(name: str) -> dict[str, object]:
        try:
            data = describe(name)
        except FileNotFoundError as error:
            raise FileNotFoundError(error.errno, "the current directory does not exist any more") from error
        if threading.get_ident() == here:  # another thread may start a process of its own
            data.pop("init_main_from_name", None)
            data.pop("init_main_from_path", None)
        return data

    describe = spawn.get_preparation_data
    spawn.get_preparation_data = without_main
    try:
        yield
    finally:
        spawn.get_preparation_data = describe


DESCRIPTORS = 12
"""More than starting a process takes for a moment: pipes for it and for its messages, and the fork server's request."""


def _check_descriptors() -> None:
    """An OSError if there are too few descriptors left to start a process.

    A request to the fork server that breaks off for want of one ends the fork server, and nobody would know any more
    how its workers have ended.
    """
    reserved: list[int] = []
    try:
        for _ in range(DESCRIPTORS // 2):
            reserved += os.pipe()
    finally:
        for descriptor in reserved:
            os.close(descriptor)


def start_process(
    mp: BaseContext, inner_threads: int | None, memory: int | None
) -> tuple[Connection, multiprocessing.Process]:
    """A worker process, and the parent's end of its pipe.

    Raises an OSError or an EOFError where it cannot be started.
    """
    _check_descriptors()
    forked = mp.get_start_method() == "fork"
    with _starting:
        ours, theirs = mp.Pipe()
        try:
            _parent_ends.add(ours)
            started: multiprocessing.Process = mp.Process(  # type: ignore[attr-defined]
                target=child.serve, args=(theirs, inner_threads, memory, forked), name="factorpool", daemon=True
            )
            with _no_interrupt(), nullcontext() if forked else _without_main():
                started.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        _processes.add(started)
    return ours, started


def close_end(connection: Connection) -> None:
    """Closes a parent's end of a pipe."""
    with _starting:
        connection.close()
