"""`strategy="auto"` over items whose cost changes while they are measured: every run ends, every item is run once."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from collections.abc import Iterable
from functools import partial
from itertools import islice
from pathlib import Path

import functions
import pytest
from conftest import ends_within
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from shapes import SHAPES, SLOW, Item, items

import factorpool as fp

pytestmark = pytest.mark.usefixtures("workers_left")


# Not shrunk: each try of a run that never ends takes all its seconds; test_probe.py finds the small case.
@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    shape=st.sampled_from(sorted(SHAPES)), total=st.integers(0, 120), seed=st.integers(0, 2**32),
    waiting=st.sampled_from([0.0, 0.0, 0.3, 1.0]), failing=st.sampled_from([0.0, 0.0, 0.1]),
    workers=st.integers(1, 3), ordered=st.booleans(), collect=st.booleans(),
    schedule=st.sampled_from(["guided", "static"]), buffersize=st.none() | st.integers(1, 40),
    listed=st.booleans(), stop=st.none() | st.integers(0, 120),
)  # fmt: skip
def test_every_run_ends_and_runs_each_item_once(
    shape: str, total: int, seed: int, waiting: float, failing: float, workers: int, ordered: bool, collect: bool,
    schedule: str, buffersize: int | None, listed: bool, stop: int | None,
) -> None:  # fmt: skip
    """With `stop`, an endless iterator is left after so many results."""
    given = list(islice(items(shape, random.Random(seed), waiting, failing), total))
    while sum(item.seconds for item in given) > 60 * SLOW:
        given.pop()
    source: Iterable[Item] = given if listed else iter(given)
    if stop is not None:
        stop = min(stop, len(given))
        if schedule != "static" and not listed:
            source = items(shape, random.Random(seed), waiting, failing)
    with tempfile.TemporaryDirectory() as folder, ends_within(20):
        path = str(Path(folder) / "notes")
        results = fp.pmap(
            partial(functions.do, path), source, max_workers=workers, ordered=ordered, schedule=schedule,
            on_error="collect" if collect else "raise", buffersize=buffersize,
        )  # fmt: skip
        values, raised = [], None
        with results:
            try:
                values.extend(islice(results, stop))
            except LookupError as error:
                raised = error
        ran = Counter(map(int, Path(path).read_text().split() if Path(path).exists() else ()))
    indices = [value.index if collect else value for value in values]
    assert indices == list(range(len(indices))) if ordered else len(set(indices)) == len(indices)
    assert set(ran.values()) <= {1}
    assert ran.keys() >= set(indices)
    if raised is not None:
        assert not collect and failing
    elif stop is None:
        assert len(indices) == len(given) == len(ran)
    else:
        assert len(indices) == stop
    if collect:
        for outcome in values:
            assert isinstance(outcome.error, LookupError) if outcome.error else outcome.value == outcome.index
