"""Results as one HTML page: nothing is loaded from anywhere, so it can be sent round and kept."""

from __future__ import annotations

import os
from collections.abc import Sequence
from html import escape
from importlib.resources import files

from factorpool.bench.recommend import advise, reason
from factorpool.bench.report import duration, table_of
from factorpool.bench.result import Case, Result
from factorpool.errors import OptionError
from factorpool.pool.strategies import find, names

OTHER_COLOR = "#9d9da3"
"""Of a strategy that was measured elsewhere and is not installed here."""

LINE = 'stroke="currentColor" stroke-width="1.5"'

LABELS, PLOT, ROW = 170, 420, 26
"""The chart's sizes: the labels' width, that of the longest bar, and the height of a row."""


def page_of(results: Sequence[Result]) -> str:
    """The page, with a section for each result, side by side where there is room.

    Raises:
        OptionError: there is no result, or nothing was measured in one.
    """
    if not results:
        raise OptionError("there is no result to report on")
    for result in results:
        if not result.measured():
            raise OptionError(f"nothing has been measured yet of {result.description}")
    title = results[0].description if len(results) == 1 else f"{len(results)} results of factorpool bench"
    sections = "\n".join(_section(result) for result in results)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<link rel="icon" href="data:,">
<style>
{_resource("style.css")}</style>
</head>
<body>
<h1>{escape(title)}</h1>
<p class="soft">Measured by factorpool bench. A click on a heading sorts its table.</p>
<div class="results">
{sections}
</div>
<script>
{_resource("sort.js")}</script>
</body>
</html>
"""


def save_page(results: Sequence[Result], path: str) -> None:
    """Writes the page, whole or not at all."""
    text = page_of(results)
    temporary = f"{path}.part"
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(temporary, path)


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


def _section(result: Result) -> str:
    machine = result.machine
    parts = [f"<h2>{escape(result.description)}</h2>"]
    parts.append(
        f'<p class="soft">{escape(machine["cpu"])}, {machine["usable_cpus"]} usable CPUs, '
        f"{escape(machine['python'])} (GIL {escape(machine['gil'])}), {escape(str(machine.get('time', '')))}</p>"
    )
    for method in result.methods():
        parts.append(f'<p class="advice">{escape(reason(result, method))}.</p>')
        parts.append(_table(result, method))
        parts.append(chart_of(result, method))
    problem = result.noise.problem(machine["usable_cpus"])
    notes = [f"{case.label}: {case.note}" for case in result.cases if case.note]
    notes += [f"{name} was left out: {why}" for name, why in result.skipped.items()] + result.notes
    notes += [f"the machine was not quiet: {problem}"] if problem else []
    if notes:
        parts.append(f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in notes)}</ul>")
    parts.append(_machine(result))
    parts.append(_raw(result))
    data = result.to_json().replace("<", "\\u003c")  # so that no text in it can end the element
    parts.append(f'<script type="application/json" class="result">{data}</script>')
    return f"<section>\n{chr(10).join(parts)}\n</section>"


def _table(result: Result, method: str) -> str:
    headings, rows = table_of(result, method)
    cases = result.measured(method)
    best = advise(result, method).case
    head = "".join(f'<th scope="col"><button type="button">{escape(heading)}</button></th>' for heading in headings)
    body = ""
    for case, row in zip(cases, rows, strict=True):
        cells = "".join(
            f'<td data-value="{escape(_value(result, case, heading, cell))}">{escape(cell)}</td>'
            for heading, cell in zip(headings, row, strict=True)
        )
        marked = ' class="best"' if case is best else ""
        body += f"<tr{marked}>{cells}</tr>\n"
    title = f"{f'method {method}, ' if method else ''}median of {len(cases[0].seconds)} rounds"
    return (
        f'<div class="wide"><table><caption>{escape(title)}</caption><thead><tr>{head}</tr></thead>'
        f"<tbody>\n{body}</tbody></table></div>"
    )


def _value(result: Result, case: Case, heading: str, cell: str) -> str:
    """What a cell is sorted by: seconds where it has a time, the number in front where it has one."""
    if heading == "time":
        return repr(case.median)
    if heading == "all items":
        return repr(result.median(case))
    if heading == "start-up":
        return repr(case.startup) if cell else "0"
    number = cell.split(" ")[0].rstrip("x,")
    return number if number.replace(".", "", 1).isdigit() else cell


def chart_of(result: Result, method: str) -> str:
    """A bar for each case, with a line from the least to the most, and the serial time as a dashed line; as SVG."""
    cases = result.measured(method)
    serial = result.serial(method)
    most = max(max(case.seconds) for case in cases)
    colors = {name: find(name).traits.color for name in names()}

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
            f'fill="{colors.get(case.strategy, OTHER_COLOR)}"/>'
            f'<line {LINE} x1="{x(min(case.seconds))}" x2="{x(max(case.seconds))}" y1="{y + 13}" y2="{y + 13}"/>'
            f'<text x="{x(max(case.seconds)) + 8}" y="{y + 17}">{escape(duration(case.median))}</text></g>'
        )
    if serial is not None:
        base = x(serial.median)
        end = len(cases) * ROW
        shapes.append(f'<line {LINE} stroke-dasharray="4 4" x1="{base}" x2="{base}" y1="0" y2="{end}"/>')
    box = f"0 0 {LABELS + PLOT + 90} {len(cases) * ROW}"
    label = "time of each case, shorter is faster"
    return (
        f'<div class="wide"><svg role="img" aria-label="{label}" viewBox="{box}" width="{LABELS + PLOT + 90}" '
        f'fill="currentColor" font-family="system-ui, sans-serif" font-size="12">{"".join(shapes)}</svg></div>'
    )


def _machine(result: Result) -> str:
    facts = {
        **{key.replace("_", " "): value for key, value in result.machine.items() if not isinstance(value, dict)},
        **result.machine.get("versions", {}),
        "schedule": result.schedule,
        "seed": result.seed,
    }
    rows = "".join(f"<dt>{escape(str(key))}</dt><dd>{escape(str(value))}</dd>" for key, value in facts.items())
    return f"<details><summary>The machine, and versions</summary><dl>{rows}</dl></details>"


def _raw(result: Result) -> str:
    rows = ""
    for case in result.cases:
        label = f"{case.method} {case.label}".strip()
        for what, times in (("", case.seconds), (", workers started", case.warm)):
            if times:
                told = ", ".join(f"{seconds:.6g}" for seconds in times)
                rows += f"<dt>{escape(label + what)}</dt><dd>{told}</dd>"
    return f"<details><summary>Every time that was measured, in seconds</summary><dl>{rows}</dl></details>"
