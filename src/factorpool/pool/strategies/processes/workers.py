"""The parent's side of worker processes: one duplex pipe each.

No queue and no lock is shared, so a worker that is killed takes nothing with it: its end of file arrives on its own
pipe, and names the chunk that was in it.  A worker ends when its pipe does, whatever it is doing, so it does not
outlive its parent.
"""

from __future__ import annotations

import atexit
import math
import multiprocessing
import os
import pickle
import pickletools
import signal
import sys
import threading
import time
import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager, nullcontext, suppress
from multiprocessing import forkserver, process, resource_tracker, spawn
from multiprocessing.connection import Connection, Pipe, wait
from multiprocessing.context import BaseContext
from typing import Any

from factorpool.errors import FactorpoolError, ItemTimeoutError, NotPicklableError, OptionError, StartError
from factorpool.pool.edited import is_installed, newest_edit
from factorpool.pool.logs import handle_record, level_here
from factorpool.pool.pickling import TaskMessage, chunk_message, decode, raise_failure, task_message, traffic
from factorpool.pool.protocol import PACE_SECONDS, Chunk, Died, Event, Failed, Free, TaskRef, events_of
from factorpool.pool.shelf import close_shared
from factorpool.pool.starts import remember_start
from factorpool.pool.strategies.processes import worker as child
from factorpool.pool.strategies.processes.buffers import MAPPED_BYTES, SharedBuffer, receive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.pool.shelf import Shelf
    from factorpool.pool.strategies.processes import Processes

GRACEFUL_SECONDS = 5.0
"""How long `close` waits for idle workers to flush what they have printed and end, before it kills them."""

ABRUPT_SECONDS = 0.2
"""How long it waits after an error or Ctrl-C."""

LONGEST_WAIT = 86400.0
"""Seconds: the system's own limit is a few weeks."""

START_SECONDS = 60.0
"""How long a worker may take to start a task where items have a timeout: its imports and the initializer are no items,
but must not hang for ever either."""

SMALL_BYTES = 1 << 15
"""A chunk of up to this size is sent along with its task: the pipe holds it until the worker reads it."""

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


