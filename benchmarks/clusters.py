"""Clusters: factorpool on Ray and Dask beside what each of them has for a list of items.

    pip install "factorpool[ray,dask]" joblib "dask[bag]"
    python benchmarks/clusters.py           # all, about ten minutes; or name some: speed kept

Each run is a process of its own with a cluster of two workers on this machine: `ray.init(num_cpus=2)`, or Dask's
scheduler and two workers as processes of their own.  An item naps for 10 ms, so that workers, scheduler and caller
do not fight for two CPUs: what is measured is what the systems add.  `speed` is steady state: a warm-up, then 2000
items; 100 % would be half of what they take one after the other, about 10 s.  `kept` is what of 500 such items is
there within LIMIT seconds when a worker is killed once, when one item always kills, and when a node of two goes away.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from importlib.metadata import version
from typing import Any

from common import save

import factorpool as fp

NAP = 0.01
SPEED_ITEMS, KEPT_ITEMS, ROUNDS, LIMIT = 2000, 500, 3, 60

Mapper = Callable[[Callable[[int], int], Iterable[int]], Iterable[int]]


def nap(n: int) -> int:
    """An item of 10 ms."""
    time.sleep(NAP)
    return n


def kill_once(path: str, n: int) -> int:
    """One worker is killed, once."""
    if n == 250 and not os.path.exists(path):
        with open(path, "w"):
            pass
        os._exit(1)
    return nap(n)


def kill_always(n: int) -> int:
    """One item kills every worker that gets it."""
    if n == 250:
        os._exit(1)
    return nap(n)


# How each system maps a function over items.


def on_factorpool(strategy: fp.Executor) -> Mapper:
    """All outcomes without an error."""

    def run(fn: Callable[[int], int], items: Iterable[int]) -> Iterator[int]:
        for outcome in fp.pmap(fn, items, strategy=strategy, on_error="collect"):
            if outcome.error is None:
                yield outcome.value

    return run


def on_ray_pool() -> Mapper:
    """Ray's own multiprocessing.Pool."""
    from ray.util.multiprocessing import Pool

    pool = Pool(2)
    return lambda fn, items: pool.imap(fn, items, chunksize=16)


def on_joblib(backend: str) -> Mapper:
    """Joblib with a backend of the cluster's."""
    from joblib import Parallel, delayed, parallel_config

    def run(fn: Callable[[int], int], items: Iterable[int]) -> Iterator[int]:
        with parallel_config(backend, n_jobs=2):
            yield from Parallel()(delayed(fn)(n) for n in items)

    return run


def on_bag() -> Mapper:
    """Dask's bag."""
    import dask.bag

    return lambda fn, items: dask.bag.from_sequence(items).map(fn).compute()


def connect_ray(address: str) -> None:
    """Ray with two CPUs, or that cluster, with everything quiet."""
    import ray

    ray.init(
        address or "local", **({} if address else {"num_cpus": 2, "include_dashboard": False}), log_to_driver=False
    )


def mapper_of(system: str, address: str) -> Mapper:
    """The way of a system, connected."""
    if "Ray" in system:
        connect_ray(address)
    if system == "factorpool, Ray":
        return on_factorpool(fp.Ray())
    if system == "Ray's Pool":
        return on_ray_pool()
    if system == "joblib, Ray":
        from ray.util.joblib import register_ray

        register_ray()
        return on_joblib("ray")
    if system == "factorpool, Dask":
        return on_factorpool(fp.Dask(address))
    from distributed import Client

    Client(address)
    return on_joblib("dask") if system == "joblib, Dask" else on_bag()


SYSTEMS = ("factorpool, Ray", "Ray's Pool", "joblib, Ray", "factorpool, Dask", "joblib, Dask", "dask.bag")


# One measurement, in a process of its own, which prints one line.


def speed(run: Mapper, _: str) -> float:
    """How much of two workers' time is spent on items."""
    list(run(nap, range(100)))
    began = time.perf_counter()
    for n in range(100):
        nap(n)
    item = (time.perf_counter() - began) / 100
    began = time.perf_counter()
    assert len(list(run(nap, range(SPEED_ITEMS)))) == SPEED_ITEMS
    return SPEED_ITEMS * item / 2 / (time.perf_counter() - began)


def count_results(run: Mapper, fn: Callable[[int], int]) -> int:
    """Results until the end, or until an error."""
    count = 0
    with suppress(Exception):
        for _ in run(fn, range(KEPT_ITEMS)):
            count += 1
            print(f"so far {count}", flush=True)
    return count


