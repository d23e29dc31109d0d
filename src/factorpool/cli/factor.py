"""`factorpool factor`: parses its arguments, reads, writes; the pool does the rest."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial

import click

from factorpool.api import factor_blocks
from factorpool.cli.options import workers
from factorpool.errors import UnfinishedError
from factorpool.factoring.block import Block
from factorpool.factoring.columns import Columns
from factorpool.factoring.effort import Effort, open_store
from factorpool.factoring.methods import METHODS
from factorpool.formats import FORMATS, find_writer
from factorpool.jobs.output import OutputError, StandardOutput, WholeFile, begin_job
from factorpool.jobs.reader import Reader, from_arguments
from factorpool.pool.schedule import SCHEDULES, Schedule

TYPE_CHECKING = False
if TYPE_CHECKING:
    from factorpool.pool.progress import Bar

BUFFER = 1 << 18
"""Numbers read ahead of the output, at most: enough to keep workers busy, and about 20 MB."""


@click.command("factor", context_settings={"ignore_unknown_options": True})
@click.argument("numbers", nargs=-1)
@click.option("--input", "-i", "inputs", multiple=True, metavar="FILE", help="Read FILE; - is standard input.")
@click.option("--output", "-o", metavar="FILE", help="Write FILE, which appears when it is whole.")
@click.option("--restart", is_flag=True, help="Begin a job with --output anew, instead of going on with it.")
@click.option(
    "--format", "-f", "form", type=click.Choice(FORMATS), help="By the ending of --output if left out, or gnu."
)
@click.option("--strategy", "-s", default="auto", show_default=True, help="auto, or one of `factorpool strategies`.")
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
    output: str | None,
    restart: bool,
    form: str | None,
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

    Files may be compressed by gzip, bzip2, xz or zstd.

    FIRST..LAST stands for all numbers from FIRST to LAST, which are sieved: many times faster than one by one.  White
    space separates numbers, # begins a comment.  What is no number is reported on standard error, the rest is still
    factored, and the exit status is 1.  So it is with a number that is given up after --timeout: the primes that were
    found are reported, and the composites left.

    With --output, the same command goes on where it ended, however that was, if all it reads are files.  With
    --checkpoint, the same command goes on where it ended, however that was, with numbers that take more than some
    seconds.

    \b
    Examples:
      factorpool factor 360 97
      factorpool factor 1000000000000..1000001000000 > factors.txt
      cat numbers.txt | factorpool factor
      factorpool factor --input numbers.txt --format jsonl | head
      factorpool factor --input numbers.txt.gz --output factors.csv
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

    ending = os.path.splitext(output or "")[1][1:]
    form = form or (ending if ending in FORMATS else "gnu")
    paths = inputs or (() if numbers else ("-",))
    journal = mark = None
    if output is not None:
        options = {"numbers": list(numbers), "format": form, "method": method, "timeout": timeout}
        journal, mark = begin_job(output, options, paths, restart)
        if "-" in paths:
            report("note: standard input cannot be read twice, so this job cannot be resumed")
    given_up = 0 if mark is None else mark.given_up

    def give_up(error: UnfinishedError) -> None:
        nonlocal given_up
        given_up += 1
        found = " ".join(str(p) for p, e in error.primes.items() for _ in range(e))
        left = " ".join(f"{c}^{e}" if e > 1 else str(c) for c, e in error.composites.items())
        report(f"{error.number}: given up {error.why}: primes: {found or 'none'}; composite: {left}")

    given, bad = from_arguments(numbers, report)
    reader = Reader(paths, report, None if mark is None else mark.place)
    if mark is not None and mark.done:
        report(f"{output} was written already, but for its name")
        return 1 if bad or reader.bad or given_up else 0
    if mark is not None:
        report(f"going on at line {mark.place.line} of {paths[mark.place.file]}")

    def blocks() -> Iterator[Block]:
        if mark is None:
            yield from given
        yield from reader.blocks()

    results = factor_blocks(
        blocks(),
        reader.ready,
        strategy=strategy,
        max_workers=max_workers,
        schedule=schedule,
        chunksize=chunksize,
        method=method,
        buffersize=BUFFER,
        announce=(lambda choice: report(f"strategy {choice.strategy.name}: {choice.reason}")) if verbose else None,
        trace=trace,
        effort=Effort(
            lambda stage: None if bar is None else bar.stage(stage.what, stage.found, stage.needed),
            timeout,
            open_store(checkpoint),
        ),
        unfinished=give_up,
    )
    if progress is None:
        progress = sys.stderr.isatty() and not sys.stdout.isatty()
    if progress:
        from factorpool.pool.progress import Bar

        bar = Bar(reader.size if paths else sum(map(len, given)))
    file = WholeFile(output, journal, mark) if output else StandardOutput()
    with bar or nullcontext(), file:
        written = _write(
            results, form, file, bar, bool(paths), lambda position: file.reached(reader.place_at(position), given_up)
        )
    return 1 if bad or reader.bad or given_up or not written else 0


def _write(
    results: Iterator[tuple[Block, Columns]],
    form: str,
    file: StandardOutput | WholeFile,
    bar: Bar | None,
    by_position: bool,
    wrote: Callable[[int | None], object],
) -> bool:
    """Writes results as they come; False if the output cannot be written to.  `wrote` is told how far it is.

    The bar goes by the positions of blocks in what is read, or by numbers.
    """
    unproved: set[int] = set()
    done = position = 0
    try:
        writer = find_writer(form)(file)
        file.begin()
        for block, columns in results:
            writer.write(block, columns)
            wrote(block.position)
            if bar is not None:
                done += len(block)
                position = block.position or position
                bar.advance(done, position if by_position else None)
            for p in set(columns.probable) - unproved:
                click.echo(f"factorpool factor: note: {str(p)[:20]}... is a probable prime, not proved", err=True)
            unproved.update(columns.probable)
        writer.close()
    except OutputError as error:
        click.echo(f"factorpool factor: {error}", err=True)
        return False
    return True
