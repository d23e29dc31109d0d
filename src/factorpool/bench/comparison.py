"""`compare`: a user's own function, measured in every way there is, and which way to use."""

from __future__ import annotations

import io
import operator
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice, pairwise
from typing import Any

from factorpool.bench.carry import carry
from factorpool.bench.machine import describe
from factorpool.bench.measure import LONGEST, Rounds, TooLongError, cases_for, within
from factorpool.bench.predict import item_costs, predict_for
from factorpool.bench.recommend import Advice, advise, reason
from factorpool.bench.result import Case, Result, load
from factorpool.bench.subject import Function
from factorpool.bench.timeline import load_trace
from factorpool.errors import FactorpoolError, OptionError
from factorpool.pool.cpus import usable_cpus
from factorpool.pool.schedule import Schedule
from factorpool.pool.strategies import find, find_available, names

SECONDS = 30.0
"""How long a comparison takes, about, unless told otherwise."""

MOST_ITEMS = 1_000_000
"""Items drawn from an iterator, which may be endless."""

LEAST_RUNS = 8
"""Rounds that there should be time for: with fewer items in each, if need be."""

INTERRUPTED = "it was interrupted"
"""The note of a comparison that has less than it was to have."""

MOST_BLOCKS = 2000
"""A timeline of more chunks is not kept in the result: nobody would see them."""

PREDICTED_RUNS = 3
"""Runs with one worker and with two that a prediction is held against."""

PROBE = 0.1
"""Part of the time that is spent on finding out what items cost, at most."""


class Comparison:
    """What `compare` has found.  Printed, it is a table and the advice.

    `best` is the strategy and the number of workers to use, `reason` why, in one sentence, and `options` are they for
    `pmap`: `pmap(fn, items, **comparison.options)`.  `result` has every time that was measured, and on what machine.
    """

    def __init__(self, result: Result) -> None:
        self.result = result

    @property
    def rows(self) -> list[Case]:
        """The cases, also those that could not be measured; their `note` says why."""
        return self.result.cases

    @property
    def best(self) -> tuple[str, int]:
        """The strategy to use, and with how many workers."""
        case = self._advice().case
        return case.strategy, case.workers

    @property
    def reason(self) -> str:
        """Why that one, and how sure it is."""
        return reason(self.result, "")

    @property
    def options(self) -> dict[str, Any]:
        """The options with which `pmap` and others run it the recommended way."""
        strategy, workers = self.best
        return {"strategy": strategy, "max_workers": workers, "schedule": self.result.schedule}

    def to_json(self) -> str:
        """All of it as text, for `Comparison.load`, `factorpool bench chart` and others."""
        return self.result.to_json()

    def save(self, path: str) -> None:
        """Writes that into a file."""
        self.result.save(path)

    @staticmethod
    def load(path: str) -> Comparison:
        """Reads a file of `save`, or of `factorpool bench --function`."""
        return Comparison(load(path))

    def report(self, path: str) -> None:
        """Writes an HTML page that can be sent round: it loads nothing."""
        from factorpool.bench.page import save_page

        save_page([self.result], path)

    def chart(self) -> Any:
        """The chart, an object of altair; it needs `pip install "factorpool[plot]"`."""
        from factorpool.bench.chart import chart

        return chart(self.result)

    def __repr__(self) -> str:
        return f"<Comparison of {len(self.result.measured())} cases on {self.result.description}>"

    def __str__(self) -> str:
        return self._printed(width=120)

    def _repr_html_(self) -> str:
        """The table, the chart and the advice, for a notebook."""
        from html import escape

        from factorpool.bench.page.pictures import chart_of
        from factorpool.bench.report import table_of

        headings, rows = table_of(self.result, "")
        head = "".join(f"<th>{escape(heading)}</th>" for heading in headings)
        body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
        notes = "".join(f"<p>{escape(case.label)}: {escape(case.note)}</p>" for case in self.rows if case.note)
        chart = chart_of(self.result, "")
        return f"<table><tr>{head}</tr>{body}</table>{chart}{notes}<p>{escape(self.reason)}.</p>"

    def _printed(self, width: int) -> str:
        from rich.console import Console

        from factorpool.bench.report import show

        console = Console(file=io.StringIO(), markup=False, width=width)
        show(self.result, console)
        file = console.file
        assert isinstance(file, io.StringIO)
        return f"{file.getvalue()}{self.reason}."

    def _advice(self) -> Advice:
        return advise(self.result, "")


