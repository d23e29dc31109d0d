"""Tables of numbers, in every format: what comes out of a command, and of one that is cut up or killed."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import random
import signal
import sqlite3
import subprocess
import sys
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import command, kill_at_next_mark
from hypothesis import given
from hypothesis import strategies as st

import factorpool as fp
from factorpool.factoring.block import Kind
from factorpool.factoring.columns import Columns
from factorpool.formats import Factored, Shape
from factorpool.formats import csv as csv_format
from factorpool.formats import sqlite as sqlite_format
from factorpool.formats import tsv as tsv_format
from factorpool.formats.table import Batch
from factorpool.jobs.inputs import Input, find_inputs
from factorpool.jobs.places import Share
from factorpool.jobs.table import TableReader, numbers_of

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError:
    pa = None

KINDS = ["csv", "tsv", "jsonl", "sqlite", *(["parquet", "arrow"] if pa else [])]
NAMES = ["id", "n", "note"]


def rows_of(count: int, seed: int = 3, bits: int = 64) -> list[list[Any]]:
    rng = random.Random(seed)
    notes = ["", "a, b", 'a "quoted" word', "two\nlines", "naïve", "tab\there"]
    return [[at, rng.getrandbits(rng.randrange(1, bits)) | 1, rng.choice(notes)] for at in range(count)]


def write_csv(path: Path, rows: list[list[Any]], separator: str = ",") -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter=separator).writerows([NAMES, *rows])


def write_sqlite(path: Path, rows: list[list[Any]]) -> None:
    with sqlite3.connect(path) as database:
        database.execute("create table numbers (id integer, n integer, note text)")
        # Integers beyond 63 bits are text in a database.
        stored = [[i, n if not isinstance(n, int) or n < 2**63 else str(n), note] for i, n, note in rows]
        database.executemany("insert into numbers values (?, ?, ?)", stored)
    database.close()


def write_arrow(path: Path, rows: list[list[Any]], parquet: bool) -> None:
    kind = pa.uint64() if all(n is None or 0 <= n < 2**64 for _, n, _ in rows) else pa.int64()
    columns = [pa.array(column) for column in zip(*rows, strict=True)]
    columns[1] = pa.array([n for _, n, _ in rows], type=kind)
    table = pa.table(columns, names=NAMES)
    if parquet:
        pq.write_table(table, path, row_group_size=700)
    else:
        with pa.ipc.new_file(path, table.schema) as file:
            file.write_table(table, max_chunksize=700)


WRITERS: dict[str, Callable[[Path, list[list[Any]]], None]] = {
    "csv": write_csv,
    "tsv": lambda path, rows: write_csv(path, rows, "\t"),
    "jsonl": lambda path, rows: (
        path.write_text("".join(json.dumps(dict(zip(NAMES, row, strict=True))) + "\n" for row in rows)) and None
    ),
    "sqlite": write_sqlite,
    "parquet": lambda path, rows: write_arrow(path, rows, parquet=True),
    "arrow": lambda path, rows: write_arrow(path, rows, parquet=False),
}


def read(path: Path) -> list[dict[str, Any]]:
    """What is in a table, as objects."""
    kind = path.suffix[1:]
    if kind in ("csv", "tsv"):
        with path.open(newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file, delimiter="\t" if kind == "tsv" else ","))
    if kind == "jsonl":
        return [json.loads(line) for line in path.read_text().splitlines()]
    if kind == "sqlite":
        with sqlite3.connect(path) as database:
            database.row_factory = sqlite3.Row
            found = [dict(row) for row in database.execute("select * from factors")]
        database.close()
        return found
    rows: list[dict[str, Any]] = (
        pq.read_table(path) if kind == "parquet" else pa.ipc.open_file(path).read_all()
    ).to_pylist()
    return rows


def factors_in(row: dict[str, Any]) -> dict[int, int] | None:
    """The factorization that a row has."""
    if "primes" in row:
        return None if row["primes"] is None else dict(zip(row["primes"], row["exponents"], strict=True))
    factors = row["factors"]
    if isinstance(factors, list):
        return {int(pair["prime"]): pair["exponent"] for pair in factors}
    if factors is None:
        return None
    primes = [int(word) for word in factors.split()]
    return {p: primes.count(p) for p in primes}


@pytest.mark.parametrize(
    ("source", "target"), [*zip(KINDS, KINDS, strict=False), *zip(KINDS, KINDS[2:] + KINDS[:2], strict=False)]
)
def test_a_table_comes_out_with_its_factors(tmp_path: Path, source: str, target: str) -> None:
    rows = rows_of(1500)
    given, output = tmp_path / f"numbers.{source}", tmp_path / f"factors.{target}"
    WRITERS[source](given, rows)
    ran = command("factor", "-i", str(given), "--column", "n", "-o", str(output))
    assert (ran.returncode, ran.stderr) == (0, b"")
    found = read(output)
    assert [str(row["id"]) for row in found] == [str(at) for at, _, _ in rows]
    assert [int(row["n"]) for row in found] == [n for _, n, _ in rows]
    assert [row["note"] for row in found] == [note for _, _, note in rows]
    assert [factors_in(row) for row in found] == list(fp.factor_many([n for _, n, _ in rows]))
    assert [path.name for path in sorted(tmp_path.iterdir())] == sorted([given.name, output.name])


@pytest.mark.parametrize("source", KINDS)
def test_rows_without_a_number_stay(tmp_path: Path, source: str) -> None:
    rows = [[0, 360, ""], [1, None, "null"], [2, -7, "negative"], [3, 97, ""], [4, None, "null"]]
    given = tmp_path / f"numbers.{source}"
    WRITERS[source](given, rows)
    for target in KINDS:
        output = tmp_path / f"factors.{target}"
        ran = command("factor", "-i", str(given), "--column", "n", "-o", str(output), "-j", "1")
        assert ran.returncode == 1  # for the negative one
        found = read(output)
        assert [str(row["id"]) for row in found] == list("01234")
        expected = [{2: 3, 3: 2, 5: 1}, None, None, {97: 1}, None]
        if target in ("csv", "tsv"):  # an empty cell is all they have
            expected = [row or {} for row in expected]
        assert [factors_in(row) for row in found] == expected
        counted, first = ("line", 2) if source in ("csv", "tsv", "jsonl") else ("row", 1)
        first -= source == "jsonl"
        errors = ran.stderr.decode()
        assert f"{given}, {counted} {first + 2}: '-7' is negative" in errors
        assert f"note: {given}, {counted} {first + 1} has no number, and 1 more have none" in errors
    gnu = command("factor", "-i", str(given), "--column", "n" if source == "jsonl" else "2")
    assert gnu.stdout == b"360: 2 2 2 3 3 5\n97: 97\n"


@pytest.mark.parametrize("target", KINDS)
def test_numbers_beyond_64_bits_in_the_middle(tmp_path: Path, target: str) -> None:
    numbers = [*range(1, 5000), 3**50 * 2**70, 10**40 + 1, 7, 2**64 - 1, *range(1, 5000)]
    for columns in (False, True):
        source, output = tmp_path / ("numbers.csv" if columns else "numbers"), tmp_path / f"factors.{target}"
        source.write_text("n,\n" * columns + "".join(f"{n}{',' * columns}\n" for n in numbers))
        ran = command("factor", "-i", str(source), "-o", str(output), *(["--column", "n"] if columns else []))
        assert (ran.returncode, ran.stderr) == (0, b"")
        found = read(output)
        assert [int(row["n" if columns else "number"]) for row in found] == numbers
        assert [factors_in(row) for row in found] == list(fp.factor_many(numbers))


@pytest.mark.parametrize("target", KINDS)
def test_flat_and_exponents(tmp_path: Path, target: str) -> None:
    wide = 3**50 * 2**70
    source = tmp_path / "numbers.csv"
    source.write_text(f"n,name\n360,a\n1,b\n97,c\n{wide},d\n")
    output = tmp_path / f"factors.{target}"
    assert command("factor", "-i", str(source), "--column", "n", "-o", str(output), "--flat").returncode == 0
    expected = [("a", 2, 3), ("a", 3, 2), ("a", 5, 1), ("c", 97, 1), ("d", 2, 70), ("d", 3, 50)]
    assert [(row["name"], int(row["prime"]), int(row["exponent"])) for row in read(output)] == expected
    assert command("factor", "360", "1", "97", str(wide), "-o", str(output), "--flat").returncode == 0
    names = {360: "a", 1: "b", 97: "c", wide: "d"}
    rows = read(output)
    assert [(names[int(row["number"])], int(row["prime"]), int(row["exponent"])) for row in rows] == expected
    if target in ("csv", "tsv", "sqlite"):
        assert command("factor", "360", str(wide), "-o", str(output), "--exponents").returncode == 0
        assert [row["factors"] for row in read(output)] == ["2^3 3^2 5", "2^70 3^50"]


def test_flat_and_exponents_of_lines() -> None:
    assert command("factor", "--exponents", "360", str(2**70), "1").stdout == (
        b"360: 2^3 3^2 5\n1180591620717411303424: 2^70\n1:\n"
    )
    for args, why in ((["--flat"], b"--format gnu is not"), (["--flat", "--exponents", "-f", "csv"], b"choose one")):
        ran = command("factor", "360", *args)
        assert ran.returncode == 2 and why in ran.stderr
    assert command("factor", "12", "--flat", "-f", "jsonl").stdout == (
        b'{"number": 12, "prime": 2, "exponent": 2}\n{"number": 12, "prime": 3, "exponent": 1}\n'
    )


def test_coerce(tmp_path: Path) -> None:
    source = tmp_path / "numbers.csv"
    source.write_text("n\n3.0\n1e3\n2.5\n1_0\nnan\n 12 \n+7\n1e99999999\n")
    ran = command("factor", "-i", str(source), "--column", "n")
    assert ran.stdout == b"12: 2 2 3\n7: 7\n"
    assert b"line 2: '3.0' is written as a fraction: with --coerce it is 3" in ran.stderr
    ran = command("factor", "-i", str(source), "--column", "n", "--coerce")
    assert ran.stdout == b"3: 3\n1000: 2 2 2 5 5 5\n12: 2 2 3\n7: 7\n"
    ran = command("factor", "--coerce", stdin=b"3.0 1e3 2.5 -1.0")
    assert ran.stdout == b"3: 3\n1000: 2 2 2 5 5 5\n"
    assert ran.stderr.count(b"is not a whole number") == 2


def test_tables_from_a_pipe_and_out_of_compression(tmp_path: Path) -> None:
    rows = rows_of(10_000)
    write_csv(tmp_path / "numbers.csv", rows)
    text = (tmp_path / "numbers.csv").read_bytes()
    expected = command("factor", "-i", str(tmp_path / "numbers.csv"), "--column", "n", "-f", "csv").stdout
    assert command("factor", "--column", "n", "-f", "csv", stdin=text).stdout == expected
    assert command("factor", "--column", "n", "-f", "csv", stdin=gzip.compress(text)).stdout == expected
    (tmp_path / "numbers.csv.gz").write_bytes(gzip.compress(text))
    packed = command("factor", "-i", str(tmp_path / "numbers.csv.gz"), "--column", "n", "-f", "csv")
    assert packed.stdout == expected
    objects = b"".join(json.dumps({"n": n}).encode() + b"\n" for _, n, _ in rows)
    lines = command("factor", "--field", "n", stdin=objects).stdout
    assert lines == command("factor", "--column", "n", stdin=text).stdout
    (tmp_path / "cut.csv.gz").write_bytes(gzip.compress(text)[:-5000])
    ran = command("factor", "-i", str(tmp_path / "cut.csv.gz"), "--column", "n", "-f", "csv")
    assert ran.returncode == 1 and b"is damaged" in ran.stderr
    assert expected.startswith(ran.stdout) and ran.stdout.count(b"\n") > 3000


@pytest.mark.parametrize(
    ("text", "column", "out", "errors"),
    [
        (b"a;n\n1;15\n", "n", b"a;n;factors\n1;15;3 5\n", b""),
        (b"\xef\xbb\xbfn,a\n15,1\n", "n", b"n,a,factors\n15,1,3 5\n", b""),
        (b"15,1\n21,2\n", "1", b"15,1,3 5\n21,2,3 7\n", b""),
        (b"n,a\n15,1\n", "1", b"n,a,factors\n15,1,3 5\n", b""),
        (b"n,a\n15,caf\xe9\n", "n", b"n,a,factors\n15,caf\xe9,3 5\n", b""),
        (b"n,a\r\n15,1\r\n\r\n21,2\r\n", "n", b"n,a,factors\n15,1,3 5\n21,2,3 7\n", b""),
        (b"n,a\n15\n21,1,2\n22,\n", "n", b"n,a,factors\n15,,3 5\n22,,2 11\n", b"line 3: it has 3 values for 2 columns"),
        (b'n,a\n15,"1\n2"\n21,3\nx,4\n', "n", b'n,a,factors\n15,"1\n2",3 5\n21,3,3 7\nx,4,\n', b"line 5: 'x' is not"),
        (
            b'n,a\n15,1\n21,"2\n22\n',
            "n",
            b'n,a,factors\n15,1,3 5\n21,"2\n22\n",3 7\n',
            b"line 3: a quote is not",
        ),
        (b"15,1\n21,2\n", "n", b"", b"its first line, which is no header, has no column 'n': there are '15', '1'"),
        (b"n,n\n1,2\n", "n", b"", b"has several columns 'n'"),
        (b"n,a\n1,2\n", "3", b"", b"has no column '3': there are 'n', 'a'"),
        (b"\xff\xfen\0,\0a\0\n\0", "n", b"", b"it is UTF-16: iconv"),
        (b"", "n", b"", b"has no column 'n'"),
        (b"n,factors\n15,1\n", "n", b"", b"has a column 'factors' already"),
        (b"n\n12 13\n\n14\n", "n", b"n,factors\n12 13,\n,\n14,2 7\n", b"line 2: '12 13' is not a whole number"),
    ],
)
def test_odd_tables(tmp_path: Path, text: bytes, column: str, out: bytes, errors: bytes) -> None:
    source = tmp_path / "numbers.csv"
    source.write_bytes(text)
    ran = command("factor", "-i", str(source), "--column", column, "-f", "csv")
    out = out.replace(b";", b",") if b";" in text else out
    assert ran.stdout == out or (not out and ran.returncode)
    assert errors in ran.stderr
    assert (ran.returncode == 0) == (not errors)
    assert b"Traceback" not in ran.stderr


def test_what_is_not_utf8_goes_into_no_other_format(tmp_path: Path) -> None:
    source = tmp_path / "numbers.csv"
    source.write_bytes(b"n,a\n15,caf\xe9\n")
    for target in KINDS:
        ran = command("factor", "-i", str(source), "--column", "n", "-o", str(tmp_path / f"factors.{target}"))
        if target in ("csv", "tsv"):
            assert ran.returncode == 0
        else:
            assert ran.returncode == 1 and rb"caf\xe9" in ran.stderr and b"is not UTF-8, and only csv" in ran.stderr
            assert not (tmp_path / f"factors.{target}").exists()


def test_lines_of_json(tmp_path: Path) -> None:
    source = tmp_path / "numbers.jsonl"
    source.write_text(
        '{"n": 15, "x": {"y": [1]}}\n[1]\nnot json\n{"n": 21, "more": 1.50}\n{"x": 1}\n{"n": true}\n\n{"n": "33"}'
    )
    ran = command("factor", "-i", str(source), "--field", "n", "-f", "jsonl")
    assert ran.stdout.decode().splitlines() == [
        '{"n": 15, "x": {"y": [1]}, "primes": [3, 5], "exponents": [1, 1]}',
        '{"n": 21, "more": 1.50, "primes": [3, 7], "exponents": [1, 1]}',
        '{"x": 1, "primes": null, "exponents": null}',
        '{"n": true, "primes": null, "exponents": null}',
        '{"n": "33", "primes": [3, 11], "exponents": [1, 1]}',
    ]
    errors = ran.stderr.decode()
    for line in (
        "line 2: it is no JSON object, and is left out", "line 3: it is no JSON object, and is left out",
        "line 5: it has no field 'n'", "line 6: True is not a whole number",
    ):  # fmt: skip
        assert line in errors
    ran = command("factor", "-i", str(source), "-f", "csv")  # the only field of integers
    assert ran.returncode == 1 and b"has the field 'more', which the first has not" in ran.stderr


def test_several_tables_and_patterns(tmp_path: Path) -> None:
    for at in range(12):
        write_csv(tmp_path / f"numbers{at:02}.csv", rows_of(30, at))
    numbers = [n for at in range(12) for _, n, _ in rows_of(30, at)]
    ran = command("factor", "-i", str(tmp_path / "numbers*.csv"), "--column", "n")
    assert [int(line.split(b":")[0]) for line in ran.stdout.splitlines()] == numbers
    (tmp_path / "numbers05.csv").write_text("m\n15\n")
    ran = command("factor", "-i", str(tmp_path / "numbers*.csv"), "--column", "n")
    assert ran.returncode == 1 and b"numbers05.csv: its first line has no column 'n'" in ran.stderr
    assert [int(line.split(b":")[0]) for line in ran.stdout.splitlines()] == numbers[:150] + numbers[180:]
    ran = command("factor", "-i", str(tmp_path / "other*.csv"))
    assert ran.returncode == 2 and b"no file fits the pattern" in ran.stderr


def test_databases(tmp_path: Path) -> None:
    path = tmp_path / "base.sqlite"
    write_sqlite(path, [[1, 15, ""], [2, 21, ""]])
    assert command("factor", "-i", str(path), "--column", "n").stdout == b"15: 3 5\n21: 3 7\n"
    with sqlite3.connect(path) as database:
        database.execute('create table "other one" (m integer, x text)')
        database.execute('insert into "other one" values (35, ?)', ("x",))
        database.execute('create view seen as select m from "other one"')
    database.close()
    for query, out, errors in (
        ("?table=numbers&column=n", b"15: 3 5\n21: 3 7\n", b""),
        ("?table=other one", b"35: 5 7\n", b""),
        ("?table=seen", b"35: 5 7\n", b""),
        ("", b"", b"there are several tables: choose one of 'numbers', 'other one', 'seen' with FILE?table=NAME"),
        ("?table=numbers", b"", b"has several columns of integers: choose one of 'id', 'n', 'note'"),
        ("?table=no", b"", b"there is no table no: choose one of"),
        ("?table=numbers&column=z", b"", b"its table 'numbers' has no column 'z'"),
        ("?rows=3", b"", b"no 'rows'"),
    ):
        ran = command("factor", "-i", f"{path}{query}")
        assert (ran.stdout, ran.returncode != 0) == (out, bool(errors)), query
        assert errors in ran.stderr
    path.write_bytes(path.read_bytes()[:3000])
    ran = command("factor", "-i", f"{path}?table=numbers&column=n")
    assert ran.returncode == 1 and b"cannot read" in ran.stderr and b"Traceback" not in ran.stderr


@pytest.mark.skipif(pa is None, reason="pyarrow is not installed")
def test_columns_of_every_type(tmp_path: Path) -> None:
    values = [360, None, 97, 15]
    path, output = tmp_path / "numbers.parquet", tmp_path / "factors.parquet"
    for kind in (pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64(),
                 pa.string(), pa.large_string(), pa.decimal128(30), pa.dictionary(pa.int8(), pa.int64()),
                 pa.float64(), pa.float32()):  # fmt: skip
        small = [100 if n == 360 and "8" in str(kind) else n for n in values]
        numbers: Any = (
            [None if n is None else str(n) for n in small] if kind in (pa.string(), pa.large_string()) else small
        )
        column = (
            pa.array(numbers, type=pa.int64()).dictionary_encode()
            if pa.types.is_dictionary(kind)
            else pa.array(numbers, type=kind)
        )
        pq.write_table(pa.table({"n": column, "more": [[1], [], None, [2, 3]]}), path)
        ran = command("factor", "-i", str(path), "--column", "n", "-o", str(output), "--coerce")
        assert ran.returncode == 0, (kind, ran.stderr)
        assert [factors_in(row) for row in read(output)] == [None if n is None else fp.factor(n) for n in small]
        assert [row["more"] for row in read(output)] == [[1], [], None, [2, 3]]
    ran = command("factor", "-i", str(path), "--column", "n")
    assert b"is written as a fraction: with --coerce it is 360" in ran.stderr
    ran = command("factor", "-i", str(path), "--column", "more")
    assert ran.returncode == 1 and ran.stderr.count(b"is not a whole number") == 3
    ran = command("factor", "-i", str(path), "-i", str(tmp_path / "none.parquet"), "--column", "n", "--coerce")
    assert ran.returncode == 1 and b"none.parquet" in ran.stderr
    data = path.read_bytes()
    path.write_bytes(data[:4] + bytes(len(data) - 200) + data[-196:])
    ran = command("factor", "-i", str(path), "--column", "n")
    assert ran.returncode == 1 and b"numbers.parquet" in ran.stderr and b"Traceback" not in ran.stderr


@pytest.mark.skipif(pa is None, reason="pyarrow is not installed")
@pytest.mark.parametrize("target", ["parquet", "arrow"])
def test_dictionaries_within_other_types_are_written_out(tmp_path: Path, target: str) -> None:
    words = pa.array(["a", "b", "a"]).dictionary_encode()
    pairs = pa.StructArray.from_arrays([words, pa.array([1, None, 3])], ["word", "count"])
    ends = pa.array([0, 1, 2, 3])
    table = pa.table({
        "n": [15, 97, 360],
        "struct": pairs,
        "list": pa.ListArray.from_arrays(ends, pairs),
        "large_list": pa.LargeListArray.from_arrays(ends, words),
        "fixed": pa.FixedSizeListArray.from_arrays(pa.array(list("abcabc")).dictionary_encode(), 2),
        "map": pa.MapArray.from_arrays(ends, pa.array(["x", "y", "z"]), words),
        "lists": pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array([["a"], ["b", "c"]])),
    })  # fmt: skip
    with pa.ipc.new_file(tmp_path / "numbers.arrow", table.schema) as file:
        file.write_table(table)
    output = tmp_path / f"factors.{target}"
    ran = command("factor", "-i", str(tmp_path / "numbers.arrow"), "--column", "n", "-o", str(output))
    assert (ran.returncode, ran.stderr) == (0, b"")
    found = pa.ipc.open_file(output).read_all() if target == "arrow" else pq.read_table(output)
    assert found.drop(["factors"]).to_pylist() == table.to_pylist()
    assert found.schema.field("list").type.value_type.field("word").type == pa.string()


def test_without_pyarrow_its_formats_say_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['pyarrow'] = None; from factorpool.cli import main; "
        f"sys.argv = ['factorpool', 'factor', '15', '-o', {str(tmp_path / 'factors.parquet')!r}]; main()"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert ran.returncode == 1
    assert b'need pyarrow: pip install "factorpool[columns]"' in ran.stderr
    assert list(tmp_path.iterdir()) == []


def start(directory: Path, *args: str) -> subprocess.Popen[bytes]:
    """A job that marks often, and reads little at a time."""
    code = (
        "from factorpool.jobs import journal; from factorpool.formats import csv, columnar, sqlite, jsonl; "
        "from factorpool.cli import factor, main; journal.MARK_SECONDS = 0.01; "
        "csv.READ_BYTES = 1 << 13; sqlite.ROWS = jsonl.ROWS = columnar.READ_ROWS = 300; columnar.WRITE_ROWS = 7000; "
        "factor.BUFFER = 4096; main()"
    )
    return subprocess.Popen(
        [sys.executable, "-c", code, "factor", "-s", "serial", *args],
        cwd=directory, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


@pytest.mark.parametrize("source", KINDS)
def test_a_job_on_a_table_that_is_killed_goes_on(tmp_path: Path, source: str) -> None:
    rows = rows_of(40_000)
    given = tmp_path / f"numbers.{source}"
    WRITERS[source](given, rows)
    args = ["-i", given.name, "-o", f"factors.{source}", "--column", "n"]
    undisturbed = start(tmp_path, *args)
    assert undisturbed.communicate()[1] == b""
    output = tmp_path / f"factors.{source}"
    expected = output.read_bytes()
    output.unlink()
    gone_on = kills = 0
    last = -1
    while not output.exists():
        job = start(tmp_path, *args)
        mark = kill_at_next_mark(job, output, last, signal.SIGKILL) if kills < 4 else None
        kills += mark is not None
        last = mark or last
        errors = job.communicate(timeout=100)[1]
        gone_on += b"going on at" in errors or b"was written already" in errors
    assert kills == 4 and gone_on == 4
    assert output.read_bytes() == expected
    assert {path.name for path in tmp_path.iterdir()} == {given.name, output.name}


PACKED = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize(
    ("source", "target"),
    [("txt", "txt"), *zip(KINDS, KINDS, strict=False), ("txt.gz", "txt"), ("csv.bz2", "csv"), ("jsonl.xz", "jsonl")],
)
def test_parts_are_merged_to_what_one_job_writes(tmp_path: Path, source: str, target: str) -> None:
    names = []
    source, _, packed = source.partition(".")
    for at in range(3):
        rows = rows_of(1000 * at + 1, at)
        names.append(tmp_path / f"numbers{at}.{source}")
        if source == "txt":
            names[-1].write_text("".join(f"{n}" + (" " if i % 3 else "\n# a comment\n") for i, n, _ in rows))
        else:
            WRITERS[source](names[-1], rows)
        if packed:
            names[-1].write_bytes(PACKED[packed](names[-1].read_bytes()))
    column = [] if source == "txt" else ["--column", "n"]
    args = [*(word for name in names for word in ("-i", str(name))), *column]
    one, output = tmp_path / f"one.{target}", tmp_path / f"factors.{target}"
    assert command("factor", *args, "-o", str(one)).returncode == 0
    assert command("merge", str(output)).returncode == 2
    for number in (3, 1, 4, 2):
        ran = command("factor", *args, "-o", str(output), "--part", f"{number}/4")
        assert (ran.returncode, ran.stderr) == (0, b"")
        if number == 4:
            ran = command("merge", str(output))
            assert ran.returncode == 1 and b"1 of 4 parts are missing" in ran.stderr
    again = command("factor", *args, "-o", str(output), "--part", "2/4")
    assert again.returncode == 0 and b"was written already" in again.stderr
    ran = command("merge", str(output), "--keep")
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert output.read_bytes() == one.read_bytes()
    sizes = [(tmp_path / f"factors.{target}.{number}-of-4").stat().st_size for number in range(1, 5)]
    assert max(sizes) < 2 * sum(sizes) / 4  # each did about as much
    assert command("merge", str(output)).returncode == 0
    assert {path.name for path in tmp_path.iterdir()} == {one.name, output.name, *(name.name for name in names)}


def test_parts_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    source, output = tmp_path / "numbers", tmp_path / "factors"
    source.write_text("".join(f"{n}\n" for n in range(1, 2000)))
    for number in (1, 2):
        assert command("factor", "-i", str(source), "-o", str(output), "--part", f"{number}/2").returncode == 0
    second = tmp_path / "factors.2-of-2"
    sound = second.read_bytes()
    second.write_bytes(sound[:-1] + b"x")
    ran = command("merge", str(output))
    assert ran.returncode == 1 and b"factors.2-of-2 is not what its journal says" in ran.stderr
    second.write_bytes(sound)
    command("factor", "-i", str(source), "-o", str(output), "--part", "2/2", "--exponents", "--restart")
    ran = command("merge", str(output))
    assert ran.returncode == 1 and b"is of another job than" in ran.stderr and b"shape is 'powers'" in ran.stderr
    command("factor", "-i", str(source), "-o", str(output), "--part", "1/3")
    assert b"there are parts of" in command("merge", str(output)).stderr
    (tmp_path / "factors.1-of-3").unlink()
    (tmp_path / "factors.1-of-3.job").unlink()
    (tmp_path / "factors.2-of-2.job").unlink()
    ran = command("merge", str(output))
    assert ran.returncode == 1 and b"factors.2-of-2 is not done" in ran.stderr
    assert not output.exists()
    for args, why in (
        (["-o", str(output), "--part", "3/2"], b"'3/2' is no part"),
        (["-o", str(output), "--part", "0/2"], b"'0/2' is no part"),
        (["--part", "1/2"], b"--part needs a file"),
        (["-o", str(output), "--part", "1/2", "15"], b"and not of both"),
    ):
        ran = command("factor", "-i", str(source), *args)
        assert ran.returncode == 2 and why in ran.stderr
    packed = tmp_path / "numbers.gz"
    packed.write_bytes(gzip.compress(b"n\n15\n" * 1000)[:-9])
    for column in ([], ["--column", "n"]):
        ran = command("factor", "-i", str(packed), "-o", str(output), "--part", "1/9", *column)
        assert ran.returncode == 1 and b"numbers.gz: it is damaged (gzip: " in ran.stderr
    os.mkfifo(tmp_path / "pipe")
    ran = command("factor", "-i", str(tmp_path / "pipe"), "-o", str(output), "--part", "1/9")
    assert ran.returncode == 2 and b"--part takes its share of files, which" in ran.stderr


def test_a_range_in_parts(tmp_path: Path) -> None:
    output = tmp_path / "factors"
    numbers = ["7", "1000000..1005000", "2..30", str(2**70)]
    for number in (1, 2, 3):
        assert command("factor", *numbers, "-o", str(output), "--part", f"{number}/3").returncode == 0
    assert command("merge", str(output)).returncode == 0
    assert output.read_bytes() == command("factor", *numbers).stdout


cells = st.text(st.sampled_from('ab1,"\n\r ;é'), max_size=8)


@given(st.lists(st.tuples(st.integers(0, 2**70), cells), min_size=1, max_size=60), st.integers(1, 9))
def test_every_row_of_a_table_is_in_one_part(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str]], parts: int
) -> None:
    text = io.StringIO()
    csv.writer(text).writerows([["n", "x"], *rows])
    path = tmp_path_factory.getbasetemp() / f"table{os.getpid()}.csv"
    path.write_text(text.getvalue(), newline="")
    errors: list[str] = []
    found: list[int] = []
    for number in range(1, parts + 1):
        reader = TableReader([Input(str(path), "csv", "n")], errors.append, share=Share(number, parts))
        found += [n for block in reader.blocks() for n in block]
    assert errors == []
    assert found == [n for n, _ in rows]


@given(
    st.lists(
        st.tuples(
            st.one_of(st.integers(0, 2**65).map(str), st.sampled_from(["", " 7 ", "+8", "x", "1.5", "-3", '"'])),
            st.text('ab1,;\t|"\n é-', max_size=9),
        ),
        min_size=1,
        max_size=40,
    ),
    st.sampled_from(csv_format.SEPARATORS),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.booleans(),
    st.sampled_from(["", '5{}6" pipe', '5{}"a"b', '5{} "a"', '5{}"a\r"', '5{}"a', "5{}6{}7", "5"]),
    st.sampled_from([1, 20, 70, 300, 2000]),
)
def test_rows_are_the_same_whether_the_kernel_finds_them(
    cells: list[tuple[str, str]], separator: str, line_end: str, quoting: Any, ended: bool, odd: str, size: int
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=separator, lineterminator=line_end, quoting=quoting)
    writer.writerows([["n", "note"], *cells[:20]])
    text.write(odd.format(*2 * separator) + line_end * bool(odd))
    writer.writerows(cells[20:])
    data = text.getvalue().removesuffix("" if ended else line_end).encode()
    found, batches = rows_and_output(data, size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_format.Table, "_read_rows", lambda *_: None)
        expected, _ = rows_and_output(data, size)
    assert found == expected
    if odd:
        return
    assert [row for row, _, _ in found[0]] == [list(row) for row in cells]
    if size == 2000:
        assert any(isinstance(batch.rows, csv_format.TextRows) for batch in batches)


def rows_and_output(data: bytes, size: int) -> tuple[tuple[Any, ...], list[Batch]]:
    """Of a CSV file that is read in pieces: its rows, their lines and numbers, as CSV and TSV; and the batches."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_format, "READ_BYTES", size)
        table = csv_format.Table(io.BytesIO(data), "n", None)
        batches = list(table.batches(0, 1, None))
    found: list[tuple[Any, ...]] = []
    outputs = []
    for module in (csv_format, tsv_format):
        output = io.BytesIO()
        writer = module.Writer(output, Shape.REPEATED, table.heading)
        for batch in batches:
            block, why = numbers_of(batch.values, coerce=False)
            if module is csv_format:
                numbers = [why.get(at, n) for at, n in enumerate(block)]
                found += zip(batch.rows.lists(), batch.places, numbers, strict=True)
                half = len(batch.rows) // 2
                parts = [batch.rows.part(0, half), batch.rows.part(half, len(batch.rows))]
                assert [len(part) for part in parts] == [half, len(batch.rows) - half]
                assert [row for part in parts if len(part) for row in part.lists()] == batch.rows.lists()
            counts = bytes(at not in why for at in range(len(block)))
            sevens = Columns(counts, array("Q", [7] * sum(counts)).tobytes(), bytes([1]) * sum(counts))
            if block.kind is Kind.WIDE:
                sevens = Columns(*map(list, sevens.entries()))
            if len(block):
                writer.write(Factored(block, sevens, batch.rows, frozenset(why)))
        outputs.append(output.getvalue())
    mistakes = [mistake for batch in batches for mistake in batch.mistakes]
    return (found, mistakes, outputs), batches


