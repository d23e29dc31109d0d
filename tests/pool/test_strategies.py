"""What every strategy owes the dispatcher: it knows what it holds, and answers for all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import functions
import pytest
from conftest import ADDED, command

import factorpool as fp
from factorpool.pool import strategies
from factorpool.pool.dispatcher import Cutter, Dispatcher
from factorpool.pool.protocol import Chunk, Done, Free, TaskRef, Workers
from factorpool.pool.source import SequenceSource
from factorpool.pool.strategies import BUILT_IN, find
from factorpool.pool.task import MapTask

pytestmark = pytest.mark.usefixtures("workers_left")


@pytest.fixture(params=[*BUILT_IN, "executor"])
def strategy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Also one that another package adds."""
    name = str(request.param)
    if name not in BUILT_IN:
        monkeypatch.syspath_prepend(ADDED)
        monkeypatch.setenv("PYTHONPATH", ADDED)
        strategies._added.cache_clear()
    if reason := find(name).why_unavailable():
        pytest.skip(reason)
    yield name
    strategies._added.cache_clear()


@pytest.fixture
def workers(strategy: str) -> Iterator[Workers]:
    made = find(strategy).open(TaskRef(MapTask(functions.nap, True)), 2, None)
    yield made
    made.close(graceful=True)


def test_workers_know_what_they_hold(workers: Workers, strategy: str) -> None:
    """Items of 15 ms come back in several pieces; what is held is named by the first item of its chunk."""
    assert not set(workers.held)
    expected = {10: 4} if strategy == "serial" else {10: 4, 20: 3}
    for start, count in expected.items():
        workers.submit(Chunk(start, [0.015] * count))
    while expected:
        assert set(workers.held) >= expected.keys()
        for event in workers.wait(None):
            if isinstance(event, Done):
                expected[event.start] -= event.items
            else:
                assert isinstance(event, Free)
                assert expected.pop(event.start) == 0
    assert not set(workers.held)


def test_a_task_that_ends_early_is_an_error(strategy: str) -> None:
    """Its worker is still there, so nothing else would tell."""
    workers = find(strategy).open(TaskRef(functions.EndsEarly(functions.square, True)), 2, None)
    cutter = Cutter(SequenceSource(range(4)), 2, "dynamic", 4, 1)
    completions = list(Dispatcher(cutter, workers, lambda: (1, None), lambda: 0.0, collect=True).run())
    done, lost = completions
    assert (done.value, done.error) == ([0], None)
    assert isinstance(lost.error, fp.FactorpoolError)
    assert list(lost.chunk.payload) == [1, 2, 3]


def test_traits_say_what_a_strategy_can(strategy: str) -> None:
    """So that the other tests may ask them."""
    traits = find(strategy).traits
    if traits.remote:
        with pytest.raises(fp.NotPicklableError):
            list(fp.pmap(functions.square, [functions.unsendable()], strategy=strategy))
    if traits.stops_items:
        results = fp.pmap(functions.exit_at_7, range(6, 9), strategy=strategy, on_error="collect", timeout=30)
        assert [type(o.error) for o in results] == [type(None), fp.WorkerDiedError, type(None)]
    else:
        with pytest.raises(fp.OptionError, match="cannot keep to a timeout"):
            fp.pmap(functions.square, [1], strategy=strategy, timeout=30)
    assert find(strategy) == find(strategy)
    assert hash(find(strategy)) == hash(find(strategy))


@pytest.mark.usefixtures("patient_errors")
def test_every_schedule_and_error_on_it(strategy: str) -> None:
    for schedule in ("static", "dynamic", "guided"):
        results = fp.pmap(functions.square, range(50), strategy=strategy, max_workers=2, schedule=schedule)
        assert list(results) == [n * n for n in range(50)]
    got = []
    with pytest.raises(LookupError, match="seven") as caught:
        got.extend(fp.pmap(functions.fail_at_7, range(20), strategy=strategy, max_workers=2))
    assert got == list(range(7))
    assert "factorpool: raised for item 7, 7" in caught.value.__notes__
    with fp.Pool(strategy, 2) as pool:
        assert [pool.submit(pow, 2, n).result() for n in range(5)] == [1, 2, 4, 8, 16]
        assert fp.factor_many(range(1, 5000), pool=pool) == fp.factor_many(range(1, 5000))


class TestAdded:
    """A strategy of another package is one file, and is then everywhere."""

    @pytest.fixture(params=["executor"])
    def strategy(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
        monkeypatch.setenv("PYTHONPATH", ADDED)
        return str(request.param)

    def test_on_the_command_line(self, strategy: str, tmp_path: Path) -> None:
        assert b"executor   threads of a ThreadPoolExecutor" in command("strategies").stdout
        assert (
            b"executor   not available: it is a test"
            in command("strategies", ADDED_STRATEGY_MISSING="it is a test").stdout
        )
        ran = command("factor", "-v", "-s", strategy, "15")
        assert (ran.stdout, ran.stderr) == (b"15: 3 5\n", b"factorpool factor: strategy executor: it was asked for\n")
        result = str(tmp_path / "result.json")
        ran = command("bench", "-s", strategy, "-j", "2", "--method", "auto", "--repeat", "2", "-o", result)
        assert b"executor, 2 workers" in ran.stdout, ran.stderr
        pytest.importorskip("vl_convert", reason="there is no build for this Python")
        ran = command("bench", "chart", result, "-o", str(tmp_path / "chart.svg"))
        assert ran.returncode == 0, ran.stderr
        chart = (tmp_path / "chart.svg").read_text()
        assert "executor, 2 workers" in chart
        assert "#111111" in chart

    def test_a_result_of_a_strategy_that_is_not_installed_here(self, strategy: str, tmp_path: Path) -> None:
        pytest.importorskip("vl_convert", reason="there is no build for this Python")
        result = str(tmp_path / "result.json")
        command("bench", "-s", strategy, "-j", "2", "--method", "auto", "--repeat", "2", "-o", result)
        ran = command("bench", "chart", result, "-o", str(tmp_path / "chart.svg"), PYTHONPATH="")
        assert ran.returncode == 0, ran.stderr
