"""`factorpool jobs`."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from factorpool.errors import FactorpoolError
from factorpool.jobs.journal import read_journal


@click.command("jobs")
@click.argument("directory", default=".", type=click.Path(exists=True, file_okay=False))
def command(directory: str) -> None:
    """List the jobs of `factorpool factor --output FILE` in DIRECTORY that are not done.

    The same command goes on with one.

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
        where = f"line {line} of {inputs[file]}" if file < len(inputs) else "the end"
        click.echo(f"{path.with_suffix('')}: {known['mark']['size']} bytes, up to {where}, {ago:.0f} s ago")
    if not journals:
        click.echo("no job is under way here")
