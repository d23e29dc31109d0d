"""The tests that CPython ships for executors, against `fp.Pool` on threads, processes and interpreters.

They are run from the installed `test` package, from CPython 3.13 on; LEFT_OUT lists those that are not, and why.
"""

from __future__ import annotations

import sys
import unittest
from typing import Any

import pytest

import factorpool as fp
from factorpool.pool.shelf import close_shared

if sys.version_info < (3, 13):
    pytest.skip("the tests are those of CPython 3.13 and later", allow_module_level=True)
util = pytest.importorskip("test.test_concurrent_futures.util", reason="this Python comes without its tests")
from test.test_concurrent_futures import (  # type: ignore[import-not-found]  # noqa: E402
    executor,
    test_as_completed,
    test_deadlock,
    test_init,
    test_shutdown,
    test_wait,
)

INSIDES = "it looks at parts of ProcessPoolExecutor or ThreadPoolExecutor that no other executor has"
BY_NAME = "its script imports the class by name from concurrent.futures; test_pool.py has the same for fp.Pool"
BREAKS = "it wants a worker's death to break the pool; here it costs the call that killed it (test_pool.py)"
LOGS = "it wants a log of concurrent.futures; here the error itself says what the initializer raised (test_pool.py)"

LEFT_OUT = {
    "test_interpreter_shutdown": BY_NAME,
    "test_submit_after_interpreter_shutdown": BY_NAME,
    "test_hang_gh83386": BY_NAME,
    "test_exit_at_task_unpickle": BREAKS,
    "test_error_at_task_unpickle": BREAKS,
    "test_crash_at_task_unpickle": BREAKS,
    "test_crash_during_func_exec_on_worker": BREAKS,
    "test_error_during_result_unpickle_in_result_handler": BREAKS,
    "test_exit_during_result_unpickle_in_result_handler": BREAKS,
    "test_crash_during_result_pickle_on_worker": BREAKS,
    "test_shutdown_deadlock": BREAKS,
    "test_crash_big_data": BREAKS,
    "test_error_at_task_pickle": "it wants pickle's own error; here a NotPicklableError says which argument it is",
    "test_error_during_result_pickle_on_worker": "it wants pickle's own error; here a NotPicklableError names it",
    "test_exit_during_result_pickle_on_worker": "a result whose pickling exits is a NotPicklableError here",
    "test_shutdown_deadlock_pickle": INSIDES,
    "test_gh105829_should_not_deadlock_if_wakeup_pipe_full": INSIDES,
    "FailingInitializerMixin.test_initializer": LOGS,
}


class ThreadPool(fp.Pool):
    def __init__(self, max_workers: int | None = None, **options: Any) -> None:
        super().__init__("threads", max_workers, **options)


class ProcessPool(fp.Pool):
    def __init__(self, max_workers: int | None = None, mp_context: Any = None, **options: Any) -> None:
        super().__init__(fp.Processes(context=mp_context), max_workers, **options)


class InterpreterPool(fp.Pool):
    def __init__(self, max_workers: int | None = None, **options: Any) -> None:
        super().__init__("interpreters", max_workers, **options)


class OnThreads(util.ExecutorMixin):  # type: ignore[misc]
    executor_type = ThreadPool


class OnProcesses(util.ExecutorMixin):  # type: ignore[misc]
    executor_type = ProcessPool
    ctx = "forkserver"


class OnInterpreters(util.ExecutorMixin):  # type: ignore[misc]
    executor_type = InterpreterPool


SUITES = {
    "Executor": (executor.ExecutorTest, (OnThreads, OnProcesses, OnInterpreters)),
    "Wait": (test_wait.WaitTests, (OnThreads, OnProcesses, OnInterpreters)),
    "AsCompleted": (test_as_completed.AsCompletedTests, (OnThreads, OnProcesses, OnInterpreters)),
    "Shutdown": (test_shutdown.ExecutorShutdownTest, (OnThreads, OnProcesses, OnInterpreters)),
    "Initializer": (test_init.InitializerMixin, (OnThreads, OnProcesses)),
    "FailingInitializer": (test_init.FailingInitializerMixin, (OnThreads, OnProcesses)),
    "Deadlock": (test_deadlock.ExecutorDeadlockTest, (OnProcesses,)),
}


def _cases() -> list[Any]:
    """Every test of every suite on everything that it is for."""
    found = []
    for name, (suite, places) in SUITES.items():
        for place in places:
            kind = type(f"{name}{place.__name__}", (suite, place, util.BaseTestCase), {})
            reason = place is OnInterpreters and fp.strategies()["interpreters"].reason
            for method in unittest.TestLoader().getTestCaseNames(kind):
                why = LEFT_OUT.get(method) or LEFT_OUT.get(f"{suite.__name__}.{method}") or reason
                marks = [pytest.mark.skip(reason=why)] if why else []
                found.append(pytest.param(kind, method, id=f"{kind.__name__}-{method}", marks=marks))
    return found


@pytest.mark.parametrize(("kind", "method"), _cases())
def test_as_cpython_tests_its_own(kind: type[unittest.TestCase], method: str) -> None:
    result = unittest.TestResult()
    kind(method).run(result)
    close_shared()
    for _, why in result.skipped:
        pytest.skip(why)
    assert not [*result.errors, *result.failures], "\n".join(text for _, text in [*result.errors, *result.failures])
    assert result.testsRun == 1
