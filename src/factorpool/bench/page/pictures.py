"""The pictures of the page, as SVG: bars, the speedup with several workers, the timeline of a run."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

from factorpool.bench.amdahl import fitted, speedups
from factorpool.bench.report import duration
from factorpool.bench.result import Result
from factorpool.pool.strategies import find, names

OTHER_COLOR = "#9d9da3"
"""Of a strategy that was measured elsewhere and is not installed here."""

LINE = 'stroke="currentColor" stroke-width="1.5"'
DASHED = f'{LINE} stroke-dasharray="4 4"'

LABELS, PLOT, ROW = 170, 420, 26
"""The sizes of bars: the labels' width, that of the longest bar, and the height of a row."""

SIDE = 260
"""The height of the speedup's picture."""

KINDS = {"chunk": "#4c78a8", "run again": "#f2a541", "its worker died": "#d62728"}
"""What the blocks of a timeline are, and their colours; what is idle has the grey of the background."""

IDLE = "#ebebeb"


def color_of(strategy: str) -> str:
    """That of a strategy."""
    return find(strategy).traits.color if strategy in names() else OTHER_COLOR


def chart_of(result: Result, method: str) -> str:
    """A bar for each case, with a line from the least to the most, and the serial time as a dashed line; as SVG."""
    cases = result.measured(method)
    serial = result.serial(method)
    most = max(max(case.seconds) for case in cases)

    def x(seconds: float) -> float:
        return round(LABELS + PLOT * seconds / most, 1)

    shapes = []
    for at, case in enumerate(cases):
        y = at * ROW
        told = ", ".join(duration(seconds) for seconds in case.seconds)
        shapes.append(
            f"<g><title>{escape(f'{case.label}: {told}')}</title>"
            f'<text x="{LABELS - 8}" y="{y + 17}" text-anchor="end">{escape(case.label)}</text>'
            f'<rect x="{LABELS}" y="{y + 4}" width="{round(x(case.median) - LABELS, 1)}" height="{ROW - 8}" '
            f'fill="{color_of(case.strategy)}"/>'
            f'<line {LINE} x1="{x(min(case.seconds))}" x2="{x(max(case.seconds))}" y1="{y + 13}" y2="{y + 13}"/>'
            f'<text x="{x(max(case.seconds)) + 8}" y="{y + 17}">{escape(duration(case.median))}</text></g>'
        )
    if serial is not None:
        base = x(serial.median)
        end = len(cases) * ROW
        shapes.append(f'<line {DASHED} x1="{base}" x2="{base}" y1="0" y2="{end}"/>')
    return _svg("time of each case, shorter is faster", len(cases) * ROW, shapes)


