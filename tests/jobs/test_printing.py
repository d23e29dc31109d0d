"""Workers print what they find, where it is numbers without a table."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from factorpool.api import factor_blocks
from factorpool.factoring.block import Block, Kind, words_of
from factorpool.factoring.columns import Columns
from factorpool.formats import CLOSED, FORMATS, Shape
from factorpool.formats.text import lines_of
from factorpool.jobs.inputs import find_inputs
from factorpool.jobs.job import Job, Plan


@pytest.mark.parametrize("strategy", ["serial", "threads", "processes"])
def test_what_a_worker_prints_is_what_the_writer_would(strategy: str) -> None:
    blocks = [Block(range(1, 5000)), Block.packed([2**70 + 1, 360, 2**200 + 1])]
    printed = partial(lines_of, "gnu", Shape.POWERS)
    results = list(factor_blocks(iter(blocks), lambda: True, strategy=strategy, max_workers=2, printed=printed))
    assert {block.kind for block, _ in results} == {Kind.RANGE, Kind.WIDE}
    for block, columns in results:
        expected = lines_of("gnu", Shape.POWERS, block, columns._replace(text=None))
        assert columns.text == (None if columns.wide else expected)
    assert sum(len(block) for block, _ in results) == 5002


ALONE = {
    "gnu": b"12: 2^2 3\n",
    "csv": b"12,2^2 3\n",
    "tsv": b"12\t2^2 3\n",
    "jsonl": b'{"number": 12, "primes": [2, 3], "exponents": [2, 1]}\n',
}
BESIDE = {**ALONE, "csv": b"2^2 3\n", "tsv": b"2^2 3\n"}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("table", [False, True], ids=["numbers", "a table"])
@pytest.mark.parametrize("shape", [Shape.POWERS, Shape.FLAT])
def test_a_job_has_them_print_what_stands_in_a_line_as_it_is(
    form: str, table: bool, shape: Shape, tmp_path: Path
) -> None:
    if form in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    (tmp_path / "in.csv").write_text("n\n12\n")
    (tmp_path / "in.txt").write_text("12\n")
    inputs = find_inputs([str(tmp_path / ("in.csv" if table else "in.txt"))], "n" if table else None)
    if form == "gnu" and shape is Shape.FLAT:
        return  # which is refused
    job = Job(Plan(inputs, (), (), str(tmp_path / "out"), form, shape, False, None, {}), False, pytest.fail)
    if form in CLOSED or (table and shape is Shape.FLAT):
        assert job.printed is None
    else:
        assert job.printed is not None
        printed = job.printed(Block.packed([12]), Columns(b"\2", words_of(range(2, 4)).tobytes(), b"\2\1"))
        if shape is Shape.POWERS:
            assert printed == (BESIDE if table else ALONE)[form]
        else:
            assert printed.count(b"\n") == 2  # a line for each prime