class ProcessWorkers:
    """The worker processes of one run, taken from a shelf or started as chunks come."""

    def __init__(self, strategy: Processes, ref: TaskRef, shelf: Shelf | None) -> None:
        self._context = context(strategy.context)
        method = self._context.get_start_method()
        self._forks = method == "fork"
        # A forked worker is a copy of this moment, and the next call may count on what has changed since.
        self._shelf = None if self._forks and shelf is not None and shelf.shared else shelf
        self._limits = strategy.inner_threads, strategy.memory_bytes()
        self._most_items = math.inf if strategy.max_tasks_per_child is None else strategy.max_tasks_per_child
        self._timeout = ref.timeout
        message = task_message(ref, inherits=self._forks)
        self._by_name = self._forks or message.main is not None
        # A timeout is an item's, so each has to be heard of.
        self._number = ref.number
        self._task = _TaskSender(message, PACE_SECONDS if ref.timeout is None else 0.0)
        if method == "forkserver":
            _preload(message.data)
        self._idle: list[_Worker] = []
        self._busy: dict[Any, _Worker] = {}  # by connection, and by the sentinel of its process
        self._started = 0
        try:
            self._waker = Pipe(duplex=False)
        except OSError as error:
            raise StartError(f"worker process 1 cannot be started: {error}") from error
        self._owner = os.getpid()
        _open.add(self)

    @property
    def held(self) -> Collection[int]:
        """What the busy workers are at."""
        return {worker.start for worker in self._busy.values()}

    def submit(self, chunk: Chunk) -> None:
        """Sends the chunk to an idle worker, or to a new one."""
        self._hand_out(chunk.start, chunk_message(chunk, self._by_name))

    def _hand_out(self, start: int, message: bytes) -> None:
        worker = self._free_worker()
        while not worker.give(start, message):  # it has just been killed, before it had the chunk
            worker.free()
            worker = self._free_worker()
        self._busy[worker.connection] = self._busy[worker.process.sentinel] = worker

    def _free_worker(self) -> _Worker:
        """An idle worker, unless it has died meanwhile, or one from the shelf, or a new one."""
        while self._idle:
            worker = self._idle.pop()
            if worker.process.is_alive():
                return worker
            worker.free()
        if self._shelf is not None and (resting := self._shelf.take(self._number)) is not None:
            assert isinstance(resting, _Worker)
            worker = resting
            if worker.task == self._number:
                return worker
        else:
            try:
                _check_descriptors()
                worker = _Worker(self._context, *self._limits)
            except (OSError, EOFError) as error:
                what = str(error) or "the fork server could not"
                raise StartError(f"worker process {self._started + 1} cannot be started: {what}") from error
            self._started += 1
        worker.take_up(self._number, self._task)
        return worker

    def wait(self, timeout: float | None) -> list[Event]:
        """What has arrived; a worker that died or took too long completes its chunk with the error that says so."""
        if self._timeout is not None and self._busy:
            soonest = min(self._due(worker, self._timeout) for worker in self._busy.values())
            soonest = max(0.0, min(soonest - time.monotonic(), LONGEST_WAIT))
            timeout = soonest if timeout is None else min(soonest, timeout)
        arrived = wait([*self._busy, self._waker[0]], timeout)
        if self._waker[0] in arrived:
            arrived.remove(self._waker[0])
            self._waker[0].recv_bytes()
        done: list[Event] = []
        for worker in dict.fromkeys(map(self._busy.__getitem__, arrived)):
            done += self._take_in(worker)
        if self._timeout is not None:
            done += self._kill_overdue(self._timeout)
        return done

    def _take_in(self, worker: _Worker) -> list[Event]:
        """The next thing that a worker says, or that it has died."""
        rested = worker.rested and not worker.ready
        events = worker.receive()
        if events and isinstance(events[-1], Died) and rested:
            # Its time on the shelf was over just when it was taken from there.
            self._release(worker)
            worker.free()
            self._hand_out(worker.start, worker.message)
            return []
        if events and isinstance(events[-1], Free | Died):
            self._release(worker)
            if worker.dead:
                worker.free()
            elif worker.items >= self._most_items:
                worker.tell_to_end()
                worker.join(GRACEFUL_SECONDS)
                worker.free()
            elif self._shelf is not None:
                self._shelf.put(worker)
            else:
                self._idle.append(worker)
        return events

    def _release(self, worker: _Worker) -> None:
        del self._busy[worker.connection], self._busy[worker.process.sentinel]

    def _due(self, worker: _Worker, timeout: float) -> float:
        """When something has to be heard of a worker."""
        return worker.heard + timeout if worker.ready else worker.told + max(timeout, START_SECONDS)

    def _kill_overdue(self, timeout: float) -> list[Event]:
        """Kills the workers of which nothing was heard for too long since they began an item."""
        done: list[Event] = []
        now = time.monotonic()
        for worker in dict.fromkeys(self._busy.values()):
            if now >= self._due(worker, timeout) and not worker.connection.poll():
                if not worker.ready:
                    seconds = max(timeout, START_SECONDS)
                    raise FactorpoolError(
                        f"a worker did not start within {seconds:g} s: an import or the initializer hangs"
                    )
                self._release(worker)
                worker.free()
                error = ItemTimeoutError(worker.next_item, timeout)
                done += [Failed(worker.start, 1, error, timeout), Free(worker.start)]
        return done

    def wake(self) -> None:
        """Ends `wait`, by a pipe that it listens to as well."""
        with suppress(OSError):  # it has been closed meanwhile
            if not self._waker[0].poll():
                self._waker[1].send_bytes(b"!")

    def close(self, *, graceful: bool) -> None:
        """Kills busy workers and waits until they are gone; idle ones go to the shelf, or are told to end."""
        if self._owner != os.getpid():  # this is a copy in a process that the caller has forked
            return
        busy = list(dict.fromkeys(self._busy.values()))
        for worker in busy:
            worker.process.kill()
        for worker in self._idle:
            worker.tell_to_end()
        if self._shelf is not None:
            self._shelf.lay_down(self._number)
        deadline = time.monotonic() + (GRACEFUL_SECONDS if graceful else ABRUPT_SECONDS)
        for worker in [*busy, *self._idle]:
            worker.join(max(0.0, deadline - time.monotonic()))
            worker.free()
        self._busy.clear()
        self._idle.clear()
        for end in self._waker:
            end.close()


_open: weakref.WeakSet[ProcessWorkers] = weakref.WeakSet()


@atexit.register  # after multiprocessing has registered its own, and so before that waits for workers for ever
def _end_all() -> None:
    for workers in list(_open):
        workers.close(graceful=False)
    close_shared()


class _TaskSender:
    """The first message about a task, and the pages that belong to it, made when the first worker gets it."""

    def __init__(self, message: TaskMessage, pace: float) -> None:
        self._message = message
        self._pace = pace
        self._sent: bytes | None = None
        self._pages: list[SharedBuffer] = []

    def send(self, connection: Connection) -> None:
        """To one worker."""
        if self._sent is None:
            data, buffers, main, path = self._message
            self._pages = [SharedBuffer(buffer) for buffer in buffers]
            lengths = [buffer.nbytes for buffer in buffers]
            self._sent = child.TASK + pickle.dumps((data, lengths, main, path, self._pace, level_here()))
        traffic.bytes += len(self._sent)
        connection.send_bytes(self._sent)
        for pages in self._pages:
            pages.send(connection)


# What follows guards the start of processes against what else happens in this one.

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


def _preload(task: bytes) -> None:
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


