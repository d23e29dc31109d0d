"""What runs in a worker of somebody else's executor: one chunk, with a task that came once and stays.

A worker is a thread of a process that is not factorpool's, perhaps on another machine: so it has to be asked whether it
is of the same versions, nothing of it is changed for good, and results come back all at once, with the log records.
"""

from __future__ import annotations

import logging
import os
import pickle
import socket
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, NamedTuple

from factorpool.pool import pickling
from factorpool.pool.inside import working
from factorpool.pool.logs import record_sender
from factorpool.pool.protocol import Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

CHUNK_SECONDS = 1.0
"""A chunk ends after this time, with the item that runs then: what is not done is sent again, and a worker that dies
takes no more with it."""

PIECE_SECONDS = 0.1
"""How much is packed into one message of an answer."""

LOOK_SECONDS = 0.05
"""How often it is looked whether an item takes too long."""

GIL_SECONDS = 1.0
"""How much longer an item may take that holds the GIL all the time, so that nothing can be told of it."""

LARGE_BYTES = 100_000
"""Ray keeps what is smaller in the call itself, where a buffer costs it a millisecond more."""

MOST_TASKS = 4
"""Tasks that a worker keeps, so that runs that take turns need not send theirs each time."""


class Sender(NamedTuple):
    """Who sends a chunk: process, versions, the level of its log, and whether answers may be `buffers`."""

    process: str
    versions: tuple[str, str]
    level: int | None
    buffers: bool = False


class Limit(NamedTuple):
    """Seconds that an item may take, and how it is told, before the worker ends itself, which item has taken longer."""

    seconds: float
    tell: Callable[[int], object]


class NeedsTask(NamedTuple):
    """The worker does not have the task; it is to be sent along."""


class OtherVersions(NamedTuple):
    """The worker's versions of Python and factorpool are not the caller's."""

    where: str
    versions: tuple[str, str]


class NotStarted(NamedTuple):
    """The task cannot start, and why, as `pickling.raise_failure` takes it."""

    failure: bytes


class Answer(NamedTuple):
    """What is done of the chunk, as messages, and log records."""

    messages: list[Any]
    records: list[bytes]


def run_chunk(
    key: tuple[str, int], data: Buffer | None, chunk: Buffer, sender: Sender, limit: Limit | None = None
) -> Answer | NeedsTask | OtherVersions | NotStarted:
    """Runs a chunk of the task `key`, which `data` is the message of, unless this worker should have it."""
    if sender.versions != versions():
        return OtherVersions(f"{socket.gethostname()}, process {os.getpid()}", versions())
    records: list[bytes] = []
    with working(), _records_into(records, sender):
        try:
            task = _find_task(key, data)
            if (setup := getattr(task, "setup", None)) is not None:
                setup()  # which knows whether this thread has had it
        except BaseException as error:
            return NotStarted(pickling.start_failure(error))
        if task is None:
            return NeedsTask()
        never = bytearray(1)
        if limit is None:
            messages = list(pickling.answers(task, chunk, never, PIECE_SECONDS, CHUNK_SECONDS))
        else:
            with _watched(limit, messages := []):  # each item is a message
                for message in pickling.answers(task, chunk, never, 0.0, CHUNK_SECONDS):
                    messages.append(message)
    return Answer([beside(message) for message in messages] if sender.buffers else messages, records)


def beside(message: bytes) -> bytes | pickle.PickleBuffer:
    """A message, if it is large as a buffer that travels beside the pickle of a call."""
    return message if len(message) < LARGE_BYTES else pickle.PickleBuffer(message)


_tasks: OrderedDict[tuple[str, int], Task] = OrderedDict()
_lock = threading.Lock()


def _find_task(key: tuple[str, int], data: Buffer | None) -> Task | None:
    """The task, started, if it is here or has been sent along."""
    with _lock:
        if key in _tasks:
            _tasks.move_to_end(key)
            return _tasks[key]
        if data is None:
            return None
        message, buffers = unpack(data)
        known = {*sys.path}
        here = [path for path in message.path if path not in known and os.path.isdir(path)]
        task = pickling.load_task(message._replace(path=[*sys.path, *here]), buffers)
        task.start()
        _tasks[key] = task
        while len(_tasks) > MOST_TASKS:
            _tasks.popitem(last=False)
        return task


def pack(message: pickling.TaskMessage) -> bytes:
    """A task as bytes, large buffers and all."""
    return pickle.dumps(
        (message._replace(buffers=[]), [pickle.PickleBuffer(b).raw().tobytes() for b in message.buffers])
    )


def unpack(data: Buffer) -> tuple[pickling.TaskMessage, list[Any]]:
    """What was packed; buffers can be written to."""
    message, buffers = pickle.loads(data)
    return message, [bytearray(buffer) for buffer in buffers]


@contextmanager
def _watched(limit: Limit, messages: list[bytes]) -> Iterator[None]:
    """Ends this process once an item takes too long: nothing less ends a function that is running.

    A thread tells which item it was, and ends it.  If an item holds the GIL, that thread cannot run, and that of
    faulthandler, which needs no GIL, ends the process a little later.
    """
    import faulthandler  # here: subinterpreters cannot have it

    over = threading.Event()

    def watch() -> None:
        done, began = -1, 0.0
        while True:
            now = time.monotonic()
            if len(messages) > done:
                done, began = len(messages), now
                faulthandler.dump_traceback_later(limit.seconds + GIL_SECONDS, exit=True, file=nowhere)
            elif now - began > limit.seconds:
                limit.tell(done)
                os._exit(1)
            if over.wait(min(LOOK_SECONDS, limit.seconds / 4)):
                return

    with open(os.devnull, "w") as nowhere:
        watcher = threading.Thread(target=watch, name="factorpool-limit", daemon=True)
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()
            faulthandler.cancel_dump_traceback_later()


@contextmanager
def _records_into(records: list[bytes], sender: Sender) -> Iterator[None]:
    """Keeps the log records of this thread, unless the caller's own handlers are here and have them anyway."""
    if sender.level is None or sender.process == process():
        yield
        return
    root, handler = logging.getLogger(), record_sender(records.append)
    with _logging.lock:  # several threads may be at it at once
        if not _logging.users:
            _logging.level = root.level
        _logging.users += 1
        root.setLevel(min(root.level, sender.level))
        root.addHandler(handler)
    try:
        yield
    finally:
        with _logging.lock:
            root.removeHandler(handler)
            _logging.users -= 1
            if not _logging.users:
                root.setLevel(_logging.level)


class _logging:  # noqa: N801 (one, and no instance)
    """What the root logger's level was, and how many threads have it changed."""

    lock = threading.Lock()
    users = 0
    level = 0


@cache
def versions() -> tuple[str, str]:
    """Of Python and factorpool."""
    from importlib.metadata import version

    return "{}.{}".format(*sys.version_info), version("factorpool")


def process() -> str:
    """This process, as no other is called."""
    return f"{socket.gethostname()}:{os.getpid()}"
