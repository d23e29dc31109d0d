"""Imports point downwards only: who may import whom, as CONTRIBUTING has it."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from conftest import REPOSITORY

SOURCE = REPOSITORY / "src" / "factorpool"

MAY_IMPORT = {
    "cli": {"bench", "jobs", "api", "formats", "factoring", "pool", "errors", "_native"},
    "bench": {"api", "article", "jobs", "factoring", "pool", "files", "errors", "_native"},
    "jobs": {"api", "formats", "factoring", "pool", "files", "errors", "_native"},
    "article": {"api", "factoring"},
    "api": {"factoring", "formats", "pool", "errors", "_native"},
    "formats": {"factoring", "errors", "_native"},
    "factoring": {"files", "pool", "errors", "_native"},
    "pool": {"files", "errors", "_native"},
    "files": set(),
    "errors": set(),
}
"""What each part of the house may import of the others; `_native` is the kernel, which knows nobody."""


def modules() -> list[Path]:
    return sorted(path for path in SOURCE.rglob("*.py") if path.name not in ("__main__.py", "__init__.py"))


def parts_imported(path: Path) -> set[str]:
    """The parts of factorpool that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("factorpool.")}
    return found


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_downwards(path: Path) -> None:
    part = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert parts_imported(path) <= MAY_IMPORT[part] | {part}


def test_the_pool_asks_tasks_and_names_no_strategy() -> None:
    """A task gives a hint and a strategy has traits; so nothing in the pool asks what they are."""
    names = {"serial", "threads", "interpreters", "processes", "simulated"}
    for path in (SOURCE / "pool").rglob("*.py"):
        text = path.read_text()
        assert "isinstance(task" not in text, path
        if path.name == "__init__.py" and path.parent.name == "strategies":
            continue  # the registry
        own = {path.stem, path.parent.name}
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Constant) and node.value in names - own:
                pytest.fail(f"{path}:{node.lineno} names the strategy {node.value!r}")


def test_one_folder_of_the_kernel_knows_python() -> None:
    native = SOURCE / "native"
    knowing = {path.parent.name for path in native.rglob("*.[ch]") if "<Python.h>" in path.read_text()}
    assert knowing == {"python"}
