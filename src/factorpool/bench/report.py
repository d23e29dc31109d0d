"""The result in a terminal: a table with a bar for each case, shorter is faster."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

from factorpool.bench.result import Forecast, Result

LONGEST, SHORTEST = 30, 8  # characters of the bar of the slowest case, where there is room and where there is not
COLUMNS = 69  # what the other columns take
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def show(result: Result, console: Console) -> None:
    """Prints the tables of all methods, and what they ran on."""
    machine = result.machine
    console.print(
        f"{result.description}, {result.schedule} schedule, on {machine['cpu']}, {machine['usable_cpus']} usable CPUs, "
        f"{machine['python']} (GIL {machine['gil']}), isa {machine['isa']}",
        highlight=False,
    )
    width = max(SHORTEST, min(LONGEST, console.width - COLUMNS))
    for method in result.methods():
        console.print(_table(result, method, width))


def _table(result: Result, method: str, width: int) -> Table:
    cases = result.measured(method)
    serial = result.serial(method)
    longest = max(case.median for case in cases)
    title = f"\nmethod {method}, median of {len(cases[0].seconds)}; shorter is faster"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    table.add_column("strategy", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("least … most", justify="right", no_wrap=True)
    table.add_column("speedup", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for case in cases:
        table.add_row(
            case.label,
            duration(case.median),
            f"{duration(min(case.seconds))} … {duration(max(case.seconds))}",
            f"{serial.median / case.median:.2f}x" if serial else "",
            bar(case.median / longest, width),
        )
    return table


def show_forecast(forecast: Forecast, console: Console) -> None:
    """Prints what more workers would bring, and how far that can be trusted."""
    title = f"\nmethod {forecast.method}, {forecast.strategy}, predicted from the measured costs of the numbers"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1))
    for heading in ("workers", "time", "at best", "speedup", "efficiency", "idle at the end"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in forecast.rows:
        table.add_row(
            f"{row['workers']:.0f}",
            duration(row["seconds"]),
            duration(row["bound"]),
            f"{row['speedup']:.2f}x",
            f"{row['efficiency']:.0%}",
            f"{row['tail']:.0%}",
        )
    console.print(table)
    met = ", ".join(f"{part:.2f} times the measured with {workers}" for workers, part in forecast.met.items())
    console.print(f"The time it predicts is {met} workers.", highlight=False)


def duration(seconds: float) -> str:
    """Three digits and a unit.

    >>> duration(1.906), duration(0.0123), duration(0.00017)
    ('1.91 s', '12.3 ms', '170 us')
    """
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