def compare(
    fn: Callable[[Any], Any],
    items: Iterable[Any],
    *,
    strategies: Sequence[str] | None = None,
    max_workers: Sequence[int | None] = (None,),
    schedule: Schedule = "guided",
    rounds: int | None = None,
    seconds: float = SECONDS,
    same: Callable[[Any, Any], Any] = operator.eq,
    seed: int | None = None,
    name: str | None = None,
    predict: Sequence[int] = (),
    trace: str | None = None,
    progress: Callable[[str], object] | None = None,
) -> Comparison:
    """Runs `fn(item)` for every item serially and with every strategy, again and again, and says which to use.

    All cases run in every round, in an order that is shuffled anew; each run that starts its workers is followed by one
    that finds them started.  Results are compared with those of the serial run.

    Args:
        fn: any function of one argument.
        items: at least one; of an endless iterator the first million.  They are drawn once and used again and again.
        strategies: names; None means all that can run here.  Serial is always measured.
        max_workers: the numbers of workers to try; None stands for the CPUs this process may use.
        schedule: as in `pmap`.
        rounds: how many; None means as many as there is time for.
        seconds: how long it may take in all, about.  If all items take too long for that, a sample is measured: one
            item of each of as many equal parts as there is time for, the same for every strategy.
        same: whether two results are equal, if `==` is not what says so.
        seed: of the order and the sample; None takes a new one, which is kept in the result.
        name: what the work is called in tables; None takes the function's.
        predict: numbers of workers of which it is to say what they would do, by simulation with the costs of the items.
        trace: a file that says what every worker did and when, in one more run of the fastest strategy that has
            several; see `pmap`.
        progress: called with a line now and then.

    Raises:
        OptionError: an option that makes no sense, or no items.
        FactorpoolError: the function did not end in time, or nothing could be measured.

    >>> comparison = compare(abs, [-1, 2], strategies=["threads"], rounds=1, seconds=5)
    >>> sorted({case.strategy for case in comparison.rows})
    ['serial', 'threads']
    """
    if not callable(fn):
        raise OptionError(f"{fn!r} is no function")
    if not seconds > 0:
        raise OptionError(f"seconds must be positive, not {seconds!r}")
    if rounds is not None and rounds < 1:
        raise OptionError(f"rounds must be 1 or more, not {rounds!r}")
    if any(count < 1 for count in predict):
        raise OptionError(f"predict must be numbers of workers, of 1 or more each, not {predict!r}")
    if trace is not None:
        Result.check_place(trace)
    tell = progress or (lambda _: None)
    began = time.perf_counter()
    drawn = list(islice(items, MOST_ITEMS))
    if not drawn:
        raise OptionError("there are no items to compare on")
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    name = name or getattr(fn, "__qualname__", None) or repr(fn)
    skipped, usable = usable_strategies(strategies)
    counts = list(dict.fromkeys(count or usable_cpus() for count in max_workers))
    cases = cases_for([""], usable, counts)

    tell("finding out what items cost")
    seen = _item_seconds(fn, drawn, seconds, seed)
    serial = sum(seen) / len(seen) * len(drawn)
    runs = sum(1 if case.strategy == "serial" else 2 for case in cases) + 1
    each = (seconds - (time.perf_counter() - began)) / (runs * (rounds or LEAST_RUNS))
    measured, sample = drawn, {}
    if serial > each > 0 and len(drawn) > 1:
        measured = stratified(drawn, max(2, int(len(drawn) * each / serial)), seed)
        if len(measured) < len(drawn):
            sample = {"of": len(drawn), "serial_seconds": serial}
    description = f"{name} on {len(measured)} item{'s' * (len(measured) > 1)}"
    if sample:
        description += f", a sample of {len(drawn)}"
    result = Result(name, description, len(measured), schedule, describe(), skipped, cases, seed=seed, sample=sample)
    for case in cases:
        if not find(case.strategy).traits.remote:
            Function(abs, [0], schedule).run(case, lambda close: None)  # imports, once and for all
    subject = Function(fn, measured, schedule, same)
    costs: list[float] = []
    if sample or predict:
        tell("finding out what each item costs")
        limit = max(seconds - (time.perf_counter() - began), 1.0)
        with suppress(TooLongError):  # then nothing is to be measured either, and that says so
            _, costs = within(limit, lambda closing: item_costs(subject.task(""), measured))
    if sample and costs:
        for case in cases:
            case.carry = carry(costs, seen + costs, len(drawn), case.workers, schedule, seed)
    later = sum(seen) / len(seen) * len(measured) * (1 + (2 * PREDICTED_RUNS if predict else 0))
    left = max(seconds - later - (time.perf_counter() - began), 1.0)
    measuring = Rounds(subject, cases, result.noise, rounds=rounds, seconds=left, warm=True, seed=seed)
    try:
        for turn, case in measuring:
            tell(f"round {turn + 1}: {case.label}")
        parallel = [case for case in result.measured() if case.strategy != "serial"]
        if parallel:
            fastest = min(parallel, key=result.median)
            tell(f"one more run, for its timeline: {fastest.label}")
            _draw_up(result, subject, fastest, trace)
        if parallel and predict and costs:
            tell("predicting what more workers would do")
            everything = random.Random(seed).choices(seen + costs, k=len(drawn)) if sample else costs
            result.predictions.append(predict_for(result, subject, "", predict, PREDICTED_RUNS, costs, everything))
    except KeyboardInterrupt:
        if not result.measured():
            raise
        result.notes.append(INTERRUPTED)
    result.notes += measuring.notes
    if not result.measured():
        raise FactorpoolError(f"nothing could be measured: {cases[0].label}: {cases[0].note}")
    return Comparison(result)


