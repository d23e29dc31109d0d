"""The progress bar of long work, on standard error."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Bar:
    """A bar beside the numbers done and their rate, which `stages_only` leaves out; without a size, no end is shown."""

    def __init__(self, size: int | None = None, things: str = "numbers", stages_only: bool = False) -> None:
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
        self._bar = self._progress.add_task("", total=size, text="", visible=not stages_only)
        self._stage: TaskID | None = None

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def stage(self, what: str, done: int, total: int) -> None:
        """A row of its own for what one item takes: so many of `total` are done."""
        if self._stage is None:
            self._stage = self._progress.add_task("", total=total, text="")
        self._progress.update(self._stage, completed=done, total=total, text=f"{done:,} {what}")

    def note(self, line: str) -> None:
        """Prints a line above the bar."""
        self._progress.console.print(line, markup=False, highlight=False)

    def advance(self, done: int, position: int | None = None) -> None:
        """So many are done by now, which is so far along the size: they themselves, if no position is given."""
        rate = done / max(time.monotonic() - self._started, 1e-3)
        completed = done if position is None else position
        self._progress.update(self._bar, completed=completed, text=f"{done:,} {self._things}, {rate:,.0f}/s")
