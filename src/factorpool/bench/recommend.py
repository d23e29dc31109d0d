"""Which strategy to use, and how sure that is, from what was measured."""

from __future__ import annotations

from factorpool.bench.result import Case, Result

MARGIN = 0.05
"""A case must be this much faster by its median than a simpler one to be preferred: less is a machine's mood."""

_SIMPLICITY = ("serial", "threads", "processes")


def recommend(result: Result) -> str:
    """One sentence, with a clause for each method that was measured."""
    clauses = [_clause(result, method) for method in result.methods()]
    return f"For {result.description} on this machine: {'; '.join(clauses)}."


def best(cases: list[Case]) -> Case:
    """The fastest case, or the simplest of those that are nearly as fast: fewer workers, and serial before all."""
    fastest = min(case.median for case in cases)
    near = [case for case in cases if case.median <= fastest * (1 + MARGIN)]
    return min(near, key=lambda case: (_SIMPLICITY.index(case.strategy), case.workers))


def _clause(result: Result, method: str) -> str:
    cases = result.measured(method)
    choice = best(cases)
    serial = result.serial(method)
    clause = f"with method {method} use {choice.label}"
    if serial is not None and choice is not serial:
        clause += f", {serial.median / choice.median:.2f} times as fast as serial"
    others = [case for case in cases if case is not choice]
    if not others:
        return f"{clause} (nothing else was measured)"
    return f"{clause} ({_certainty(choice, min(others, key=lambda case: case.median))})"


def _certainty(choice: Case, rival: Case) -> str:
    """How sure the choice is, against the best of the rest."""
    if rival.median <= choice.median * (1 + MARGIN):
        return f"{rival.label} is within {MARGIN:.0%} of that, and not as simple"
    pairs = list(zip(choice.seconds, rival.seconds, strict=False))  # one may have a round more, when cut short
    won = sum(a < b for a, b in pairs)
    sure = "a hint, for more rounds are needed"
    if len(pairs) >= 3:
        sure = "sure" if won == len(pairs) else "likely" if 3 * won >= 2 * len(pairs) else "a toss-up"
    lead = f"{rival.label}, the next, takes {rival.median / choice.median:.2f} times as long"
    return f"{sure}: {lead}, and lost {won} of {len(pairs)} rounds"
