"""Mistakes in files: the first of them are reported one by one, of the others how many there were."""

from __future__ import annotations

from collections.abc import Callable

MOST_REPORTED = 20


class Mistakes:
    """Counts mistakes, and reports them."""

    def __init__(self, report: Callable[[str], None], count: int = 0) -> None:
        self._report = report
        self.count = count

    def add(self, line: str) -> None:
        """One more."""
        self.count += 1
        if self.count <= MOST_REPORTED:
            self._report(line)

    def end(self) -> None:
        """There will be no more."""
        if self.count > MOST_REPORTED:
            self._report(f"... and {self.count - MOST_REPORTED} more of that kind")
