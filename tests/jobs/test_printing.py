"""Workers print what they find, where it is numbers without a table."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from factorpool.api import factor_blocks
from factorpool.factoring.block import Block, Kind
from factorpool.formats import FORMATS, Shape
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


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("table", [False, True], ids=["numbers", "a table"])
def test_a_job_has_them_print_where_nothing_else_is_in_the_line(form: str, table: bool, tmp_path: Path) -> None:
    if form in ("parquet", "arrow"):
        pytest.importorskip("pyarrow")
    (tmp_path / "in.csv").write_text("n\n12\n")
    (tmp_path / "in.txt").write_text("12\n")
    inputs = find_inputs([str(tmp_path / ("in.csv" if table else "in.txt"))], "n" if table else None)
    job = Job(Plan(inputs, (), (), str(tmp_path / "out"), form, Shape.REPEATED, False, None, {}), False, pytest.fail)
    assert (job.printed is not None) == (not table and form not in ("parquet", "arrow", "sqlite"))