CASES: dict[str, Callable[[Mapper, str], float]] = {
    "speed": speed,
    "a worker is killed": lambda run, path: count_results(run, partial(kill_once, path)),
    "an item always kills": lambda run, _: count_results(run, kill_always),
    "a node goes away": lambda run, _: count_results(run, nap),
}


@contextmanager
def dask_cluster() -> Iterator[str]:
    """A scheduler and two workers; gives the scheduler's address."""
    with tempfile.TemporaryFile("w+") as log:

        def start(*args: str) -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *args, "--no-dashboard"], stdout=log, stderr=log, start_new_session=True
            )

        processes = [start("scheduler", "--port", "0", "--host", "127.0.0.1")]
        try:
            address = None
            while address is None:
                time.sleep(0.2)
                log.seek(0)
                found = re.search(r"Scheduler at:\s+(tcp://\S+)", log.read())
                address = found[1] if found else None
            processes += [start("worker", address, "--nthreads", "1") for _ in range(2)]
            from distributed import Client

            with Client(address, set_as_default=False) as client:
                client.wait_for_workers(2, timeout=60)
            yield address
        finally:
            for process in processes:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, 9)
                process.wait()


@contextmanager
def ray_nodes() -> Iterator[tuple[str, Callable[[], None]]]:
    """Two nodes of one CPU: the address, and what removes one of them without grace."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    node = cluster.add_node(num_cpus=1)
    try:
        yield cluster.address, partial(cluster.remove_node, node, allow_graceful=False)
    finally:
        cluster.shutdown()


def measure(system: str, case: str) -> float | None:
    """One measurement of a system; None where it did not end, or cannot be."""
    with tempfile.TemporaryDirectory() as directory:
        path = os.path.join(directory, "killed")
        if case == "a node goes away":
            if system not in ("factorpool, Ray", "Ray's Pool"):  # joblib tells nothing before all is done
                return None
            with ray_nodes() as (address, remove):
                return in_a_process(system, case, path, address, remove)
        if "Ray" in system:
            return in_a_process(system, case, path, "")
        with dask_cluster() as address:
            return in_a_process(system, case, path, address)


def in_a_process(
    system: str, case: str, path: str, address: str, disturb: Callable[[], None] | None = None
) -> float | None:
    """Runs `one` and reads its last line; what had come is what was kept, where it does not end."""
    command = [sys.executable, __file__, "one", system, case, path, address]
    run = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    assert run.stdout is not None
    lines: list[str] = []
    try:
        if disturb is not None:
            while not lines or not lines[-1].startswith("so far 50"):
                if not (line := run.stdout.readline()):
                    break
                lines.append(line)
            disturb()
        with suppress(subprocess.TimeoutExpired):
            lines += run.communicate(timeout=LIMIT)[0].splitlines()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, 9)
        lines += (run.stdout.read() if not run.stdout.closed else "").splitlines()
        run.wait()
    shown = [line for line in lines if line.startswith(("so far", "result"))]
    return float(shown[-1].split()[-1]) if shown else 0.0


def main() -> None:
    """Measures, prints, saves."""
    if sys.argv[1:2] == ["one"]:
        system, case, path, address = sys.argv[2:]
        print("result", CASES[case](mapper_of(system, address), path), flush=True)
        os._exit(0)
    wanted = sys.argv[1:] or ["speed", "kept"]
    versions = {name: version(name) for name in ("ray", "distributed", "joblib")}
    if "speed" in wanted:
        taken: dict[str, list[float]] = {system: [] for system in SYSTEMS}
        for _ in range(ROUNDS):
            for system in SYSTEMS:
                taken[system].append(measure(system, "speed") or 0.0)
                print(f"{system}: {taken[system][-1]:.1%} of the time on items", flush=True)
        rows: list[dict[str, Any]] = [
            {"system": system, "efficiency": statistics.median(values), "rounds": values}
            for system, values in taken.items()
        ]
        save("clusters-speed", rows, versions=versions)
        for system, values in taken.items():
            print(f"{system}: median {statistics.median(values):.1%}")
    if "kept" in wanted:
        rows = []
        for case in ("a worker is killed", "an item always kills", "a node goes away"):
            for system in SYSTEMS:
                count = measure(system, case)
                if count is not None:
                    rows.append({"system": system, "case": case, "kept": round(count), "of": KEPT_ITEMS})
                    print(f"{case}: {system}: {count:.0f} of {KEPT_ITEMS} results", flush=True)
        save("clusters-kept", rows, versions=versions)


if __name__ == "__main__":
    main()
