"""The README's examples do what it says."""

from __future__ import annotations

import contextlib
import io
import re

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
