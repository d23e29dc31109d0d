"""`factorpool jobs`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from factorpool.errors import FactorpoolError
from factorpool.jobs.job import counted_in
from factorpool.jobs.journal import read_journal


@click.command("jobs")
@click.argument("directory", default=".", type=click.Path(exists=True, file_okay=False))
def command(directory: str) -> None:
    """List the jobs of `factorpool factor --output FILE` in DIRECTORY that are not done, and parts to be merged.

    The same command goes on with a job.

    \b
    Examples:
      factorpool jobs
      factorpool jobs results
    """
    journals = sorted(Path(directory).glob("*.job"))
    for path in journals:
        try:
            known = read_journal(str(path))
        except FactorpoolError as error:
            click.echo(str(error))
            continue
        if known is None:
            continue
        file, _, line, _ = known["mark"]["place"]
        inputs = [name for name, *_ in known["inputs"]]
        ago = time.time() - os.stat(path).st_mtime
        counted = counted_in(known["options"]["columns"][0][0]) if inputs else ""
        where = f"up to {counted} {line} of {inputs[file]}" if file < len(inputs) else "up to the end"
        if known["mark"]["done"] and known["options"]["part"]:
            where = f"done, `factorpool merge {path.with_suffix('').with_suffix('')}` puts its parts together"
        click.echo(f"{path.with_suffix('')}: {known['mark']['size']} bytes, {where}, {ago:.0f} s ago")
    if not journals:
        click.echo("no job is under way here")
