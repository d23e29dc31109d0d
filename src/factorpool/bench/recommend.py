"""Which strategy to use, and how sure that is, from what was measured."""

from __future__ import annotations

from factorpool.bench.result import Case, Result
from factorpool.pool.strategies import find

MARGIN = 0.05
"""A case must be this much faster by its median than a simpler one to be preferred: less is a machine's mood."""


def recommend(result: Result) -> str:
    """One sentence, with a clause for each method that was measured."""
    clauses = [_clause(result.measured(method), method) for method in result.methods()]
    return f"On this machine, for {result.description}: {'; '.join(clauses)}."


def best(cases: list[Case]) -> Case:
    """The fastest case, or the simplest of those that are nearly as fast: serial before all, then fewer workers."""
    fastest = min(case.median for case in cases)
    near = [case for case in cases if case.median <= fastest * (1 + MARGIN)]
    return min(near, key=lambda case: (find(case.strategy).traits.rank, case.workers))


def _clause(cases: list[Case], method: str) -> str:
    """What to use, and how sure that is against the best of the other strategies."""
    choice = best(cases)
    clause = f"with method {method} use {choice.label}"
    others = [case for case in cases if case.strategy != choice.strategy]
    if not others:
        return f"{clause} (no other strategy was measured)"
    rival = min(others, key=lambda case: case.median)
    ratio = rival.median / choice.median
    if ratio <= 1 + MARGIN:
        return f"{clause}, since {rival.label} is not {MARGIN:.0%} faster, and less simple"
    pairs = list(zip(choice.seconds, rival.seconds, strict=False))  # one may have a round more, when cut short
    won = sum(a < b for a, b in pairs)
    sure = "too few rounds to be sure"
    if len(pairs) >= 3:
        sure = "sure" if won == len(pairs) else "likely" if 3 * won >= 2 * len(pairs) else "a toss-up"
    return f"{clause}, {ratio:.2f} times as fast as {rival.label} ({sure}: ahead in {won} of {len(pairs)} rounds)"
