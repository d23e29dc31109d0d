"""How functions, items and results become bytes for workers that share no memory with the caller, and come back.

Plain pickle first: it refers to functions and classes by the names under which a worker imports them.  What has no such
name (a lambda, a closure, whatever was defined in the main module) goes by value, with cloudpickle.  Where something
still cannot travel, the error says which: the function, an item, a result, an exception.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import process, spawn
from types import CodeType, FunctionType, MethodType
from typing import Any, NamedTuple

from factorpool.errors import FactorpoolError, NotPicklableError, RemoteTraceback, set_attribute, show
from factorpool.pool.protocol import Chunk, Piece, Task, TaskRef, to_the_last

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Buffer

REMEDY = "see to it that it can be pickled, or use strategy='threads'"

LARGE_BYTES = 1 << 20
"""A buffer of this size or more, such as that of an array which a function has captured, is kept out of the pickle:
workers of one machine then share its pages."""

LARGE_RESULT_BYTES = 1 << 18
"""The same of what a worker process sends back: from here on pages take less of the caller's time than a pipe does, at
8 MB a quarter of it."""

MAIN = b"__main__"
"""What stands in a pickle that refers to the main module: a worker has another one."""


class Traffic:
    """Bytes of all messages between this process and workers; threads that count at once may lose one now and then."""

    bytes = 0


traffic = Traffic()


class TaskMessage(NamedTuple):
    """A pickled task: its bytes, the large buffers that belong to them, and where its modules are found.

    `main` says how to import the main module first, for the few tasks that refer to it and cannot travel by value.
    """

    data: bytes
    buffers: list[memoryview]
    main: dict[str, Any] | None
    path: list[str]


def task_message(ref: TaskRef, inherits: bool) -> TaskMessage:
    """The message of a task, made once; `inherits` if workers are copies of this process, main module and all.

    Raises a NotPicklableError that names the function, or the part of it that cannot travel.
    """
    found: TaskMessage | None = ref.messages.get(inherits)
    if found is None:
        found = ref.messages[inherits] = _pickle_task(ref.task, inherits)
    return found


def _pickle_task(task: Task, inherits: bool) -> TaskMessage:
    buffers: list[memoryview] = []
    keep = _keeper(buffers, LARGE_BYTES)
    named: tuple[bytes, list[memoryview]] | None = None
    with suppress(Exception):  # what has no name goes by value
        data = pickle.dumps(task, pickle.HIGHEST_PROTOCOL, buffer_callback=keep)
        if inherits or MAIN not in data:
            return TaskMessage(data, buffers, None, _search_path())
        named = data, buffers[:]
    buffers.clear()
    try:
        return TaskMessage(by_value(task, keep), buffers, None, _search_path())
    except Exception as error:
        main = _main_module() if named else None
        if named and main is not None:  # by name then, from a main module that a worker can import
            return TaskMessage(*named, main, _search_path())
        fn = getattr(task, "fn", task)
        raise NotPicklableError(
            f"the function or its arguments cannot be pickled to reach a worker: {culprit(task) or show(fn)}: "
            f"{type(error).__name__}: {error}; {REMEDY}"
        ) from error


def _keeper(buffers: list[memoryview], least: int) -> Callable[[pickle.PickleBuffer], bool]:
    """Keeps buffers of so many bytes out of a pickle: they are put there."""

    def keep(buffer: pickle.PickleBuffer) -> bool:
        """Whether it stays in the pickle."""
        raw = buffer.raw()
        if raw.nbytes < least:
            return True
        buffers.append(raw)
        return False

    return keep


def by_value(value: object, keep: Callable[[pickle.PickleBuffer], bool] | None = None, *, back: bool = False) -> bytes:
    """The bytes of a value, with whatever the other side cannot import in them.

    `back` says that it goes to where the task came from.
    """
    file = io.BytesIO()
    pickler = _pickler()(file, pickle.HIGHEST_PROTOCOL, buffer_callback=keep)
    pickler.back = back
    pickler.dump(value)
    return file.getvalue()


copied = False
"""In a worker that was forked from the caller: the main module is the same on both sides."""


def dumps(value: object, by_name: bool = False, *, back: bool = False, beside: list[memoryview] | None = None) -> bytes:
    """The bytes of an item or a result: by name if the other side has the name, else by value.

    Its large buffers are put `beside`, if there is such a list, and are to travel with them.
    """
    keep = None if beside is None else _keeper(beside, LARGE_RESULT_BYTES)
    with suppress(Exception):
        data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL, buffer_callback=keep)
        if by_name or copied or MAIN not in data:
            return data
    if beside is not None:
        beside.clear()
    return by_value(value, keep, back=back)


_made_here: set[str] = set()
_pickler_class: type[pickle.Pickler] | None = None


def _pickler() -> type[Any]:
    """cloudpickle's pickler, imported once it is needed.

    cloudpickle sends a class by value each time.  One that came with a task or an item goes back as a name for what the
    caller has, so that `isinstance` holds there and the class stays as it is.
    """
    global _pickler_class
    if _pickler_class is None:
        import cloudpickle
        from cloudpickle import cloudpickle as tracker

        class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
            back = False

            def reducer_override(self, obj: Any) -> Any:
                if not isinstance(obj, type):
                    return super().reducer_override(obj)
                number = tracker._DYNAMIC_CLASS_TRACKER_BY_CLASS.get(obj)
                if self.back and number is not None and number not in _made_here:
                    return _class_of_the_other_side, (number,)
                reduced = super().reducer_override(obj)
                if number := tracker._DYNAMIC_CLASS_TRACKER_BY_CLASS.get(obj):
                    _made_here.add(number)
                return reduced

        _pickler_class = Pickler
    return _pickler_class


def _class_of_the_other_side(number: str) -> type:
    """The class that this side once sent by value."""
    from cloudpickle import cloudpickle as tracker

    found: type = tracker._DYNAMIC_CLASS_TRACKER_BY_ID[number]
    return found


def culprit(value: object) -> str | None:
    """The smallest part of a function or task that cannot travel, in words; None if no part is found."""
    fn = getattr(value, "fn", value)
    parts: list[tuple[str, object]] = []
    if isinstance(fn, FunctionType):
        where = f"of {fn.__qualname__}"
        for name, cell in zip(fn.__code__.co_freevars, fn.__closure__ or (), strict=True):
            try:
                parts.append((f"the closure variable {name!r} {where}", cell.cell_contents))
            except ValueError:  # still empty
                continue
        parts += [(f"the global {n!r} {where}", fn.__globals__[n]) for n in _names(fn.__code__) if n in fn.__globals__]
        parts += [(f"a default argument {where}", default) for default in fn.__defaults__ or ()]
    elif isinstance(fn, MethodType):
        parts = [(f"the object of the method {fn.__qualname__}, {show(fn.__self__)}", fn.__self__)]
    elif hasattr(fn, "func") and hasattr(fn, "args") and hasattr(fn, "keywords"):
        parts = [("the function of the partial", fn.func)]
        parts += [(f"argument {i} of the partial, {show(a)}", a) for i, a in enumerate(fn.args)]
        parts += [(f"argument {k!r} of the partial, {show(a)}", a) for k, a in fn.keywords.items()]
    if fn is not value and (initializer := getattr(value, "initializer", None)) is not None:
        parts.append(("the initializer", initializer))
        initargs = getattr(value, "initargs", ())
        parts += [(f"argument {i} of the initializer, {show(a)}", a) for i, a in enumerate(initargs)]
    for name, part in parts:
        if part is fn:  # a function that calls itself
            continue
        try:
            by_value(part)
        except Exception:
            return name if show(part) in name else f"{name}, {show(part)}"
    return None


def _names(code: CodeType) -> set[str]:
    """The global names that code and the functions within it may refer to."""
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, CodeType)]
    return set(code.co_names).union(*inner)


def _search_path() -> list[str]:
    """Where modules are found here."""
    here = process.ORIGINAL_DIR  # type: ignore[attr-defined]
    return [here if path == "" and here is not None else str(path) for path in sys.path]


def _main_module() -> dict[str, Any] | None:
    """How to import the caller's main module, as `multiprocessing.spawn.prepare` wants it; None if it is no file."""
    main = sys.modules["__main__"]
    found: dict[str, Any] = {"sys_path": _search_path(), "sys_argv": sys.argv}
    if spec := getattr(main, "__spec__", None):
        found["init_main_from_name"] = spec.name
    elif path := getattr(main, "__file__", None):
        found["init_main_from_path"] = os.path.join(process.ORIGINAL_DIR or "", path)  # type: ignore[attr-defined]
    return found if len(found) > 2 else None


