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


def test_script_with_a_function_that_crashes(tmp_path: Path) -> None:
    code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)[1]
    script = tmp_path / "script.py"
    script.write_text(code)
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60)
    expected = re.findall(r"print\(.*\)  # (.*)", code)
    assert len(expected) == 3
    assert (ran.stdout.splitlines(), ran.stderr) == (expected, "")
