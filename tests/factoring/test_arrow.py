"""Columns to and from pyarrow, Polars, pandas and DuckDB, each as it is; and what a consumer may do with them."""

from __future__ import annotations

import gc
import io
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from conftest import run_python
from hypothesis import given, settings
from hypothesis import strategies as st

import factorpool as fp
from factorpool import _native

pa = pytest.importorskip("pyarrow", reason="there is no build for this Python")
pl = pytest.importorskip("polars", reason="there is no build for this Python")
pd = pytest.importorskip("pandas", reason="there is no build for this Python")
duckdb = pytest.importorskip("duckdb", reason="there is no build for this Python")

NUMBERS = [360, 1, 97, 2**64 - 1, 2**63]
ROWS = [{"number": n, "factors": [{"prime": p, "exponent": e} for p, e in fp.factor(n).items()]} for n in NUMBERS]


def test_pyarrow_has_the_columns() -> None:
    fs = fp.factor_many(NUMBERS)
    table = pa.table(fs)
    assert table.schema.field("number").type == pa.uint64()
    pair = pa.struct([pa.field("prime", pa.uint64(), False), pa.field("exponent", pa.uint8(), False)])
    assert table.schema.field("factors").type == pa.large_list(pa.field("item", pair, False))
    assert table.schema == pa.schema(fs)
    table.validate(full=True)
    assert table.to_pylist() == ROWS


def test_nothing_is_copied_and_everything_is_kept() -> None:
    """A consumer may keep a column when all the rest is gone."""
    fs = fp.factor_many(range(10**9, 10**9 + 1000))
    primes = np.asarray(fs.primes)
    address, expected = primes.ctypes.data, primes.tolist()
    factors = pa.table(fs)["factors"].chunk(0)
    kept = factors.values.field("prime")
    assert kept.buffers()[1].address == address
    del fs, primes, factors
    gc.collect()
    assert kept.to_pylist() == expected


def test_polars_pandas_and_duckdb_read_it() -> None:
    fs = fp.factor_many(NUMBERS)
    assert pl.DataFrame(fs).to_dicts() == ROWS
    frame = pd.DataFrame.from_arrow(fs)
    assert frame["number"].tolist() == NUMBERS
    assert duckdb.sql("select number, len(factors) as n from fs").fetchall() == [
        (row["number"], len(row["factors"])) for row in ROWS
    ]
    summed = duckdb.sql("select sum(f.exponent) from (select unnest(factors) as f from fs)").fetchall()
    assert summed == [(sum(fs.bigomega()),)]


def test_the_long_table() -> None:
    fs = fp.factor_many([12, 1, 7])
    long = fs.long()
    expected = [
        {"index": 0, "number": 12, "prime": 2, "exponent": 2},
        {"index": 0, "number": 12, "prime": 3, "exponent": 1},
        {"index": 2, "number": 7, "prime": 7, "exponent": 1},
    ]
    assert len(long) == 3
    assert pa.table(long).to_pylist() == pl.DataFrame(long).to_dicts() == expected
    assert pa.schema(long) == pa.table(long).schema
    wide = fp.factor_many([12, 2**70 + 1]).long()
    assert pa.table(wide)["number"].to_pylist()[-1] == str(2**70 + 1)
    assert pa.table(fp.factor_many([]).long()).num_rows == 0


def test_integers_beyond_64_bits_are_strings() -> None:
    numbers = [6, 2**89 - 1, 3 * (2**61 - 1) * (2**31 - 1)]
    rows = pa.table(fp.factor_many(numbers)).to_pylist()
    assert [row["number"] for row in rows] == [str(n) for n in numbers]
    assert [[(int(f["prime"]), f["exponent"]) for f in row["factors"]] for row in rows] == [
        list(fp.factor(n).items()) for n in numbers
    ]


def test_parquet_through_the_libraries() -> None:
    fs = fp.factor_many(NUMBERS)
    file = io.BytesIO()
    pl.DataFrame(fs).write_parquet(file)
    file.seek(0)
    assert pl.read_parquet(file).to_dicts() == ROWS
    assert fp.factor_many(pl.read_parquet(file)["number"]) == fs


def test_errors_and_nulls_are_null() -> None:
    column = pa.array([6, None, 7, None], pa.int32())
    fs = fp.factor_many(column)
    assert sorted(fs.errors) == [1, 3]
    with pytest.raises(fp.NumberTypeError, match="null at index 1"):
        fs[1]
    table = pa.table(fs)
    assert table["number"].to_pylist() == [6, None, 7, None]
    assert [row if row is None else len(row) for row in table["factors"].to_pylist()] == [2, None, 1, None]
    table.validate(full=True)
    with pytest.raises(fp.NumberValueError, match="-5 is negative at index 1"):
        fp.factor_many(pa.array([6, -5]))
    fs = fp.factor_many(pa.array([6, -5, None, 0]), on_error="collect")
    assert sorted(fs.errors) == [1, 2, 3]
    assert pl.DataFrame(fs)["number"].to_list() == [6, None, None, None]
    assert list(fp.pmap(len, [pa.table(fs)])) == [4]


INTEGERS = [pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32(), pa.int64(), pa.uint64()]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), kind=st.sampled_from(INTEGERS))
def test_any_integers_slices_chunks_and_nulls(data: st.DataObject, kind: Any) -> None:
    most = 2 ** (kind.bit_width - str(kind).startswith("int")) - 1
    items = st.lists(st.none() | st.integers(1, most), max_size=30)
    chunks = data.draw(st.lists(items, min_size=1, max_size=4))
    column = pa.chunked_array([pa.array(chunk, kind) for chunk in chunks], kind)
    start = data.draw(st.integers(0, len(column)))
    for part in (column[start:], column.combine_chunks().slice(start), pa.table({"n": column}).slice(start)):
        expected = (part["n"] if isinstance(part, pa.Table) else part).to_pylist()
        fs = fp.factor_many(part, strategy="serial")
        assert [None if i in fs.errors else n for i, n in enumerate(fs.numbers)] == expected
        assert pa.table(fs)["number"].to_pylist() == expected


