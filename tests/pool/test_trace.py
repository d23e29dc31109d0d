"""`trace=`: what every worker did and when."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import functions
import pytest
from conftest import command

import factorpool as fp
from factorpool.bench.timeline import load_trace

pytestmark = pytest.mark.usefixtures("workers_left")


def blocks(path: Path) -> list[dict[str, Any]]:
    return [event for event in json.loads(path.read_text())["traceEvents"] if event["ph"] == "X"]


def test_each_item_is_in_a_block_and_a_row_has_one_at_a_time(strategy: str, tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    assert len(list(fp.pmap(functions.square, range(100), strategy=strategy, max_workers=2, trace=path))) == 100
    events = blocks(path)
    assert sum(event["args"]["items"] for event in events) == 100
    assert {event["tid"] for event in events} <= {1, 2}
    for row in (1, 2):
        spans = sorted((event["ts"], event["ts"] + event["dur"]) for event in events if event["tid"] == row)
        assert all(before[1] <= after[0] + 0.2 for before, after in pairwise(spans))
    timeline = load_trace(str(path))
    assert timeline.workers == len({event["tid"] for event in events})
    assert 0 <= timeline.idle < 1


def test_deaths_and_what_is_run_again_are_marked(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    outcomes = list(
        fp.pmap(
            functions.killed_at_sevens,
            range(1, 10),
            strategy="processes",
            max_workers=2,
            on_error="collect",
            trace=path,
        )
    )
    assert sum(outcome.error is not None for outcome in outcomes) == 1
    kinds = [event["cat"] for event in blocks(path)]
    assert kinds.count("died") >= 2
    assert "again" in kinds
    assert "chunk" in kinds


def test_what_is_given_up_is_in_it_too(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    results = fp.pmap(functions.forever_after_0, range(3), strategy="processes", max_workers=2, chunksize=1, trace=path)
    assert next(results) == 0
    results.close()
    assert {event["args"]["end"] for event in blocks(path)} == {"done", "given up"}


def test_where_it_cannot_be_written_nothing_is_begun() -> None:
    with pytest.raises(FileNotFoundError):
        next(fp.pmap(functions.forever_after_0, range(3), strategy="threads", trace="/no/such/folder/trace.json"))


def test_of_the_command_and_its_picture(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    ran = command("factor", "-s", "threads", "-j", "2", "--trace", str(path), "10000000000..10000100000")
    assert ran.returncode == 0, ran.stderr
    assert sum(event["args"]["items"] for event in blocks(path)) == 100001
    pytest.importorskip("vl_convert", reason="what draws has no build for this Python")
    ran = command("bench", "timeline", str(path), "-o", str(tmp_path / "t.svg"), "-o", str(tmp_path / "t.png"))
    assert ran.returncode == 0, ran.stderr
    assert "grey is idle" in (tmp_path / "t.svg").read_text()
    assert (tmp_path / "t.png").read_bytes().startswith(b"\x89PNG")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    ran = command("bench", "timeline", str(tmp_path / "x.json"))
    assert ran.returncode == 2
    assert b"is not a trace of factorpool" in ran.stderr