class _Worker:
    """The parent's side of one worker: its process, its pipe, and what it is at.

    `start` names its chunk, `next_item` is the first item of it that is not back.  `items` counts all that it has
    done.  `heard` is when it last sent something or was sent a chunk, `told` when it got its task.  `ready` says that
    it has started the task, `rested` that it came from a shelf, `dead` that it is of no more use.
    """

    def __init__(self, mp: BaseContext, inner_threads: int | None, memory: int | None) -> None:
        self.start = self.next_item = -1
        self.task = self.items = 0
        self.message = b""
        self._beside: list[bytearray | memoryview] = []  # large buffers of the next piece
        self.heard = self.told = 0.0
        self.began = time.monotonic()
        self.ready = self.rested = self.dead = False
        self._fresh = True
        self._newest_known = max(time.time(), newest_edit())
        self._sent = False
        forked = mp.get_start_method() == "fork"
        with _starting:
            self.connection, theirs = mp.Pipe()
            try:
                _parent_ends.add(self.connection)
                self.process = mp.Process(  # type: ignore[attr-defined]
                    target=child.serve, args=(theirs, inner_threads, memory, forked), name="factorpool", daemon=True
                )
                with _no_interrupt(), nullcontext() if forked else _without_main():
                    self.process.start()
            except BaseException:
                self.connection.close()
                raise
            finally:
                theirs.close()
            _processes.add(self.process)

    # On the shelf.

    def alive(self) -> bool:
        """Whether its process is there."""
        return bool(self.process.is_alive())

    def up_to_date(self) -> bool:
        """Whether it is younger than the files of the modules that it may have imported."""
        return newest_edit() <= self._newest_known

    def rest(self, seconds: float | None) -> None:
        """Has it drop its task, and end if it is left alone for so long."""
        self.task = 0
        self.rested, self.ready, self._fresh = True, False, False
        with suppress(OSError):
            self.connection.send_bytes(child.REST + pickle.dumps(seconds))

    def tell_to_end(self) -> None:
        """Has it flush what was printed, and end."""
        with suppress(OSError):
            self.connection.send_bytes(child.END)

    def join(self, seconds: float) -> None:
        """Waits for its end, for at most so long."""
        self.process.join(seconds)

    def free(self) -> None:
        """Frees all that the worker holds, itself too."""
        self.process.kill()
        self.process.join()
        with _starting:
            self.connection.close()
        self.process.close()

    # At work.

    def take_up(self, number: int, task: _TaskSender) -> None:
        """Sends it a task."""
        self.task = number
        self.ready = False
        self.told = time.monotonic()
        with suppress(OSError):  # it has died: `receive` will see its end of file
            task.send(self.connection)

    def give(self, start: int, message: bytes) -> bool:
        """Sends a chunk; False if the worker is dead.

        One that is not ready yet gets a large chunk later: it would block the caller till then.
        """
        self.start = self.next_item = start
        self.message = message
        self._sent = False
        return self._send() if self.ready or len(message) <= SMALL_BYTES else True

    def _send(self) -> bool:
        try:
            self.connection.send_bytes(child.CHUNK + self.message)
        except OSError:
            return not self.ready  # if it has not started yet, `receive` says why it has ended
        self._sent = True
        self.heard = time.monotonic()
        return True

    def receive(self) -> list[Event]:
        """The next piece of the chunk, or nothing once the worker is ready."""
        try:
            # Where the process has ended, a child of its own may hold the pipe open: then nothing will come.
            if not self.process.is_alive() and not self.connection.poll():
                return self._died()
            message = self.connection.recv_bytes()
            if message.startswith(child.PAGES):
                return self._receive_pages(int(message.removeprefix(child.PAGES)))
        except ConnectionResetError:  # it has not even read what it was sent: no item of that is to blame
            self._sent = False
            return self._died()
        except (EOFError, OSError):
            return self._died()
        if message.startswith(child.LOG):
            handle_record(message.removeprefix(child.LOG))
            return []
        self.heard = time.monotonic()
        if self.ready:
            beside, self._beside = self._beside, []
            try:
                piece = decode(message, beside)
            except NotPicklableError as error:
                return self._failed(error)
            self.next_item += piece.items
            self.items += piece.items
            return events_of(self.start, piece)
        if not message.startswith(child.READY):
            raise_failure(message)
        self.ready = True
        if self._fresh:
            self._fresh = False
            remember_start("processes", float(message.removeprefix(child.READY)) - self.began)
        if not self._sent:
            self._send()  # if it has died meanwhile, its end of file comes next
        return []

    def _receive_pages(self, length: int) -> list[Event]:
        """A large buffer of the piece that comes next."""
        try:
            pages = receive(self.connection, length, "a result", MAPPED_BYTES)
        except FactorpoolError as error:
            return self._failed(error)
        self._beside.append(bytearray(self.connection.recv_bytes()) if pages is None else pages)
        return []

    def _failed(self, error: FactorpoolError) -> list[Event]:
        """The next piece cannot be had.  More may follow: the rest is better begun anew."""
        self.dead = True
        return [Failed(self.start, 0, error, 0.0), Free(self.start)]

    def _died(self) -> list[Event]:
        self.process.join(GRACEFUL_SECONDS)
        self.process.kill()  # if it has closed its pipe and goes on
        self.process.join()
        begun = self.ready and self._sent
        self.dead = True
        return [Died(self.start, self.process.exitcode, begun)]