@pytest.mark.parametrize(
    "make",
    [
        lambda values: pa.array(values),
        lambda values: pa.chunked_array([values[:2], values[2:]]),
        lambda values: pl.Series(values),
        lambda values: pl.Series(values, dtype=pl.UInt32),
        lambda values: pl.DataFrame({"n": values}),
        lambda values: pd.Series(values),
        lambda values: pd.Series(values, dtype="uint16"),
        lambda values: pd.Series(values, dtype="Int64"),
        lambda values: pd.Series(values, dtype="int64[pyarrow]"),
        lambda values: duckdb.sql(f"select unnest({values}) as n"),
    ],
)
def test_columns_of_every_library_go_in(make: Callable[[list[int]], Any]) -> None:
    values = [360, 97, 1001, 30030]
    assert list(fp.factor_many(make(values))) == [fp.factor(n) for n in values]
    assert [row for block in fp.factor_stream(make(values)) for row in block] == [fp.factor(n) for n in values]
    assert fp.are_prime(make(values)).tolist() == [False, True, False, False]


def test_a_series_of_objects_is_looked_at_one_by_one() -> None:
    assert list(fp.factor_many(pd.Series([2**89 - 1, 6], dtype=object))) == [{2**89 - 1: 1}, {2: 1, 3: 1}]
    with pytest.raises(fp.NumberTypeError, match="'x' at index 1"):
        fp.factor_many(pd.Series([6, "x"], dtype=object))


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (pa.array([1.0]), "the format g; cast it to integers"),
        (pa.array(["7"]), "the format u; cast"),
        (pa.array([7]).dictionary_encode(), "encoded; cast"),
        (pa.table({"a": [1], "b": [2]}), "a table of 2 columns; choose one"),
        (pa.array([[1]]), "cast it to integers"),
        (pl.Series([1.5]), "cast it to integers"),
    ],
)
def test_what_is_no_column_of_integers_is_refused(column: Any, message: str) -> None:
    with pytest.raises(fp.NumberTypeError, match=f"is no Arrow column of integers, but .*{message}"):
        fp.factor_many(column)


@pytest.mark.parametrize("strategy", ["serial", "threads"])
def test_a_null_of_a_stream_stays_one(strategy: str) -> None:
    values = [None if n % 7 == 3 else n for n in range(1, 30_000)]
    column = pa.chunked_array([values[:5], [None], [None], [], values[5:]], pa.int64())
    blocks = list(fp.factor_stream(column, strategy=strategy, max_workers=2, chunksize=1000))
    assert len(blocks) > 20
    whole = pa.concat_tables([pa.table(block) for block in blocks])
    assert whole.to_pylist() == pa.table(fp.factor_many(column)).to_pylist()
    assert blocks[0].errors.keys() == {2}
    assert blocks[1].errors.keys() == {0}
    with pytest.raises(fp.NumberTypeError, match="null at index 5 "):
        blocks[1][0]


def test_a_stream_of_nothing_but_nulls() -> None:
    blocks = list(fp.factor_stream(pa.nulls(200_000, pa.int64()), strategy="serial"))
    assert sum(len(block.errors) for block in blocks) == 200_000


def test_fields_that_are_none_are_refused() -> None:
    wrong: Any
    for wrong in ((), ("n", "L", 0, 1, [], ()), ("n", "+s", 0, 1, (None,), (5,))):
        with pytest.raises((TypeError, SystemError)):
            _native.arrow_stream((wrong,))
    for wrong in ((), [], 5):
        with pytest.raises(TypeError, match="a tuple of fields"):
            _native.arrow_stream(wrong)
    for buffers in ((None, 5), (None,) * 4):
        field = ("n", "+s", 0, 1, (None,), (("n", "L", 0, 1, buffers, ()),))
        with pytest.raises(MemoryError, match="out of memory"):
            pa.RecordBatchReader.from_stream(_Given(_native.arrow_stream((field,)))).read_all()
    with pytest.raises(ValueError, match="invalid PyCapsule"):
        _native.arrow_next(object())


class _Given:
    def __init__(self, capsule: object) -> None:
        self.capsule = capsule

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.capsule


def test_a_column_outlives_the_interpreters_end() -> None:
    """What is released while Python ends, or in a thread of another library, does no harm."""
    code = """
import threading
import pyarrow as pa
import factorpool as fp

kept = pa.table(fp.factor_many(range(1, 2000)))
others = [pa.table(fp.factor_many(range(1, 2000))) for _ in range(50)]
threads = [threading.Thread(target=others.pop) for _ in range(50)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
capsule = fp.factor_many([6]).__arrow_c_stream__()  # never consumed
print(kept.num_rows)
"""
    ran = run_python(code)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "1999\n", "")


def test_many_numbers_go_round() -> None:
    rng = random.Random(5)
    numbers = np.array([rng.getrandbits(rng.randrange(2, 64)) + 1 for _ in range(20_000)], dtype=np.uint64)
    fs = fp.factor_many(pa.array(numbers))
    assert fs == fp.factor_many(numbers)
    product = (
        pl.DataFrame(fs.long())
        .group_by("index")
        .agg((pl.col("prime").cast(pl.Float64).log() * pl.col("exponent")).sum())
    )
    logs = dict(product.iter_rows())
    assert all(abs(logs.get(i, 0.0) - np.log(float(n))) < 1e-6 for i, n in enumerate(numbers.tolist()))
