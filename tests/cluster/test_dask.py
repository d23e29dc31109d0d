"""`Dask` on a real cluster of this machine, of which workers and scheduler are killed."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import functions
import pytest
from clusters import DaskCluster
from conftest import command, ends_within

import factorpool as fp
from factorpool.pool.strategies import dask

pytestmark = [pytest.mark.usefixtures("workers_left"), pytest.mark.filterwarnings("default")]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    with DaskCluster(tmp_path) as made:
        yield made


@pytest.fixture(scope="module")
def calm_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DaskCluster]:
    """For tests that kill nothing in it."""
    with DaskCluster(tmp_path_factory.mktemp("dask")) as made:
        yield made


def test_numbers_one_large_number_and_the_command_line(calm_cluster: DaskCluster) -> None:
    strategy = fp.Dask(calm_cluster.address)
    assert strategy.capacity() == 2
    numbers = range(10**15, 10**15 + 30_000)
    assert fp.factor_many(list(numbers), strategy=strategy) == fp.factor_many(numbers)
    p, q = 2**89 - 1, 2**107 - 1
    assert fp.factor(p * q, strategy=strategy) == {p: 1, q: 1}
    ran = command("factor", "-s", f"dask:{calm_cluster.address}", "360")
    assert (ran.stdout, ran.stderr) == (b"360: 2 2 2 3 3 5\n", b"")
    ran = command("factor", "-s", "dask", "15", DASK_SCHEDULER_ADDRESS=calm_cluster.address)
    assert ran.stdout == b"15: 3 5\n"


def test_a_client_that_is_there_is_used_and_kept(calm_cluster: DaskCluster) -> None:
    from distributed import Client

    with Client(calm_cluster.address, set_as_default=False) as client:
        strategy = fp.Executor(client.get_executor(pure=False))
        assert list(fp.pmap(functions.square, range(20), strategy=strategy)) == [n * n for n in range(20)]
        assert client.submit(abs, -3).result() == 3


def test_items_that_kill(cluster: DaskCluster, tmp_path: Path) -> None:
    """Dask runs a call on four workers before it says so, and blames others with it; nothing else is lost."""
    once = partial(functions.killed_once, str(tmp_path / "once"))
    strategy = fp.Dask(cluster.address)
    with ends_within(60):
        assert list(fp.pmap(once, range(20), strategy=strategy)) == list(range(20))
    with ends_within(120):
        outcomes = list(fp.pmap(functions.exit_at_7, range(500), strategy=strategy, on_error="collect"))
    assert [o.value for o in outcomes] == [n if n != 7 else None for n in range(500)]
    assert isinstance(outcomes[7].error, fp.WorkerDiedError)
    assert "KilledWorker" in str(outcomes[7].error)


def test_a_worker_and_then_all_are_killed(cluster: DaskCluster) -> None:
    naps = [0.05] * 200
    for victims in (1, 2):
        pids = list(cluster.worker_pids().values())[:victims]
        killers = [threading.Timer(1.0, os.kill, (pid, signal.SIGKILL)) for pid in pids]
        for killer in killers:
            killer.start()
        with ends_within(120):
            assert list(fp.pmap(functions.nap, naps, strategy=fp.Dask(cluster.address))) == [None] * 200
        cluster.wait_for_workers(2)


def test_workers_that_come_are_used(cluster: DaskCluster) -> None:
    strategy, pids = fp.Dask(cluster.address), set()
    with ends_within(120):
        for at, pid in enumerate(fp.pmap(nap_and_pid, range(300), strategy=strategy, ordered=False)):
            pids.add(pid)
            if at == 20:
                cluster.add_worker()
    assert len(pids) == 3
    assert strategy.capacity() == 3


def nap_and_pid(_: int) -> int:
    time.sleep(0.05)
    return os.getpid()


def test_a_large_task_survives_the_worker_that_has_it(cluster: DaskCluster) -> None:
    """It is put into the cluster once, on one worker, and put there anew where that is lost."""
    table = bytes(range(256)) * (1 << 14)
    killers = [threading.Timer(0.7, os.kill, (pid, signal.SIGKILL)) for pid in cluster.worker_pids().values()]
    for killer in killers:
        killer.start()
    with ends_within(120):
        results = list(fp.pmap(partial(functions.look_up, table), range(3000), strategy=fp.Dask(cluster.address)))
    assert results == [n % 256 for n in range(3000)]


def test_auto_considers_a_cluster_that_it_is_given(calm_cluster: DaskCluster) -> None:
    """On one CPU, so that two workers elsewhere would be done sooner with what takes long."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(usable)})
    try:
        few = fp.pmap(functions.nap, [0.01] * 10, strategy=fp.Auto(fp.Dask(calm_cluster.address)))
        assert list(few) == [None] * 10
        assert few.strategy == "serial"
        many = fp.pmap(functions.nap, [0.02] * 200, strategy=f"auto+dask:{calm_cluster.address}")
        assert list(many) == [None] * 200
        assert many.strategy == "dask"
        assert many.reason is not None and many.reason.startswith("2 slots there take")
        unknown = fp.pmap(functions.nap, iter([0.02] * 50), strategy=f"auto+dask:{calm_cluster.address}")
        assert list(unknown) == [None] * 50
        assert unknown.reason is not None and unknown.reason.startswith("2 slots there have an item every")
        numbers = range(10**12, 10**12 + 1000)
        assert fp.factor_many(list(numbers), strategy=f"auto+dask:{calm_cluster.address}") == fp.factor_many(numbers)
        long = (2**127 - 1) * (2**107 - 1)
        found = fp.factor_many([long], strategy=fp.Auto(fp.Dask(calm_cluster.address)), timeout=0.5, on_error="collect")
        assert found.strategy == "dask"
        assert found.reason is not None and found.reason.startswith("2 slots there take")
    finally:
        os.sched_setaffinity(0, usable)


def test_auto_stays_where_a_cluster_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask, "ANSWER_SECONDS", 1)
    results = fp.pmap(functions.nap, [0.01] * 800, strategy="auto+dask:tcp://127.0.0.1:1")
    with pytest.warns(RuntimeWarning, match="stays on this machine: no Dask scheduler answers at"):
        done = list(results)
    assert done == [None] * 800
    assert results.strategy == "threads"


def test_a_scheduler_that_goes_away_ends_the_run(cluster: DaskCluster) -> None:
    killer = threading.Timer(1.5, cluster.scheduler.kill)
    killer.start()
    with pytest.raises(fp.FactorpoolError, match=f"the scheduler {cluster.address} is gone"), ends_within(60):
        list(fp.pmap(functions.nap, [0.1] * 1000, strategy=fp.Dask(cluster.address)))


def test_no_cluster_and_one_without_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask, "ANSWER_SECONDS", 1)
    with pytest.raises(fp.StrategyUnavailableError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1 "):
        list(fp.pmap(abs, [1, 2], strategy="dask:tcp://127.0.0.1:1"))
    with pytest.raises(fp.StrategyUnavailableError, match="needs a scheduler's address"):
        list(fp.pmap(abs, [1, 2], strategy="dask"))
    with (
        DaskCluster(tmp_path, workers=0) as cluster,
        pytest.raises(fp.StrategyUnavailableError, match=f"has no workers; start some: dask worker {cluster.address}"),
    ):
        list(fp.pmap(abs, [1, 2], strategy=fp.Dask(cluster.address)))
