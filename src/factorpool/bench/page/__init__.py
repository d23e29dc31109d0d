"""Results as one HTML page: nothing is loaded from anywhere, so it can be sent round and kept."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from importlib.resources import files

from factorpool.bench.page.pictures import chart_of, speedup_of, timeline_of
from factorpool.bench.recommend import advise, reason
from factorpool.bench.report import predictions_of, table_of
from factorpool.bench.result import Case, Result
from factorpool.errors import OptionError
from factorpool.files import write_whole


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
    write_whole(path, page_of(results))


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
        parts += [chart_of(result, method), speedup_of(result, method), _predictions(result, method)]
    parts.append(timeline_of(result))
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
    body = ""
    for case, row in zip(cases, rows, strict=True):
        cells = "".join(
            f'<td data-value="{escape(_value(result, case, heading, cell))}">{escape(cell)}</td>'
            for heading, cell in zip(headings, row, strict=True)
        )
        marked = ' class="best"' if case is best else ""
        body += f"<tr{marked}>{cells}</tr>\n"
    return _framed(f"{f'method {method}, ' if method else ''}median of {len(cases[0].seconds)} rounds", headings, body)


def _predictions(result: Result, method: str) -> str:
    tables = ""
    for predictions in result.predictions:
        if predictions.method == method:
            title, headings, rows, met = predictions_of(predictions)
            body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
            tables += f'{_framed(title, headings, body)}<p class="soft">{escape(met)}</p>'
    return tables


def _framed(title: str, headings: Sequence[str], body: str) -> str:
    head = "".join(f'<th scope="col"><button type="button">{escape(heading)}</button></th>' for heading in headings)
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
