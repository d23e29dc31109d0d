"""Memory for columns."""

from __future__ import annotations

import pytest

from factorpool import _native
from factorpool.factoring.memory import LARGE, joined


@pytest.mark.parametrize("size", [0, 1, 1000, LARGE // 3, 2 * LARGE])
def test_parts_stand_one_after_the_other(size: int) -> None:
    parts = [bytes([n]) * (size + n) for n in range(7)]
    whole = joined([memoryview(part) for part in parts])
    assert whole == b"".join(parts)
    assert whole.readonly


def test_more_is_needed_than_any_machine_has() -> None:
    class Endless:
        def __len__(self) -> int:
            return 1 << 60

    with pytest.raises(MemoryError, match="bytes for a column"):
        joined([Endless()])  # type: ignore[list-item]


def test_what_does_not_fit_is_not_copied() -> None:
    target = bytearray(b"abcd")
    _native.copy(target, 1, b"xy")
    assert target == b"axyd"
    for start, part in ((3, b"xy"), (-1, b"x"), (5, b"")):
        with pytest.raises(ValueError, match="are more than 4"):
            _native.copy(target, start, part)
    with pytest.raises(TypeError):
        _native.copy(b"abcd", 0, b"x")  # type: ignore[arg-type]
