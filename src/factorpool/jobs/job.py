"""A job: numbers from files, or from anywhere else, to factorizations in a file, which goes on where it ended."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, NamedTuple

from factorpool.errors import OptionError, UnfinishedError
from factorpool.factoring.block import Block
from factorpool.factoring.columns import Columns
from factorpool.formats import CLOSED, Factored, Shape, Writer, find_writer
from factorpool.formats.columnar import load_pyarrow
from factorpool.formats.lines import only_utf8
from factorpool.formats.table import Heading
from factorpool.formats.text import lines_of
from factorpool.jobs import kept
from factorpool.jobs.following import Follower
from factorpool.jobs.inputs import Input
from factorpool.jobs.output import OutputError, StandardOutput, WholeFile, begin_job, is_special
from factorpool.jobs.places import Place, Share
from factorpool.jobs.reader import Reader
from factorpool.jobs.table import TableReader


class Plan(NamedTuple):
    """What a job is asked for: where its numbers come from, and what is written where.

    `numbers` are given as arguments, in `given` as blocks; `output` None is standard output.  `settings` are those that
    the factorizations depend on.
    """

    inputs: Sequence[Input]
    numbers: Sequence[str]
    given: Sequence[Block]
    output: str | None
    form: str
    shape: Shape
    coerce: bool
    share: Share | None
    settings: dict[str, Any]


class Job:
    """Reads, and writes what it is given in the order of what it has read.

    `done` says that all had been written before.
    """

    def __init__(self, plan: Plan, restart: bool, report: Callable[[str], None]) -> None:
        _check(plan)
        self._plan = plan
        self._report = report
        self._journal = mark = None
        paths = [each.path for each in plan.inputs]
        closed = plan.form in CLOSED
        follower = Follower(plan.form, plan.shape) if closed and plan.share is None else None
        path = plan.output
        if path is not None:
            if plan.share is not None:
                path = part_name(path, plan.share)
            if "-" in paths:
                report("note: standard input cannot be read twice, so this job cannot be resumed")
            complete = None if follower is None else follower.complete
            self._journal, mark = begin_job(
                path, describe(plan), tuple(paths), restart, complete, plan.share is not None
            )
        self._mark = mark
        self.done = mark is not None and mark.done
        self.path = path
        self._file = StandardOutput() if path is None else WholeFile(
            path, self._journal, mark, follower,
            merged=plan.share is not None, first=plan.share is None or plan.share.number == 1,
        )  # fmt: skip
        self._given_up = 0 if mark is None else mark.given_up
        self._unfinished: list[UnfinishedError] = []
        start = None if mark is None else mark.place
        self._table: TableReader | None = None
        self.reader: Reader | TableReader
        if plan.inputs and plan.inputs[0].kind != "text":
            self.reader = self._table = TableReader(
                plan.inputs, report, coerce=plan.coerce, start=start, share=plan.share
            )
            _check_names(self._table.heading, plan)
        else:
            share = plan.share if paths else None
            self.reader = Reader(paths, report, coerce=plan.coerce, start=start, share=share, parsed=closed)
        if mark is not None and not mark.done:
            report(f"going on at {self._shown(mark.place)}")

    @property
    def printed(self) -> Callable[[Block, Columns], bytes] | None:
        """How the workers print what they find; None where that is for the writer.

        Of tables they print the column of factors, where it stands in a line as it is.
        """
        form, shape = self._plan.form, self._plan.shape
        if self._table is not None and form in ("csv", "tsv") and shape is not Shape.FLAT:
            return partial(lines_of, "bare", shape)
        if form in CLOSED or (self._table is not None and shape is Shape.FLAT):
            return None
        return partial(lines_of, form, shape)

    def blocks(self) -> Iterator[Block]:
        """The numbers."""
        if self._mark is None:
            yield from self._plan.given if self._plan.share is None else _shared(self._plan.given, self._plan.share)
        yield from self.reader.blocks()

    def give_up(self, error: UnfinishedError) -> None:
        """A number has no factorization, and is next in order."""
        self._given_up += 1
        found = " ".join(str(p) for p, e in error.primes.items() for _ in range(e))
        left = " ".join(f"{c}^{e}" if e > 1 else str(c) for c, e in error.composites.items())
        self._report(f"{error.number}: given up {error.why}: primes: {found or 'none'}; composite: {left}")
        self._unfinished.append(error)

    def write(self, results: Iterator[tuple[Block, Columns]], wrote: Callable[[Block, Columns], object]) -> None:
        """Writes results as they come, and says so.

        Raises an OutputError where the output cannot be written to.
        """
        try:
            self._write_all(results, wrote)
        except (KeyboardInterrupt, OutputError):
            if (place := self._file.kept) is not None:
                self._report(f"note: the same command goes on at {self._shown(place)}")
            raise

    def _shown(self, place: Place) -> str:
        inputs = self._plan.inputs
        return f"{counted_in(inputs[0].kind)} {place.line} of {inputs[min(place.file, len(inputs) - 1)].path}"

    def _write_all(self, results: Iterator[tuple[Block, Columns]], wrote: Callable[[Block, Columns], object]) -> None:
        heading = None if self._table is None else self._table.heading
        make: type[Writer] = kept.Writer if self._plan.form in CLOSED else find_writer(self._plan.form)
        with only_utf8(), self._file as file:
            writer = make(file, self._plan.shape, heading)
            file.begin()
            for block, columns in results:
                self._write_unfinished(writer)
                self._write(writer, block, columns)
                file.reached(self.reader.place_at(block.position), self._given_up)
                wrote(block, columns)
            self._write_unfinished(writer)
            writer.close()
            file.ended(self.reader.bad, self._given_up)
            if self._journal is not None and (changed := self._journal.changed()):
                self._report(f"note: {changed} has changed while it was read")

    @property
    def left_out(self) -> int:
        """Numbers without factors: what is none, and what was given up."""
        return self.reader.bad + self._given_up

    def _write(self, writer: Writer, block: Block, columns: Columns) -> None:
        if self._table is None:
            writer.write(Factored(block, columns))
        elif len(block):
            writer.write(Factored(block, columns, *self._table.take(len(block))))

    def _write_unfinished(self, writer: Writer) -> None:
        """A row of a table stays, without factors; of text such a number is left out."""
        for error in self._unfinished:
            if self._table is not None:
                rows, _ = self._table.take(1)
                nothing = Columns(b"\0", b"", b"")
                writer.write(Factored(Block.packed([error.number]), nothing, rows, frozenset([0])))
        self._unfinished.clear()


def counted_in(kind: str) -> str:
    """What places of an input are counted in."""
    return "line" if kind in ("text", "csv", "jsonl") else "row"


def describe(plan: Plan) -> dict[str, Any]:
    """The options that an output depends on."""
    return {
        "numbers": list(plan.numbers),
        "format": plan.form,
        "shape": plan.shape.value,
        "columns": [list(each) for each in dict.fromkeys((i.kind, i.table, i.column) for i in plan.inputs)],
        "coerce": plan.coerce,
        "part": None if plan.share is None else list(plan.share),
        **plan.settings,
    }


def part_name(output: str, share: Share) -> str:
    """The file of one of several jobs that share an input."""
    return f"{output}.{share.number}-of-{share.parts}"


def _check(plan: Plan) -> None:
    to_file = plan.output is not None and not is_special(plan.output)
    if not to_file and plan.form in CLOSED:
        raise OptionError(f"--format {plan.form} needs a file: choose one with --output")
    if plan.form in ("parquet", "arrow"):
        load_pyarrow()
    if plan.form == "gnu" and plan.shape is Shape.FLAT:
        raise OptionError("--flat writes a table, which --format gnu is not: choose csv, say")
    if plan.share is not None and not to_file:
        raise OptionError("--part needs a file: choose one with --output, as of all parts together")
    if plan.share is not None and any(not os.path.isfile(each.path) for each in plan.inputs):
        raise OptionError("--part takes its share of files, which standard input and what is missing are not")
    if plan.given and plan.inputs and (plan.share is not None or plan.inputs[0].kind != "text"):
        what = "--part" if plan.share is not None else "a table"
        raise OptionError(f"{what} takes numbers of files, or of the command line, and not of both")


def _check_names(heading: Heading, plan: Plan) -> None:
    new = {"prime", "exponent"} if plan.shape is Shape.FLAT else {"factors"}
    if plan.form == "gnu":  # which has none of the columns
        return
    if plan.form == "jsonl" and plan.shape is not Shape.FLAT:
        new = {"primes", "exponents"}
    names = heading.names
    if plan.form == "sqlite":  # to which Name is name
        names = tuple(name.lower() for name in names)
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise OptionError(f"--format sqlite: the table has several columns {twice!r}, but for capitals")
    if there := new & set(names):
        raise OptionError(
            f"the table has a column {min(there)!r} already, which would be there twice: give it another name"
        )


def _shared(blocks: Sequence[Block], share: Share) -> Iterator[Block]:
    first, last = share.of(sum(map(len, blocks)))
    for block in blocks:
        if part := block[max(first, 0) : max(last, 0)]:
            yield part
        first, last = first - len(block), last - len(block)
