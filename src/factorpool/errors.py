"""The exceptions of factorpool.

    FactorpoolError
    ├── InputError                  a value that cannot be factored: .value, .index
    │   ├── NumberTypeError         not an integer; also a TypeError
    │   └── NumberValueError        an integer out of range; also a ValueError
    ├── OptionError                 an option that makes no sense; also a ValueError
    │   └── StrategyUnavailableError    a strategy that this machine cannot run
    ├── BrokenPoolError             no worker of a pool can start; also a concurrent.futures.BrokenExecutor
    ├── TooLargeError               a result that cannot be held; also a MemoryError
    ├── StartError                  a worker cannot be started for want of a resource
    ├── NotPicklableError           something cannot travel to or from a worker; also a TypeError
    ├── ItemTimeoutError            an item took longer than `timeout`; also a TimeoutError
    ├── UnfinishedError             a number is not factored whole: .primes, .composites; also a TimeoutError
    ├── CheckpointError             a checkpoint that cannot be read or written
    └── WorkerDiedError             a worker ended before its chunk was done: .start, .stop, .exitcode

What the user's own function raises is passed on as it is, with a note that says for which item.
"""

from __future__ import annotations

import signal


class FactorpoolError(Exception):
    """Base of every exception that factorpool raises itself."""


class InputError(FactorpoolError):
    """A value that cannot be factored; `value` is it, `index` its position in the input (None for a single one)."""

    def __init__(self, message: str, value: object = None, index: int | None = None) -> None:
        super().__init__(message)
        self.value = value
        self.index = index

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.args[0], self.value, self.index)


class NumberTypeError(InputError, TypeError):
    """The value is not an integer: a float, a bool, a string, None."""


class NumberValueError(InputError, ValueError):
    """The value is an integer that has no factorization here: zero, negative, or longer than the limit."""


class OptionError(FactorpoolError, ValueError):
    """An option has a value that makes no sense; the message says which are possible."""


class StrategyUnavailableError(OptionError):
    """The strategy exists but cannot run here; the message says why."""


class TooLargeError(FactorpoolError, MemoryError):
    """A result that this machine cannot hold."""


class StartError(FactorpoolError):
    """A further worker cannot be started: the system is out of processes, threads, descriptors or memory."""


class NotPicklableError(FactorpoolError, TypeError):
    """A function, item, result or exception cannot be pickled and so cannot travel to or from a worker.

    `index` is that of the item, where it is one item that cannot be sent.
    """

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.args[0], self.index)


class ItemTimeoutError(FactorpoolError, TimeoutError):
    """Item `index` took longer than `timeout` seconds, and its worker was killed."""

    def __init__(self, index: int, timeout: float) -> None:
        super().__init__(f"item {index} took longer than timeout={timeout:g} s; its worker was killed")
        self.index = index
        self.timeout = timeout

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.index, self.timeout)


class UnfinishedError(FactorpoolError, TimeoutError):
    """`number` is not factored whole, because its time was up or Ctrl-C was pressed.

    It is the product of `primes` and `composites`, each with its exponent; `index` is its position in the input.
    """

    def __init__(
        self, number: int, primes: dict[int, int], composites: dict[int, int], index: int | None, why: str
    ) -> None:
        found = " ".join(show(p) for p, e in primes.items() for _ in range(e)) or "no prime"
        left = " and ".join(
            f"a composite of {digits(c)} digits{f' to the power {e}' if e > 1 else ''}" for c, e in composites.items()
        )
        item = "" if index is None else f"item {index}: "
        super().__init__(f"{item}{show(number)} is not factored whole, {why}: found {found}; left {left}")
        self.number = number
        self.primes = primes
        self.composites = composites
        self.index = index
        self.why = why

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.number, self.primes, self.composites, self.index, self.why)


class CheckpointError(FactorpoolError):
    """A checkpoint that cannot be read or written, or is damaged; the message names the file and the remedy."""


class WorkerDiedError(FactorpoolError, RuntimeError):
    """A worker ended before it answered: items `start` to `stop` (exclusive) were in it.

    `exitcode` is the process's, as in `multiprocessing`: negative for a signal.  `ready` is False where the worker had
    not even begun, so that no item is to blame.  `why` is what the system that had the worker says of its death, where
    that is not an exit code.
    """

    def __init__(self, start: int, stop: int, exitcode: int | None, ready: bool = True, why: str | None = None) -> None:
        if why is not None:
            cause = why
        elif exitcode is not None and exitcode < 0:
            try:
                cause = f"was killed by {signal.Signals(-exitcode).name}"
            except ValueError:
                cause = f"was killed by signal {-exitcode}"
        else:
            cause = f"ended with exit code {exitcode}"
        items = f"item {start}" if stop - start == 1 else f"items {start} to {stop - 1}"
        hint = "" if ready else "; it had not started yet: does an import or the initializer end the process?"
        super().__init__(f"a worker {cause} while it had {items}{hint}")
        self.start = start
        self.stop = stop
        self.exitcode = exitcode
        self.ready = ready
        self.why = why

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.start, self.stop, self.exitcode, self.ready, self.why)


def show(value: object) -> str:
    """A repr for a message: it fits on a line, and does not fail, even for an integer of any length."""
    try:
        text = repr(value)
    except Exception:
        bits = f" of {value.bit_length()} bits" if isinstance(value, int) else ""
        return f"<{type(value).__name__}{bits}>"
    return text if len(text) <= 60 else f"{text[:40]}...{text[-10:]}"


def digits(n: int) -> int:
    """The decimal digits of n > 0, of any length."""
    count = int(n.bit_length() * 0.30103)  # log10(2)
    return count + int(n >= 10**count)


def annotate(error: BaseException, note: str) -> None:
    """`error.add_note(note)`, also for an exception that refuses attributes, such as a frozen dataclass."""
    set_attribute(error, "__notes__", [*getattr(error, "__notes__", []), note])


def set_attribute(error: BaseException, name: str, value: object) -> None:
    """Sets an attribute of an exception, past a `__setattr__` of its own."""
    object.__setattr__(error, name, value)


class RemoteTraceback(Exception):  # noqa: N818 (not an error: the text of one, shown as its cause)
    """The traceback in the worker, as text: the `__cause__` of an exception that came from one."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""'
