"""Numbers in text: read at once, or counted and left for those who factor them."""

from __future__ import annotations

import pickle
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factorpool.api import factor_blocks
from factorpool.factoring.block import Block, Kind, Text
from factorpool.jobs.reader import TOKEN_BYTES, Parser, Reader

PLAIN = st.integers(0, 2**64 - 1).map(str)
TOKENS = st.one_of(
    PLAIN,
    st.sampled_from(["+5", "007", "18446744073709551616", "99999999999999999999", "0" * 30 + "1", "1" * 70]),
    st.sampled_from(["x", "-3", "1.5", "5#6", "# 7 8", "#", "\ufeff9", "5..6", "9" * 5000]),
)
SPACES = st.sampled_from([" ", "\n", "\r\n", "\t", "\n\n", " \v\f"])


def read(text: bytes, cuts: list[int], parsed: bool) -> tuple[list[int], list[tuple[int, bytes]], int, int]:
    """The numbers, what is none with its line, the last line, and how many pieces were only counted."""
    bad: list[tuple[int, bytes]] = []
    parser = Parser(lambda line, token: bad.append((line, token)), parsed=parsed)
    numbers: list[int] = []
    counted = 0
    for start, stop in pairwise([0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]):
        found = parser.feed(text[start:stop])
        counted += isinstance(found, Text)
        numbers += Block(found)
    numbers += Block(parser.feed(b"\n", last=True))
    return numbers, bad, parser.line, counted


@given(st.lists(st.tuples(TOKENS, SPACES)), st.lists(st.integers(0, 10_000), max_size=5))
def test_a_text_is_the_same_whether_it_is_read_or_counted(tokens: list[tuple[str, str]], cuts: list[int]) -> None:
    text = "".join(token + space for token, space in tokens).encode()
    assert read(text, cuts, parsed=False)[:3] == read(text, cuts, parsed=True)[:3]


@given(st.lists(PLAIN, max_size=200), SPACES, st.lists(st.integers(0, 10_000), max_size=3))
def test_plain_numbers_are_only_counted(numbers: list[str], space: str, cuts: list[int]) -> None:
    found, bad, _, counted = read(space.join(numbers).encode(), cuts, parsed=False)
    assert found == [int(n) for n in numbers]
    assert not bad
    assert counted == len(cuts) + 1


@pytest.mark.parametrize("text", ["7" * (TOKEN_BYTES + 10), "#" + "7" * (TOKEN_BYTES + 10), "5#" + "x" * 70_000])
def test_long_tokens_and_comments_in_several_pieces(text: str) -> None:
    data = f"3 {text}\n5 ".encode()
    for cut in (1, 2, 4, 1000, TOKEN_BYTES, TOKEN_BYTES + 5, len(data) - 3):
        assert read(data, [cut], parsed=False)[:3] == read(data, [cut], parsed=True)[:3]


@given(st.lists(PLAIN, min_size=1, max_size=100), st.lists(st.tuples(st.integers(0, 110), st.integers(0, 110))))
def test_parts_of_what_was_counted(numbers: list[str], spans: list[tuple[int, int]]) -> None:
    values = [int(n) for n in numbers]
    text = " ".join(numbers).encode() + b"\n"
    block = Block(Text(b"12 " + text + b"13 ", len(values), 3, 3 + len(text)), position=9)
    assert list(block) == values
    assert block[len(values) - 1] == values[-1]
    for first, last in [(0, len(values)), *map(sorted, spans)]:
        part = block[first:last]
        assert part.kind is Kind.TEXT
        assert list(part) == values[first:last]
        assert len(part) == len(values[first:last])
        assert list(part[1:2]) == values[first:last][1:2]
        assert part.position == (9 if last >= len(values) else None)
        assert list(pickle.loads(pickle.dumps(part))) == values[first:last]
        assert part.parsed().kind is Kind.WORDS
        assert list(block[first:last:3]) == values[first:last:3]
        assert list(block[last:first]) == values[last:first]


@pytest.mark.parametrize("strategy", ["serial", "threads", "processes"])
@pytest.mark.parametrize("schedule", ["guided", "static"])
def test_workers_parse_what_was_counted(strategy: str, schedule: str, tmp_path: Path) -> None:
    numbers = [n * 0x9E3779B97F4A7C15 % 2**64 >> n % 50 for n in range(1, 40_000)]
    (tmp_path / "numbers.txt").write_text("\n".join(map(str, numbers)))
    reader = Reader([str(tmp_path / "numbers.txt")], pytest.fail, parsed=False)
    found = list(factor_blocks(reader.blocks(), reader.ready, strategy=strategy, max_workers=2, schedule=schedule))
    assert {block.kind for block, _ in found} == {Kind.TEXT if schedule == "guided" else Kind.WORDS}
    assert [n for block, _ in found for n in block] == numbers
    for block, columns in found:
        for n, (primes, exponents) in zip(block, columns.rows(), strict=True):
            product = 1
            for p, e in zip(primes, exponents, strict=True):
                product *= p**e
            assert product == max(n, 1)