def _draw_up(result: Result, subject: Function, case: Case, trace: str | None) -> None:
    """Adds the timeline of one more run of a case, which is kept in a file if `trace` names one."""
    with tempfile.TemporaryDirectory(prefix="factorpool-") as directory:
        path = trace or os.path.join(directory, "trace.json")
        try:
            within(LONGEST * case.median + 1, lambda closing: subject.run(case, closing, path))
        except FactorpoolError as error:
            result.notes.append(f"one more run of {case.label}, for its timeline, failed: {error}")
            return
        timeline = load_trace(path)
    if len(timeline.blocks) <= MOST_BLOCKS:
        result.timeline = {"case": case.label, "seconds": timeline.seconds, "blocks": timeline.blocks}


def usable_strategies(strategies: Sequence[str] | None) -> tuple[dict[str, str], list[str]]:
    """Why some of the strategies cannot run here, and the others."""
    for strategy in strategies or ():
        find_available(strategy)
    reasons = {name: find(name).why_unavailable() for name in strategies or names()}
    skipped = {name: reason for name, reason in reasons.items() if reason}
    return skipped, [name for name in reasons if name not in skipped]


def _item_seconds(fn: Callable[[Any], Any], items: Sequence[Any], seconds: float, seed: int) -> list[float]:
    """What some items take, from all over them; at least one, and then for at most a part of the time."""
    order = stratified(items, min(len(items), 1000), seed)
    random.Random(seed).shuffle(order)
    costs: list[float] = []

    def work(_: object) -> None:
        deadline = time.perf_counter() + PROBE * seconds
        for item in order:
            began = time.perf_counter()
            with suppress(Exception):  # what it raises is compared later, as any result
                fn(item)
            ended = time.perf_counter()
            costs.append(ended - began)
            if ended > deadline:
                return

    try:
        within(seconds, work)
    except TooLongError:
        if not costs:
            raise FactorpoolError(
                f"an item did not end within {seconds:.3g} s: give more seconds, or items that take less"
            ) from None
    return costs


def stratified(items: Sequence[Any], count: int, seed: int) -> list[Any]:
    """One item at random from each of `count` equal parts, in order.

    >>> stratified("aabbccdd", 4, seed=1)
    ['a', 'b', 'c', 'd']
    """
    if count >= len(items):
        return list(items)
    rng = random.Random(seed)
    bounds = [part * len(items) // count for part in range(count + 1)]
    return [items[rng.randrange(low, high)] for low, high in pairwise(bounds)]
