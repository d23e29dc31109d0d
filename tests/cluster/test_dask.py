"""`Dask` on a real cluster of this machine, of which workers and scheduler are killed."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import functions
import pytest
from clusters import DaskCluster
from conftest import command, ends_within

import factorpool as fp

pytestmark = [pytest.mark.usefixtures("workers_left"), pytest.mark.filterwarnings("default")]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    with DaskCluster(tmp_path) as made:
        yield made


def test_numbers_one_large_number_and_the_command_line(cluster: DaskCluster) -> None:
    strategy = fp.Dask(cluster.address)
    assert strategy.capacity() == 2
    numbers = range(10**15, 10**15 + 30_000)
    assert fp.factor_many(list(numbers), strategy=strategy) == fp.factor_many(numbers)
    p, q = 2**89 - 1, 2**107 - 1
    assert fp.factor(p * q, strategy=strategy) == {p: 1, q: 1}
    ran = command("factor", "-s", f"dask:{cluster.address}", "360")
    assert (ran.stdout, ran.stderr) == (b"360: 2 2 2 3 3 5\n", b"")
    ran = command("factor", "-s", "dask", "15", DASK_SCHEDULER_ADDRESS=cluster.address)
    assert ran.stdout == b"15: 3 5\n"


def test_a_client_that_is_there_is_used_and_kept(cluster: DaskCluster) -> None:
    from distributed import Client

    with Client(cluster.address, set_as_default=False) as client:
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


def test_a_scheduler_that_goes_away_ends_the_run(cluster: DaskCluster) -> None:
    killer = threading.Timer(1.5, cluster.scheduler.kill)
    killer.start()
    with pytest.raises(fp.FactorpoolError, match=f"the scheduler {cluster.address} is gone"), ends_within(60):
        list(fp.pmap(functions.nap, [0.1] * 1000, strategy=fp.Dask(cluster.address)))


def test_no_cluster_and_one_without_workers(tmp_path: Path) -> None:
    with pytest.raises(fp.StrategyUnavailableError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:1 "):
        list(fp.pmap(abs, [1, 2], strategy="dask:tcp://127.0.0.1:1"))
    with pytest.raises(fp.StrategyUnavailableError, match="needs a scheduler's address"):
        list(fp.pmap(abs, [1, 2], strategy="dask"))
    with (
        DaskCluster(tmp_path, workers=0) as cluster,
        pytest.raises(fp.StrategyUnavailableError, match=f"has no workers; start some: dask worker {cluster.address}"),
    ):
        list(fp.pmap(abs, [1, 2], strategy=fp.Dask(cluster.address)))