def test_a_row_that_the_end_of_a_piece_cuts_is_read_once(tmp_path: Path) -> None:
    numbers = range(1, 30_001)
    text = "n,note\n" + "".join(f'{n},"{n},\n{n}"\n' for n in numbers)
    assert len(text) > 2 * csv_format.READ_BYTES
    (tmp_path / "in.csv").write_text(text)
    ran = command("factor", "-i", str(tmp_path / "in.csv"), "--column", "n", "--format", "csv", "--flat")
    rows = list(csv.reader(io.StringIO(ran.stdout.decode())))
    expected = zip(numbers, fp.factor_many(numbers), strict=True)
    assert rows[1:] == [[str(n), f"{n},\n{n}", str(p), str(e)] for n, found in expected for p, e in found.items()]


def test_long_lines_in_quotes_are_one_row(tmp_path: Path) -> None:
    path, half = tmp_path / "in.csv", "x" * (9 << 20)  # of the longest line; together they are more
    path.write_text(f'n,a,b\n1,x,y\n7,"{half}\n","{half}"\n11,x,y\n')
    ran = command("factor", "-i", str(path), "--column", "n", "--format", "csv")
    assert (ran.returncode, ran.stderr) == (0, b"")
    csv.field_size_limit(1 << 24)
    assert [row[-1] for row in csv.reader(io.StringIO(ran.stdout.decode()))] == ["factors", "", "7", "11"]


