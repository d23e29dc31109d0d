"""Tab-separated values, under the headings `number` and `factors`."""

from __future__ import annotations

from factorpool.formats import csv


class Writer(csv.Writer):
    """Its rows have tabs where those of CSV have commas."""

    style = "tsv"
    separator = "\t"
