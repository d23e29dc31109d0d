"""The README's examples do what it says."""

from __future__ import annotations

import contextlib
import io
import re
import subprocess
import sys
from pathlib import Path

from conftest import REPOSITORY, command

README = (REPOSITORY / "README.md").read_text()


def test_python() -> None:
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert code
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(code[1], {})
    expected = re.findall(r"print\(.*# (?:any function: )?([{\[\d].*)", code[1])
    assert printed.getvalue().splitlines() == expected


def test_command_line() -> None:
    shown = re.search(r"\$ factorpool (factor \d+ \d+)\n((?:    \d+: .*\n)+)", README)
    assert shown
    assert command(*shown[1].split()).stdout.decode() == re.sub("^    ", "", shown[2], flags=re.MULTILINE)


def script_of(example: int, path: Path) -> tuple[str, subprocess.CompletedProcess[str]]:
    """An example's code, and what it printed as a script."""
    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[example]
    path.write_text(code)
    return code, subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=100)


def test_comparison(tmp_path: Path) -> None:
    _, ran = script_of(1, tmp_path / "script.py")
    assert ran.stderr == ""
    lines = ran.stdout.splitlines()
    assert lines[0].startswith("compress on ")
    assert lines[-1].startswith("use ")


def test_script_with_a_function_that_crashes(tmp_path: Path) -> None:
    code, ran = script_of(2, tmp_path / "script.py")
    expected = re.findall(r"print\(.*\)  # (.*)", code)
    assert len(expected) == 3
    assert (ran.stdout.splitlines(), ran.stderr) == (expected, "")
