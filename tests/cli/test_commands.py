"""What all commands share."""

from __future__ import annotations

from pathlib import Path

from conftest import command, run_python


def test_a_command_that_is_nearly_one_is_suggested() -> None:
    ran = command("fctor", "360")
    assert ran.returncode == 2
    assert b"No such command 'fctor'. Did you mean 'factor'?" in ran.stderr


def test_charts_say_what_they_need(tmp_path: Path) -> None:
    assert (
        command("bench", "-w", "article:1", "-s", "serial", "--repeat", "1", "-o", str(tmp_path / "r.json")).returncode
        == 0
    )
    code = f"""
import sys
sys.modules["altair"] = None  # as where it is not installed
sys.argv = ["factorpool", "bench", "chart", {str(tmp_path / "r.json")!r}]
from factorpool.cli import main
main()
"""
    ran = run_python(code)
    assert ran.returncode == 1
    assert ran.stderr == 'factorpool: charts need altair: pip install "factorpool[plot]"\n'
