"""The progress bar of long work, on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Bar:
    """A bar beside the numbers done and their rate; without a size, no end is shown.

    `position` says how far along `size` it is, given the numbers done: they themselves, or the bytes read.
    """

    def __init__(self, position: Callable[[int], int], size: int | None, things: str = "numbers") -> None:
        self._position = position
        self._things = things
        self._started = time.monotonic()
        self._progress = Progress(
            BarColumn(),
            TextColumn("{task.fields[text]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._bar = self._progress.add_task("", total=size, text="")

    def __enter__(self) -> Callable[[int], None]:
        self._progress.start()
        return self.advance

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def note(self, line: str) -> None:
        """Prints a line above the bar."""
        self._progress.console.print(line, markup=False, highlight=False)

    def advance(self, done: int) -> None:
        """So many are done by now."""
        rate = done / max(time.monotonic() - self._started, 1e-3)
        self._progress.update(self._bar, completed=self._position(done), text=f"{done:,} {self._things}, {rate:,.0f}/s")
