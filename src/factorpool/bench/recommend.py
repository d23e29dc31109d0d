"""Which strategy to use, and how sure that is, from what was measured."""

from __future__ import annotations

import math
import statistics
from typing import NamedTuple

from factorpool.bench.intervals import LEAST_ROUNDS, NOISE, Interval, interval
from factorpool.bench.result import Case, Result
from factorpool.errors import OptionError
from factorpool.pool.strategies import find

MARGIN = 0.05
"""A case that is not surely faster must be this much faster by its median to be preferred to a simpler one."""

CONFIDENCE = 0.95


class Advice(NamedTuple):
    """The case to use; the fastest of the other strategies, and how many times as long that takes."""

    case: Case
    rival: Case | None
    ratio: Interval | None


def recommend(result: Result) -> str:
    """One sentence, with a clause for each method that was measured."""
    clauses = [reason(result, method) for method in result.methods()]
    return f"On this machine, for {result.description}: {'; '.join(clauses)}."


def reason(result: Result, method: str) -> str:
    """What to use, and how sure that is against the best of the other strategies."""
    case, rival, ratio = advise(result, method)
    clause = f"with method {method} use {case.label}" if method else f"use {case.label}"
    if rival is None or ratio is None:
        return f"{clause} (no other strategy was measured)"
    simpler = _simplicity(case) < _simplicity(rival)
    if ratio.ratio <= 1 + NOISE or (simpler and ratio.ratio <= 1 + MARGIN and not ratio.sure):
        return f"{clause}, since no difference is seen to {rival.label} ({_shown(ratio)}), which is less simple"
    problem = result.noise.problem(result.machine.get("usable_cpus", 1))
    if problem:
        sure = f"not sure, since {problem}"
    elif ratio.rounds < LEAST_ROUNDS:
        sure = "too few rounds to be sure"
    else:
        sure = f"{'sure' if ratio.sure else 'not sure'}: {_shown(ratio)}"
    return f"{clause}, {ratio.ratio:.2f} times as fast as {rival.label} ({sure})"


def advise(result: Result, method: str) -> Advice:
    """The simplest case of those that are as fast as the fastest: serial before all, then fewer workers."""
    cases = result.measured(method)
    if not cases:
        raise OptionError("nothing has been measured: there is nothing to recommend")
    fastest = min(cases, key=result.median)

    def good(case: Case) -> bool:
        ratio = against(result, case, fastest)
        return not ratio.sure and ratio.ratio <= 1 + MARGIN

    simple = sorted(cases, key=_simplicity)
    chosen = next(case for case in simple if case is fastest or good(case))
    others = [case for case in cases if case.strategy != chosen.strategy]
    if not others:
        return Advice(chosen, None, None)
    rival = min(others, key=result.median)
    return Advice(chosen, rival, against(result, rival, chosen))


def _simplicity(case: Case) -> tuple[int, int]:
    return find(case.strategy).traits.rank, case.workers


def against(result: Result, slow: Case, fast: Case) -> Interval:
    """How many times as long one case takes as another.

    The confidence is corrected for having picked two of several (Bonferroni).
    """
    several = max(1, len(result.measured(fast.method)) - 1)
    return interval(result.times(slow), result.times(fast), 1 - (1 - CONFIDENCE) / several, result.seed)


def pays_from(result: Result, case: Case, serial: Case) -> str:
    """From how many items on a case is faster than serial, where that is sure."""
    if interval(serial.warm, case.warm, CONFIDENCE, result.seed).sure:
        gain = (statistics.median(serial.warm) - statistics.median(case.warm)) / result.count
        count = max(1, math.ceil(case.startup / gain))
        return f"{count} item{'s' * (count > 1)}"
    return "never" if interval(case.warm, serial.warm, CONFIDENCE, result.seed).sure else "not seen"


def _shown(ratio: Interval) -> str:
    if ratio.rounds < 2:
        return f"{ratio.ratio:.2f}x in one round"
    return f"{ratio.ratio:.2f}x, {CONFIDENCE:.0%} between {ratio.low:.2f} and {ratio.high:.2f}, {ratio.rounds} rounds"