def load_task(message: TaskMessage, buffers: list[Any]) -> Task:
    """In the worker: the task of a message, the large buffers of which have arrived."""
    sys.path[:] = message.path
    if message.main is not None:
        _import_main(message.main)
    try:
        task: Task = pickle.loads(message.data, buffers=buffers)
    except (AttributeError, ImportError) as error:
        raise NotPicklableError(f"a worker cannot import what it was sent: {error}; {REMEDY}") from error
    return task


def _import_main(main: dict[str, Any]) -> None:
    """Imports the caller's main module, as `multiprocessing` would, and with its guards."""
    current = process.current_process()
    current._inheriting = True  # type: ignore[attr-defined]  # multiprocessing itself starts no process meanwhile
    try:
        spawn.prepare(main)
    except Exception as error:
        raise FactorpoolError(
            f"a worker cannot import the main module: {type(error).__name__}: {error}; if that module starts work as "
            'soon as it is imported, put what starts it under `if __name__ == "__main__":`'
        ) from error
    finally:
        del current._inheriting  # type: ignore[attr-defined]


def chunk_message(chunk: Chunk, by_name: bool) -> bytes:
    """A chunk as a message; a NotPicklableError names the first item that cannot travel.

    `by_name` says that workers have the caller's main module.
    """
    try:
        message = pickle.dumps((chunk.start, chunk.pace, dumps(chunk.payload, by_name)), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        cause = error
    else:
        traffic.bytes += len(message)
        return message
    for index, item in enumerate(chunk.payload, chunk.start):
        try:
            dumps(item, by_name)
        except Exception as error:
            what = f"item {index}, {show(item)}, cannot be pickled to reach a worker: {error}"
            raise NotPicklableError(what, index) from error
    raise NotPicklableError(f"items {chunk.start} and following cannot be pickled together: {cause}") from cause


def start_failure(error: BaseException) -> bytes:
    """In the worker: what keeps a task from starting, as a message."""
    from traceback import format_exception

    trace = "".join(format_exception(error))
    try:
        message = dumps((error, trace), back=True)
        pickle.loads(message)
    except Exception:
        message = pickle.dumps((FactorpoolError(f"a worker could not start: {type(error).__name__}: {error}"), trace))
    return message


def raise_failure(message: bytes) -> None:
    """In the caller: raises what `start_failure` has made a message of."""
    error, trace = pickle.loads(message)
    raise error from RemoteTraceback(trace)


def answers(
    task: Task,
    message: Buffer,
    stop: bytearray | memoryview,
    most: float,
    seconds: float = math.inf,
    beside: list[memoryview] | None = None,
) -> Iterator[bytes]:
    """In the worker: runs a chunk and gives each piece as a message, after at most `most` seconds.

    After `seconds` it ends with the next piece that may be the last.  What is `beside` a message, if there is such a
    list, is to be sent and taken out of it before the next.
    """
    until = time.monotonic() + seconds
    start, pace, items = pickle.loads(message)
    try:
        payload = pickle.loads(items)
    except BaseException as error:
        cause = NotPicklableError(f"an item cannot be unpickled in the worker: {type(error).__name__}: {error}")
        yield _encode(Piece(0, None, cause, 0.0, True))
        return
    try:
        for piece in to_the_last(task.pieces(payload, start, stop, min(pace, most))):
            try:
                yield _encode(piece, beside)
            except Exception as error:
                if beside is not None:
                    beside.clear()
                yield from _one_by_one(piece, error)
            if not piece.followed and time.monotonic() > until:
                return
    except KeyboardInterrupt as error:  # of the function's own making
        yield _encode(Piece(0, None, error, 0.0, True))


def _encode(piece: Piece, beside: list[memoryview] | None = None) -> bytes:
    """A piece as a message.  An error's notes go with it: an exception need not keep them when it is pickled."""
    if piece.error is None:
        return dumps((*piece, "", []), back=True, beside=beside)
    from traceback import format_exception  # here, for it takes longer to import than all the rest of this module

    trace = "".join(format_exception(piece.error))
    message = dumps((*piece, trace, list(getattr(piece.error, "__notes__", []))), back=True)
    pickle.loads(message)  # an exception may pickle and still not unpickle: its arguments may not be its own
    return message


def _one_by_one(piece: Piece, cause: Exception) -> Iterator[bytes]:
    """A piece of which something cannot be pickled: the error that says what, beside the results that can."""
    if piece.items == 1 or piece.error is not None:
        what = "the result" if piece.error is None else f"the exception {show(piece.error)}"
        error = NotPicklableError(f"{what} cannot be pickled to leave the worker: {cause}")
        error.__notes__ = getattr(piece.error, "__notes__", [])
        yield _encode(piece._replace(value=None, error=error))
        return
    for at, value in enumerate(piece.value, 1):
        single = Piece(1, [value], None, piece.seconds / piece.items, piece.last and at == piece.items)
        try:
            yield _encode(single)
        except Exception as error:
            yield from _one_by_one(single, error)


def decode(message: Buffer, beside: Sequence[Buffer] = ()) -> Piece:
    """In the caller: a piece from a message, and from what came beside it."""
    traffic.bytes += memoryview(message).nbytes + sum(memoryview(buffer).nbytes for buffer in beside)
    try:
        *fields, trace, notes = pickle.loads(message, buffers=beside)
    except Exception as cause:
        raise NotPicklableError(f"a result cannot be unpickled here: {type(cause).__name__}: {cause}") from cause
    piece = Piece(*fields)
    if piece.error is not None and trace:
        set_attribute(piece.error, "__cause__", RemoteTraceback(trace))
        if notes:
            set_attribute(piece.error, "__notes__", notes)
    return piece
