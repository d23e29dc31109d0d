"""The picture of a trace: a row for each worker, a block for each chunk, so that idle time is seen at a glance."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from factorpool.bench.chart import WIDTH, save_chart
from factorpool.bench.page.pictures import IDLE, KINDS
from factorpool.bench.report import duration
from factorpool.errors import OptionError

ROW = 22  # pixels


class Timeline(NamedTuple):
    """The blocks of a trace, in seconds from its begin: row, first and last moment, kind, and in words what it was."""

    blocks: list[dict[str, Any]]
    seconds: float
    workers: int

    @property
    def idle(self) -> float:
        """The part of the workers' time, until the last block ends, in which they had no chunk."""
        used = sum(block["end"] - block["begin"] for block in self.blocks)
        return max(0.0, 1 - used / (self.seconds * self.workers)) if self.workers and self.seconds else 0.0


def load_trace(path: str) -> Timeline:
    """Reads what `pmap(..., trace=path)` or `factorpool factor --trace` has written.

    Raises:
        OptionError: it is no such file.
    """
    try:
        with open(path, encoding="utf-8") as file:
            events = [event for event in json.load(file)["traceEvents"] if event["ph"] == "X"]
        blocks = [_block(event) for event in events]
    except (ValueError, KeyError, TypeError) as error:
        raise OptionError(f"{path} is not a trace of factorpool: {type(error).__name__} {error}") from error
    workers = {block["worker"] for block in blocks}
    return Timeline(blocks, max((block["end"] for block in blocks), default=0.0), len(workers))


def _block(event: dict[str, Any]) -> dict[str, Any]:
    began, took, details = event["ts"] / 1e6, event["dur"] / 1e6, event["args"]
    kind = {"died": "its worker died", "again": "run again"}.get(event["cat"], "chunk")
    errors = f", {details['errors']} with an error" if details["errors"] else ""
    return {
        "worker": int(event["tid"]),
        "begin": began,
        "end": began + took,
        "kind": kind,
        "what": f"{event['name']}: {duration(took)}, of it {duration(details['busy_us'] / 1e6)} in items{errors}",
    }


def draw(path: str, output: str) -> None:
    """Draws a trace into an SVG or PNG file.

    Raises:
        OptionError: the file is no trace, or has no blocks, or the output has another ending.
        FactorpoolError: the libraries that draw are not installed.
    """
    timeline = load_trace(path)
    if not timeline.blocks:
        raise OptionError(f"{path} has no blocks: there is nothing to draw")
    save_chart(lambda: chart(timeline), output)


def chart(timeline: Timeline) -> Any:
    """The timeline as an object of altair."""
    import altair as alt

    rows = [{"worker": worker, "begin": 0.0, "end": timeline.seconds} for worker in _workers(timeline)]
    y = alt.Y("worker:O", title="worker", sort="ascending")
    x = alt.X("begin:Q", title="seconds", scale=alt.Scale(domain=[0, timeline.seconds], nice=False))
    idle = alt.Chart(alt.InlineData(rows)).mark_bar(color=IDLE, height=ROW - 4).encode(x=x, x2="end:Q", y=y)
    color = alt.Color(
        "kind:N",
        title=None,
        scale=alt.Scale(domain=list(KINDS), range=list(KINDS.values())),
        legend=alt.Legend(orient="top"),
    )
    blocks = (
        alt.Chart(alt.InlineData(timeline.blocks))
        .mark_bar(height=ROW - 4, stroke="white", strokeWidth=0.5)
        .encode(x=x, x2="end:Q", y=y, color=color, tooltip="what:N")
    )
    title = alt.TitleParams(
        f"{timeline.workers} workers, {duration(timeline.seconds)}, {len(timeline.blocks)} chunks",
        subtitle=f"a block is a chunk, from sent until its worker was free; grey is idle: {timeline.idle:.0%}",
        anchor="start",
        fontSize=16,
        subtitleFontSize=11,
    )
    height = ROW * timeline.workers
    return alt.layer(idle, blocks).properties(width=WIDTH, height=height, title=title).configure_view(stroke=None)


def _workers(timeline: Timeline) -> list[int]:
    return sorted({block["worker"] for block in timeline.blocks})
