"""`Ray` on a real cluster of three nodes on this machine, each of one CPU, of which one is removed and one added."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import functions
import pytest
from clusters import ray_that_ends
from conftest import REPOSITORY, alive, command, ends_within, gone

import factorpool as fp

pytestmark = [pytest.mark.usefixtures("workers_left"), pytest.mark.filterwarnings("default")]

SEMIPRIME = (2**89 - 1) * (2**107 - 1)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from ray.cluster_utils import Cluster

    with ray_that_ends():
        looks = {"health_check_period_ms": 500, "health_check_failure_threshold": 3}  # not half a minute
        made = Cluster(
            initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False, "_system_config": looks}
        )
        try:
            for _ in range(2):
                made.add_node(num_cpus=1)
            yield made
        finally:
            import ray

            ray.shutdown()
            made.shutdown()


@pytest.fixture
def strategy(cluster: Any) -> fp.Ray:
    made = fp.Ray(cluster.address)
    assert wait_until(lambda: made.capacity() == 3)
    return made


def wait_until(holds: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def test_a_million_numbers_and_one_large_one(strategy: fp.Ray) -> None:
    numbers = range(10**12, 10**12 + 10**6)
    assert fp.factor_many(list(numbers), strategy=strategy) == fp.factor_many(numbers)
    seen: list[tuple[int, int | None]] = []
    found = fp.factor(SEMIPRIME, strategy=strategy, progress=lambda done, total: seen.append((done, total)))
    assert found == {2**89 - 1: 1, 2**107 - 1: 1}
    stages = list(dict.fromkeys(total for _, total in seen))  # curves for factors of a size, of the next, relations
    assert seen == sorted(seen, key=lambda at: (stages.index(at[1]), at[0])) and len(stages) > 1


def test_items_that_kill(strategy: fp.Ray, tmp_path: Path) -> None:
    once = partial(functions.killed_once, str(tmp_path / "once"))
    assert list(fp.pmap(once, range(30), strategy=strategy)) == list(range(30))
    outcomes = list(fp.pmap(functions.exit_at_7, range(100), strategy=strategy, on_error="collect"))
    assert [o.value for o in outcomes] == [n if n != 7 else None for n in range(100)]
    error = outcomes[7].error
    assert isinstance(error, fp.WorkerDiedError)
    assert "WorkerCrashedError" in str(error)


def test_items_that_take_too_long(strategy: fp.Ray) -> None:
    with ends_within(60):
        outcomes = list(
            fp.pmap(
                functions.forever_after_7, [1, 2, 9, 3, 8, *range(8)], strategy=strategy, timeout=1, on_error="collect"
            )
        )
    assert [o.value for o in outcomes] == [1, 2, None, 3, None, *range(8)]
    late = outcomes[2].error
    assert isinstance(late, fp.ItemTimeoutError)
    assert (late.index, late.timeout) == (2, 1)


def test_items_that_take_too_long_and_hold_the_gil(strategy: fp.Ray) -> None:
    """Nothing in the worker can say which item it was, so what was lost is run again until it is alone."""
    with ends_within(120):
        outcomes = list(
            fp.pmap(hold_the_gil_at_9, [1, 2, 9, 3, *range(8)], strategy=strategy, timeout=1, on_error="collect")
        )
    assert [o.value for o in outcomes] == [1, 2, None, 3, *range(8)]
    late = outcomes[2].error
    assert isinstance(late, fp.ItemTimeoutError)
    assert (late.index, late.timeout) == (2, 1)


def hold_the_gil_at_9(n: int) -> int:
    if n == 9:
        re.match("(a+)+$", 64 * "a" + "b")  # takes 2^64 steps, and never looks at who wants the GIL
    return n


def test_large_tasks_items_and_results(strategy: fp.Ray) -> None:
    """They go through the object store as buffers, and what comes of them is the caller's own."""
    table = bytes(range(256)) * (1 << 14)
    assert list(fp.pmap(partial(functions.look_up, table), range(300), strategy=strategy)) == [
        n % 256 for n in range(300)
    ]
    items = [bytearray([n]) * (1 << 20) for n in range(12)]
    results = list(fp.pmap(first_changed, items, strategy=strategy))
    assert [(result[0], result[1], len(result)) for result in results] == [(255, n, 1 << 20) for n in range(12)]
    results[0][1] = 7


def first_changed(item: bytearray) -> bytearray:
    item[0] = 255
    return item


def test_an_item_without_enough_memory(strategy: fp.Ray) -> None:
    """It has a MemoryError of its own, or its worker dies with it; the others come through."""
    outcomes = list(fp.pmap(allocate_at_3, range(6), strategy=strategy, on_error="collect"))
    assert [o.value for o in outcomes] == [0, 1, 2, None, 4, 5]
    assert isinstance(outcomes[3].error, MemoryError | fp.WorkerDiedError)


