"""Log records of workers, on their way to the handlers of the caller, who has set them up once for all."""

from __future__ import annotations

import pickle
import sys
import threading
from collections.abc import Callable

TYPE_CHECKING = False
if TYPE_CHECKING:
    import logging


def level_here() -> int | None:
    """The root logger's level; None if the program does not use logging."""
    logging = sys.modules.get("logging")
    return None if logging is None else int(logging.getLogger().level)


def record_sender(send: Callable[[bytes], object]) -> logging.Handler:
    """In a worker: a handler that sends what this thread logs; the way belongs to the thread that runs the items."""
    import logging

    class Sender(logging.Handler):
        """Sends what a record says; its arguments may be things that do not travel."""

        def emit(self, record: logging.LogRecord) -> None:
            if record.thread != here:
                return
            record.message = record.getMessage()
            fields = {**record.__dict__, "msg": record.message, "args": None, "exc_info": None}
            if record.exc_info and not record.exc_text:
                fields["exc_text"] = logging.Formatter().formatException(record.exc_info)
            kept = {name: value for name, value in fields.items() if isinstance(value, str | int | float | None)}
            send(pickle.dumps(kept))

    here = threading.get_ident()
    return Sender()


def send_records(level: int, send: Callable[[bytes], object]) -> None:
    """In a worker: has all records from this level on sent, and handled nowhere else."""
    import logging

    root = logging.getLogger()
    root.handlers[:] = [record_sender(send)]
    root.setLevel(level)


def handle_record(message: bytes) -> None:
    """In the caller: hands a worker's record to the handlers of its logger, if that wants it."""
    import logging

    record = logging.makeLogRecord(pickle.loads(message))
    logger = logging.getLogger(record.name)
    if logger.isEnabledFor(record.levelno):
        logger.handle(record)
