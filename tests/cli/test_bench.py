"""`factorpool bench`: what it measures, saves, draws and says."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from conftest import REPOSITORY, command

import factorpool as fp
from factorpool.bench.recommend import recommend
from factorpool.bench.result import Case, Result, load
from factorpool.bench.workloads import WORKLOADS
from factorpool.bench.workloads import load as load_workload

SHORT = ["-s", "threads", "-j", "2", "--repeat", "1"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A real, small run of the default benchmark: its file and what it printed."""
    file = tmp_path_factory.mktemp("bench") / "result.json"
    ran = command("bench", "--workload", "article:12", "--repeat", "3", "--output", str(file))
    assert ran.returncode == 0, ran.stderr
    return file, ran.stdout.decode()


def test_result_has_every_case_and_what_it_ran_on(saved: tuple[Path, str]) -> None:
    data = json.loads(saved[0].read_text())
    assert (data["format"], data["version"], data["count"]) == ("factorpool.bench", 2, 12)
    cases = [(c["method"], c["strategy"], c["workers"]) for c in data["cases"]]
    parallel = [name for name, info in fp.strategies().items() if info.available and name != "serial"]
    article = [("serial", 1)] + [(s, n) for s in parallel for n in (2, 4, 8)]
    assert cases == [(method, *case) for method in ("naive", "auto") for case in article]
    assert all(len(c["seconds"]) == 3 and min(c["seconds"]) > 0 for c in data["cases"])
    assert {"cpu", "usable_cpus", "python", "gil", "isa", "versions"} <= data["machine"].keys()
    assert not list(saved[0].parent.glob("*.part"))


def test_output_has_bars_speedups_and_a_sentence(saved: tuple[Path, str]) -> None:
    out = saved[1]
    assert "processes, 8 workers" in out
    assert "1.00x" in out
    assert "█" in out
    assert "with method naive use" in " ".join(out.split())


def test_charts_are_drawn_from_the_file_alone(saved: tuple[Path, str], tmp_path: Path) -> None:
    pytest.importorskip("vl_convert", reason="what draws has no build for this Python")
    copy = tmp_path / "elsewhere.json"
    copy.write_bytes(saved[0].read_bytes())
    ran = command("bench", "chart", str(copy))
    assert ran.returncode == 0, ran.stderr
    png = (tmp_path / "elsewhere.png").read_bytes()
    assert png.startswith(b"\x89PNG\r\n")
    assert int.from_bytes(png[16:20], "big") > 800
    texts = [t.text or "" for t in ET.parse(tmp_path / "elsewhere.svg").iter("{http://www.w3.org/2000/svg}text")]
    for strategy, count in (("threads", 2), ("processes", 4)):
        assert texts.count(f"{strategy}, {count} workers") == 2  # one in each panel
    assert texts.count("serial") == 2
    assert any("shorter is faster" in text for text in texts)
    named = command("bench", "chart", str(copy), "-o", str(tmp_path / "x.svg"))
    assert named.returncode == 0
    assert (tmp_path / "x.svg").exists()


def test_options_choose_what_runs(tmp_path: Path) -> None:
    numbers = tmp_path / "mine.txt"
    numbers.write_text("15 21 35\n")
    file = tmp_path / "r.json"
    arguments = ["--strategy", "threads", "-j", "3", "--method", "ecm", "--repeat", "2", "--schedule", "static"]
    ran = command("bench", "--workload", str(numbers), "-o", str(file), *arguments)
    assert ran.returncode == 0, ran.stderr
    result = load(str(file))
    assert [(c.method, c.strategy, c.workers, len(c.seconds)) for c in result.cases] == [
        ("ecm", "serial", 1, 2),
        ("ecm", "threads", 3, 2),
    ]
    assert (result.workload, result.count, result.schedule) == ("mine.txt", 3, "static")


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--workload", "artcle"], 2, "there is no workload 'artcle', and no file; there are article, uniform32"),
        (["--workload", "article:x"], 2, "'x' is not a count"),
        (["--strategy", "fibers"], 2, "there is no strategy 'fibers'; there are auto, serial"),
        (["-j", "0"], 2, "0 workers can do nothing"),
        (["--function", "math:sqrt"], 2, "--function and --items go together"),
        (["--function", "math:sqrt", "--items", "range:1:3", "--method", "auto"], 2, "--method is for numbers"),
        (["--trace", "t.json"], 2, "--trace is for --function"),
        (["--function", "math:nothing", "--items", "range:1:3"], 2, "math has no nothing"),
        (["--function", "math:pi", "--items", "range:1:3"], 2, "'math:pi' is a float, not a function"),
        (["--function", "no.such:f", "--items", "range:1:3"], 2, "no.such cannot be imported: ModuleNotFoundError"),
        (["--function", "math:sqrt", "--items", "nothing.txt"], 2, "write a file (lines, .jsonl, or FILE.csv:COLUMN)"),
        (["--function", "math:sqrt", "--items", "range:1:3", "--trace", "/no/such/t.json"], 1, "No such file or dir"),
        (["--function", "math:sqrt", "--items", "range:3:3"], 2, "there are no items to compare on"),
        (["--workload", "article:1", "-o", "/no/such/folder/r.json"], 1, "No such file or directory"),
        (["--workload", "article:1", "-o", "/dev/null"], 2, "'/dev/null': it is not a regular file"),
        (["--workload", "article:1", "-o", ""], 2, "it is not a regular file"),
        (["chart", "/etc/passwd"], 2, "is not a result of `factorpool bench`"),
    ],
)
def test_errors_are_one_line(arguments: list[str], status: int, message: str) -> None:
    ran = command("bench", *arguments)
    assert ran.returncode == status
    assert message in ran.stderr.decode()
    assert b"Traceback" not in ran.stderr


