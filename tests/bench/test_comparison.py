"""`compare`: any function, every way, and the advice that comes of it."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
from multiprocessing import forkserver
from pathlib import Path

import functions
import numpy as np
import pytest

import factorpool as fp
from factorpool.bench.amdahl import fitted, speedups
from factorpool.bench.carry import carry
from factorpool.bench.comparison import stratified
from factorpool.bench.intervals import interval
from factorpool.bench.load import between, moment
from factorpool.bench.result import Case, Result
from factorpool.bench.timeline import load_trace
from factorpool.pool.shelf import close_shared

pytestmark = pytest.mark.usefixtures("workers_left")
TWO = {"strategies": ["threads"], "max_workers": [2], "rounds": 2}


def test_all_strategies_are_measured_and_advised_on() -> None:
    comparison = fp.compare(functions.square, range(40), rounds=2, seconds=20, max_workers=[2])
    available = [name for name, info in fp.strategies().items() if info.available]
    assert [case.strategy for case in comparison.rows if not case.note] == available
    assert all(len(case.seconds) == 2 for case in comparison.rows)
    assert comparison.best in [(case.strategy, case.workers) for case in comparison.rows]
    assert list(fp.pmap(functions.square, range(4), **comparison.options)) == [0, 1, 4, 9]
    assert "use " in str(comparison)
    assert "square on 40 items" in str(comparison)
    assert comparison._repr_html_().startswith("<table><tr><th>strategy</th>")
    assert comparison._repr_html_().count("<rect ") == len(available)


def test_it_is_saved_and_loaded(tmp_path: object) -> None:
    path = f"{tmp_path}/c.json"
    comparison = fp.compare(functions.square, [1, 2], seed=7, **TWO)
    comparison.save(path)
    loaded = fp.Comparison.load(path)
    assert loaded.to_json() == comparison.to_json()
    assert (loaded.result.seed, loaded.reason) == (7, comparison.reason)


def test_what_waits_is_for_threads() -> None:
    comparison = fp.compare(lambda seconds: time.sleep(seconds), [0.01] * 8, strategies=["threads"], rounds=6)
    assert comparison.best[0] == "threads"
    (serial, threads) = comparison.rows
    assert serial.median > threads.median
    assert sum(serial.cpu) < sum(serial.seconds)


def test_long_work_is_sampled() -> None:
    def wait(item: int) -> int:
        time.sleep(0.02)
        return item

    comparison = fp.compare(wait, range(1000), strategies=["threads"], max_workers=[2], seconds=4, seed=1)
    result = comparison.result
    assert 2 <= result.count < 1000
    assert result.sample["of"] == 1000
    assert result.sample["serial_seconds"] > 10
    assert f"wait on {result.count} items, a sample of 1000" in result.description.replace("<locals>.", "")
    assert result.median(comparison.rows[0]) > comparison.rows[0].median
    assert "all items" in str(comparison)
    for case in result.measured():
        times, low, high = case.carry
        assert 1 < low <= times <= high
        assert result.bounds(case)[0] <= result.bounds(case)[1]


def test_all_items_have_all_workers_however_small_the_sample() -> None:
    """Two items on 8 workers take as long as one; 1000 items as long as 125, and not as 500."""
    comparison = fp.compare(functions.nap, [0.05] * 1000, strategies=["threads"], max_workers=[8], seconds=1)
    assert comparison.result.count == 2
    assert comparison.rows[1].carry[0] < 250


def test_all_items_are_simulated_and_not_multiplied() -> None:
    """What workers wait for at the end of a sample is no part of what all items take."""
    assert carry([1.0] * 5, [1.0] * 5, 500, 4, "guided", seed=1)[0] == 125 / 2
    times, low, high = carry([1.0] * 50, [1.0] * 99 + [100.0], 300, 1, "guided", seed=1)
    assert low <= 6 < times < high  # the sample had none of the heavy ones


def test_speedups_and_what_is_not_shared() -> None:
    cases = [Case("", "serial", 1, [6.0], [6.0])]
    cases += [Case("", "processes", count, [seconds], [seconds]) for count, seconds in ((1, 6.0), (2, 4.0), (4, 3.0))]
    cases.append(Case("", "threads", 2, [6.0], [6.0]))
    result = Result("f", "f", 9, "guided", {}, {}, cases)
    assert speedups(result, "") == {"processes": {1: 1.0, 2: 1.5, 4: 2.0}}
    assert fitted(speedups(result, "")["processes"], 4).serial == pytest.approx(1 / 3)


def test_workers_without_a_cpu_do_not_count_as_serial_work() -> None:
    law = fitted({2: 1.8, 4: 1.8, 8: 1.8}, 2)
    assert law.serial == pytest.approx(1 / 9)
    assert [round(speed, 9) for _, speed in law.curve(8)[-14:]] == [1.8] * 14
    assert law.speedup(1) == 1
    waiting = fitted({2: 2.0, 8: 8.0}, 2)  # for something else than a CPU
    assert waiting.serial == 0
    assert waiting.speedup(8) == 8


def test_one_more_run_has_a_timeline(tmp_path: Path) -> None:
    path = tmp_path / "trace.json"
    comparison = fp.compare(functions.square, range(50), trace=str(path), **TWO)
    timeline = comparison.result.timeline
    assert timeline["case"] == "threads, 2 workers"
    events = [event for event in json.loads(path.read_text())["traceEvents"] if event["ph"] == "X"]
    assert sum(event["args"]["items"] for event in events) == 50
    assert len(timeline["blocks"]) == len(load_trace(str(path)).blocks) >= 2
    assert fp.Comparison(comparison.result).to_json() == comparison.to_json()


def test_what_more_workers_would_do_is_predicted() -> None:
    comparison = fp.compare(functions.nap, [0.002] * 60, predict=[2, 6], **TWO)
    (predictions,) = comparison.result.predictions
    assert (predictions.strategy, [row["workers"] for row in predictions.rows]) == ("threads", [2, 6])
    assert predictions.rows[1]["speedup"] > predictions.rows[0]["speedup"]
    assert predictions.met["2"] > 0


def test_bytes_that_go_to_workers_are_counted() -> None:
    items = [bytes(10_000)] * 5
    options = {"strategies": ["threads", "processes"], "max_workers": [2], "rounds": 1}
    _, threads, processes = fp.compare(functions.count_zeros, items, **options).rows  # type: ignore[arg-type]
    assert threads.pickled == [0]
    assert 10_000 < processes.pickled[0] < 100_000


def test_the_first_start_is_measured_and_not_a_later_one() -> None:
    list(fp.pmap(functions.square, range(4), strategy="processes", max_workers=2))
    server = forkserver._forkserver  # type: ignore[attr-defined]
    assert server._forkserver_pid is not None
    fp.Processes().cool()  # a worker rests there
    assert server._forkserver_pid is not None
    close_shared()
    fp.Processes().cool()
    assert server._forkserver_pid is None
    assert list(fp.pmap(functions.square, range(4), strategy="processes", max_workers=2)) == [0, 1, 4, 9]


def test_items_are_drawn_once() -> None:
    drawn = []

    def items() -> object:
        for n in range(5):
            drawn.append(n)
            yield n

    fp.compare(functions.square, items(), **TWO)  # type: ignore[arg-type]
    assert drawn == [0, 1, 2, 3, 4]


def test_errors_of_items_are_compared_and_told() -> None:
    comparison = fp.compare(functions.fail_at_7, range(10), **TWO)
    assert [case.note for case in comparison.rows] == ["", ""]
    assert "1 of 10 items had errors, item 7 first: LookupError('seven')" in str(comparison)


def test_results_that_differ_are_a_note() -> None:
    def strategy_of(_: int) -> bool:
        return "bench" in threading.current_thread().name

    comparison = fp.compare(strategy_of, range(3), **TWO)
    assert comparison.rows[1].note == "its results differ: item 0 gave True in one and False in the other"
    assert comparison.best == ("serial", 1)
    same = fp.compare(strategy_of, range(3), same=lambda a, b: True, **TWO)
    assert [case.note for case in same.rows] == ["", ""]


def test_a_function_whose_results_never_agree() -> None:
    comparison = fp.compare(lambda _: random.random(), range(3), **TWO)
    assert [case.note for case in comparison.rows] == ["", ""]
    assert "results differ from run to run, so they are not compared: item 0 gave" in str(comparison)


def test_arrays_and_nan_are_compared() -> None:
    comparison = fp.compare(lambda n: np.arange(n), [3, 5], **TWO)
    assert [case.note for case in comparison.rows] == ["", ""]
    comparison = fp.compare(lambda n: float("nan"), [3, 5], **TWO)
    assert comparison.result.notes == []


def test_what_never_ends() -> None:
    stop = threading.Event()
    try:
        with pytest.raises(fp.FactorpoolError, match=r"an item did not end within 0\.5 s: give more seconds"):
            fp.compare(lambda _: stop.wait(60), range(3), seconds=0.5)
    finally:
        stop.set()


def test_a_strategy_that_does_not_end_is_a_row() -> None:
    stop = threading.Event()

    def work(n: int) -> int:
        if "bench" not in threading.current_thread().name:
            stop.wait(60)
        return n

    try:
        comparison = fp.compare(work, range(4), strategies=["threads"], max_workers=[2], seconds=1.5)
    finally:
        stop.set()
    assert comparison.rows[1].note.startswith("not within")
    assert comparison.best == ("serial", 1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fn": 3}, "3 is no function"),
        ({"items": []}, "there are no items to compare on"),
        ({"seconds": 0}, "seconds must be positive, not 0"),
        ({"rounds": 0}, "rounds must be 1 or more, not 0"),
        ({"predict": [2, 0]}, r"predict must be numbers of workers, of 1 or more each, not \[2, 0\]"),
        ({"strategies": ["fibers"]}, "there is no strategy 'fibers'"),
    ],
)
def test_bad_options(options: dict[str, object], message: str) -> None:
    with pytest.raises(fp.OptionError, match=message):
        fp.compare(**{"fn": functions.square, "items": [1], **options})  # type: ignore[arg-type]


def test_endless_iterators_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factorpool.bench.comparison.MOST_ITEMS", 10)
    assert fp.compare(functions.square, itertools.count(), **TWO).result.count == 10


def test_a_sample_has_one_of_each_part() -> None:
    for count in (1, 2, 7, 50, 99, 100, 200):
        sample = stratified(range(100), count, seed=3)
        assert len(sample) == min(count, 100)
        assert sample == sorted(sample)
        assert all(n * len(sample) // 100 == part for part, n in enumerate(sample) if 100 % len(sample) == 0)


def test_intervals_hold_the_true_ratio_about_as_often_as_they_say() -> None:
    rng = random.Random(5)
    held = sure = 0
    for trial in range(200):
        slow = [1.2 * rng.lognormvariate(0, 0.1) for _ in range(10)]
        fast = [rng.lognormvariate(0, 0.1) for _ in range(10)]
        found = interval(slow, fast, seed=trial)
        held += found.low <= 1.2 <= found.high
        sure += interval([n / 1.2 for n in slow], fast, seed=trial).sure
    assert held >= 185
    assert sure <= 10


def test_the_load_of_this_program_is_its_own() -> None:
    before = moment()
    end = time.process_time() + 0.2
    while time.process_time() < end:
        pass
    load = between(before, moment())
    assert 0.15 < load.cpu_seconds < 10
    assert load.others >= 0