def speedup_of(result: Result, method: str) -> str:
    """Speedup against workers, of each strategy that was measured with several numbers of them, or predicted for them.

    The dashed line is the ideal, that of a strategy is Amdahl's law as it fits best; what was predicted has no dots.
    """
    measured = speedups(result, method)
    predicted = {
        each.strategy: {int(row["workers"]): row["speedup"] for row in each.rows}
        for each in result.predictions
        if each.method == method and len(each.rows) > 1
    }
    counts = [count for points in (*measured.values(), *predicted.values()) for count in points]
    if not counts:
        return ""
    most = max(counts)
    highest = max(speed for points in (*measured.values(), *predicted.values()) for speed in points.values())

    def x(workers: float) -> float:
        return round(LABELS + PLOT * math.log2(workers) / math.log2(most), 1)

    def y(speed: float) -> float:
        """From 1 / highest to highest, as logarithms, so that the ideal is a straight line."""
        top = math.log2(max(highest, 2))
        return round(SIDE - 30 - (SIDE - 50) * max(0.0, math.log2(speed) + 1) / (top + 1), 1)

    shapes = []
    for count in sorted({1, *counts}):
        shapes.append(f'<text x="{x(count)}" y="{SIDE - 8}" text-anchor="middle">{count}</text>')
    shapes.append(f'<text x="{LABELS - 12}" y="{SIDE - 8}" text-anchor="end">workers</text>')
    for speed in (2.0**power for power in range(-1, math.ceil(math.log2(max(highest, 2))) + 1)):
        if speed <= highest * 1.01:
            shapes.append(f'<text x="{LABELS - 12}" y="{y(speed) + 4}" text-anchor="end">{speed:g}x</text>')
            shapes.append(
                f'<line {LINE} opacity="0.15" x1="{LABELS}" x2="{LABELS + PLOT}" y1="{y(speed)}" y2="{y(speed)}"/>'
            )
    ideal = min(most, highest)
    shapes.append(f'<line {DASHED} x1="{x(1)}" y1="{y(1)}" x2="{x(ideal)}" y2="{y(ideal)}"/>')
    for at, (strategy, points) in enumerate(measured.items()):
        law = fitted(points, result.machine["usable_cpus"])
        line = [(x(count), y(speed)) for count, speed in law.curve(most)]
        told = f"{strategy}: {law.serial:.0%} of it is not shared, by Amdahl's law"
        shapes.append(_curve(line, color_of(strategy), told, at))
        shapes += [
            f'<circle cx="{x(count)}" cy="{y(speed)}" r="4" fill="{color_of(strategy)}">'
            f"<title>{escape(strategy)}, {count} workers: {speed:.2f}x</title></circle>"
            for count, speed in points.items()
        ]
    for at, (strategy, points) in enumerate(predicted.items(), len(measured)):
        line = [(x(count), y(speed)) for count, speed in sorted(points.items())]
        shapes.append(_curve(line, color_of(strategy), f"{strategy}, predicted", at, 'stroke-dasharray="2 3"'))
    return _svg("speedup against workers; the dashed line is the ideal", SIDE, shapes)


def _curve(points: Sequence[tuple[float, float]], color: str, told: str, at: int, dashes: str = "") -> str:
    path = " ".join(f"{x},{y}" for x, y in points)
    return (
        f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2" {dashes}/>'
        f'<rect x="{LABELS + 12}" y="{8 + 18 * at}" width="10" height="10" fill="{color}"/>'
        f'<text x="{LABELS + 28}" y="{17 + 18 * at}">{escape(told)}</text>'
    )


def timeline_of(result: Result) -> str:
    """A row for each worker of one more run, a block for each chunk, idle in grey; empty if there was none."""
    if not result.timeline:
        return ""
    blocks, seconds = result.timeline["blocks"], float(result.timeline["seconds"]) or 1e-9
    workers = sorted({block["worker"] for block in blocks})

    def x(moment: float) -> float:
        return round(LABELS + PLOT * moment / seconds, 2)

    shapes = []
    for row, worker in enumerate(workers):
        shapes.append(f'<text x="{LABELS - 8}" y="{row * ROW + 17}" text-anchor="end">worker {worker}</text>')
        shapes.append(f'<rect x="{LABELS}" y="{row * ROW + 4}" width="{PLOT}" height="{ROW - 8}" fill="{IDLE}"/>')
    for block in blocks:
        top, begin = workers.index(block["worker"]) * ROW + 4, x(block["begin"])
        shapes.append(
            f'<rect x="{begin}" y="{top}" width="{max(0.5, round(x(block["end"]) - begin, 2))}" height="{ROW - 8}" '
            f'fill="{KINDS.get(block["kind"], OTHER_COLOR)}" stroke="white" stroke-width="0.5">'
            f"<title>{escape(block['what'])}</title></rect>"
        )
    told = f"{result.timeline['case']}, one more run: {duration(seconds)}; a block is a chunk, grey is idle"
    return f'<p class="soft">{escape(told)}</p>{_svg("what every worker did, and when", len(workers) * ROW, shapes)}'


def _svg(label: str, height: int, shapes: Sequence[str]) -> str:
    width = LABELS + PLOT + 90
    return (
        f'<div class="wide"><svg role="img" aria-label="{label}" viewBox="0 0 {width} {height}" width="{width}" '
        f'fill="currentColor" font-family="system-ui, sans-serif" font-size="12">{"".join(shapes)}</svg></div>'
    )
