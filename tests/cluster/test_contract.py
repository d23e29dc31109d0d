"""The contract of all strategies, kept over loky, Dask and Ray."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack
from pathlib import Path

import pytest
from clusters import DaskCluster, ray_that_ends

import factorpool as fp
from factorpool.pool.protocol import Strategy

sys.path.append(str(Path(__file__).parent.parent / "pool"))

from test_strategies import (
    test_a_task_that_ends_early_is_an_error as test_a_task_that_ends_early_is_an_error,
)
from test_strategies import test_every_schedule_and_error_on_it as test_every_schedule_and_error_on_it
from test_strategies import test_traits_say_what_a_strategy_can as test_traits_say_what_a_strategy_can
from test_strategies import test_workers_know_what_they_hold as test_workers_know_what_they_hold
from test_strategies import workers as workers

pytestmark = [pytest.mark.usefixtures("workers_left"), pytest.mark.filterwarnings("default")]


def two_of_loky() -> Executor:
    import loky

    made: Executor = loky.ProcessPoolExecutor(2)
    return made


@pytest.fixture(scope="module", params=["loky", "dask", "ray"])
def strategy(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Strategy]:
    with ExitStack() as stack:
        if request.param == "loky":
            yield fp.Executor(two_of_loky)
        elif request.param == "dask":
            yield fp.Dask(stack.enter_context(DaskCluster(tmp_path_factory.mktemp("dask"))).address)
        else:
            stack.enter_context(ray_that_ends())
            yield fp.Ray("local")
