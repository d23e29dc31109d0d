"""Jobs whose computer loses its power, or whose disk is full: the output is that of a run that nothing disturbed."""

from __future__ import annotations

import os
import random
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

from factorpool.jobs.journal import read_journal

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")

LINES = 20_000


@pytest.fixture(scope="module")
def power_cut(tmp_path_factory: pytest.TempPathFactory) -> Path:
    library = tmp_path_factory.mktemp("preloaded") / "power_cut.so"
    source = REPOSITORY / "tests" / "jobs" / "power_cut.c"
    command = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-Wno-format-truncation"]
    subprocess.run([*command, "-o", library, source, "-ldl"], check=True)
    return library


def run(directory: Path, output: str, *args: str, **env: str) -> tuple[int, str]:
    """A job that marks everything, and reads little at a time."""
    code = (
        "from factorpool.jobs import journal, reader; from factorpool.cli import factor, main; "
        "journal.MARK_SECONDS = 0; reader.READ_BYTES = 1 << 12; factor.BUFFER = 1024; main()"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "factor", "-s", "serial", "-i", "numbers", "-o", output, *args],
        cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=100, env={**os.environ, **env},
    )  # fmt: skip
    return ran.returncode, ran.stderr


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    rng = random.Random(5)
    (tmp_path / "numbers").write_text("".join(f"{rng.getrandbits(64)}\n" for _ in range(LINES)))
    return tmp_path


@pytest.mark.parametrize("output", ["factors", "factors.sqlite"])
def test_a_power_cut_loses_only_what_was_not_marked(power_cut: Path, directory: Path, output: str) -> None:
    assert run(directory, output) == (0, "")
    path = directory / output
    expected = path.read_bytes()
    path.unlink()
    preloaded = {"LD_PRELOAD": str(power_cut), "POWER_CUT_DIRECTORY": os.path.realpath(directory / "factors")}
    rng, cuts, gone_on, last = random.Random(output), 0, 0, 0
    while cuts < 12:
        code, errors = run(directory, output, POWER_CUT_AT=str(rng.randrange(1, 400)), **preloaded)
        cuts += code != 0
        gone_on += "going on at line" in errors
        assert code in (0, -9), errors
        known = read_journal(f"{path}.job")
        mark = 0 if known is None else known["mark"]["size"]
        assert path.exists() or mark >= last  # what was marked is never lost
        last = mark
        for left in directory.glob("*.before*"):
            left.unlink()  # what a name stood for before that cut, and still stands for
        if code == 0:
            assert path.read_bytes() == expected
            path.unlink()
            last = 0
    assert gone_on > 3
    assert run(directory, output)[0] == 0
    assert path.read_bytes() == expected
    assert sorted(each.name for each in directory.iterdir()) == [output, "numbers"]


@pytest.mark.parametrize("output", ["factors", "factors.csv", "factors.sqlite"])
def test_a_full_disk_loses_nothing(directory: Path, output: str) -> None:
    assert run(directory, output) == (0, "")
    path = directory / output
    expected = path.read_bytes()
    path.unlink()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for size in (1 << 16, 1 << 17, len(expected) // 2):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))  # a write behind it is done in part, then refused
        try:
            code, errors = run(directory, output)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert code == 1 and "cannot write" in errors and "File too large" in errors
        assert not path.exists()
    code, errors = run(directory, output)
    assert code == 0 and "going on at line" in errors
    assert path.read_bytes() == expected
    assert sorted(each.name for each in directory.iterdir()) == [output, "numbers"]
