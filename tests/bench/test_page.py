"""The HTML page: what it says, and that a real browser shows it without an error or a request."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY, command

import factorpool as fp
from factorpool.bench.page import page_of, save_page
from factorpool.bench.report import duration
from factorpool.bench.result import Case, Predictions, Result, load

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
MACHINE = {"cpu": "a <fast> CPU", "usable_cpus": 2, "python": "CPython 3.11", "gil": "enabled", "isa": "avx2"}


@pytest.fixture
def result() -> Result:
    cases = [
        Case("", "serial", 1, [1.0, 1.1, 1.0, 1.0, 1.0, 1.2], [0.9] * 6, [1.0] * 6),
        Case("", "threads", 2, [2.0, 2.1, 2.0, 2.0, 2.0, 2.2], [1.9] * 6, [1.0] * 6),
        Case("", "interpreters", 2, note="module </script> does not load"),
    ]
    return Result("f", "f on 9 items </script><b>", 9, "guided", dict(MACHINE), {"ray": "no cluster"}, cases)


def test_the_page_has_what_the_result_has(result: Result) -> None:
    page = page_of([result])
    assert "f on 9 items &lt;/script&gt;&lt;b&gt;" in page
    assert "a &lt;fast&gt; CPU" in page
    assert "interpreters, 2 workers: module &lt;/script&gt; does not load" in page
    assert "ray was left out: no cluster" in page
    embedded = re.search(r'<script type="application/json" class="result">(.*?)</script>', page, re.DOTALL)
    assert embedded
    assert json.loads(embedded[1]) == json.loads(result.to_json())
    for case in result.measured():
        assert f">{duration(case.median)}</td>" in page
        assert f'data-value="{case.median!r}"' in page
        assert ", ".join(f"{seconds:.6g}" for seconds in case.seconds) in page


def test_the_page_loads_nothing(result: Result) -> None:
    page = page_of([result, load(str(REPOSITORY / "benchmarks" / "results" / "article.json"))])
    assert not re.search(
        r"https?:|//[a-z]|url\(|@import|<img|<iframe", re.sub(r"<script type.*?</script>", "", page, flags=re.S)
    )
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["data:,"]


def test_of_the_command(tmp_path: Path) -> None:
    article = str(REPOSITORY / "benchmarks" / "results" / "article.json")
    ran = command("bench", "report", article, article, "-o", str(tmp_path / "page.html"))
    assert ran.returncode == 0, ran.stderr
    page = (tmp_path / "page.html").read_text()
    assert page.count("<section>") == 2
    assert not list(tmp_path.glob("*.part"))
    ran = command("bench", "report", article, "--markdown")
    assert ran.stdout.decode().startswith("**300 consecutive odd numbers")
    assert "| strategy | time | least … most | speedup |\n|---|---:|---:|---:|\n| serial |" in ran.stdout.decode()
    assert command("bench", "report", "/etc/passwd").returncode == 2


def test_speedups_predictions_and_the_timeline_are_drawn(result: Result) -> None:
    assert "<circle" not in page_of([result])
    result.cases += [Case("", "processes", count, [2 / count] * 2, [0.1], [2 / count] * 2) for count in (2, 4)]
    row = {"workers": 8, "seconds": 0.2, "efficiency": 0.6, "tail": 0.1, "speedup": 5.0, "bound": 0.1}
    result.predictions = [Predictions("", "processes", "guided", {}, {"2": 0.9}, [row, {**row, "workers": 64}])]
    blocks = [
        {"worker": 1, "begin": 0.0, "end": 0.5, "kind": "chunk", "what": "items <0> to 3"},
        {"worker": 2, "begin": 0.1, "end": 0.9, "kind": "its worker died", "what": "item 4"},
    ]
    result.timeline = {"case": "processes, 2 workers", "seconds": 1.0, "blocks": blocks}
    page = page_of([result])
    assert page.count("<circle") == 2
    assert "<title>processes, 4 workers: 2.00x</title>" in page
    assert "% of it is not shared, by Amdahl" in page
    assert "processes, predicted" in page
    assert "<td>64</td><td>200 ms</td>" in page
    assert "<title>items &lt;0&gt; to 3</title>" in page
    assert page.count('fill="#d62728"') == 1
    assert "processes, 2 workers, one more run: 1.00 s" in page


def test_nothing_measured_is_an_error(result: Result) -> None:
    result.cases = [Case("", "serial", 1)]
    with pytest.raises(fp.OptionError, match="nothing has been measured yet of f on 9 items"):
        page_of([result])


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")
def test_in_a_browser(result: Result, tmp_path: Path) -> None:
    assert BROWSER is not None
    path = tmp_path / "page.html"
    save_page([result], str(path))
    clicks = "<script>for (const n of [1, 1]) document.querySelectorAll('th button')[n].click();</script>"
    path.write_text(path.read_text().replace("</body>", f"{clicks}</body>"))
    flags = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        f"--user-data-dir={tmp_path}/profile",
    ]
    ran = subprocess.run(
        [BROWSER, *flags, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    assert "CONSOLE" not in ran.stderr
    assert 'data-ready="yes"' in ran.stdout
    assert 'aria-sort="descending"' in ran.stdout
    shown = re.findall(r'<tr[^>]*><td data-value="([^"]*)">', ran.stdout)
    assert shown == ["threads, 2 workers", "serial"]  # by time, the longest first