def allocate_at_3(n: int) -> int:
    import resource

    resource.setrlimit(resource.RLIMIT_DATA, (1 << 30, resource.RLIM_INFINITY))
    try:
        return n if n != 3 else len(bytearray(3 << 30))
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def test_nodes_that_go_without_grace_and_that_come(cluster: Any, strategy: fp.Ray) -> None:
    naps, done = [0.05] * 400, []
    node = cluster.add_node(num_cpus=1)
    assert wait_until(lambda: strategy.capacity() == 4)
    remover = threading.Timer(1.5, cluster.remove_node, (node,), {"allow_graceful": False})
    remover.start()
    with ends_within(120):
        done = list(fp.pmap(functions.nap, naps, strategy=strategy))
    remover.join()
    assert done == [None] * 400
    assert wait_until(lambda: strategy.capacity() == 3)

    pids: set[int] = set()
    with ends_within(120):
        for count, outcome in enumerate(
            fp.pmap(nap_and_pid, range(300), strategy=strategy, ordered=False, on_error="collect")
        ):
            pids.add(outcome.value)
            if count == 20:
                node = cluster.add_node(num_cpus=1)
    assert len(pids) > 3  # the new node has worked, too
    cluster.remove_node(node, allow_graceful=False)
    assert wait_until(lambda: strategy.capacity() == 3)


def nap_and_pid(_: int) -> int:
    time.sleep(0.05)
    return os.getpid()


DRIVER = """
import os, sys, time
import factorpool as fp

def note(n):
    with open({path!r}, "a") as file:
        file.write(f"{{os.getpid()}}\\n")
    time.sleep(1)

if __name__ == "__main__":
    print("running", flush=True)
    list(fp.pmap(note, range(10_000), strategy=fp.Ray({address!r})))
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_driver_that_ends_leaves_no_task_running(cluster: Any, tmp_path: Path, how: signal.Signals) -> None:
    path = tmp_path / "notes"
    program = tmp_path / "driver.py"
    program.write_text(DRIVER.format(path=str(path), address=cluster.address))
    driver = subprocess.Popen(
        [sys.executable, str(program)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=REPOSITORY,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    try:
        assert wait_until(lambda: path.exists() and len(path.read_text().split()) > 3, 60)
        driver.send_signal(how)
        driver.wait(30)
        pids = {int(pid) for pid in path.read_text().split()}
        assert gone(pids, 30) or not any(alive(pid) and _is_busy(pid) for pid in pids)
        before = path.read_text()
        time.sleep(2.5)
        assert path.read_text() == before
    finally:
        driver.kill()
        driver.wait()


def _is_busy(pid: int) -> bool:
    """Ray names a worker's process after the task that it runs."""
    return b"run_chunk" in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_log_records_arrive(strategy: fp.Ray, caplog: pytest.LogCaptureFixture) -> None:
    assert list(fp.pmap(functions.log, range(4), strategy=strategy)) == list(range(4))
    assert sorted(record.getMessage() for record in caplog.records if record.name == "mine") == [
        f"item {n}" for n in range(4)
    ]


def test_the_programs_own_ray_is_used_and_kept(cluster: Any) -> None:
    import ray

    if not ray.is_initialized():
        ray.init(address=cluster.address)
    assert list(fp.pmap(functions.square, range(5), strategy="ray")) == [n * n for n in range(5)]
    with fp.Pool("ray") as pool:
        assert pool.submit(pow, 2, 5).result() == 32
    assert ray.is_initialized()


def test_on_the_command_line(cluster: Any) -> None:
    ran = command("factor", "-s", f"ray:{cluster.address}", "360")
    assert ran.stdout == b"360: 2 2 2 3 3 5\n", ran.stderr
    ran = command("factor", "-s", "ray", "15", RAY_ADDRESS=cluster.address)
    assert ran.stdout == b"15: 3 5\n", ran.stderr


def test_no_cluster_says_so_within_seconds() -> None:
    with ends_within(60):
        ran = command("factor", "-s", "ray:127.0.0.1:1", "15")
    assert ran.returncode == 2
    assert b"no Ray cluster answers at 127.0.0.1:1" in ran.stderr


def test_a_token_that_is_refused_is_named_within_seconds() -> None:
    ray_program = str(Path(sys.executable).parent / "ray")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
    directory = tempfile.mkdtemp(prefix="ray", dir="/tmp")  # the names of sockets there may have 107 characters
    right = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": 40 * "r"}
    head = subprocess.Popen(
        [ray_program, "start", "--head", "--block", "--num-cpus=1", "--include-dashboard=false",
         f"--port={address.partition(':')[2]}", f"--temp-dir={directory}"],
        env={**os.environ, **right}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        assert wait_until(lambda: command("factor", "-s", f"ray:{address}", "15", **right).returncode == 0, 60)
        for token in ({}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": 40 * "w"}):
            with ends_within(30):
                ran = command("factor", "-s", f"ray:{address}", "15", **token)
            assert ran.returncode == 2
            assert f"the Ray cluster at {address} refuses this program's token".encode() in ran.stderr
    finally:
        head.terminate()
        head.wait(30)
        shutil.rmtree(directory, ignore_errors=True)
