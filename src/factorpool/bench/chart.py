"""The result as a picture, from the JSON alone: a bar for each case, time on the x axis, the serial time marked."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from factorpool.bench.amdahl import fitted, speedups
from factorpool.bench.page.pictures import color_of
from factorpool.bench.report import duration
from factorpool.bench.result import Result
from factorpool.errors import FactorpoolError, OptionError

if TYPE_CHECKING:
    import altair as alt

FORMATS = ("svg", "png")
WIDTH = 640  # pixels of the plot; the bars' labels stand left of it
BAR_HEIGHT = 26
SPEEDUP_HEIGHT = 200
PNG_SCALE = 2.0


def draw(result: Result, path: str) -> None:
    """Draws the chart into an SVG or PNG file, by the ending of its name.

    Raises:
        OptionError: another ending, or nothing was measured yet.
        FactorpoolError: the libraries that draw are not installed: some have no build for free-threaded Python.
    """
    if not result.methods():
        raise OptionError("nothing has been measured yet: there is nothing to draw")
    save_chart(lambda: chart(result), path)


def save_chart(make: Callable[[], Any], path: str) -> None:
    """Saves the chart that `make` gives as an SVG or PNG file; see `draw` for what it raises."""
    if not path.endswith(tuple(f".{form}" for form in FORMATS)):
        raise OptionError(f"{path!r}: a chart is drawn as {' or '.join(f'.{form}' for form in FORMATS)}")
    try:
        import altair  # noqa: F401
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise FactorpoolError(f'charts need {error.name}: pip install "factorpool[plot]"') from error
    make().save(path, scale_factor=PNG_SCALE if path.endswith(".png") else 1.0)


def chart(result: Result) -> Any:
    """The chart: a panel for each method, each with a scale of its own."""
    import altair as alt

    machine = result.machine
    subtitle = (
        f"{machine['cpu']}, {machine['usable_cpus']} usable CPUs, {machine['python']}, GIL {machine['gil']}, "
        f"isa {machine['isa']}; median, least and most of {len(result.measured()[0].seconds)} runs"
    )
    panels: list[Any] = []
    for method in result.methods():
        panels += [_panel(result, method), *_speedup_panels(result, method)]
    title = alt.TitleParams(
        f"Factoring {result.description}" if any(result.methods()) else result.description,
        subtitle=subtitle,
        anchor="start",
        fontSize=16,
        subtitleFontSize=11,
        offset=16,
    )
    stacked = alt.vconcat(*panels, title=title, spacing=24).resolve_scale(color="independent")
    return stacked.configure_view(stroke=None)


def _speedup_panels(result: Result, method: str) -> list[Any]:
    """Speedup against workers, where they were measured with several numbers of them: dots, and Amdahl's law as a line.

    The dashed line is the ideal.
    """
    import altair as alt

    dots: list[dict[str, Any]] = []
    lines: list[dict[str, Any]] = []
    colors = {}
    for strategy, points in speedups(result, method).items():
        law = fitted(points, result.machine["usable_cpus"])
        name = f"{strategy}: {law.serial:.0%} is not shared, by Amdahl's law"
        colors[name] = color_of(strategy)
        dots += [{"strategy": name, "workers": count, "speedup": speed} for count, speed in points.items()]
        lines += [{"strategy": name, "workers": count, "speedup": speed} for count, speed in law.curve(max(points))]
    if not dots:
        return []
    most = max(dot["workers"] for dot in dots)
    scale = alt.Scale(type="log", base=2, domain=[1, most], nice=False)
    x = alt.X("workers:Q", scale=scale, axis=alt.Axis(values=sorted({1, *(dot["workers"] for dot in dots)})))
    y = alt.Y("speedup:Q", title="speedup")
    color = alt.Color(
        "strategy:N",
        title=None,
        scale=alt.Scale(domain=list(colors), range=list(colors.values())),
        legend=alt.Legend(orient="top", direction="vertical", labelLimit=WIDTH),
    )
    highest = max(1.0, *(dot["speedup"] for dot in dots))
    ideal = [{"workers": count, "speedup": count} for count in (1.0, min(float(most), highest))]
    return [
        alt.layer(
            alt.Chart(alt.InlineData(ideal)).mark_line(strokeDash=[4, 4], color="#333").encode(x=x, y=y),
            alt.Chart(alt.InlineData(lines)).mark_line().encode(x=x, y=y, color=color),
            alt.Chart(alt.InlineData(dots)).mark_point(filled=True, size=60, opacity=1).encode(x=x, y=y, color=color),
        ).properties(width=WIDTH, height=SPEEDUP_HEIGHT)
    ]


def _panel(result: Result, method: str) -> alt.LayerChart | alt.FacetChart:
    import altair as alt

    cases = result.measured(method)
    serial = result.serial(method)
    unit, scale = ("seconds", 1.0) if max(case.median for case in cases) >= 1 else ("milliseconds", 1e3)
    rows: list[dict[str, Any]] = [
        {
            "case": case.label,
            "strategy": case.strategy,
            "time": case.median * scale,
            "least": min(case.seconds) * scale,
            "most": max(case.seconds) * scale,
            "label": duration(case.median)
            + (f" ({serial.median / case.median:.2f}x)" if serial and case is not serial else ""),
        }
        for case in cases
    ]
    base = alt.Chart(alt.InlineData(rows)).encode(y=alt.Y("case:N", sort=None, title=None))
    colors = {case.strategy: color_of(case.strategy) for case in cases}
    color = alt.Color("strategy:N", scale=alt.Scale(domain=list(colors), range=list(colors.values())), legend=None)
    room = 1.25 * max(row["most"] for row in rows)  # for the labels beside the bars
    x = alt.X("time:Q", title=f"{unit}, shorter is faster", scale=alt.Scale(domain=[0, room], nice=False))
    layers: list[alt.Chart] = [
        base.mark_bar(height=BAR_HEIGHT - 8).encode(x=x, color=color),
        base.mark_rule(strokeWidth=1.5, color="#333").encode(x="least:Q", x2="most:Q"),
        base.mark_text(align="left", dx=6, fontSize=11).encode(x="most:Q", text="label:N"),
    ]
    if serial is not None:
        mark = alt.Chart(alt.InlineData([{"time": serial.median * scale}]))
        layers.append(mark.mark_rule(strokeDash=[4, 4], color=colors[serial.strategy]).encode(x="time:Q"))
    name = {"auto": "auto, the kernel", "naive": "naive, the article's"}.get(method, method)
    title = alt.TitleParams(f"method {name}" if method else "", anchor="start", fontSize=13)
    return alt.layer(*layers).properties(width=WIDTH, height=BAR_HEIGHT * len(rows), title=title)
