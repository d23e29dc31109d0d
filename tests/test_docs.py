"""Every example of the documentation runs, and prints what it says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import REPOSITORY

PAGES = sorted((REPOSITORY / "docs").rglob("*.md"))
EXAMPLES = [
    pytest.param(code, id=f"{page.stem}-{at}")
    for page in PAGES
    for at, code in enumerate(re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL))
]


@pytest.mark.parametrize("code", EXAMPLES)
def test_examples_print_what_they_say(code: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(code)
    ran = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=100)
    assert ran.stderr == ""
    lines = iter(ran.stdout.splitlines())
    for expected in re.findall(r"print\(.*\)  # (.*)", code):
        assert expected in lines, ran.stdout  # each after the one before


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*PAGES, *REPOSITORY.glob("*.md"), REPOSITORY / "benchmarks" / "README.md"]:
        for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"


def test_every_public_name_is_in_the_reference() -> None:
    import factorpool as fp

    reference = (REPOSITORY / "docs" / "reference.md").read_text()
    named = {name for name in fp.__all__ if f"factorpool.{name}" in reference}
    errors = {name for name in fp.__all__ if name.endswith("Error")}
    assert set(fp.__all__) - named - errors <= {"StrategyInfo"}
