"""The README's picture of the kernel, from what kernel.py measured: time per number against size, a line for each peer.

python benchmarks/chart.py
"""

from __future__ import annotations

import json
from typing import Any

import altair as alt
from common import RESULTS

TARGET = RESULTS.parent.parent / "docs/kernel.svg"
COLORS = {
    "factorpool, avx512ifma": "#d62728",
    "factorpool, avx2": "#ff7f0e",
    "factorpool, neon": "#ff7f0e",
    "factorpool, generic": "#e377c2",
    "python-flint": "#1f77b4",
    "PARI (cypari)": "#2ca02c",
    "GNU factor": "#9467bd",
    "SymPy": "#8c8c8c",
}


LABEL = 1.9
"""How many times higher than another label one must stand on the logarithmic axis so that both can be read."""


def _spread(last: list[dict[str, Any]]) -> None:
    """Says in `label_at` where the label of each line stands: at its end, or as much higher as it must."""
    below = 0.0
    for row in sorted(last, key=lambda row: row["us"]):
        below = row["label_at"] = max(row["us"], LABEL * below)


def main() -> None:
    """Draws."""
    result = json.loads((RESULTS / "kernel.json").read_text())
    rows = result["by_size"]
    peers = [peer for peer in COLORS if any(row["peer"] == peer for row in rows)]
    x = alt.X("bits:Q", title="bits of the number", axis=alt.Axis(values=sorted({row["bits"] for row in rows})))
    y = alt.Y("us:Q", title="microseconds per number", scale=alt.Scale(type="log"))
    color = alt.Color("peer:N", scale=alt.Scale(domain=peers, range=[COLORS[peer] for peer in peers]), legend=None)
    last = [max((row for row in rows if row["peer"] == peer), key=lambda row: row["bits"]) for peer in peers]
    _spread(last)
    lines = alt.Chart(alt.InlineData(rows)).mark_line(point=True, strokeWidth=2).encode(x=x, y=y, color=color)
    names = (
        alt.Chart(alt.InlineData(last))
        .mark_text(align="left", dx=8, fontSize=12, fontWeight="bold")
        .encode(x=x, y=alt.Y("label_at:Q"), color=color, text="peer:N")
    )
    machine = result["machine"]
    title = alt.TitleParams(
        "Factoring balanced semiprimes on one core",
        subtitle=f"{machine['cpu']}, {machine['python']}; the hardest numbers of each size",
        anchor="start",
        fontSize=16,
        subtitleFontSize=11,
        offset=14,
    )
    chart = alt.layer(lines, names).properties(width=620, height=380, title=title)
    chart.configure_view(stroke=None).configure(padding={"left": 5, "top": 5, "right": 30, "bottom": 5}).save(
        str(TARGET)
    )
    print(f"drew {TARGET}")


if __name__ == "__main__":
    main()