def test_naive_method_is_left_out_where_it_would_take_for_ever(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    ran = command("bench", "-w", "semiprime64:300", "-s", "threads", "-j", "2", "-j", "2", "-o", str(file))
    assert ran.returncode == 0
    assert b"method naive was left out: it might take" in ran.stdout
    assert [(c.method, c.strategy) for c in load(str(file)).cases] == [("auto", "serial"), ("auto", "threads")]


def test_terminal_that_knows_no_bars(tmp_path: Path) -> None:
    ran = command("bench", "-w", "article:2", *SHORT, "-o", str(tmp_path / "r.json"), PYTHONIOENCODING="latin1")
    assert (ran.returncode, b"Traceback" in ran.stderr) == (0, False)


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    assert command("bench", "-w", "article:1", *SHORT, "-o", str(tmp_path / "link.json")).returncode == 0
    assert load(str(tmp_path / "real.json")).measured()
    assert (tmp_path / "link.json").is_symlink()


def test_every_run_is_saved_before_the_next(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    running = subprocess.Popen(
        [sys.executable, "-m", "factorpool", "bench", "-w", "article:100", "--repeat", "99", "-o", str(file)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not (file.exists() and load(str(file)).measured()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=20)
    assert running.returncode == 130
    assert b"Traceback" not in errors
    assert load(str(file)).measured()[0].label == "serial"


def test_any_function_is_measured(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("def double(line):\n    return 2 * int(line)\n")
    (tmp_path / "items.csv").write_text("id,number\na,7\nb,8\n")
    arguments = ["--function", f"{tmp_path}/mine.py:double", "--items", f"{tmp_path}/items.csv:number"]
    file = tmp_path / "r.json"
    ran = command("bench", *arguments, "-s", "threads", "-s", "processes", "-j", "2", "--repeat", "2", "-o", str(file))
    assert ran.returncode == 0, ran.stderr
    assert "mine.py:double on 2 items" in " ".join(ran.stdout.decode().split())
    assert b"On this machine, for" in ran.stdout
    comparison = fp.Comparison.load(str(file))
    assert [(case.strategy, case.note) for case in comparison.rows] == [
        ("serial", ""),
        ("threads", ""),
        ("processes", ""),
    ]
    assert all(len(case.seconds) == len(case.warm) == len(case.cpu) > 0 for case in comparison.rows)
    assert comparison.options.keys() == {"strategy", "max_workers", "schedule"}


def test_what_was_measured_before_ctrl_c_is_shown_and_saved(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import time\ndef nap(n):\n    time.sleep(0.01)\n")
    file = tmp_path / "r.json"
    arguments = ["--function", f"{tmp_path}/mine.py:nap", "--items", "range:0:5", "--seconds", "60", "-o", str(file)]
    running = subprocess.Popen(
        [sys.executable, "-m", "factorpool", "bench", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    time.sleep(8)
    running.send_signal(signal.SIGINT)
    out, errors = running.communicate(timeout=30)
    assert running.returncode == 130, errors
    assert b"Note: it was interrupted." in out
    assert load(str(file)).measured()


def test_what_cannot_run_somewhere_is_a_row(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import threading\nitems = [1, threading.Lock()]\ndef f(item):\n    return 1\n")
    arguments = ["--function", f"{tmp_path}/mine.py:f", "--items", f"{tmp_path}/mine.py:items", "--repeat", "1"]
    ran = command("bench", *arguments, "-j", "2", "-o", str(tmp_path / "r.json"))
    assert ran.returncode == 0, ran.stderr
    assert b"processes, 2 workers: item 1, <unlocked _thread.lock object" in ran.stdout
    assert b"On this machine, for" in ran.stdout


def test_an_old_result_stays_until_there_is_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "r.json"
    file.write_text("precious")
    Result.check_place(str(file))
    assert file.read_text() == "precious"
    assert list(tmp_path.iterdir()) == [file]


def test_other_versions_are_refused(saved: tuple[Path, str], tmp_path: Path) -> None:
    data = json.loads(saved[0].read_text())
    data["version"] = 99
    file = tmp_path / "future.json"
    file.write_text(json.dumps(data))
    with pytest.raises(fp.OptionError, match="version 99; this factorpool reads up to version 2"):
        load(str(file))


def test_older_results_are_read() -> None:
    old = load(str(REPOSITORY / "benchmarks" / "results" / "predict.json"))
    assert json.loads((REPOSITORY / "benchmarks" / "results" / "predict.json").read_text())["version"] == 1
    assert old.measured()
    assert [row["workers"] for row in old.predictions[0].rows] == [8, 64, 1024]
    assert "use processes" in recommend(old)


@pytest.mark.parametrize("name", WORKLOADS)
def test_workloads_are_the_same_every_time(name: str) -> None:
    numbers = load_workload(f"{name}:20").numbers
    assert len(numbers) == 20
    assert numbers == load_workload(f"{name}:20").numbers
    if name.startswith("semiprime"):
        bits = int(name.removeprefix("semiprime"))
        assert all(n.bit_length() == bits and sum(fp.factor(n).values()) == 2 for n in numbers)


def test_article_workload_is_the_articles() -> None:
    numbers = load_workload("article").numbers
    assert (len(numbers), numbers[0], numbers[1], numbers[-1]) == (300, 999999999999, 1000000000001, 1000000000597)


def result(*cases: Case) -> Result:
    return Result("w", "some numbers", 3, "guided", {}, {}, list(cases))


def test_recommendation_prefers_the_simpler_of_equals() -> None:
    serial = Case("naive", "serial", 1, [1.0, 1.1, 1.0] * 2)
    threads = Case("naive", "threads", 2, [1.0, 0.99, 1.02] * 2)
    fast = Case("naive", "processes", 2, [0.5, 0.5, 0.52] * 2)
    faster = Case("naive", "processes", 8, [0.49, 0.5, 0.51] * 2)
    assert "use serial, since no difference is seen to threads, 2 workers (1.00x" in recommend(result(serial, threads))
    assert "use processes, 2 workers, 2.00 times as fast as serial (sure: 2.00x, 95% between" in recommend(
        result(serial, fast, faster)
    )
    assert "no other strategy was measured" in recommend(result(serial))


@pytest.mark.parametrize(
    ("seconds", "advice"),
    [
        ([0.5] * 6, "use processes, 2 workers, 2.00 times as fast as serial (sure"),
        ([0.5] * 4, "use processes, 2 workers, 2.00 times as fast as serial (too few rounds to be sure)"),
        (
            [0.5, 1.5, 0.6, 1.4, 0.8, 0.9],
            "use processes, 2 workers, 1.18 times as fast as serial (not sure: 1.18x, 95%",
        ),
        ([0.5, 1.5, 0.6, 1.4, 0.99, 0.97], "use serial, since no difference is seen to processes, 2 workers"),
        ([0.99] * 9, "use serial, since no difference is seen to processes, 2 workers"),
    ],
)
def test_recommendation_says_how_sure_it_is(seconds: list[float], advice: str) -> None:
    serial = Case("naive", "serial", 1, [1.0] * len(seconds))
    assert advice in recommend(result(serial, Case("naive", "processes", 2, seconds)))


def test_nothing_is_sure_on_a_busy_machine() -> None:
    busy = result(Case("naive", "serial", 1, [1.0] * 6), Case("naive", "processes", 2, [0.5] * 6))
    busy.noise.others = [0.5] * 12
    assert "(not sure, since other programs used 50% of the CPUs meanwhile)" in recommend(busy)


def test_predictions_are_printed_saved_and_held_against_runs(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    ran = command(
        "bench", "-w", "article:40", "--method", "naive", "-s", "serial", "-s", "processes", "-j", "2",
        "--repeat", "1", "--predict", "8,64", "-o", str(path),
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert b"method naive, processes, predicted" in ran.stdout
    assert b"The time it predicts is" in ran.stdout
    (predictions,) = load(str(path)).predictions
    assert [row["workers"] for row in predictions.rows] == [8, 64]
    assert set(predictions.met) == {"1", "2"}
    assert all(part > 0 for part in predictions.met.values())
    assert all(row["bound"] <= row["seconds"] for row in predictions.rows)


def test_predictions_want_numbers() -> None:
    ran = command("bench", "--predict", "8,many")
    assert ran.returncode == 2
    assert b"write for example 8,64,1024" in ran.stderr
