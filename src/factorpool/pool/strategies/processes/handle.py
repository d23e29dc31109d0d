"""The parent's side of one worker process: what it is sent, and what it says."""

from __future__ import annotations

import pickle
import time
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.context import BaseContext

from factorpool.errors import FactorpoolError, NotPicklableError
from factorpool.pool.edited import newest_edit
from factorpool.pool.logs import handle_record, level_here
from factorpool.pool.pickling import TaskMessage, decode, raise_failure, traffic
from factorpool.pool.protocol import Died, Event, Failed, Free, events_of
from factorpool.pool.starts import remember_start
from factorpool.pool.strategies.processes import worker as child
from factorpool.pool.strategies.processes.buffers import MAPPED_BYTES, SharedBuffer, receive
from factorpool.pool.strategies.processes.starting import close_end, start_process

GRACEFUL_SECONDS = 5.0
"""How long idle workers may take to flush what they have printed and end, before they are killed."""

SMALL_BYTES = 1 << 15
"""A chunk of up to this size is sent along with its task: the pipe holds it until the worker reads it."""


class TaskSender:
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


class Worker:
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
        self.connection, self.process = start_process(mp, inner_threads, memory)

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
        close_end(self.connection)
        self.process.close()

    # At work.

    def take_up(self, number: int, task: TaskSender) -> None:
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