@pytest.mark.parametrize("separator", [",", "\t", ";", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_lines_without_quotes_are_written_as_they_are(separator: str, line_end: str, tmp_path: Path) -> None:
    rows = [[str(at), str(n), note.replace('"', "").replace("\n", " ")] for at, n, note in rows_of(20_000)]
    rows = [[cell.replace(separator, " ").replace("\t", " ") for cell in row] for row in rows]
    if separator == "|":  # where no cell has the comma that is written between them
        rows = [[cell.replace(",", ";") for cell in row] for row in rows]
    rows[7][1], rows[9][1] = "x", ""  # which have no factors
    text = line_end.join(map(separator.join, [NAMES, *rows]))
    (tmp_path / "in.csv").write_bytes(text.encode())
    given, target = tmp_path / "in.csv", tmp_path / ("out.tsv" if separator == "\t" else "out.csv")
    ran = command("factor", "--exponents", "-i", str(given), "--column", "n", "-o", str(target))
    assert ran.stderr.decode() == (
        f"factorpool factor: {given}, line 9: 'x' is not a whole number\n"
        f"factorpool factor: note: {given}, line 11 has no number\n"
    )
    factors = fp.factor_many([int(n) if n.isdigit() else 1 for _, n, _ in rows])
    shown = [" ".join(f"{p}^{e}" if e > 1 else str(p) for p, e in each.items()) for each in factors]
    written = "," if separator in ";|" else separator
    with io.StringIO() as expected:
        writer = csv.writer(expected, delimiter=written, lineterminator="\n")
        writer.writerows([[*NAMES, "factors"], *([*row, each] for row, each in zip(rows, shown, strict=True))])
        assert target.read_bytes() == expected.getvalue().encode()


def test_an_empty_line_of_one_column_is_an_empty_value(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"n\n12\n\n\n14\n")
    ran = command("factor", "-i", str(tmp_path / "in.csv"), "--column", "n", "-f", "csv")
    assert ran.stdout == b"n,factors\n12,2 2 3\n,\n,\n14,2 7\n"
    assert b"line 3 has no number, and 1 more have none" in ran.stderr
    assert ran.returncode == 0


def test_long_numbers_of_json_lines_go_into_columns(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    (tmp_path / "in.jsonl").write_text(f'{{"n": {2**70 + 3}, "a": "x"}}\n{{"n": 12, "a": null}}\n')
    ran = command("factor", "-i", str(tmp_path / "in.jsonl"), "--field", "n", "-o", str(tmp_path / "out.parquet"))
    assert ran.returncode == 0, ran.stderr
    assert pq.read_table(tmp_path / "out.parquet").column("n").to_pylist() == [str(2**70 + 3), "12"]


@pytest.fixture
def reader(tmp_path: Path) -> TableReader:
    write_csv(tmp_path / "numbers.csv", rows_of(10_000))
    return TableReader(find_inputs([str(tmp_path / "numbers.csv")], "n"), print)


def test_rows_are_taken_in_any_pieces(reader: TableReader) -> None:
    blocks = list(reader.blocks())
    assert [n for block in blocks for n in block] == [n for _, n, _ in rows_of(10_000)]
    taken: list[list[Any]] = []
    for count in (1, 5000, 3, 996, 4000):  # also across blocks
        rows, missing = reader.take(count)
        assert len(rows) == count and not missing
        taken += rows.lists()
    assert taken == [[str(cell) for cell in row] for row in rows_of(10_000)]


def test_the_constants_that_these_tests_change_are_there() -> None:
    assert csv_format.READ_BYTES > 1 << 13 and sqlite_format.ROWS > 300


def test_values_that_are_several_lines_or_none(tmp_path: Path) -> None:
    source = tmp_path / "numbers.jsonl"
    source.write_text('{"id": 1, "n": "\\n"}\n{"id": 2, "n": "15\\n21"}\n{"id": 3, "n": "35"}\n{"id": 4, "n": "77"}\n')
    ran = command("factor", "-i", str(source), "--field", "n", "-f", "csv")
    assert [row["factors"] for row in csv.DictReader(io.StringIO(ran.stdout.decode()))] == ["", "", "5 7", "7 11"]
    assert ran.returncode == 1 and b"line 2: '15\\n21' is not a whole number" in ran.stderr


def test_generated_columns_of_a_database(tmp_path: Path) -> None:
    path = tmp_path / "base.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("create table t (m integer generated always as (n * 2) stored, n integer, x text)")
        database.execute("insert into t (n, x) values (15, 'a')")
    database.close()
    ran = command("factor", "-i", f"{path}?table=t&column=n", "-f", "csv")
    assert (ran.stdout, ran.returncode) == (b"m,n,x,factors\n30,15,a,3 5\n", 0)


def test_floats_are_what_they_are(tmp_path: Path) -> None:
    source = tmp_path / "base.sqlite"
    with sqlite3.connect(source) as database:
        database.execute("create table t (n real)")
        database.execute("insert into t values (?)", (2.0**60,))
    database.close()
    assert command("factor", "-i", str(source), "--column", "n", "--coerce", "--exponents").stdout == (
        f"{2**60}: 2^60\n".encode()
    )
    lines = tmp_path / "numbers.jsonl"
    lines.write_text('{"n": 12345678901234567891.0}\n')
    ran = command("factor", "-i", str(lines), "--field", "n", "--coerce")
    assert ran.stdout.startswith(b"12345678901234567891: ")


@pytest.mark.skipif(pa is None, reason="pyarrow is not installed")
def test_types_are_those_of_all_rows(tmp_path: Path) -> None:
    source, output = tmp_path / "numbers.jsonl", tmp_path / "factors.parquet"
    rows = [{"n": 15, "x": 1, "y": None} for _ in range(9000)]
    rows[8000] = {"n": 15, "x": 2.5, "y": "late"}  # type: ignore[dict-item]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert command("factor", "-i", str(source), "--field", "n", "-o", str(output)).returncode == 0
    found = read(output)
    assert (found[0]["x"], found[8000]["x"], found[8000]["y"]) == (1.0, 2.5, "late")
    rows[8000]["x"] = "text"  # type: ignore[assignment]
    source.write_text("".join(json.dumps(row) + "\n" for row in rows))
    ran = command("factor", "-i", str(source), "--field", "n", "-o", str(output))
    assert ran.returncode == 1 and b"values of several types" in ran.stderr


def test_quotes_within_cells_are_in_one_part(tmp_path: Path) -> None:
    source, output = tmp_path / "numbers.csv", tmp_path / "factors.csv"
    source.write_text("n,x\n" + "".join(f'{n},{n}" pipe\n' if n == 3 else f'{n},"a\nb"\n' for n in range(1, 2001)))
    args = ["-i", str(source), "--column", "n", "-o", str(output)]
    assert command("factor", *args).returncode == 0
    whole = output.read_bytes()
    for number in (1, 2, 3):
        assert command("factor", *args, "--part", f"{number}/3").returncode == 0
    assert command("merge", str(output)).returncode == 0
    assert output.read_bytes() == whole


def test_pipes_with_names_are_read_once(tmp_path: Path) -> None:
    rows = rows_of(20_000)
    write_csv(tmp_path / "numbers.csv", rows)
    shell = f"{sys.executable} -m factorpool factor --column n -i <(cat {tmp_path / 'numbers.csv'})"
    ran = subprocess.run(["bash", "-c", shell], capture_output=True, timeout=60)
    assert ran.stdout == command("factor", "--column", "n", "-i", str(tmp_path / "numbers.csv")).stdout
    ran = subprocess.run(["bash", "-c", f"{shell} --part 1/2 -o {tmp_path / 'out'}"], capture_output=True, timeout=60)
    assert ran.returncode == 2 and b"--part takes its share of files" in ran.stderr


@pytest.mark.parametrize("target", KINDS)
def test_what_is_given_up_keeps_its_row_and_number(tmp_path: Path, target: str) -> None:
    hard = (2**180 - 47) * (2**181 - 165)
    source, output = tmp_path / "numbers.csv", tmp_path / f"factors.{target}"
    source.write_text(f"n,x\n15,a\n{hard},b\n21,c\n{hard},d\n")
    ran = command(
        "factor",
        "-s",
        "processes",
        "-j",
        "2",
        "-i",
        str(source),
        "--column",
        "n",
        "-o",
        str(output),
        "--timeout",
        "0.5",
    )
    assert ran.returncode == 1 and ran.stderr.count(b"given up") == 2
    found = read(output)
    assert [int(row["n"]) for row in found] == [15, hard, 21, hard]
    assert [row["x"] for row in found] == list("abcd")
    nothing = {} if target in ("csv", "tsv") else None
    assert [factors_in(row) for row in found] == [{3: 1, 5: 1}, nothing, {3: 1, 7: 1}, nothing]


def test_a_number_at_the_end_is_not_written_twice(tmp_path: Path) -> None:
    """Its block has a place of its own, behind it."""
    hard = (2**180 - 47) * (2**181 - 165)
    (tmp_path / "a").write_text(f"15\n{hard}\n21")
    (tmp_path / "b").write_text(f"{hard}\n{hard}\n")
    args = ["factor", "-s", "processes", "-j", "2", "-i", "a", "-i", "b", "-o", "out", "--timeout", "1"]
    code = f"from factorpool.jobs import journal; journal.MARK_SECONDS = 0; import sys; sys.argv[1:] = {args}; "
    code += "from factorpool.cli import main; main()"
    job = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.DEVNULL)
    kill_at_next_mark(job, tmp_path / "out", len("15: 3 5\n"), signal.SIGKILL)
    job.wait()
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, stderr=subprocess.DEVNULL, timeout=60)
    assert (tmp_path / "out").read_text() == "15: 3 5\n21: 3 7\n"


def test_what_comes_before_a_mistake_is_read(tmp_path: Path) -> None:
    rows = "".join(f"{n},a\n" for n in range(1, 2000))
    source = tmp_path / "numbers.csv"
    source.write_text(f"n,x\n{rows}2000,a\rb\n{rows}", newline="")
    ran = command("factor", "-i", str(source), "--column", "n")
    assert ran.stdout.count(b"\n") == 1999 and b"line 2001: new-line character" in ran.stderr
    lines = tmp_path / "numbers.jsonl.gz"
    text = "".join(f'{{"n": {n}}}\n' for n in random.Random(1).choices(range(1, 10**6), k=20_000))
    lines.write_bytes(gzip.compress(text.encode())[:-20_000])
    ran = command("factor", "-i", str(lines), "--field", "n")
    assert ran.returncode == 1 and b"is damaged" in ran.stderr
    assert ran.stdout.count(b"\n") > 8000


def test_progress_of_another_job_is_kept(tmp_path: Path) -> None:
    source, output = tmp_path / "numbers.csv", tmp_path / "factors.csv"
    write_csv(source, rows_of(40_000))
    job = start(tmp_path, "-i", source.name, "--column", "n", "-o", output.name)
    assert kill_at_next_mark(job, output, 0, signal.SIGKILL)
    job.communicate()
    for args in (["15"], ["-i", "-"]):
        ran = command("factor", *args, "-o", str(output), stdin=b"15")
        assert ran.returncode == 2 and b"of a job which is not done" in ran.stderr
    ran = command("factor", "-i", f"{output}.part", "-o", str(output))
    assert ran.returncode == 2 and b"is an input, too" in ran.stderr
    job = start(tmp_path, "-i", source.name, "--column", "n", "-o", output.name)
    assert b"going on at line" in job.communicate()[1]


def test_what_closed_formats_refuse_is_refused_at_once(tmp_path: Path) -> None:
    source, output = tmp_path / "numbers.csv", tmp_path / "factors.sqlite"
    source.write_text("n,Name,name\n15,a,b\n")
    ran = command("factor", "-i", str(source), "--column", "n", "-o", str(output))
    assert ran.returncode == 2 and b"several columns 'name'" in ran.stderr
    lines = tmp_path / "numbers.jsonl"
    lines.write_text('{"n": 15}\n')
    assert command("factor", "-i", str(lines), "--field", "m", "-o", str(output)).returncode == 1
    assert read(output) == [{"n": 15, "m": None, "factors": None}]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ran = command("factor", "15", "-o", str(pipe), "-f", "sqlite")
    assert ran.returncode == 2 and b"--format sqlite needs a file" in ran.stderr
    ran = command("factor", "15", "--column", "n")
    assert ran.returncode == 2 and b"--column is of a table" in ran.stderr
