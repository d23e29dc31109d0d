"""The result in a terminal: a table with a bar for each case, shorter is faster."""

from __future__ import annotations

import statistics
from collections.abc import Callable

from rich import box
from rich.console import Console
from rich.table import Table

from factorpool.bench.recommend import against, pays_from, reason
from factorpool.bench.result import Case, Predictions, Result

LONGEST, SHORTEST = 30, 8  # characters of the bar of the slowest case; without room for that, there are no bars
SPARED = ("pickled", "memory", "CPU", "least … most", "start-up", "beside the best", "pays from")
"""Columns that are left out, in this order, where there is no room for all; the saved result has everything."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"


def show(result: Result, console: Console) -> None:
    """Prints the tables of all methods, and what they ran on."""
    machine = result.machine
    console.print(
        f"{result.description}, {result.schedule} schedule, on {machine['cpu']}, {machine['usable_cpus']} usable CPUs, "
        f"{machine['python']} (GIL {machine['gil']}), isa {machine['isa']}",
        highlight=False,
    )
    for method in result.methods():
        console.print(_table(result, method, console.width))
    for case in result.cases:
        if case.note:
            console.print(f"{case.label}: {case.note}", highlight=False)
    for note in result.notes:
        console.print(f"Note: {note}.", highlight=False)
    for name, why in result.skipped.items():
        console.print(f"{name} was left out: {why}", highlight=False)
    if problem := result.noise.problem(machine["usable_cpus"]):
        console.print(f"The machine was not quiet: {problem}.", highlight=False)


def table_of(result: Result, method: str) -> tuple[list[str], list[list[str]]]:
    """The headings and the rows of a method's table, in words.

    Where runs with workers that had started were measured too, it has start-up and from how many items it pays, and the
    ratio to the fastest with its interval; of a sample also what all items would take.
    """
    cases = result.measured(method)
    serial = result.serial(method)
    headings = ["strategy", "time"]
    rows = [[case.label, duration(case.median)] for case in cases]

    def column(heading: str, cell: Callable[[Case], str]) -> None:
        headings.append(heading)
        for case, row in zip(cases, rows, strict=True):
            row.append(cell(case))

    warm = all(case.warm for case in cases)
    if not warm:
        column("least … most", lambda case: f"{duration(min(case.seconds))} … {duration(max(case.seconds))}")
    if serial is not None:
        base = result.median(serial)
        column("speedup", lambda case: f"{base / result.median(case):.2f}x")
    if warm:
        fastest = min(cases, key=result.median)
        column("beside the best", lambda case: "" if case is fastest else str(against(result, case, fastest)))
        column("start-up", lambda case: "" if case is serial else duration(case.startup))
        if serial is not None:
            column("pays from", lambda case: "" if case is serial else pays_from(result, case, serial))
        column("CPU", lambda case: f"{statistics.median(case.cpu):.2f} s")
        column("pickled", lambda case: f"{max(case.pickled) / 1e6:.2g} MB" if max(case.pickled, default=0) else "")
        column("memory", lambda case: f"{max(case.memory, default=0) / 1e6:.0f} MB")
    if result.sample:
        column("all items", lambda case: " … ".join(map(duration, result.bounds(case))))
    return headings, rows


def _width(headings: list[str], rows: list[list[str]]) -> int:
    """What a table takes without bars."""
    return sum(max(map(len, column)) + 2 for column in zip(headings, *rows, strict=True)) + len(headings) + 1


def _table(result: Result, method: str, width: int) -> Table:
    cases = result.measured(method)
    longest = max(case.median for case in cases)
    headings, rows = table_of(result, method)
    for heading in SPARED:
        if _width(headings, rows) > width and heading in headings:
            at = headings.index(heading)
            headings, rows = [*headings[:at], *headings[at + 1 :]], [[*row[:at], *row[at + 1 :]] for row in rows]
    rounds = len(cases[0].seconds)
    title = f"\n{f'method {method}, ' if method else ''}median of {rounds}; shorter is faster"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in headings:
        table.add_column(heading, justify="left" if heading == headings[0] else "right", no_wrap=True)
    bars = min(LONGEST, width - _width(headings, rows) - 3)
    if bars >= SHORTEST:
        table.add_column("", no_wrap=True)
    for case, row in zip(cases, rows, strict=True):
        table.add_row(*row, *([bar(case.median / longest, bars)] if bars >= SHORTEST else []))
    return table


def markdown_of(result: Result) -> str:
    """The tables and the advice in Markdown, for a pull request."""
    machine = result.machine
    lines = [
        f"**{result.description}** ({machine['cpu']}, {machine['usable_cpus']} usable CPUs, {machine['python']})",
        "",
    ]
    for method in result.methods():
        headings, rows = table_of(result, method)
        if method:
            lines += [f"Method {method}:", ""]
        lines.append(f"| {' | '.join(headings)} |")
        lines.append(f"|{'|'.join(['---', *['---:'] * (len(headings) - 1)])}|")
        lines += [f"| {' | '.join(row)} |" for row in rows]
        lines += ["", f"{reason(result, method)}.", ""]
    lines += [f"- {case.label}: {case.note}" for case in result.cases if case.note]
    return "\n".join(lines)


def predictions_of(predictions: Predictions) -> tuple[str, list[str], list[list[str]], str]:
    """What more workers would bring: title, headings, rows, and how far that can be trusted."""
    method = f"method {predictions.method}, " if predictions.method else ""
    title = f"{method}{predictions.strategy}, predicted from the measured costs of the items"
    rows = [
        [
            f"{row['workers']:.0f}",
            duration(row["seconds"]),
            duration(row["bound"]),
            f"{row['speedup']:.2f}x",
            f"{row['efficiency']:.0%}",
            f"{row['tail']:.0%}",
        ]
        for row in predictions.rows
    ]
    met = ", ".join(f"{part:.2f} times the measured with {workers}" for workers, part in predictions.met.items())
    headings = ["workers", "time", "at best", "speedup", "efficiency", "idle at the end"]
    return title, headings, rows, f"The time it predicts is {met} workers."


def show_predictions(predictions: Predictions, console: Console) -> None:
    """Prints what more workers would bring."""
    title, headings, rows, met = predictions_of(predictions)
    table = Table(title=f"\n{title}", title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console.print(table)
    console.print(met, highlight=False)


def duration(seconds: float) -> str:
    """Three digits and a unit; 0 needs none.

    >>> duration(1.906), duration(0.0123), duration(0.00017)
    ('1.91 s', '12.3 ms', '170 us')
    """
    if not seconds:
        return "0"
    for unit, scale in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= scale or unit == "us":
            value = seconds / scale
            return f"{value:.{max(0, 2 - len(str(int(value))) + 1)}f} {unit}"
    raise AssertionError("the loop ends with us")


def bar(part: float, width: int) -> str:
    """A bar of `part` of `width` characters, drawn to an eighth of one.

    >>> bar(0.5, 9)
    '████▌'
    """
    eighths = max(1, round(part * width * 8))
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
