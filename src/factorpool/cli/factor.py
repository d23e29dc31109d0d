"""`factorpool factor`: parses its arguments, reads, writes; the pool does the rest."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from functools import partial

import click

from factorpool.api import factor_blocks
from factorpool.cli.options import part, workers
from factorpool.errors import OptionError
from factorpool.factoring.block import Block
from factorpool.factoring.columns import Columns
from factorpool.factoring.effort import Effort, open_store
from factorpool.factoring.methods import METHODS
from factorpool.formats import FORMATS, Shape, format_of
from factorpool.jobs.inputs import find_inputs
from factorpool.jobs.job import Job, Plan
from factorpool.jobs.output import OutputError
from factorpool.jobs.places import Share
from factorpool.jobs.reader import from_arguments
from factorpool.pool.schedule import SCHEDULES, Schedule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.pool.progress import Bar

BUFFER = 1 << 18
"""Numbers read ahead of the output, at most: enough to keep workers busy, and about 20 MB."""

PRINTED_RANGE, STORED_RANGE = 1 << 20, 1 << 18
"""Numbers of a range that are sieved at once, and half of what is read ahead, at most: about 100 MB where workers print
them, and where they are made objects first, for a database."""


@click.command("factor", context_settings={"ignore_unknown_options": True})
@click.argument("numbers", nargs=-1)
@click.option(
    "--input",
    "-i",
    "inputs",
    multiple=True,
    metavar="FILE",
    help="Read FILE, or all that fit a pattern; - is standard input.",
)
@click.option(
    "--column",
    "--field",
    metavar="NAME",
    help="Read a table's column, of which NAME is the name, or the number from 1 on.",
)
@click.option("--coerce", is_flag=True, help="Take 3.0 and 1e6 for the integers that they are equal to.")
@click.option("--output", "-o", metavar="FILE", help="Write FILE, which appears when it is whole.")
@click.option("--restart", is_flag=True, help="Begin a job with --output anew, instead of going on with it.")
@click.option(
    "--format", "-f", "form", type=click.Choice(FORMATS), help="By the ending of --output if left out, or gnu."
)
@click.option("--exponents", is_flag=True, help="Write 2^3 and not 2 2 2.")
@click.option("--flat", is_flag=True, help="Write a row for each distinct prime.")
@click.option(
    "--part", metavar="K/N", callback=part, help="Do part K of N of the input; `factorpool merge` joins them."
)
@click.option(
    "--strategy",
    "-s",
    default="auto",
    show_default=True,
    help="auto, auto+CLUSTER, or one of `factorpool strategies`.",
)
@click.option("--max-workers", "-j", type=int, callback=workers, help="How many; one for every usable CPU if left out.")
@click.option("--schedule", type=click.Choice(SCHEDULES), default="guided", show_default=True, help="How work is cut.")
@click.option("--chunksize", type=click.IntRange(1), help="Numbers in a chunk; the schedule decides if left out.")
@click.option(
    "--method", type=click.Choice(list(METHODS)), default="auto", show_default=True, help="How a number is factored."
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="Give up what takes longer of a number.",
)
@click.option("--checkpoint", metavar="DIR", help="Keep what is known of large numbers in DIR, and go on from there.")
@click.option("--verbose", "-v", is_flag=True, help="Say on standard error where the work runs, and why there.")
@click.option("--trace", metavar="FILE", help="Write what every worker did and when; `bench timeline` draws it.")
@click.option("--progress/--no-progress", default=None, help="A progress bar; shown by default on a terminal.")
def command(
    numbers: tuple[str, ...],
    inputs: tuple[str, ...],
    column: str | None,
    coerce: bool,
    output: str | None,
    restart: bool,
    form: str | None,
    exponents: bool,
    flat: bool,
    part: Share | None,
    strategy: str,
    max_workers: int | None,
    schedule: Schedule,
    chunksize: int | None,
    method: str,
    timeout: float | None,
    checkpoint: str | None,
    verbose: bool,
    trace: str | None,
    progress: bool | None,
) -> int:
    """Print the prime factors of each NUMBER, of those in files, or, without either, of those on standard input.

    Files may be compressed by gzip, bzip2, xz or zstd.  Of a table --column is read, and its other columns are written
    beside the factors: of CSV, TSV, JSON lines, Parquet and Arrow files, and of SQLite's (FILE?table=T&column=C).

    FIRST..LAST stands for all numbers from FIRST to LAST, which are sieved: many times faster than one by one.  White
    space separates numbers, # begins a comment.  What is no number is reported on standard error, the rest is still
    factored, and the exit status is 1.  So it is with a number that is given up after --timeout: the primes that were
    found are reported, and the composites left.

    With --output, the same command goes on where it ended, however that was, if all it reads are files.  With
    --checkpoint, it goes on with numbers that take more than some seconds, too.  --part K/N shares the work out to N
    commands, on one machine or on several.

    \b
    Examples:
      factorpool factor 360 97
      factorpool factor 1000000000000..1000001000000 > factors.txt
      cat numbers.txt | factorpool factor
      factorpool factor --input numbers.txt --format jsonl | head
      factorpool factor --input numbers.txt.gz --output factors.csv
      factorpool factor -i table.csv --column n -o factors.parquet
      factorpool factor -i 'base.sqlite?table=t&column=n' -o out.csv --flat
      factorpool factor -i 'numbers/*.txt' -o factors.txt --part 3/16
      factorpool factor -s processes -j 8 -i big.txt
      factorpool factor --progress --checkpoint sieves -i hard.txt
    """
    for number in numbers:
        if number.startswith("-") and len(number) > 1 and not number[1:2].isdigit():
            raise click.NoSuchOption(number)

    bar: Bar | None = None

    def report(line: str) -> None:
        note = bar.note if bar is not None else partial(click.echo, err=True)
        note(f"factorpool factor: {line}")

    if exponents and flat:
        raise OptionError("--exponents and --flat are two ways to write the same: choose one")
    if numbers and not inputs and column is not None:
        raise OptionError("--column is of a table, and there is none: name one with --input")
    if output in ("-", "/dev/stdout"):
        output = None
    given, bad = from_arguments(numbers, report, coerce)
    job = Job(
        Plan(
            find_inputs(inputs or (() if numbers else ("-",)), column),
            numbers,
            given,
            output,
            form or format_of(output or ""),
            Shape.FLAT if flat else Shape.POWERS if exponents else Shape.REPEATED,
            coerce,
            part,
            {"method": method, "timeout": timeout},
        ),
        restart,
        report,
    )
    if job.done:
        report(f"{job.path} was written already")
        return 1 if bad or job.left_out else 0
    results = factor_blocks(
        job.blocks(),
        job.reader.ready,
        strategy=strategy,
        max_workers=max_workers,
        schedule=schedule,
        chunksize=chunksize,
        method=method,
        buffersize=BUFFER,
        longest=PRINTED_RANGE if job.printed else STORED_RANGE,
        announce=(lambda choice: report(f"strategy {choice.strategy.name}: {choice.reason}")) if verbose else None,
        trace=trace,
        effort=Effort(
            lambda stage: None if bar is None else bar.stage(stage.what, stage.found, stage.needed),
            timeout,
            open_store(checkpoint),
        ),
        unfinished=job.give_up,
        printed=job.printed,
    )
    if progress is None:
        progress = sys.stderr.isatty() and not sys.stdout.isatty()
    reads = bool(inputs or not numbers)
    if progress:
        from factorpool.pool.progress import Bar

        bar = Bar(job.reader.size if reads else sum(map(len, given)))
    done = position = 0
    unproved: set[int] = set()

    def wrote(block: Block, columns: Columns) -> None:
        nonlocal done, position
        if bar is not None:
            done += len(block)
            position = block.position or position
            bar.advance(done, position if reads else None)
        for p in set(columns.probable) - unproved:
            report(f"note: {str(p)[:20]}... is a probable prime, not proved")
        unproved.update(columns.probable)

    try:
        with bar or nullcontext():
            job.write(results, wrote)
    except OutputError as error:
        report(str(error))
        return 1
    return 1 if bad or job.left_out else 0
