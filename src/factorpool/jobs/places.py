"""Places in the input where reading can begin again, and the share of it that one of several jobs takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Place(NamedTuple):
    """A place in the input: before it are so many files, and of the next so much, in bytes of text or rows.

    `line` is the line, or row, that comes next; `bad` counts the mistakes before it.
    """

    file: int
    offset: int
    line: int
    bad: int


class Places:
    """The places behind blocks, by the positions of those, until they are asked for."""

    def __init__(self) -> None:
        self._places: dict[int, Place] = {}

    def add(self, position: int, place: Place) -> None:
        """Keeps one."""
        self._places[position] = place

    def at(self, position: int | None) -> Place | None:
        """The place behind a block, where one may begin again; of those before it nothing is known any more."""
        if position is None or position not in self._places:
            return None
        place = self._places[position]
        for before in [each for each in self._places if each <= position]:
            del self._places[before]
        return place


class Share(NamedTuple):
    """What a job takes of its input: one of so many `parts` of about the same size, `number` from 1 up."""

    number: int
    parts: int

    def of(self, size: int) -> tuple[int, int]:
        """Where its part of a whole begins and ends."""
        return size * (self.number - 1) // self.parts, size * self.number // self.parts

    def spans(self, sizes: Sequence[int]) -> list[tuple[int, int]]:
        """Where its part begins and ends in each of several files, which it has to be cut from as from one."""
        first, last = self.of(sum(sizes))
        spans, before = [], 0
        for size in sizes:
            spans.append((min(max(first - before, 0), size), min(max(last - before, 0), size)))
            before += size
        return spans
