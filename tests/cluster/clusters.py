"""Real clusters on this machine: Dask's scheduler and workers as processes of their own, Ray with several nodes."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from conftest import descendants, gone

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")


class DaskCluster:
    """A scheduler and so many workers with their nannies, each a process."""

    def __init__(self, directory: Path, workers: int = 2) -> None:
        self._log = directory / "dask.log"
        self._processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("scheduler", "--port", "0", "--host", "127.0.0.1")
        try:
            self.address = self._address()
            for _ in range(workers):
                self.add_worker()
            if workers:
                self.wait_for_workers(workers)
        except BaseException:
            self.close()
            raise

    def _start(self, *args: str) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            started = subprocess.Popen(
                [sys.executable, "-m", "dask", *args, "--no-dashboard"],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self._processes.append(started)
        return started

    def _address(self) -> str:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if found := re.search(r"Scheduler at:\s+(tcp://\S+)", self._log.read_text()):
                return found[1]
            time.sleep(0.1)
        raise TimeoutError(self._log.read_text())

    def add_worker(self) -> subprocess.Popen[bytes]:
        return self._start("worker", self.address, "--nthreads", "1", "--death-timeout", "60")

    def worker_pids(self) -> dict[str, int]:
        """The processes that run the items, by address."""
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            return {address: int(pid) for address, pid in client.run(os.getpid).items()}

    def wait_for_workers(self, count: int) -> None:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(count, timeout=60)

    def __enter__(self) -> DaskCluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        pids = set()
        for process in self._processes:
            pids |= {process.pid, *descendants(process.pid)}
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for process in self._processes:
            process.wait()
        assert gone(pids)


@contextmanager
def ray_that_ends() -> Iterator[None]:
    """Nothing of Ray is left afterwards, whatever fails."""
    try:
        yield
    finally:
        if "ray" in sys.modules:
            import ray

            ray.shutdown()
        left = {pid for pid in descendants(os.getpid()) if b"/ray/" in Path(f"/proc/{pid}/cmdline").read_bytes()}
        if not gone(left, 10):
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"processes of Ray were left: {left}")
