"""`factorpool bench` and `factorpool bench chart`: options, and the order of measuring, saving and showing."""

from __future__ import annotations

import random
import sys
from io import TextIOWrapper

import click
from rich.console import Console

from factorpool.bench.comparison import INTERRUPTED, SECONDS, compare, usable_strategies
from factorpool.bench.machine import describe
from factorpool.bench.measure import DIFFER, Rounds, cases_for
from factorpool.bench.named import find_function, find_items
from factorpool.bench.predict import item_costs, predict_for
from factorpool.bench.recommend import recommend
from factorpool.bench.report import show, show_predictions
from factorpool.bench.result import Result, load
from factorpool.bench.subject import Numbers
from factorpool.bench.workloads import WORKLOADS, naive_seconds
from factorpool.bench.workloads import load as load_workload
from factorpool.cli.options import workers
from factorpool.errors import OptionError
from factorpool.factoring.methods import METHODS
from factorpool.pool.schedule import SCHEDULES, Schedule
from factorpool.pool.strategies import find

WORKERS = (2, 4, 8)  # the article's
PIPED_WIDTH = 120  # characters, where no terminal says
NAIVE_SECONDS = 60  # a run of the naive method that might take longer has to be asked for


def _every_worker_count(ctx: click.Context, parameter: click.Parameter, values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(checked for value in values if (checked := workers(ctx, parameter, value)))


def _every_strategy(ctx: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    for value in values:
        try:
            find(value)
        except OptionError as error:
            raise click.BadParameter(str(error), ctx, parameter) from error
    return values


def _counts(ctx: click.Context, parameter: click.Parameter, value: str | None) -> list[int]:
    """The numbers of workers in `8,64,1024`."""
    counts = value.split(",") if value else []
    if not all(count.isascii() and count.isdigit() and int(count) for count in counts):
        raise click.BadParameter(f"{value!r} are no numbers of workers; write for example 8,64,1024", ctx, parameter)
    return [int(count) for count in counts]


@click.group("bench", invoke_without_command=True)
@click.option("--workload", "-w", default="article", show_default=True, help=f"{', '.join(WORKLOADS)}, or a file.")
@click.option(
    "--strategy",
    "-s",
    "strategies",
    multiple=True,
    callback=_every_strategy,
    help="All of this machine if left out; repeatable; also ray, dask:ADDRESS, executor:MODULE:FUNCTION.",
)
@click.option(
    "--max-workers",
    "-j",
    "counts",
    type=int,
    multiple=True,
    callback=_every_worker_count,
    help="2, 4 and 8 if left out.",
)
@click.option(
    "--method", "methods", type=click.Choice(list(METHODS)), multiple=True, help="naive and auto if left out."
)
@click.option("--schedule", type=click.Choice(SCHEDULES), default="guided", show_default=True)
@click.option(
    "--repeat", type=click.IntRange(1), help="Rounds: runs of every case.  [default: 5; with --function by --seconds]"
)
@click.option("--function", "-f", metavar="NAME", help="Measure package.module:function or path/to/script.py:function.")
@click.option("--items", "-i", metavar="ITEMS", help="Its items: a file, range:0:1000, or package.module:iterable.")
@click.option(
    "--seconds", type=float, default=SECONDS, show_default=True, help="How long to measure a function, about."
)
@click.option("--seed", type=int, help="Of the order of the runs; the result says which was taken.")
@click.option("--predict", "predicted", metavar="N,N,...", callback=_counts, help="Say what so many workers would do.")
@click.option("--trace", metavar="FILE", help="What every worker did, in one more run of the fastest strategy.")
@click.option("--output", "-o", default="factorpool-bench.json", show_default=True, help="Where the result is saved.")
@click.pass_context
def command(
    ctx: click.Context,
    workload: str,
    strategies: tuple[str, ...],
    counts: tuple[int, ...],
    methods: tuple[str, ...],
    schedule: Schedule,
    repeat: int | None,
    function: str | None,
    items: str | None,
    seconds: float,
    seed: int | None,
    predicted: list[int],
    trace: str | None,
    output: str,
) -> None:
    """Run the same work with every strategy, check that all agree, and say which to use.

    By default the article's benchmark: 300 numbers, its naive method and then factorpool's kernel (method auto).  The
    result is saved after each run; `factorpool bench chart` draws it.  With --predict, the pool then runs on virtual
    time, with the costs and overheads measured here: what would more workers bring?

    With --function and --items any function is measured, for about --seconds; of work that takes longer, a sample.  The
    items of a file are its lines, of a .jsonl file what its lines stand for, of FILE.csv:COLUMN a column.

    \b
    Examples:
      factorpool bench
      factorpool bench --workload uniform64:100000 --method auto -j 1 -j 2
      factorpool bench --workload numbers.txt --strategy threads --repeat 9
      factorpool bench --method naive --predict 8,64,1024
      factorpool bench --function mymodule:work --items range:0:1000
      factorpool bench --function script.py:parse --items lines.jsonl --seconds 60 -j 2 -j 4
      factorpool bench --function script.py:parse --items lines.txt --predict 8,64 --trace trace.json
      factorpool bench chart factorpool-bench.json
    """
    if ctx.invoked_subcommand is not None:
        return
    Result.check_place(output)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # the table's bars may be beyond the terminal's encoding
    console, notes = Console(markup=False), Console(stderr=True, markup=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    if trace is not None and function is None:
        raise click.UsageError("--trace is for --function; numbers have `factorpool factor --trace`")
    if function is not None or items is not None:
        if function is None or items is None:
            raise click.UsageError("--function and --items go together: what to call, and on what")
        if methods:
            raise click.UsageError("--method is for numbers, not for --function")
        fn, each = find_function(function), find_items(items)
        with notes.status("starting") as status:
            notes.print(f"this takes about {seconds:.3g} s", highlight=False)
            comparison = compare(
                fn,
                each,
                strategies=strategies or None,
                max_workers=list(counts) or (None,),
                schedule=schedule,
                rounds=repeat,
                seconds=seconds,
                seed=seed,
                name=function,
                predict=predicted,
                trace=trace,
                progress=status.update,
            )
        comparison.save(output)
        _finish(comparison.result, console, notes, output)
        return
    skipped, usable = usable_strategies(strategies)
    work = load_workload(workload)
    if not methods:
        methods = ("naive", "auto")
        if (seconds := naive_seconds(work.numbers)) > NAIVE_SECONDS:
            methods = ("auto",)
            skipped["method naive"] = f"it might take {seconds:.0f} s a run; to insist, name it with --method naive"
    cases = cases_for(list(dict.fromkeys(methods)), usable, list(dict.fromkeys(counts or WORKERS)))
    repeat = repeat or 5
    seed = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    result = Result(work.name, work.description, len(work.numbers), schedule, describe(), skipped, cases, seed=seed)
    subject = Numbers(work.numbers, schedule)
    rounds = Rounds(subject, cases, result.noise, rounds=repeat, seed=seed)
    with notes.status("starting") as status:
        for turn, case in rounds:
            if result.measured():
                result.save(output)
            if case is cases[0] and not notes.is_terminal:
                notes.print(f"round {turn + 1} of {repeat}", highlight=False)
            status.update(f"round {turn + 1} of {repeat}: method {case.method}, {case.label}")
        for method in result.methods() if predicted and len(work.numbers) > 1 and len(cases) > len(methods) else ():
            status.update(f"predicting for method {method}")
            costs = item_costs(subject.task(method), subject.payload)
            result.predictions.append(predict_for(result, subject, method, predicted, repeat, costs))
    result.save(output)
    _finish(result, console, notes, output)


def _finish(result: Result, console: Console, notes: Console, output: str) -> None:
    """Shows a result; exit status 1 if cases did not agree."""
    show(result, console)
    for predictions in result.predictions:
        show_predictions(predictions, console)
    if result.measured():
        console.print(recommend(result), highlight=False)
    notes.print(f"saved as {output}; draw it with: factorpool bench chart {output}", highlight=False)
    if INTERRUPTED in result.notes:
        sys.exit(130)
    if any(case.note.startswith(DIFFER) for case in result.cases):
        sys.exit(1)


@command.command("chart")
@click.argument("result", metavar="FILE", type=click.Path(exists=True, dir_okay=False))
@click.option("--output", "-o", "outputs", multiple=True, help="An .svg or .png file; both beside FILE if left out.")
def chart(result: str, outputs: tuple[str, ...]) -> None:
    """Draw the chart of a saved result as SVG and PNG.

    \b
    Examples:
      factorpool bench chart factorpool-bench.json
      factorpool bench chart factorpool-bench.json --output chart.png
    """
    from factorpool.bench.chart import FORMATS, draw

    saved = load(result)
    for output in outputs or [f"{result.removesuffix('.json')}.{form}" for form in FORMATS]:
        draw(saved, output)
        click.echo(f"drew {output}", file=sys.stderr)


@command.command("timeline")
@click.argument("trace", metavar="TRACE", type=click.Path(exists=True, dir_okay=False))
@click.option("--output", "-o", "outputs", multiple=True, help="An .svg or .png file; both beside TRACE if left out.")
def timeline(trace: str, outputs: tuple[str, ...]) -> None:
    """Draw what every worker did and when: a row for each worker, a block for each chunk, idle in grey.

    TRACE is a file of `factorpool factor --trace FILE`, or of `pmap(..., trace=FILE)` in Python.

    \b
    Examples:
      factorpool factor -i numbers.txt --trace trace.json > factors.txt
      factorpool bench timeline trace.json --output timeline.png
    """
    from factorpool.bench.chart import FORMATS
    from factorpool.bench.timeline import draw

    for output in outputs or [f"{trace.removesuffix('.json')}.{form}" for form in FORMATS]:
        draw(trace, output)
        click.echo(f"drew {output}", file=sys.stderr)


@command.command("report")
@click.argument("results", metavar="FILE...", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
@click.option("--output", "-o", default=None, help="The .html file; beside the first FILE if left out.")
@click.option("--markdown", is_flag=True, help="Print tables for a pull request instead.")
def report(results: tuple[str, ...], output: str | None, markdown: bool) -> None:
    """Make one HTML page of saved results, side by side; it loads nothing, so it can be sent round.

    \b
    Examples:
      factorpool bench report factorpool-bench.json -o page.html
      factorpool bench report laptop.json server.json -o both.html
      factorpool bench report factorpool-bench.json --markdown
    """
    from factorpool.bench.page import save_page
    from factorpool.bench.report import markdown_of

    saved = [load(path) for path in results]
    if markdown:
        click.echo("\n".join(markdown_of(result) for result in saved))
        return
    output = output or f"{results[0].removesuffix('.json')}.html"
    save_page(saved, output)
    click.echo(f"wrote {output}", file=sys.stderr)
