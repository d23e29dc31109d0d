"""Sources: where items come from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from factorpool.pool import source as sources
from factorpool.pool.source import BlockSource, IteratorSource


def test_iterator_source_gives_items_before_the_error() -> None:
    def items() -> Iterator[int]:
        yield from (1, 2, 3)
        raise KeyError("x")

    source = IteratorSource(items())
    assert source.take(2) == [1, 2]
    assert source.take(2) == [3]
    with pytest.raises(KeyError):
        source.take(2)


def test_block_source_never_crosses_blocks() -> None:
    source = BlockSource(iter([[1, 2, 3], [], [4]]), lambda: False)
    assert [list(source.take(2)) for _ in range(2)] == [[1, 2], [3]]
    assert not source.ready(1)
    assert [list(source.take(2)) for _ in range(2)] == [[4], []]
    assert source.ready(1)  # to say that this is the end


@pytest.mark.parametrize(("ready", "prepared"), [(lambda: True, True), (lambda: False, False), (None, False)])
def test_a_block_is_prepared_where_it_takes_no_waiting(ready: Callable[[], bool] | None, prepared: bool) -> None:
    blocks = iter([[1], [2], [3]])
    source = BlockSource(blocks, ready)
    assert source.prepare() == prepared
    assert source.take(1) == [1]
    assert source.prepare() == prepared
    assert source.prepare() == prepared
    assert source.take(5) == [2]
    assert list(blocks) == [[3]]


def test_what_comes_after_an_empty_block_may_have_to_be_waited_for() -> None:
    blocks = iter([[1], [], [2], []])
    there = iter([True, True, False, True, True, True])
    source = BlockSource(blocks, lambda: next(there))
    assert source.ready(9)
    assert source.take(9) == [1]
    assert not source.ready(9)  # the empty one was there, and no more
    assert source.ready(9)
    assert source.take(9) == [2]
    assert source.ready(9)  # to say that this is the end
    assert not source.take(9)


def test_an_iterator_that_is_slow_is_not_drawn_from_for_long() -> None:
    def items() -> Iterator[int]:
        for n in range(100):
            time.sleep(0.004)
            yield n

    source = IteratorSource(items())
    taken = source.take(100)
    assert 1 <= len(taken) < 20
    assert taken == list(range(len(taken)))


def test_an_item_is_drawn_however_late_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that is suspended just then has lost the time, and not the items."""
    monkeypatch.setattr(sources, "DRAW_SECONDS", -1.0)
    source = IteratorSource(iter([1, 2, 3]))
    assert [list(source.take(2)) for _ in range(4)] == [[1], [2], [3], []]
