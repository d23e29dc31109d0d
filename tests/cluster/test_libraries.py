"""Each of the executors that `docs/howto/clusters.md` names, once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from concurrent.futures import Executor
from pathlib import Path

import functions
import pytest
from conftest import REPOSITORY

import factorpool as fp

pytestmark = [pytest.mark.usefixtures("workers_left"), pytest.mark.filterwarnings("default")]

NUMBERS = range(10**12, 10**12 + 3000)


def agrees(strategy: fp.Executor) -> None:
    """The same as without it, and with two workers."""
    assert strategy.capacity() == 2
    assert fp.factor_many(list(NUMBERS), strategy=strategy) == fp.factor_many(NUMBERS)
    assert list(fp.pmap(functions.square, range(50), strategy=strategy)) == [n * n for n in range(50)]


def two_of_loky() -> Executor:
    import loky

    made: Executor = loky.ProcessPoolExecutor(2)
    return made


def test_loky() -> None:
    agrees(fp.Executor(two_of_loky))
    outcomes = list(fp.pmap(functions.exit_at_7, range(30), strategy=fp.Executor(two_of_loky), on_error="collect"))
    assert [o.value for o in outcomes] == [n if n != 7 else None for n in range(30)]
    assert "TerminatedWorkerError" in str(outcomes[7].error)


def test_a_reusable_executor_of_loky() -> None:
    import loky

    executor = loky.get_reusable_executor(max_workers=2)
    agrees(fp.Executor(executor))
    executor.shutdown(kill_workers=True)


def test_parsl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from parsl.concurrent import ParslPoolExecutor
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.providers import LocalProvider

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")  # its programs are there
    config = Config(
        executors=[
            HighThroughputExecutor(
                label="here", max_workers_per_node=2, address="127.0.0.1", encrypted=False,
                provider=LocalProvider(init_blocks=1, max_blocks=1),
            )
        ],
        run_dir=str(tmp_path), usage_tracking=0,
    )  # fmt: skip
    with ParslPoolExecutor(config) as executor:
        agrees(fp.Executor(executor))


def test_executorlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from executorlib import SingleNodeExecutor

    monkeypatch.chdir(tmp_path)
    with SingleNodeExecutor(max_workers=2, block_allocation=True) as executor:
        agrees(fp.Executor(executor))


PROGRAM = """
from mpi4py.futures import MPIPoolExecutor
import factorpool as fp

if __name__ == "__main__":
    with MPIPoolExecutor() as executor:
        strategy = fp.Executor(executor)
        numbers = range(10**12, 10**12 + 3000)
        same = fp.factor_many(list(numbers), strategy=strategy) == fp.factor_many(numbers)
        print(strategy.capacity(), same, list(fp.pmap(abs, [-1, -2, -3], strategy=strategy)))
"""


def test_mpi(tmp_path: Path) -> None:
    mpiexec = shutil.which("mpiexec")
    if mpiexec is None:
        pytest.skip("there is no MPI here: on Debian, apt install openmpi-bin")
    (tmp_path / "program.py").write_text(PROGRAM)
    # Open MPI, in its versions 4 and 5, else refuses root, and more processes than there are CPUs.
    allowed = {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    }
    ran = subprocess.run(
        [mpiexec, "-n", "3", sys.executable, "-m", "mpi4py.futures", str(tmp_path / "program.py")],
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        cwd=REPOSITORY,
        env={**os.environ, **allowed},
    )
    assert ran.stdout == "2 True [1, 2, 3]\n", ran.stderr
